import BrokerContract
import OrderFlow
import StoreContract
import TradingModel

/// What a cancel does to an order that is looked after.
extension OrderTracker {
    /// The order is asked about at once, and looked after if it was not.
    func ask(_ id: OrderID) async {
        if watches[id] == nil, let order = try? await store.order(id)?.order, !order.state.isTerminal, watches[id] == nil {
            add(Watch(order, base: nil, now: clock.monotonic, firstCheckAfter: .zero))
        }
        watches[id]?.nextCheck = clock.monotonic
    }

    /// A reply told how the order stands. Its fills are asked for.
    func learn(_ id: OrderID, _ report: OrderReport) async { await found(id, report) }

    /// The order's cancel did not happen. Returns the record, or nil if it could not be stored: then the next answer about the order does it.
    func liveOn(_ id: OrderID, reason: String, detail: String, alert: AlertDraft? = nil) async -> OrderRecord? {
        let at = clock.wallTime
        guard await update(id, { Cancelling.notDone($0, reason: reason, detail: detail, alert: alert, at: at) }) else { return nil }
        return try? await store.order(id)?.order
    }
}
