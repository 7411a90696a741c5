import Synchronization

/// Whether an account has work that nobody of this gateway looks after, for the task that tries for its lease.
final class Demand: Sendable {
    private let state = Mutex(false)
    private let mailbox = Mailbox()

    var isSet: Bool { state.withLock { $0 } }

    func set(_ isWanted: Bool) {
        state.withLock { $0 = isWanted }
        if isWanted { mailbox.signal() }
    }

    /// Returns when there may be work, or at once when the task is cancelled. One waiter at a time.
    func wait() async { await mailbox.wait() }
}
