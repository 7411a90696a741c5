import Synchronization

/// Whether an account's picture may be incomplete, so that nothing is sent until a complete comparison with the venue.
///
/// What was missed while a connection was down is caught up by queries first: the account's orders, its fills, and what others did to it.
final class CatchUp: Sendable {
    private struct State {
        var reason: String?
        var demands = 0
    }
    private let state: Mutex<State>
    /// Wakes whoever does the comparison.
    let mailbox = Mailbox()

    static let atStart = "the account was not compared with its venue since the start"

    init() { state = Mutex(State(reason: Self.atStart, demands: 1)) }

    /// Why nothing may be sent; nil if nothing is missing.
    var reason: String? { state.withLock { $0.reason } }
    /// Tells a later demand from an earlier one.
    var demands: Int { state.withLock { $0.demands } }

    func demand(_ reason: String) {
        state.withLock { state in
            state.reason = reason
            state.demands += 1
        }
        mailbox.signal()
    }

    /// A comparison that began when there were so many demands is complete: it serves them all, and none that came later.
    func serve(_ demands: Int) {
        state.withLock { state in
            if state.demands == demands { state.reason = nil }
        }
    }
}
