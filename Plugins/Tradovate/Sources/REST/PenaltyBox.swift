import Synchronization
import TradingModel

/// Penalties by endpoint: when the next request may go there, and the ticket that it must carry.
final class PenaltyBox: Sendable {
    struct Entry: Sendable, Hashable {
        /// Nil if no ticket helps, only waiting.
        let ticket: String?
        let until: MonotonicInstant
    }

    private let entries = Mutex<[String: Entry]>([:])

    func add(_ penalty: TradovateReply.Penalty, for path: String, now: MonotonicInstant, captchaPause: Duration) {
        let entry =
            penalty.needsCaptcha
            ? Entry(ticket: nil, until: now + captchaPause) : Entry(ticket: penalty.ticket, until: now + penalty.wait)
        entries.withLock { $0[path] = entry }
    }

    func entry(for path: String) -> Entry? { entries.withLock { $0[path] } }

    /// The ticket for a request that goes out now; it is used up by it.
    func takeTicket(for path: String) -> String? { entries.withLock { $0.removeValue(forKey: path) }?.ticket }
}
