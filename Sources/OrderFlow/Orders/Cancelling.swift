import StoreContract
import TradingModel

/// What a wish to cancel means for an order, by the state in which it is when the wish is recorded.
public enum Cancelling {
    public enum Step: Sendable, Hashable {
        /// It has ended: nothing is left to cancel.
        case ended
        /// It was not sent, or provably did not arrive: it is taken back here, and the venue is not asked.
        case withdraw
        /// The venue is asked to cancel it.
        case ask
        /// It is not known what the venue has, or the order has no life of its own yet: to be wished for again later.
        case undecided
    }

    /// How long an order may stay open after its cancel was asked for before the cancel counts as not done.
    public static let patience = Duration.seconds(10)

    public static func step(_ order: OrderRecord) -> Step {
        switch order.state {
        case .queued, .absent: order.bracketRole == nil ? .withdraw : .undecided
        case .accepted, .partiallyFilled, .cancelPending: .ask
        case .permitted, .unknown, .resolving, .parked, .replacePending: .undecided
        case .filled, .cancelled, .expired, .rejected, .abandoned, .skipped, .blocked, .stale: .ended
        }
    }

    /// Records the wish; nil where it changes nothing. Runs in the store's transaction, so that no permit comes between.
    public static func wished(_ snapshot: OrderSnapshot, by who: String, at now: Timestamp) -> OrderChange? {
        switch step(snapshot.order) {
        case .withdraw:
            OrderReducer.move(
                snapshot, to: snapshot.order.state == .absent ? .abandoned : .skipped, reason: "cancelled", detail: "taken back before it was at the venue, by \(who)", at: now)
        case .ask: OrderReducer.move(snapshot, to: .cancelPending, reason: "cancel_requested", detail: "by \(who)", at: now)
        case .ended, .undecided: nil
        }
    }

    /// The order lives on: the venue refused the cancel, it was not sent, or the order was still open long after.
    public static func notDone(_ snapshot: OrderSnapshot, reason: String, detail: String, alert: AlertDraft? = nil, at now: Timestamp) -> OrderChange? {
        guard snapshot.order.state == .cancelPending else { return nil }
        return OrderReducer.move(
            snapshot, to: snapshot.order.filledQuantity > 0 ? .partiallyFilled : .accepted, reason: reason, detail: detail, alert: alert, at: now)
    }
}
