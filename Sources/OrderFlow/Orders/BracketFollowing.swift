import BrokerContract
import StoreContract
import TradingModel

/// What becomes of a bracket's legs while it is not settled what became of their entry.
///
/// One request makes the entry and its legs, so what is known of the entry is known of them. A leg follows for as long as it is in
/// the state of its entry. From the first word about itself, or from the entry's acceptance on, it is an order of its own.
public enum BracketFollowing {
    /// States in which a leg has no evidence but its entry's.
    public static let states: Set<OrderState> = [.queued, .permitted, .unknown, .resolving, .parked, .absent]

    /// Where a leg goes when its entry goes from `before` to `after`; nil if it stays.
    public static func next(_ leg: OrderState, entryFrom before: OrderState, to after: OrderState) -> OrderState? {
        let isFollowing = leg == before && states.contains(leg)
        switch after {
        case .rejected:
            // Some venues take the request and refuse later: then there never was an entry to protect.
            return isFollowing || leg == .accepted ? .rejected : nil
        case .queued, .permitted:
            // Only the store's permit leads there, and it takes the legs along.
            return nil
        case .unknown, .resolving, .parked, .absent, .abandoned, .skipped, .blocked, .stale:
            return isFollowing && leg != after ? after : nil
        case .accepted, .partiallyFilled, .filled, .cancelPending, .replacePending, .cancelled, .expired:
            // Also behind an entry that ended without a fill: the venue is asked, and says that the leg is cancelled.
            return isFollowing ? .accepted : nil
        }
    }

    /// Whether something is known of this leg itself: then its request reached the venue, whatever is said about its entry.
    public static func isAtVenue(_ leg: OrderRecord) -> Bool {
        switch leg.state {
        case .accepted, .partiallyFilled, .cancelPending, .replacePending, .filled, .cancelled, .expired: true
        case .queued, .permitted, .unknown, .resolving, .parked, .absent, .rejected, .abandoned, .skipped, .blocked, .stale:
            leg.venueOrderID != nil
        }
    }

    /// Whether the entry has traded, its stop has ended without trading, and nothing of the bracket is left that would close the position.
    public static func hasLostProtection(_ entry: OrderSnapshot) -> Bool {
        let legs = entry.legs.map(\.order)
        return entry.order.filledQuantity > 0 && legs.contains { $0.bracketRole == .stopLoss }
            && legs.allSatisfy { $0.state.isTerminal && $0.filledQuantity.isZero }
    }

    /// The changes of the legs that belong to a change of their entry.
    static func changes(of entry: OrderSnapshot, with change: OrderChange, at now: Timestamp) -> [OrderChange] {
        entry.legs.compactMap { leg in
            var follow = OrderChange(order: leg.order)
            for attempt in change.attempts {
                guard var own = leg.attempts.first(where: { $0.number == attempt.number }), own.outcome == nil else { continue }
                own.outcome = attempt.outcome
                own.evidence = attempt.evidence
                own.endedAt = attempt.endedAt
                follow.attempts.append(own)
            }
            if let state = next(leg.order.state, entryFrom: entry.order.state, to: change.order.state), OrderStateMachine.allows(leg.order.state, to: state) {
                follow.order.state = state
                (follow.order.reason, follow.order.detail) = reason(state, change.order)
                follow.order.updatedAt = now
                follow.journal.append(OrderJournal.line(follow.order))
            }
            return follow.attempts.isEmpty && follow.journal.isEmpty ? nil : follow
        }
    }

    private static func reason(_ state: OrderState, _ entry: OrderRecord) -> (String?, String?) {
        if state == .accepted { return (nil, nil) }
        if state.isTerminal { return ("entry_ended", "its entry \(entry.id) ended \(entry.state.rawValue): \(entry.reason ?? "")") }
        return (entry.reason, "like its entry \(entry.id)")
    }
}
