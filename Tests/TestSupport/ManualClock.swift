import Synchronization
import TradingModel

/// A clock that a test moves by hand. Both clocks move together; the wall clock can also be set on its own.
public final class ManualClock: TradingClock {
    private struct Sleeper {
        let deadline: MonotonicInstant
        let continuation: CheckedContinuation<Void, any Error>
    }
    private struct State {
        var wall: Timestamp
        var monotonic: MonotonicInstant
        var nextID = 0
        var sleepers: [Int: Sleeper] = [:]
        var cancelled: Set<Int> = []
    }
    private let state: Mutex<State>

    /// Starts at 2026-01-01T00:00:00Z, 1,000 s after the boot, unless told otherwise.
    public init(
        wallTime: Timestamp = Timestamp(microseconds: 1_767_225_600_000_000),
        monotonic: MonotonicInstant = MonotonicInstant(sinceBoot: .seconds(1000))
    ) {
        state = Mutex(State(wall: wallTime, monotonic: monotonic))
    }

    public var wallTime: Timestamp { state.withLock { $0.wall } }
    public var monotonic: MonotonicInstant { state.withLock { $0.monotonic } }
    /// How many tasks wait in ``sleep(for:)``.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// Moves both clocks and wakes whoever is due, the earliest deadline first.
    public func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.wall = state.wall + duration
            state.monotonic = state.monotonic + duration
            let now = state.monotonic
            let due = state.sleepers.filter { $0.value.deadline <= now }.sorted {
                ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key)
            }
            for (id, _) in due { state.sleepers[id] = nil }
            return due.map(\.value.continuation)
        }
        for continuation in due { continuation.resume() }
    }

    /// Sets the wall clock alone, as an operator or NTP would.
    public func setWallTime(_ time: Timestamp) { state.withLock { $0.wall = time } }

    public func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        guard duration > .zero else { return }
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isCancelled = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return true }
                    state.sleepers[id] = Sleeper(deadline: state.monotonic + duration, continuation: continuation)
                    return false
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                let sleeper = state.sleepers.removeValue(forKey: id)
                if sleeper == nil { state.cancelled.insert(id) }
                return sleeper
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }
}
