import Logging
import PostgresKit
import StoreContract
import StoreKit
import Synchronization
import TradingModel

/// The one writer of this process: gathers waiting works and commits them together, with one sync of the server's disk.
///
/// Works that arrive while a batch commits form the next one. If a work fails, the batch is undone and repeated with a savepoint for
/// each work, so that the failure undoes only itself. Callers are answered after the COMMIT. If its answer is lost, the writer looks
/// for its last journal line, whose hash is unlike any other, and answers with what it finds.
final class GroupWriter: Sendable {
    private struct Work: Sendable {
        /// The signal that it will look for.
        let key: SignalKeyID?
        /// Runs in the transaction and returns how to answer once it is committed.
        let run: @Sendable (WriteTransaction) async throws -> @Sendable () -> Void
        let fail: @Sendable (StoreError) -> Void
    }
    private struct State {
        var waiting: [Work] = []
        var isClosed = false
    }
    private enum Outcome {
        /// Committed, or nothing to commit.
        case done([@Sendable () -> Void], last: Int64?)
        /// One of several works failed; nothing is stored.
        case workFailed
        /// Nothing is stored.
        case failed(any Error)
        /// The answer to the COMMIT was lost.
        case unknown([@Sendable () -> Void], JournalChain, hasLines: Bool, PostgresError)
    }

    /// Works that may wait; more are turned away, so that memory stays bounded and callers learn of the overload.
    static let capacity = 10_000
    static let largestBatch = 256
    /// Repeats of a batch that failed only because of others, or whose connection ended before its COMMIT was sent.
    private static let mostRepeats = 3
    /// How long to look for a commit whose answer was lost.
    private static let settleTime = Duration.seconds(5)

