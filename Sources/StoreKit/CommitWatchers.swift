import Synchronization

/// Those who wait for commits. Each has a stream that holds the latest sequence only.
public final class CommitWatchers: Sendable {
    private struct State {
        var nextID = 0
        var isFinished = false
        var latest: Int64
        var continuations: [Int: AsyncStream<Int64>.Continuation] = [:]
    }
    private let state: Mutex<State>

    /// - Parameter sequence: The last one that is stored already; nobody is told of it.
    public init(after sequence: Int64 = 0) { state = Mutex(State(latest: sequence)) }

    public func stream() -> AsyncStream<Int64> {
        let (stream, continuation) = AsyncStream.makeStream(of: Int64.self, bufferingPolicy: .bufferingNewest(1))
        let id: Int? = state.withLock { state in
            guard !state.isFinished else { return nil }
            state.nextID += 1
            state.continuations[state.nextID] = continuation
            return state.nextID
        }
        guard let id else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.continuations.removeValue(forKey: id) }
        }
        return stream
    }

    /// Tells a sequence, unless it or a later one was told before.
    public func tell(_ sequence: Int64) {
        let continuations: [AsyncStream<Int64>.Continuation] = state.withLock { state in
            guard sequence > state.latest else { return [] }
            state.latest = sequence
            return Array(state.continuations.values)
        }
        // Outside the lock: a continuation may call back when its stream ends.
        for continuation in continuations { continuation.yield(sequence) }
    }

    public func finish() {
        let continuations = state.withLock { state in
            state.isFinished = true
            return Array(state.continuations.values)
        }
        for continuation in continuations { continuation.finish() }
    }
}
