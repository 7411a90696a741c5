import CLibpq
import Dispatch
import Synchronization
import TradingModel

/// One connection to a server, on a queue of its own and always in pipeline mode.
///
/// Batches run one after the other in the order of their calls. A batch that was handed over runs to its end whatever becomes of its
/// caller, so that no answer is ever left unread; its longest time is bounded by the configuration's time-outs.
public actor PostgresConnection {
    private nonisolated let executor: QueueExecutor
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    nonisolated let wire: Wire
    private nonisolated let openness = Mutex(false)
    private let configuration: PostgresConfiguration
    private var active: Batch?
    private var waiting: [Batch] = []
    /// Names of statements that the server has prepared, by their text.
    private var prepared: [String: String] = [:]
    private var nextName = 0
    private var listener: AsyncStream<PostgresNotification>.Continuation?
    /// No answer is waited for beyond this instant, whatever the configuration allows.
    private var deadline: DispatchTime?
    /// Beyond this further statements are sent unprepared.
    private static let mostPrepared = 512
    /// How much later than the server's own limit an answer may come.
    private static let grace = Duration.seconds(5)

    private init(_ configuration: PostgresConfiguration) {
        executor = QueueExecutor(label: "turnstile.postgres")
        wire = Wire(queue: executor.queue)
        self.configuration = configuration
    }

    deinit { wire.closeFromAnywhere() }

    // MARK: Opening and closing

    /// Connects and sends the settings. Looks nothing up in the server's own settings; see ``ServerSafety``.
    ///
    /// - Parameter limit: Of this and of everything that follows on the connection, until it is given another one.
    public static func connect(
        _ configuration: PostgresConfiguration, within limit: Duration? = nil
    ) async throws(PostgresError) -> PostgresConnection {
        let connection = PostgresConnection(configuration)
        await connection.setLimit(limit ?? configuration.connectTimeout)
        try await connection.open()
        do {
            _ = try await connection.run(configuration.settings)
        } catch {
            await connection.close()
            throw error.kind == .outcomeUnknown ? PostgresError(.notConnected, error.message) : error
        }
        if limit == nil { await connection.setLimit(nil) }
        return connection
    }

    /// From now on no answer is waited for longer than this from now; nil: as long as the configuration allows. What has not come by
    /// then ends the connection.
    func setLimit(_ limit: Duration?) {
        deadline = limit.map { DispatchTime.now() + .milliseconds(Int($0.wholeMilliseconds)) }
    }

    /// False once the connection has ended. It never comes back.
    public nonisolated var isOpen: Bool { openness.withLock { $0 } }

    /// Whether no transaction is open.
    var isIdle: Bool { wire.handle.map { PQtransactionStatus($0) == PQTRANS_IDLE } ?? false }

    /// The process number that the server, or what stands in for it, gave at the log-in.
    var serverProcessID: Int { wire.handle.map { Int(PQbackendPID($0)) } ?? 0 }

    /// Whether TLS is in use.
    public var isEncrypted: Bool { wire.handle.map { PQsslInUse($0) != 0 } ?? false }

    public func close() { end("closed by us") }

    private func open() async throws(PostgresError) {
        let parameters = configuration.parameters
        // Looks up the server's name before it returns, which may take its time: on this connection's own thread.
        guard let handle = Self.start(parameters) else { throw PostgresError(.notConnected, "out of memory") }
        wire.adopt(handle)
        let latest = DispatchTime.now() + .milliseconds(Int(configuration.connectTimeout.wholeMilliseconds))
        let deadline = min(latest, deadline ?? latest)
        guard PQstatus(handle) != CONNECTION_BAD else { throw failedToOpen(handle) }
        var step = PGRES_POLLING_WRITING
        while step != PGRES_POLLING_OK {
            guard step != PGRES_POLLING_FAILED else { throw failedToOpen(handle) }
            let toWrite = step == PGRES_POLLING_WRITING
            let isReady = await withCheckedContinuation { continuation in
                wire.ready(toWrite: toWrite, until: deadline) { continuation.resume(returning: $0) }
            }
            guard isReady, wire.handle != nil else {
                wire.close()
                throw PostgresError(.notConnected, "the server did not answer in time")
            }
            step = PQconnectPoll(handle)
        }
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
        guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else { throw failedToOpen(handle) }
        let isWatched = wire.start(
            readable: { [weak self] in self?.assumeIsolated { $0.receive() } },
            writable: { [weak self] in self?.assumeIsolated { $0.flush() } })
        guard isWatched else {
            wire.close()
            throw PostgresError(.notConnected, "no file descriptor is left")
        }
        openness.withLock { $0 = true }
    }

    private func failedToOpen(_ handle: OpaquePointer) -> PostgresError {
        let message = trimmed(PQerrorMessage(handle))
        wire.close()
        return PostgresError(.notConnected, message)
    }

    private static func start(_ parameters: [(String, String)]) -> OpaquePointer? {
        guard let keys = ValueBuffer(parameters.map { .text($0.0) } + [.null]), let values = ValueBuffer(parameters.map { .text($0.1) } + [.null])
        else { return nil }
        return keys.withPointers { _, keys in values.withPointers { _, values in PQconnectStartParams(keys, values, 1) } }
    }

    // MARK: Running

    private struct Batch {
        let statements: [PostgresStatement]
        let continuation: CheckedContinuation<Result<[PostgresResult], PostgresError>, Never>
        /// What libpq will answer, in order: our statements and the preparations before them.
        var steps: [Step] = []
        var position = 0
        var results: [PostgresResult] = []
        var failure: PostgresError?
        /// Whether its end makes something last.
        var commits = false
        var alarm: DispatchWorkItem?
    }
    private enum Step { case prepare(sql: String), statement }

    /// Runs statements in one round trip and returns their results in order, or the first error; what follows an error does not run.
    ///
    /// Outside a transaction the batch is one of its own, which is committed at its end: then, and with COMMIT, a lost answer is
    /// `.outcomeUnknown`.
    public func run(_ statements: [PostgresStatement]) async throws(PostgresError) -> [PostgresResult] {
        let result = await withCheckedContinuation { continuation in
            waiting.append(Batch(statements: statements, continuation: continuation))
            startNext()
        }
        return try result.get()
    }

    private func startNext() {
        while active == nil, !waiting.isEmpty {
            var batch = waiting.removeFirst()
            guard let handle = wire.handle, isOpen else {
                batch.continuation.resume(returning: .failure(PostgresError(.connectionLost, "the connection had ended before")))
                continue
            }
            if let deadline, deadline <= .now() {
                batch.continuation.resume(returning: .failure(PostgresError(.poolTimedOut, "no time was left to ask")))
                continue
            }
            let buffers = batch.statements.map { ValueBuffer($0.values) }
            guard !buffers.contains(where: { $0 == nil }) else {
                batch.continuation.resume(returning: .failure(PostgresError(.refused(SQLState(rawValue: "22021")), "a text holds the character NUL")))
                continue
            }
            batch.commits = isIdle && batch.statements.first?.sql != PostgresStatement.begin.sql || batch.statements.contains { $0.isCommit }
            for (statement, buffer) in zip(batch.statements, buffers) {
                guard let buffer, send(statement, buffer, to: handle, &batch) else { break }
            }
            let isSent = PQpipelineSync(handle) == 1
            let limit = configuration.answerTimeout ?? configuration.statementTimeout * batch.statements.count.clamped(to: 1...4) + Self.grace
            let alarm = DispatchWorkItem { [weak self] in self?.assumeIsolated { $0.end("the answer did not come in time") } }
            let latest = DispatchTime.now() + .milliseconds(Int(limit.wholeMilliseconds))
            executor.queue.asyncAfter(deadline: min(latest, deadline ?? latest), execute: alarm)
            batch.alarm = alarm
            active = batch
            if isSent { flush() } else { end(trimmed(PQerrorMessage(handle))) }
        }
    }

    private func send(_ statement: PostgresStatement, _ buffer: ValueBuffer, to handle: OpaquePointer, _ batch: inout Batch) -> Bool {
        batch.steps.append(.statement)
        guard statement.isPrepared, prepared[statement.sql] != nil || prepared.count < Self.mostPrepared else {
            return buffer.withPointers { PQsendQueryParams(handle, statement.sql, $0, nil, $1, nil, nil, 0) } == 1
        }
        let name: String
        if let known = prepared[statement.sql] {
            name = known
        } else {
            nextName += 1
            name = "s\(nextName)"
            prepared[statement.sql] = name
            batch.steps.insert(.prepare(sql: statement.sql), at: batch.steps.count - 1)
            guard PQsendPrepare(handle, name, statement.sql, 0, nil) == 1 else { return false }
        }
        return buffer.withPointers { PQsendQueryPrepared(handle, name, $0, $1, nil, nil, 0) } == 1
    }

    private func flush() {
        guard let handle = wire.handle else { return }
        let state = PQflush(handle)
        // Without a socket libpq throws away what it is to send, and says that it was sent.
        guard PQsocket(handle) >= 0, PQstatus(handle) != CONNECTION_BAD else { return end(trimmed(PQerrorMessage(handle))) }
        switch state {
        case 0: wire.watchWriting(false)
        case 1: wire.watchWriting(true)
        default: end(trimmed(PQerrorMessage(handle)))
        }
    }

    private func receive() {
        guard let handle = wire.handle else { return }
        guard PQconsumeInput(handle) == 1 else { return end(trimmed(PQerrorMessage(handle))) }
        while let note = PQnotifies(handle) {
            listener?.yield(
                PostgresNotification(channel: String(cString: note.pointee.relname), payload: String(cString: note.pointee.extra)))
            PQfreemem(note)
        }
        while active != nil, PQisBusy(handle) == 0 {
            // Nil ends the results of one statement.
            guard let result = PQgetResult(handle) else {
                active?.position += 1
                guard let batch = active, batch.position <= batch.steps.count else { return end("more results than statements") }
                continue
            }
            take(result)
            guard PQstatus(handle) != CONNECTION_BAD else { return end(trimmed(PQerrorMessage(handle))) }
        }
        guard PQstatus(handle) != CONNECTION_BAD else { return end(trimmed(PQerrorMessage(handle))) }
        flush()
    }

    private func take(_ result: OpaquePointer) {
        guard let batch = active else { return PQclear(result) }
        let step = batch.position < batch.steps.count ? batch.steps[batch.position] : nil
        switch PQresultStatus(result) {
        case PGRES_PIPELINE_SYNC:
            PQclear(result)
            return finish()
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK:
            if case .statement = step { active?.results.append(PostgresResult(result)) } else { PQclear(result) }
            return
        case PGRES_PIPELINE_ABORTED: PQclear(result)
        default:
            let state = SQLState(rawValue: trimmed(PQresultErrorField(result, Int32(UInt8(ascii: "C")))))
            let message = trimmed(PQresultErrorField(result, Int32(UInt8(ascii: "M"))))
            if !state.rawValue.isEmpty, !state.endsConnection, active?.failure == nil {
                active?.failure = PostgresError(.refused(state), message.isEmpty ? trimmed(PQresultErrorMessage(result)) : message)
            }
            PQclear(result)
        }
        // What failed, or was not reached, is not prepared.
        if case .prepare(let sql) = step { prepared[sql] = nil }
    }

    private func finish() {
        guard let batch = active else { return }
        active = nil
        batch.alarm?.cancel()
        if let failure = batch.failure {
            batch.continuation.resume(returning: .failure(failure))
        } else if batch.results.count == batch.statements.count {
            batch.continuation.resume(returning: .success(batch.results))
        } else {
            batch.continuation.resume(returning: .failure(PostgresError(.malformed, "\(batch.results.count) results for \(batch.statements.count) statements")))
        }
        startNext()
    }

    /// Ends the connection and tells everybody who waits.
    private func end(_ reason: String) {
        let wasOpen = openness.withLock { isOpen in
            defer { isOpen = false }
            return isOpen
        }
        wire.close()
        listener?.finish()
        listener = nil
        guard wasOpen else { return }
        if let batch = active {
            active = nil
            batch.alarm?.cancel()
            // An error that came before the end tells that the transaction is undone.
            let error = batch.failure ?? PostgresError(batch.commits ? .outcomeUnknown : .connectionLost, reason)
            batch.continuation.resume(returning: .failure(error))
        }
        startNext()
    }

    // MARK: Listening

    /// What is told on `channel` from now on. One stream per connection; it holds the newest 256 and ends with the connection.
    public func listen(_ channel: String) async throws(PostgresError) -> AsyncStream<PostgresNotification> {
        let (stream, continuation) = AsyncStream.makeStream(of: PostgresNotification.self, bufferingPolicy: .bufferingNewest(256))
        listener?.finish()
        listener = continuation
        _ = try await run([PostgresStatement("LISTEN \"\(channel.replacing("\"", with: "\"\""))\"", isPrepared: false)])
        return stream
    }
}

extension Int {
    fileprivate func clamped(to range: ClosedRange<Int>) -> Int { Swift.min(Swift.max(self, range.lowerBound), range.upperBound) }
}
