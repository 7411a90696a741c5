import AdapterKit
import Synchronization
import TradingModel

/// The venue's time as we know it, shared by everything that signs.
final class CoinbaseTime: Sendable {
    private struct State {
        var estimator = ClockOffsetEstimator()
        var isDoubted = false
        var measuredAt: MonotonicInstant?
    }

    private let state = Mutex(State())
    private let clock: any TradingClock

    init(clock: any TradingClock) { self.clock = clock }

    /// Nil until it was measured once.
    var now: Timestamp? { state.withLock { $0.estimator.venueTime(at: clock.monotonic) } }

    /// Venue clock minus our wall clock.
    var offset: Duration? { now.map { $0 - clock.wallTime } }

    func add(venueTime: Timestamp, sentAt: MonotonicInstant, receivedAt: MonotonicInstant) {
        state.withLock { state in
            if state.isDoubted { state.estimator.reset() }
            state.isDoubted = false
            state.measuredAt = receivedAt
            state.estimator.add(venueTime: venueTime, sentAt: sentAt, receivedAt: receivedAt)
        }
    }

    /// The venue refused a token that may have been made with a wrong clock: measure again, from nothing.
    func doubt() { state.withLock { $0.isDoubted = true } }

    func needsMeasuring(after age: Duration) -> Bool {
        state.withLock { state in
            state.isDoubted || state.measuredAt.map { clock.monotonic - $0 >= age } ?? true
        }
    }
}
