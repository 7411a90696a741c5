import Foundation
import StoreContract
import TradingModel

/// How large an order becomes at one account.
public enum Sizing: Sendable, Hashable {
    /// The signal's quantity times this factor.
    case multiply(Decimal)
    /// Always this quantity, whatever the signal says.
    case fixed(Quantity)
}

/// One strategy's part in the configuration: which source drives it, and where its orders go.
public struct Strategy: Sendable, Hashable {
    public struct Account: Sendable, Hashable {
        public let id: AccountID
        public let sizing: Sizing
        public init(id: AccountID, sizing: Sizing) {
            self.id = id
            self.sizing = sizing
        }
    }

    public let id: StrategyID
    public let source: SourceID
    /// From the signal's symbol to each account's own: `["BTCUSD": ["spot1": "BTCUSDT"]]`.
    public let symbols: [String: [AccountID: Symbol]]
    /// In the order of the configuration.
    public let accounts: [Account]
    public let policy: OrderPolicy

    public init(id: StrategyID, source: SourceID, symbols: [String: [AccountID: Symbol]], accounts: [Account], policy: OrderPolicy) {
        self.id = id
        self.source = source
        self.symbols = symbols
        self.accounts = accounts
        self.policy = policy
    }
}
