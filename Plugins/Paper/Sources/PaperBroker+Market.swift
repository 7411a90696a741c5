import BrokerContract
import SimulatorKit
import TradingModel

/// The other side of the account: what a venue's operator would see and do. For demonstrations and tests.
extension PaperBroker {
    /// Every order that was ever accepted, oldest first. Empty while the broker does not run.
    public func everyOrder() async throws(BrokerError) -> [SimulatedOrder] {
        guard await ledger.isOpen else { return [] }
        return try await ledger.read { core throws(BrokerError) in core.orders }
    }

    /// Fills a part of a resting order at its limit, whatever the price is.
    public func fill(_ id: ClientOrderID, quantity: Quantity) async throws(BrokerError) {
        let change = await ledger.change(within: nil) { core, now throws(ExchangeRefusal) in
            guard let order = core.order(id.rawValue, account: PaperLedger.account) else { throw .noSuchOpenOrder }
            return try core.fill(order.id, quantity: quantity, at: now)
        }
        try tellOrThrow(change)
    }

    /// Moves a price, as a market would; resting orders that it reaches trigger and fill.
    public func setPrice(_ price: Price, of symbol: Symbol) async throws(BrokerError) {
        try tellOrThrow(
            await ledger.change(within: nil) { core, now throws(ExchangeRefusal) in try core.setPrice(price, of: symbol, at: now) })
    }

    private func tellOrThrow(_ change: PaperLedger.Change) throws(BrokerError) {
        switch change {
        case .done(let events): tell(events)
        case .refused(let refusal): throw BrokerError(.rejected(refusal.reason), effect: .refused, "\(refusal)")
        case .windowClosed, .notOpen: throw BrokerError(.unavailable, effect: .notSent, "the paper broker is not running")
        case .journalFailed(let message): throw BrokerError(.unavailable, effect: .unknown, message)
        }
    }
}
