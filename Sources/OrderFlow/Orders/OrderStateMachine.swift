import TradingModel

/// The single table of allowed moves between order states. Whatever is not listed is refused, recorded and alerted.
public enum OrderStateMachine {
    /// Where an order may go from each state. Terminal states lead nowhere.
    public static let moves: [OrderState: Set<OrderState>] = [
        .queued: [.permitted, .skipped, .blocked, .stale],
        .permitted: [.accepted, .partiallyFilled, .filled, .cancelled, .expired, .rejected, .unknown, .absent],
        .unknown: [.resolving, .accepted, .partiallyFilled, .filled, .cancelled, .expired, .rejected, .absent, .parked],
        .resolving: [.accepted, .partiallyFilled, .filled, .cancelled, .expired, .rejected, .absent, .parked],
        .parked: [.accepted, .partiallyFilled, .filled, .cancelled, .expired, .rejected, .absent, .abandoned],
        // A late event is evidence, also after absence was concluded: the order then lives.
        .absent: [.permitted, .abandoned, .accepted, .partiallyFilled, .filled, .cancelled, .expired, .rejected],
        .accepted: [.partiallyFilled, .filled, .cancelPending, .replacePending, .cancelled, .expired, .rejected],
        .partiallyFilled: [.filled, .cancelPending, .replacePending, .cancelled, .expired],
        .cancelPending: [.accepted, .partiallyFilled, .filled, .cancelled, .expired, .rejected],
        .replacePending: [.accepted, .partiallyFilled, .filled, .cancelled, .expired, .rejected],
    ]

    /// Whether an order may move from `state` to `next`. Staying is always allowed.
    public static func allows(_ state: OrderState, to next: OrderState) -> Bool {
        state == next || moves[state]?.contains(next) == true
    }

    /// States in which it is not settled what the venue did, so that nothing may be built on the order.
    public static let unsettled: Set<OrderState> = [.permitted, .unknown, .resolving, .parked, .absent, .cancelPending, .replacePending]
}
