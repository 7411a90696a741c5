import OrderFlow
import StoreContract
import TradingModel

/// Orders that a person places by hand: a signal of the source ``source``, which goes the way of every other signal from there on.
public enum ManualOrders {
    /// No source or strategy of the configuration may have this name.
    public static let name = "manual"
    static let source = SourceID(name)
    /// Of an order that belongs to no strategy of the configuration.
    static let strategy = StrategyID(name)
    /// Waits no longer than this for its turn.
    static let maximumAge = Duration.seconds(60)

    static let settings = SourceSettings(id: source, rateLimit: nil, maxAge: maximumAge)

    /// Where the order goes: to the accounts of a strategy with its sizing and rules, to one of them, or to an account by itself, with
    /// the quantity as it is said and the account's own symbol.
    static func targets(strategy: String?, account: String?, symbol: String?, in settings: GatewaySettings) throws(PayloadProblem) -> [Strategy] {
        if let account, !settings.accounts.contains(where: { $0.id.rawValue == account }) {
            throw PayloadProblem("unknown_account", "there is no account \"\(account.prefix(64))\"", pointer: "/account", status: 422)
        }
        guard let strategy else {
            guard let account else {
                throw PayloadProblem("missing_field", "a manual order needs an account, a strategy, or both", pointer: "")
            }
            let id = AccountID(account)
            let own = symbol.map { [$0: [id: Symbol($0)]] } ?? [:]
            return [Strategy(id: Self.strategy, source: source, symbols: own, accounts: [.init(id: id, sizing: .multiply(1))], policy: OrderPolicy())]
        }
        guard let found = settings.strategies.first(where: { $0.id.rawValue == strategy }) else {
            throw PayloadProblem("unknown_strategy", "there is no strategy \"\(strategy.prefix(64))\"", pointer: "/strategy", status: 422)
        }
        let accounts = found.accounts.filter { account == nil || $0.id.rawValue == account }
        guard !accounts.isEmpty else {
            throw PayloadProblem("unknown_account", "the strategy \"\(strategy)\" does not trade at this account", pointer: "/account", status: 422)
        }
        return [Strategy(id: found.id, source: source, symbols: found.symbols, accounts: accounts, policy: found.policy, protection: found.protection)]
    }
}
