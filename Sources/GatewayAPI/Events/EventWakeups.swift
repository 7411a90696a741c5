import Synchronization

/// Wakes the writer of one event stream: after commits, for a ping, and for the end.
///
/// Wake-ups that come while the writer works become one: it reads the journal to its end each time.
final class EventWakeups: Sendable {
    private struct State {
        var isPingDue = false
        var hasEnded = false
    }

    let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    private let state = Mutex(State())

    init() { (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    func signalCommit() { continuation.yield() }

    func signalPing() {
        state.withLock { $0.isPingDue = true }
        continuation.yield()
    }

    func end() {
        state.withLock { $0.hasEnded = true }
        continuation.finish()
    }

    /// Whether a ping is due; asking takes it.
    func takePing() -> Bool {
        state.withLock { state in
            defer { state.isPingDue = false }
            return state.isPingDue
        }
    }
}