    private let pool: PostgresPool
    private let channel: String
    /// Names this store in what it tells others.
    private let name: String
    private let clock: any TradingClock
    private let logger: Logger
    private let committed: @Sendable (Int64) -> Void
    private let state = Mutex(State())
    private let wakeups: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - pool: Of one connection, this writer's own.
    ///   - committed: Called after each commit that wrote to the journal, with its last sequence.
    ///   - name: Told to listeners with each commit, so that they know their own.
    init(
        pool: PostgresPool, channel: String, name: String, clock: any TradingClock, logger: Logger,
        committed: @escaping @Sendable (Int64) -> Void
    ) {
        self.pool = pool
        self.channel = channel
        self.name = name
        self.clock = clock
        self.logger = logger
        self.committed = committed
        (wakeups, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Runs `body` in a transaction and returns when it is on the disk. `body` may run again if the batch has to be repeated.
    ///
    /// - Parameter key: The signal that `body` will look for, so that all signals of a batch are found in one round trip.
    func write<T: Sendable>(
        lookingFor key: SignalKeyID? = nil, _ body: @escaping @Sendable (WriteTransaction) async throws -> T
    ) async throws(StoreError) -> T {
        let result: Result<T, StoreError> = await withCheckedContinuation { continuation in
            enqueue(
                Work(
                    key: key,
                    run: { transaction in
                        let value = try await body(transaction)
                        return { continuation.resume(returning: .success(value)) }
                    },
                    fail: { continuation.resume(returning: .failure($0)) }))
        }
        return try result.get()
    }

    private func enqueue(_ work: Work) {
        let refusal: String? = state.withLock { state in
            if state.isClosed { return "closed" }
            if state.waiting.count >= Self.capacity { return "overloaded: \(Self.capacity) writes are waiting" }
            state.waiting.append(work)
            return nil
        }
        if let refusal { work.fail(.unavailable(refusal)) } else { wake.yield() }
    }

    /// Turns everything away from now on; ``run()`` ends when what waits is committed.
    func close() {
        state.withLock { $0.isClosed = true }
        wake.finish()
    }

    /// Commits until ``close()``. Nobody's cancellation reaches a batch.
    func run() async {
        for await _ in wakeups { await drain() }
        // A work may have come between the last word and the end.
        await drain()
    }

    private func drain() async {
        while true {
            let batch: [Work] = state.withLock { state in
                let batch = Array(state.waiting.prefix(Self.largestBatch))
                state.waiting.removeFirst(batch.count)
                return batch
            }
            guard !batch.isEmpty else { return }
            await commit(batch)
        }
    }

    private func commit(_ batch: [Work]) async {
        var hasSavepoints = false
        var repeats = 0
        while true {
            switch await attempt(batch, hasSavepoints: hasSavepoints) {
            case .done(let answers, let last):
                for answer in answers { answer() }
                if let last { committed(last) }
                return
            case .workFailed: hasSavepoints = true
            case .failed(let error):
                guard repeats < Self.mostRepeats, Self.mayRepeat(error) else {
                    logger.debug("a batch was not stored", metadata: ["works": "\(batch.count)", "error": "\(error)"])
                    for work in batch { work.fail(StoreError(storing: error)) }
                    return
                }
                repeats += 1
                try? await clock.sleep(for: .milliseconds(Int64.random(in: 1...(10 << repeats))))
            case .unknown(let answers, let chain, let hasLines, let error):
                logger.warning("the answer to a COMMIT was lost; looking for it", metadata: ["error": "\(error)"])
                let isStored = hasLines ? await isStored(chain) : nil
                guard isStored == true else {
                    let why = isStored == false ? "it was not committed" : "it is not known whether it was committed"
                    for work in batch { work.fail(.unavailable("\(error.message); \(why)")) }
                    return
                }
                for answer in answers { answer() }
                committed(chain.sequence)
                return
            }
        }
    }

    /// Whether the failure was others' doing and nothing was stored.
    private static func mayRepeat(_ error: any Error) -> Bool {
        guard let error = error as? PostgresError else { return false }
        return error.kind == .connectionLost || error.state?.isRepeatable == true
    }

    /// Whether a failure inside a transaction is of the work that ran, and not of the connection, the server or other transactions.
    private static func isOneWorks(_ error: any Error) -> Bool {
        guard let error = error as? PostgresError else { return true }
        guard let state = error.state else { return error.kind == .malformed }
        // 53: the server lacks disk, memory or connections.
        return !state.isRepeatable && state != .lockNotAvailable && !state.rawValue.hasPrefix("53")
    }

    private func attempt(_ batch: [Work], hasSavepoints: Bool) async -> Outcome {
        do throws(PostgresError) {
            return try await pool.withConnection { connection throws(PostgresError) in
                await self.attempt(batch, on: connection, hasSavepoints: hasSavepoints)
            }
        } catch { return .failed(error) }
    }

    private func attempt(_ batch: [Work], on connection: PostgresConnection, hasSavepoints: Bool) async -> Outcome {
        let transaction = WriteTransaction(on: connection)
        var answers: [@Sendable () -> Void] = []
        answers.reserveCapacity(batch.count)
        do {
            // Alone, each work looks by itself: a key that cannot be sent is then its own trouble.
            let keys = batch.count == 1 || hasSavepoints ? [] : Array(Set(batch.compactMap(\.key)))
            try await transaction.begin(lookingFor: keys)
            for work in batch {
                answers.append(hasSavepoints ? try await runAlone(work, in: transaction) : try await work.run(transaction))
            }
            try await transaction.finish(telling: name, on: channel)
        } catch {
            await transaction.rollback()
            // What is wrong with the connection, or was only in the way of others, is no work's fault.
            return batch.count > 1 && !hasSavepoints && Self.isOneWorks(error) ? .workFailed : .failed(error)
        }
        do throws(PostgresError) {
            try await transaction.commit()
            return .done(answers, last: transaction.hasLines ? transaction.journal.sequence : nil)
        } catch {
            guard error.kind == .outcomeUnknown else {
                await transaction.rollback()
                return .failed(error)
            }
            return .unknown(answers, transaction.journal, hasLines: transaction.hasLines, error)
        }
    }

    /// Runs a work so that its failure undoes only itself. Throws what is wrong with the connection.
    private func runAlone(_ work: Work, in transaction: WriteTransaction) async throws -> @Sendable () -> Void {
        let mark = try await transaction.savepoint()
        do {
            let answer = try await work.run(transaction)
            try await transaction.release()
            return answer
        } catch {
            guard Self.isOneWorks(error) else { throw error }
            try await transaction.undo(to: mark)
            let failure = StoreError(storing: error)
            return { work.fail(failure) }
        }
    }

    /// Looks for the last line that a transaction wrote. Nil if the server does not say in time.
    ///
    /// It first takes the writers' lock: then the transaction in question has ended, one way or the other.
    private func isStored(_ chain: JournalChain) async -> Bool? {
        let deadline = clock.monotonic + Self.settleTime
        while clock.monotonic < deadline {
            do throws(PostgresError) {
                return try await pool.withConnection { connection throws(PostgresError) in
                    let transaction = PostgresTransaction(on: connection)
                    let results: [PostgresResult]
                    do throws(PostgresError) {
                        results = try await transaction.ask([
                            PostgresStatement("SELECT epoch FROM meta WHERE id = 1 FOR UPDATE"),
                            PostgresStatement("SELECT hash FROM journal WHERE sequence = $1", [.integer(chain.sequence)]),
                        ])
                    } catch {
                        await transaction.rollback()
                        throw error
                    }
                    await transaction.rollback()
                    return results.last?.first?.optionalText(0) == StoredHash.hex(chain.hash)
                }
            } catch {
                if error.kind == .unsafeServer { return nil }
                do { try await clock.sleep(for: .milliseconds(200)) } catch { return nil }
            }
        }
        return nil
    }
}
