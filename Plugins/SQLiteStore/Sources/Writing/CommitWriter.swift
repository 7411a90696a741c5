import Dispatch
import GRDB
import StoreContract
import Synchronization

/// What a piece of work sees: the open transaction, and the journal and the statements that belong to it.
struct StoreTransaction {
    let db: Database
    let journal: JournalWriter
    let statements: AdmissionStatements

    init(_ db: Database) throws {
        self.db = db
        journal = try JournalWriter(db)
        statements = try AdmissionStatements(db)
    }
}

/// The one writer: gathers waiting works and commits them together, with one sync of the disk.
///
/// Works that arrive while a batch commits form the next one. If a work fails, the batch is undone and repeated with a savepoint for
/// each work, so that the failure undoes only itself: savepoints copy every page that they touch, and failures are rare. Callers are answered after the COMMIT, whatever their answer is, for a refusal may rest on a neighbour's change.
/// It runs on a queue of its own: it never blocks the cooperative pool, and nobody's cancellation reaches it.
final class CommitWriter: Sendable {
    private struct Work: Sendable {
        /// Runs in the transaction and returns how to answer once it is committed.
        let run: @Sendable (StoreTransaction) throws -> @Sendable () -> Void
        let fail: @Sendable (StoreError) -> Void
    }
    private struct State {
        var waiting: [Work] = []
        var isDraining = false
        var isClosed = false
    }
    /// The whole transaction was rolled back by SQLite while a work ran in it.
    private struct TransactionLost: Error { let cause: any Error }
    /// A work failed that had no savepoint.
    private struct WorkFailed: Error { let cause: any Error }

    /// Works that may wait; more are turned away, so that memory stays bounded and callers learn of the overload.
    static let capacity = 10_000
    /// Beyond this a larger batch gains nothing (TRIED.md) and only delays its first answers.
    static let largestBatch = 512

    private let pool: DatabasePool
    private let checkpointer: Checkpointer
    let queue = DispatchQueue(label: "turnstile.store.writer")
    private let state = Mutex(State())
    private let committed: @Sendable (Int64) -> Void

    /// - Parameter committed: Called after each commit that wrote to the journal, with its last sequence.
    init(pool: DatabasePool, checkpointer: Checkpointer? = nil, committed: @escaping @Sendable (Int64) -> Void) {
        self.pool = pool
        self.checkpointer = checkpointer ?? Checkpointer(path: pool.path)
        self.committed = committed
    }

    /// Runs `body` in a transaction and returns when it is on the disk. `body` may run again if the batch has to be repeated.
    func write<T: Sendable>(_ body: @escaping @Sendable (StoreTransaction) throws -> T) async throws(StoreError) -> T {
        let result: Result<T, StoreError> = await withCheckedContinuation { continuation in
            enqueue(
                Work(
                    run: { transaction in
                        let value = try body(transaction)
                        return { continuation.resume(returning: .success(value)) }
                    },
                    fail: { continuation.resume(returning: .failure($0)) }))
        }
        return try result.get()
    }

    /// Commits what waits, then turns everything away.
    func close() async {
        state.withLock { $0.isClosed = true }
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume() }
        }
        await checkpointer.settle()
    }

    private func enqueue(_ work: Work) {
        enum Entry { case refused(String), waits, first }
        let entry: Entry = state.withLock { state in
            if state.isClosed { return .refused("closed") }
            if state.waiting.count >= Self.capacity { return .refused("overloaded: \(Self.capacity) writes are waiting") }
            state.waiting.append(work)
            if state.isDraining { return .waits }
            state.isDraining = true
            return .first
        }
        switch entry {
        case .refused(let why): work.fail(.unavailable(why))
        case .waits: break
        case .first: queue.async { self.drain() }
        }
    }

    private func drain() {
        while true {
            let batch: [Work] = state.withLock { state in
                let batch = Array(state.waiting.prefix(Self.largestBatch))
                state.waiting.removeFirst(batch.count)
                if batch.isEmpty { state.isDraining = false }
                return batch
            }
            guard !batch.isEmpty else { return }
            commit(batch)
        }
    }

    private func commit(_ batch: [Work], hasSavepoints: Bool = false) {
        var answers: [@Sendable () -> Void] = []
        answers.reserveCapacity(batch.count)
        do {
            let (sequence, pages) = try pool.writeWithoutTransaction { db in
                var sequence: Int64?
                try db.inTransaction(.immediate) {
                    let transaction = try StoreTransaction(db)
                    let journal = transaction.journal
                    let before = journal.position.sequence
                    for work in batch { answers.append(try run(work, transaction, hasSavepoint: hasSavepoints)) }
                    if journal.position.sequence > before { sequence = journal.position.sequence }
                    return .commit
                }
                return (sequence, db.takeWrittenPages())
            }
            for answer in answers { answer() }
            if let sequence { committed(sequence) }
            // If it fails, the log only grows a little longer before it is tried again.
            if checkpointer.noteCommit(pages: pages) { _ = try? pool.writeWithoutTransaction { try $0.checkpoint(.passive) } }
        } catch is WorkFailed where batch.count > 1 {
            commit(batch, hasSavepoints: true)
        } catch {
            if batch.count > 1, Self.isOneWorksFault(error) {
                for work in batch { commit([work]) }
            } else {
                let cause = Self.cause(of: error)
                for work in batch { work.fail(StoreError(storing: cause)) }
            }
        }
    }

    private func run(_ work: Work, _ transaction: StoreTransaction, hasSavepoint: Bool) throws -> @Sendable () -> Void {
        let (db, journal) = (transaction.db, transaction.journal)
        guard hasSavepoint else {
            do {
                let answer = try work.run(transaction)
                // A work may swallow the error with which SQLite undid everything; then nothing after it may be written.
                guard db.isInsideTransaction else { throw StoreError.unavailable("SQLite rolled the transaction back") }
                return answer
            } catch { throw WorkFailed(cause: error) }
        }
        let mark = journal.position
        var answer: (@Sendable () -> Void)?
        do {
            // Not GRDB's own savepoints: they parse these statements anew for each work.
            try db.cachedStatement(sql: "SAVEPOINT work").execute()
            answer = try work.run(transaction)
            try db.cachedStatement(sql: "RELEASE SAVEPOINT work").execute()
        } catch {
            guard db.isInsideTransaction else { throw TransactionLost(cause: error) }
            do {
                try db.cachedStatement(sql: "ROLLBACK TRANSACTION TO SAVEPOINT work").execute()
                try db.cachedStatement(sql: "RELEASE SAVEPOINT work").execute()
            } catch { throw TransactionLost(cause: error) }
            journal.reset(to: mark)
            let failure = StoreError(storing: error)
            return { work.fail(failure) }
        }
        return answer ?? { work.fail(.unavailable("the work gave no answer")) }
    }

    private static func cause(of error: any Error) -> any Error {
        (error as? TransactionLost)?.cause ?? (error as? WorkFailed)?.cause ?? error
    }

    /// A constraint that fails at COMMIT or undoes the transaction is one work's doing: alone, the others succeed.
    /// A full disk or a busy database is everybody's.
    private static func isOneWorksFault(_ error: any Error) -> Bool {
        let cause = cause(of: error)
        if let error = cause as? DatabaseError {
            return error.resultCode == .SQLITE_CONSTRAINT || (error.resultCode == .SQLITE_ERROR)
        }
        return cause is StoreError
    }
}
