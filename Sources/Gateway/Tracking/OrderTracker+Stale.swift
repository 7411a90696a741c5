import StoreContract
import TradingModel

/// Market orders that should have ended long ago: one alert for the account, with the list, that resolves itself.
extension OrderTracker {
    /// The list is looked at no more often than this.
    private static let pace = Duration.seconds(2)

    func isStale(_ watch: Watch) -> Bool {
        watch.order.type == .market && clock.monotonic - watch.startedAt > settings.tracking.staleMarketOrder
    }

    func lookForStale() async {
        let now = clock.monotonic
        guard staleLook.map({ now - $0 >= Self.pace }) ?? true else { return }
        staleLook = now
        // Without the figures that grow, so that the same list is told once.
        let list = watches.values.filter(isStale).sorted { $0.order.id < $1.order.id }.map { watch in
            "order \(watch.order.id) \(watch.firstState.rawValue) → \(watch.order.state.rawValue)"
        }
        guard list != toldStale else { return }
        toldStale = list
        let subject = "account:\(account)"
        guard !list.isEmpty else { return await alerts.resolve("stale_order", subject: subject) }
        let limit = settings.tracking.staleMarketOrder.components.seconds
        let shown = list.prefix(20).joined(separator: ", ") + (list.count > 20 ? ", and \(list.count - 20) more" : "")
        await alerts.raise(
            "stale_order", .medium, subject: subject, "\(account): market orders that have not ended after \(limit) s: \(shown)")
    }
}
