import Synchronization
import TradingModel

/// The venue's time as we know it, shared by everything of one connection that signs.
public final class VenueClock: Sendable {
    private struct State {
        var estimator = ClockOffsetEstimator()
        var isDoubted = false
        var measuredAt: MonotonicInstant?
    }

    private static let tolerableUncertainty = Duration.milliseconds(250)
    private static let shortestPeriod = Duration.seconds(1)

    private let state = Mutex(State())
    private let clock: any TradingClock

    public init(clock: any TradingClock) { self.clock = clock }

    /// Nil until it was measured once.
    public var now: Timestamp? { state.withLock { $0.estimator.venueTime(at: clock.monotonic) } }

    /// Venue clock minus our wall clock.
    public var offset: Duration? { now.map { $0 - clock.wallTime } }

    public func add(venueTime: Timestamp, sentAt: MonotonicInstant, receivedAt: MonotonicInstant) {
        state.withLock { state in
            if state.isDoubted { state.estimator.reset() }
            state.isDoubted = false
            state.measuredAt = receivedAt
            state.estimator.add(venueTime: venueTime, sentAt: sentAt, receivedAt: receivedAt)
        }
    }

    /// The venue refused something that a wrong time would explain: measure again, from nothing.
    public func doubt() { state.withLock { $0.isDoubted = true } }

    /// Whether the last measurement is older than `age`, is doubted, or was too slow to say much; the last not more than once a second.
    public func needsMeasuring(after age: Duration) -> Bool {
        state.withLock { state in
            guard let measuredAt = state.measuredAt, let uncertainty = state.estimator.uncertainty, !state.isDoubted else { return true }
            return clock.monotonic - measuredAt >= (uncertainty > Self.tolerableUncertainty ? min(age, Self.shortestPeriod) : age)
        }
    }
}
