import BrokerContract
import OrderFlow
import StoreContract
import TradingModel

/// What a change of an entry or a leg means for the others of its bracket.
extension OrderTracker {
    /// After a change of an entry or a leg: watches the legs that stand by themselves, and asks soon where one change means another.
    func lookAtBracket(of order: OrderRecord) async {
        guard let entry = try? await store.order(order.entryID ?? order.id) else { return }
        let standing = entry.legs.map(\.order).filter { !$0.state.isTerminal && !BracketFollowing.states.contains($0.state) }
        var base = watches[entry.order.id]?.base
        if base == nil, standing.contains(where: { watches[$0.id] == nil }) { base = (try? await broker.instrument(entry.order.symbol))?.base }
        let now = clock.monotonic
        for leg in standing {
            if watches[leg.id] == nil { add(Watch(leg, base: base, now: now, firstCheckAfter: settings.tracking.monitorInterval)) }
            // The end of the entry or of the other leg ends this one or sets it to work; the event that tells it may be lost.
            guard order.state.isTerminal, order.id != leg.id, let due = watches[leg.id]?.nextCheck else { continue }
            watches[leg.id]?.nextCheck = min(due, now + settings.tracking.immediateInterval)
        }
        if order.bracketRole != nil, order.state.isTerminal, BracketFollowing.hasLostProtection(entry), await !isLeaving(order.symbol) {
            await alerts.raise(
                "protection_lost", .critical, subject: "order:\(entry.order.id)",
                "\(account) \(entry.order.symbol): the legs ended without closing what order \(entry.order.id) opened; its position has no stop")
        }
        // A leg that the venue shows proves that the entry is there too.
        guard entry.legs.contains(where: { BracketFollowing.isAtVenue($0.order) }) else { return }
        switch entry.order.state {
        case .unknown, .resolving: watches[entry.order.id]?.nextCheck = now
        case .absent where watches[entry.order.id] == nil: add(Watch(entry.order, base: nil, now: now, firstCheckAfter: .zero))
        default: break
        }
    }

    /// An order is about to leave the position, for which its stop and target were cancelled.
    private func isLeaving(_ symbol: Symbol) async -> Bool {
        let open = (try? await store.openOrders(of: account)) ?? []
        return open.contains { $0.symbol == symbol && $0.reduceOnly && $0.bracketRole == nil && $0.kind != .delta }
    }

    /// How the venue is asked about the order; nil if the store cannot say now what the leg's entry is.
    func reference(to order: OrderRecord, venueOrderID: VenueOrderID?) async -> OrderReference? {
        guard let role = order.bracketRole, let entryID = order.entryID else {
            return OrderReference(symbol: order.symbol, clientOrderID: order.clientOrderID, venueOrderID: venueOrderID)
        }
        guard let entry = try? await store.order(entryID)?.order else { return nil }
        return OrderReference(
            symbol: order.symbol, clientOrderID: order.clientOrderID, venueOrderID: venueOrderID,
            leg: .init(role: role, entry: entry.clientOrderID, entryVenueOrderID: entry.venueOrderID))
    }
}
