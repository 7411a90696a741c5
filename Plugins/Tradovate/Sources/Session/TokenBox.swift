import Synchronization
import TradingModel

/// The token that everything of one session uses, and what is known about its health.
final class TokenBox: Sendable {
    private struct State {
        var token: Secret?
        var renewAt: MonotonicInstant?
        var endsAt: MonotonicInstant?
        var isDoubted = false
    }

    private let state = Mutex(State())

    /// Nil while there is none that could work.
    var current: Secret? { state.withLock { $0.token } }

    /// - Parameter life: What is left of it.
    func set(_ token: Secret, life: Duration, now: MonotonicInstant) {
        // A quarter of an hour before the end, as the venue recommends; of a short life the last quarter.
        let margin = min(.seconds(900), life / 4)
        state.withLock { state in
            state = State(token: token, renewAt: now + life - margin, endsAt: now + life)
        }
    }

    /// The venue did not take the token, which may also mean that the request itself was not allowed.
    func doubt() { state.withLock { $0.isDoubted = true } }

    /// The session is gone.
    func drop() { state.withLock { $0 = State() } }

    var isDoubted: Bool { state.withLock { $0.isDoubted } }

    /// Whether the end is near enough to renew.
    func isDue(at now: MonotonicInstant) -> Bool { state.withLock { state in state.renewAt.map { now >= $0 } ?? false } }

    func settleDoubt() { state.withLock { $0.isDoubted = false } }

    /// Whether renewing is too late.
    func hasEnded(at now: MonotonicInstant) -> Bool { state.withLock { state in state.endsAt.map { now >= $0 } ?? true } }
}
