import BrokerContract
import StoreContract
import TradingModel

/// What to do next about an order whose outcome is not known, by the venue's declared semantics and nothing else.
///
/// Absence may be concluded only after the time at which our bytes can no longer surface (`safeFrom`), from two complete negative
/// answers at least ``answerSpacing`` apart. Until then: ask again. Never: time alone.
public struct Resolution: Sendable {
    /// The least time between two negative answers that count.
    public static let answerSpacing = Duration.seconds(5)
    /// How far the venue's clock may be off, beyond the measured offset.
    public static let clockBound = Duration.seconds(1)
    /// After this long without proof a person must decide.
    public static let patience = Duration.seconds(600)
    /// Waits between queries.
    public static let schedule: [Duration] = [
        .zero, .milliseconds(250), .milliseconds(500), .seconds(1), .seconds(2), .seconds(4), .seconds(8),
    ]

    public enum Step: Sendable, Hashable {
        /// Ask again after this time.
        case ask(after: Duration)
        /// It is proven that the order never reached the market.
        case absent(mayResend: Bool)
        case park(reason: String)
    }

    private let semantics: VenueSemantics
    private let safeFrom: MonotonicInstant

    /// All times are the boot clock's: a wall clock that is set must neither end the quarantine nor prolong it.
    ///
    /// - Parameters:
    ///   - lastByteBy: The end of the send window of the attempt in doubt. If the attempt is from another boot, a moment after which
    ///     its machine is known to have been up again.
    ///   - holderIsDead: The process that had the permit is proven to be gone, so that it cannot wake up and send.
    ///   - pauseMargin: How long a paused sender is reckoned with otherwise.
    public init(semantics: VenueSemantics, lastByteBy: MonotonicInstant, holderIsDead: Bool, pauseMargin: Duration) {
        self.semantics = semantics
        switch semantics.requestExpiry {
        case .enforced(let after):
            // The request carries its own time, at the latest the end of the window: a sender that wakes later sends what the venue refuses.
            safeFrom = lastByteBy + after + Self.clockBound + semantics.visibilityHorizon
        case .none:
            safeFrom = lastByteBy + (holderIsDead ? .zero : pauseMargin) + semantics.visibilityHorizon
        }
    }

    /// - Parameters:
    ///   - asked: Queries so far.
    ///   - negatives: When the questions were asked that got a complete negative answer, oldest first; any other answer clears the list.
    ///   - since: When asking began.
    public func next(order: OrderRecord, asked: Int, negatives: [MonotonicInstant], since: MonotonicInstant, now: MonotonicInstant) -> Step {
        let counted = negatives.filter { $0 >= safeFrom }
        if let first = counted.first, let last = counted.last, last - first >= Self.answerSpacing { return conclusion(order) }
        if now - since > Self.patience { return .park(reason: "no proof within \(Self.patience.components.seconds) s") }
        guard canProveAbsence else {
            return now >= safeFrom && asked >= Self.schedule.count
                ? .park(reason: "the venue's queries cannot prove that the order does not exist") : .ask(after: wait(asked))
        }
        // Once an answer would count, ask exactly when it does.
        if now < safeFrom, asked >= Self.schedule.count { return .ask(after: min(wait(asked), safeFrom - now)) }
        if let first = counted.first { return .ask(after: max(.milliseconds(100), min(Self.answerSpacing, first + Self.answerSpacing - now))) }
        return .ask(after: wait(asked))
    }

    private func wait(_ asked: Int) -> Duration { Self.schedule[min(asked, Self.schedule.count - 1)] }

    private var canProveAbsence: Bool {
        if case .openAndClosed = semantics.lookup { true } else { false }
    }

    private func conclusion(_ order: OrderRecord) -> Step {
        switch semantics.deduplication {
        case .forever, .window: return .absent(mayResend: true)
        case .amongOpen:
            if case .enforced = semantics.requestExpiry { return .absent(mayResend: true) }
            return order.type == .limit ? .absent(mayResend: true) : .park(reason: "absent by all answers, but a market order is not resent at this venue without a person")
        case .none: return .park(reason: "absent by all answers, but the venue would execute a resend twice")
        }
    }
}
