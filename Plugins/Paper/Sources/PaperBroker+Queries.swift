import BrokerContract
import ExchangeContract
import SimulatorKit
import TradingModel

extension PaperBroker {
    public func lookup(_ order: OrderReference) async -> LookupResult {
        do throws(BrokerError) {
            let found = try await ledger.read { core throws(BrokerError) in
                core.order(order.clientOrderID.rawValue, account: PaperLedger.account)
            }
            guard let found, found.symbol == order.symbol else { return .notFound(complete: true, Evidence(mayHaveLeft: true)) }
            return .found(found.report)
        } catch {
            return .indeterminate(.connectionLost, Evidence(mayHaveLeft: false, message: error.message))
        }
    }

    public func openOrders() async throws(BrokerError) -> [OrderReport] {
        try await ledger.read { core throws(BrokerError) in core.openOrders(account: PaperLedger.account).map(\.report) }
    }

    public func orderHistory(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [OrderReport] {
        try await ledger.read { core throws(BrokerError) in
            core.orders.filter { $0.symbol == symbol && $0.acceptedAt >= since }.map(\.report)
        }
    }

    public func fills(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [Fill] {
        try await ledger.read { core throws(BrokerError) in
            core.trades.filter { $0.symbol == symbol && $0.executedAt >= since }.map(\.fill)
        }
    }

    public func fills(of order: OrderReference) async throws(BrokerError) -> [Fill] {
        try await ledger.read { core throws(BrokerError) in
            guard let found = core.order(order.clientOrderID.rawValue, account: PaperLedger.account), found.symbol == order.symbol else {
                throw BrokerError(.notFound, effect: .refused, "no order \(order.clientOrderID)")
            }
            return core.trades(of: found.id).map(\.fill)
        }
    }

    public func positions() async throws(BrokerError) -> [Position] {
        throw BrokerError(.unsupported, effect: .notSent, "a spot account has balances, not positions")
    }

    public func balances() async throws(BrokerError) -> [Balance] {
        try await ledger.read { core throws(BrokerError) in
            core.balances(of: PaperLedger.account).filter { !$0.free.isZero || !$0.locked.isZero }
                .map { Balance(asset: $0.asset, available: $0.free, locked: $0.locked) }
        }
    }
}
