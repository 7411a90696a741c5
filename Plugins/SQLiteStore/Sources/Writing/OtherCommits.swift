import Dispatch
import GRDB
import StoreKit
import Synchronization

/// Notices commits of other processes on the same file. SQLite tells nobody, but it counts: `data_version` of a connection changes
/// with every commit that was not its own. Source: SQLite, "PRAGMA data_version".
final class OtherCommits: Sendable {
    private static let interval = DispatchTimeInterval.milliseconds(100)

    private let pool: DatabasePool
    private let queue: DispatchQueue
    private let watchers = CommitWatchers()
    private struct State {
        var timer: (any DispatchSourceTimer)?
        var version: Int64?
        var isFinished = false
    }
    private let state = Mutex(State())

    /// - Parameter queue: The writer's own, so that the question never waits for a commit of ours.
    init(pool: DatabasePool, queue: DispatchQueue) {
        self.pool = pool
        self.queue = queue
    }

    /// The first caller starts the watch, which goes on until ``finish()``.
    func stream() -> AsyncStream<Void> {
        state.withLock { state in
            guard state.timer == nil, !state.isFinished else { return }
            let timer = DispatchSource.makeTimerSource(queue: queue)
            timer.schedule(deadline: .now(), repeating: Self.interval, leeway: .milliseconds(10))
            timer.setEventHandler { [weak self] in self?.look() }
            state.timer = timer
            timer.activate()
        }
        var versions = watchers.stream().makeAsyncIterator()
        return AsyncStream { await versions.next().map { _ in () } }
    }

    private func look() {
        // The writer's connection: commits of this process are its own and do not count.
        guard let version = try? pool.writeWithoutTransaction({ try Int64.fetchOne($0, sql: "PRAGMA data_version") }) else { return }
        let isNews = state.withLock { state in
            defer { state.version = version }
            // Before the first look others may have committed: it tells too.
            return state.version != version && !state.isFinished
        }
        if isNews { watchers.tell(version) }
    }

    func finish() {
        state.withLock { state in
            state.isFinished = true
            state.timer?.cancel()
            state.timer = nil
        }
        watchers.finish()
    }
}
