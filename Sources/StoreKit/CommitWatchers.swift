import Synchronization

/// Those who wait for commits of this process. Each has a stream that holds the latest sequence only.
public typealias CommitWatchers = Watchers<Int64>

/// Those who wait for word of commits. Each has a stream that holds the latest word only.
public final class Watchers<Word: Sendable>: Sendable {
    private struct State {
        var nextID = 0
        var isFinished = false
        var continuations: [Int: AsyncStream<Word>.Continuation] = [:]
    }
    private let state = Mutex(State())

    public init() {}

    public func stream() -> AsyncStream<Word> {
        let (stream, continuation) = AsyncStream.makeStream(of: Word.self, bufferingPolicy: .bufferingNewest(1))
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

    public func tell(_ word: Word) {
        // Outside the lock: a continuation may call back when its stream ends.
        for continuation in state.withLock({ Array($0.continuations.values) }) { continuation.yield(word) }
    }

    public func finish() {
        let continuations = state.withLock { state in
            state.isFinished = true
            return Array(state.continuations.values)
        }
        for continuation in continuations { continuation.finish() }
    }
}
