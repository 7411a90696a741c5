import Dispatch
import GRDB
import GRDBSQLite
import Synchronization

/// Folds the write-ahead log into the file beside the writer.
///
/// Left alone, SQLite does it within the COMMIT that makes the log too long: thousands of pages, while every caller waits. Here a
/// second connection does nearly all of it while the writer goes on, and the writer does the short rest, without which the log would
/// never begin anew. If this cannot keep up or fails, SQLite's own limit (``largestLog``) still holds.
final class Checkpointer: Sendable {
    /// Pages in the log at which folding begins: 64 MiB. Keys are spread, so a longer log writes each page to the file less often.
    static let pagesBeforeFolding = 16_000
    /// Pages in the log at which SQLite folds within the COMMIT: 128 MiB. Also what a start after a crash reads at most.
    static let largestLog = 32_000
    /// So few pages are left to the writer.
    private static let pagesForWriter = 400
    /// Each round folds what was written during the one before; they get shorter.
    private static let largestRounds = 5

    private enum Phase { case idle, folding, folded }
    private struct State {
        var pages = 0
        var phase = Phase.idle
    }

    private let path: String
    private let pagesBeforeFolding: Int
    private let queue = DispatchQueue(label: "turnstile.store.checkpoints")
    private let state = Mutex(State())

    init(path: String, pagesBeforeFolding: Int = Checkpointer.pagesBeforeFolding) {
        self.path = path
        self.pagesBeforeFolding = pagesBeforeFolding
    }

    /// Told after each commit how many pages it wrote. True if the writer is to fold the rest now.
    func noteCommit(pages: Int) -> Bool {
        enum Step { case none, start, finish }
        let step: Step = state.withLock { state in
            state.pages += pages
            switch state.phase {
            case .idle where state.pages >= pagesBeforeFolding:
                state.phase = .folding
                return .start
            case .folded:
                state = State()
                return .finish
            case .idle, .folding: return .none
            }
        }
        if step == .start { queue.async { self.fold() } }
        return step == .finish
    }

    /// Returns when nothing is being folded any more.
    func settle() async {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume() }
        }
    }

    private func fold() {
        defer { state.withLock { $0.phase = .folded } }
        // A connection for each time: it is used seldom. An error ends this attempt only; the next commits try again.
        guard let database = try? DatabaseQueue(path: path) else { return }
        defer { try? database.close() }
        for _ in 0..<Self.largestRounds {
            let before = state.withLock { $0.pages }
            do {
                try database.writeWithoutTransaction { db in
                    try db.execute(sql: "PRAGMA synchronous = FULL")
                    _ = try db.checkpoint(.passive)
                }
            } catch { return }
            if state.withLock({ $0.pages }) - before <= Self.pagesForWriter { return }
        }
    }
}

extension Database {
    /// Pages that this connection wrote since the last call.
    func takeWrittenPages() -> Int {
        var pages: CInt = 0
        var highest: CInt = 0
        guard sqlite3_db_status(sqliteConnection, SQLITE_DBSTATUS_CACHE_WRITE, &pages, &highest, 1) == SQLITE_OK else { return 0 }
        return Int(pages)
    }
}
