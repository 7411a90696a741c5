import Foundation
import LockContract
import PostgresKit
import StoreContract
import StoreKit
import Synchronization
import TradingModel

/// ``OrderStore`` on a Postgres server: one writer with group commit in each process, readers beside it that see only what is committed.
///
/// What a transaction does is in `Operations/`; the rules that must hold whoever writes are in the tables themselves.
final class PostgresOrderStore: OrderStore {
    private let readers: PostgresPool
    private let writerPool: PostgresPool
    private let writer: GroupWriter
    private let watchers: CommitWatchers
    private let others: Watchers<Void>
    private let writing: Task<Void, Never>
    private let listening: Task<Void, Never>
    private let isClosed = Mutex(false)

    static func open(_ configuration: PostgresStorePlugin.Configuration, context: StoreContext) async throws -> PostgresOrderStore {
        let server = PostgresConfiguration(
            url: configuration.url, connectTimeout: configuration.connectTimeout, statementTimeout: configuration.statementTimeout,
            answerTimeout: configuration.statementTimeout + .seconds(1), schema: configuration.schema, prefersIndexes: true)
        let opened = try await StoreServer.open(server, schema: configuration.schema, clock: context.clock, logger: context.logger)
        let store = PostgresOrderStore(server, opened, configuration, context)
        if opened.hasMoved {
            do {
                let alert = AlertDraft(
                    type: "store_moved", severity: .critical, subject: "store",
                    message: "the order store is on another server or timeline than before (\(opened.identity)): commits may be missing. "
                        + "Compare with the venues before trading")
                try await store.raise(alert, at: context.clock.wallTime)
            } catch {
                await store.close()
                throw error
            }
        }
        return store
    }

    private init(
        _ server: PostgresConfiguration, _ opened: StoreServer, _ configuration: PostgresStorePlugin.Configuration, _ context: StoreContext
    ) {
        let identity = opened.identity
        // A server that changed while we ran is for people to look at: a restart compares and raises the epoch.
        let admit: @Sendable (PostgresConnection) async throws(PostgresError) -> Void = { connection throws(PostgresError) in
            let found = try await ServerSafety.check(connection)
            guard found == identity else { throw PostgresError(.unsafeServer, "it was \(identity), now it is \(found)") }
        }
        var single = configuration.pool
        single.size = 1
        readers = PostgresPool(server, name: "store.readers", options: configuration.pool, clock: context.clock, admit: admit)
        writerPool = PostgresPool(server, name: "store.writer", options: single, clock: context.clock, admit: admit)
        let (watchers, others) = (CommitWatchers(), Watchers<Void>())
        self.watchers = watchers
        self.others = others
        let channel = "turnstile_\(configuration.schema)"
        let name = UUID().uuidString
        let writer = GroupWriter(pool: writerPool, channel: channel, name: name, clock: context.clock, logger: context.logger) { watchers.tell($0) }
        self.writer = writer
        let listener = CommitListener(
            configuration: server, channel: channel, name: name, identity: identity, clock: context.clock, logger: context.logger
        ) { others.tell(()) }
        // Both are ended and awaited by ``close()``.
        writing = Task { await writer.run() }
        listening = Task { await listener.run() }
    }

    var pools: [PoolGauges] { [readers.gauges, writerPool.gauges] }

    // MARK: Writing

    func admit(_ admission: Admission) async throws(StoreError) -> AdmissionResult {
        try await writer.write(lookingFor: SignalKeyID(admission.signal)) { try await $0.admit(admission) }
    }

    func recall(_ signal: SignalRecord, window: Duration) async throws(StoreError) -> AdmissionResult? {
        try await writer.write(lookingFor: SignalKeyID(signal)) { try await $0.recall(signal, window: window) }
    }

    func openTenure(_ request: TenureRequest) async throws(StoreError) -> (tenure: Tenure, unclosedPredecessor: Tenure?) {
        try await writer.write { try await $0.openTenure(request) }
    }

    func closeTenure(_ tenure: Tenure, at: Timestamp) async throws(StoreError) {
        try await writer.write { try await $0.closeTenure(tenure, at: at) }
    }

    func permit(
        _ request: PermitRequest, deciding decide: @escaping @Sendable (PermitFacts) -> PermitVerdict
    ) async throws(StoreError) -> PermitResult {
        try await writer.write { try await $0.permit(request, deciding: decide) }
    }

    @discardableResult
    func update(
        _ order: OrderID, under tenure: Tenure, at: Timestamp, reducing reduce: @escaping @Sendable (OrderSnapshot) -> OrderChange?
    ) async throws(StoreError) -> OrderRecord {
        try await writer.write { try await $0.update(order, under: tenure, at: at, reducing: reduce) }
    }

    func append(_ drafts: [JournalDraft], at: Timestamp) async throws(StoreError) {
        try await writer.write { transaction in
            for draft in drafts { try await transaction.note(draft, at: at) }
        }
    }

    func raise(_ alert: AlertDraft, at: Timestamp) async throws(StoreError) {
        try await writer.write { try await $0.raise(alert, at: at) }
    }

    func resolveAlert(type: String, subject: String, at: Timestamp) async throws(StoreError) {
        try await writer.write { try await $0.resolveAlert(type: type, subject: subject, at: at) }
    }

    func checkHealth(at: Timestamp) async throws(StoreError) {
        try await writer.write { transaction in
            try await transaction.write("UPDATE meta SET checked_at = $1", rows: 1) { $0.add(at) }
        }
    }

    // MARK: Several gateways

    let capabilities = StoreCapabilities(
        isShared: true, mayMissOthers: true,
        notice: "Postgres: several gateways may share it; a commit is on the server's disk (fsync and synchronous_commit are on)")

    func claim(of accounts: [AccountID], limit: Int) async throws(StoreError) -> [OrderRecord] {
        let results = try await read(QueueQuestions.claim(of: accounts, limit: Self.rows(limit)))
        return try decoding { try results[1].rows.map { try OrderRecord(row: $0) } }
    }

    func queues() async throws(StoreError) -> [AccountQueue] {
        let results = try await read([QueueQuestions.queues])
        return try decoding { try results[0].rows.map { try AccountQueue(row: $0) } }
    }

    func commitsOfOthers() -> AsyncStream<Void> { others.stream() }

    // Beside the writer: a gateway that waits for its turn to write is not dead. Both may be repeated.

    func heartbeat(_ worker: WorkerRecord) async throws(StoreError) { _ = try await read([WorkerQuestions.hear(worker)]) }

    func stopWorker(_ holder: HolderIdentity, at: Timestamp) async throws(StoreError) {
        _ = try await read([WorkerQuestions.stop(holder, at: at)])
    }

    func workers() async throws(StoreError) -> [WorkerRecord] {
        let results = try await read([WorkerQuestions.known])
        return try decoding { try results[0].rows.map { try WorkerRecord(row: $0) } }
    }

    // MARK: Dead letters

    func countCrash(of predecessor: Tenure, under tenure: Tenure, limit: Int, at: Timestamp) async throws(StoreError) -> [DeadLetter] {
        try await writer.write { try await $0.countCrash(of: predecessor, under: tenure, limit: limit, at: at) }
    }

    func deadLetters() async throws(StoreError) -> [DeadLetter] {
        let results = try await read([DeadLetterQuestions.all])
        return try decoding { try DeadLetterQuestions.letters(results[0]) }
    }

    func decide(
        _ order: OrderID, _ decision: DeadLetterDecision, by actor: String, reason: String, at: Timestamp
    ) async throws(StoreError) -> OrderRecord {
        try await writer.write { try await $0.decide(order, decision, by: actor, reason: reason, at: at) }
    }

    // MARK: Orders

    func openOrders(of account: AccountID) async throws(StoreError) -> [OrderRecord] {
        try await orders(where: "is_open AND account = $1 ORDER BY sequence", [.text(account.rawValue)])
    }

    func order(_ id: OrderID) async throws(StoreError) -> OrderSnapshot? {
        // One view of all tables, or a change that commits between two questions would be seen by half.
        let questions = OrderQuestions.all(id, isLocked: false)
        let results = try await read(
            [PostgresStatement("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", isPrepared: false)] + questions
                + [PostgresStatement("COMMIT", isPrepared: false)])
        return try decoding { try OrderQuestions.snapshot(results[1...questions.count]) }
    }

    func order(account: AccountID, clientOrderID: ClientOrderID) async throws(StoreError) -> OrderRecord? {
        try await orders(where: "account = $1 AND client_order_id = $2", [.text(account.rawValue), .text(clientOrderID.rawValue)]).first
    }

    func order(account: AccountID, symbol: Symbol, venueOrderID: VenueOrderID) async throws(StoreError) -> OrderRecord? {
        try await orders(
            where: "account = $1 AND symbol = $2 AND venue_order_id = $3 ORDER BY sequence DESC LIMIT 1",
            [.text(account.rawValue), .text(symbol.rawValue), .text(venueOrderID.rawValue)]
        ).first
    }

    func orders(_ query: OrderQuery) async throws(StoreError) -> [OrderRecord] {
        var conditions = ["TRUE"]
        var values: [PostgresValue] = []
        func require(_ condition: String, _ value: PostgresValue) {
            values.append(value)
            conditions.append(condition.replacing("?", with: "$\(values.count)"))
        }
        if let account = query.account { require("account = ?", .text(account.rawValue)) }
        if let strategy = query.strategy { require("strategy = ?", .text(strategy.rawValue)) }
        if let signal = query.signalID { require("signal_id = ?", .text(signal.rawValue)) }
        if let id = query.venueOrderID { require("venue_order_id = ?", .text(id.rawValue)) }
        if let before = query.before { require("sequence < (SELECT sequence FROM orders WHERE id = ?)", .text(before.rawValue)) }
        if let states = query.states {
            // With this the index of open orders serves.
            if states.allSatisfy({ !$0.isTerminal }) { conditions.append("is_open") }
            require("state = ANY (?::text[])", .text("{\(states.map(\.rawValue).sorted().joined(separator: ","))}"))
        }
        values.append(Self.rows(query.limit))
        return try await orders(where: conditions.joined(separator: " AND ") + " ORDER BY sequence DESC LIMIT $\(values.count)", values)
    }

    func accountsWithOpenOrders() async throws(StoreError) -> [AccountID] {
        let result = try await read("SELECT DISTINCT account COLLATE \"C\" FROM orders WHERE is_open ORDER BY 1")
        return try decoding { try result.rows.map { AccountID(try $0.text(0)) } }
    }

    // MARK: Signals, positions

    func signal(_ id: SignalID) async throws(StoreError) -> SignalRecord? {
        try await signals(where: "id = $1", [.text(id.rawValue)]).first
    }

    func signals(before: SignalID?, limit: Int) async throws(StoreError) -> [SignalRecord] {
        guard let before else { return try await signals(where: "TRUE ORDER BY sequence DESC LIMIT $1", [Self.rows(limit)]) }
        return try await signals(
            where: "sequence < (SELECT sequence FROM signals WHERE id = $1) ORDER BY sequence DESC LIMIT $2",
            [.text(before.rawValue), Self.rows(limit)])
    }

    func positions(account: AccountID?) async throws(StoreError) -> [PositionRecord] {
        let result = try await read(
            "SELECT \(PositionRecord.columns.list) FROM positions WHERE $1::text IS NULL OR account = $1 ORDER BY account COLLATE \"C\", symbol COLLATE \"C\"",
            [PostgresValue(account?.rawValue)])
        return try decoding { try result.rows.map { try PositionRecord(row: $0) } }
    }

    // MARK: Episodes and protection

    func episodes(account: AccountID?, includeEnded: Bool, limit: Int) async throws(StoreError) -> [EpisodeRecord] {
        let result = try await read(
            """
            SELECT record FROM episodes WHERE ($1::text IS NULL OR account = $1)\(includeEnded ? "" : " AND state NOT IN ('closed', 'rolled_back')")
            ORDER BY sequence DESC LIMIT $2
            """, [PostgresValue(account?.rawValue), Self.rows(limit)])
        return try decoding { try result.rows.map { try RecordText.read(try $0.text(0)) } }
    }

    func compensations(includeEnded: Bool, limit: Int) async throws(StoreError) -> [CompensationStep] {
        let result = try await read(
            "SELECT record FROM compensations \(includeEnded ? "" : "WHERE is_open ")ORDER BY sequence DESC LIMIT $1", [Self.rows(limit)])
        return try decoding { try result.rows.map { try RecordText.read(try $0.text(0)) } }
    }

    func tend(
        _ episode: EpisodeID, under tenure: Tenure, at: Timestamp, deciding decide: @escaping @Sendable (EpisodeFacts) -> EpisodeWork?
    ) async throws(StoreError) -> EpisodeWork? {
        try await writer.write { try await $0.tend(episode, under: tenure, at: at, deciding: decide) }
    }

    func takeBack(
        _ execution: ExecutionID, of order: OrderID, under tenure: Tenure, at: Timestamp,
        correcting correct: @escaping @Sendable (FillHistory) -> FillCorrection
    ) async throws(StoreError) -> PositionRecord {
        try await writer.write { try await $0.takeBack(execution, of: order, under: tenure, at: at, correcting: correct) }
    }

    // MARK: Journal and alerts

    func journal(after sequence: Int64, limit: Int) async throws(StoreError) -> [JournalEntry] {
        try await lines("sequence > $1 ORDER BY sequence LIMIT $2", [.integer(sequence), Self.rows(limit)])
    }

    func journal(of signal: SignalID) async throws(StoreError) -> [JournalEntry] {
        try await lines("signal_id = $1 ORDER BY sequence", [.text(signal.rawValue)])
    }

    func lastJournalSequence() async throws(StoreError) -> Int64 {
        let result = try await read("SELECT coalesce(max(sequence), 0) FROM journal")
        return try decoding { try result.first?.integer(0) ?? 0 }
    }

    func commits() -> AsyncStream<Int64> { watchers.stream() }

    func verifyJournal() async throws(StoreError) -> Int64? {
        var chain = JournalChain()
        while true {
            let lines = try await journal(after: chain.sequence, limit: Self.largestAnswer)
            guard !lines.isEmpty else { return nil }
            if let wrong = chain.verify(lines) { return wrong }
        }
    }

    func alerts(includeResolved: Bool, limit: Int) async throws(StoreError) -> [AlertRecord] {
        let condition = includeResolved ? "" : "WHERE resolved_at IS NULL "
        let result = try await read(
            "SELECT \(AlertRecord.columns.list) FROM alerts \(condition)ORDER BY last_at DESC, id DESC LIMIT $1", [Self.rows(limit)])
        return try decoding { try result.rows.map { try AlertRecord(row: $0) } }
    }

    // MARK: Reconciliation

    @discardableResult
    func reconcile(
        _ request: ReconciliationRequest, deciding decide: @escaping @Sendable (ReconciliationFacts) -> ReconciliationChange?
    ) async throws(StoreError) -> ReconciliationChange? {
        try await writer.write { try await $0.reconcile(request, deciding: decide) }
    }

    func resume(_ account: AccountID, by actor: String, reason: String, at: Timestamp) async throws(StoreError) -> AccountHalt {
        try await writer.write { try await $0.resume(account, by: actor, reason: reason, at: at) }
    }

    func reconciliationRuns(of account: AccountID?) async throws(StoreError) -> [ReconciliationRun] {
        try await records(ReconciliationQuestions.runs(of: account))
    }

    func externalOrders(of account: AccountID?, limit: Int) async throws(StoreError) -> [ExternalOrder] {
        try await records(ReconciliationQuestions.external(of: account, limit: Self.rows(limit)))
    }

    func driftFindings(of account: AccountID?, includeResolved: Bool, limit: Int) async throws(StoreError) -> [DriftFinding] {
        try await records(ReconciliationQuestions.findings(of: account, includeResolved: includeResolved, limit: Self.rows(limit)))
    }

    func halts() async throws(StoreError) -> [AccountHalt] { try await records(ReconciliationQuestions.halts) }

    private func records<R: Decodable>(_ question: PostgresStatement) async throws(StoreError) -> [R] {
        let results = try await read([question])
        return try decoding { try results[0].rows.map { try RecordText.read($0.text(0)) } }
    }

    // MARK: Life

    func close() async {
        isClosed.withLock { $0 = true }
        writer.close()
        await writing.value
        listening.cancel()
        await listening.value
        watchers.finish()
        others.finish()
        await readers.close()
        await writerPool.close()
    }

    // MARK: Reading

    /// Rows that one answer holds at most.
    private static let largestAnswer = 10_000
    private static func rows(_ limit: Int) -> PostgresValue { .integer(Int64(min(max(limit, 0), largestAnswer))) }

    private func read(_ statements: [PostgresStatement]) async throws(StoreError) -> [PostgresResult] {
        guard !isClosed.withLock({ $0 }) else { throw .unavailable("closed") }
        var isRepeat = false
        while true {
            do throws(PostgresError) {
                return try await readers.withConnection { connection throws(PostgresError) in try await connection.run(statements) }
            } catch {
                // A question changes nothing, so one whose connection ended is asked once more.
                guard !isRepeat, error.kind == .connectionLost || error.kind == .outcomeUnknown else { throw .unavailable("\(error)") }
                isRepeat = true
            }
        }
    }

    private func read(_ sql: String, _ values: [PostgresValue] = []) async throws(StoreError) -> PostgresResult {
        guard let result = try await read([PostgresStatement(sql, values)]).first else { throw .unavailable("no result") }
        return result
    }

    /// Rows that cannot be read are no reason to act on less.
    private func decoding<T>(_ body: () throws -> T) throws(StoreError) -> T {
        do { return try body() } catch { throw .unavailable("\(error)") }
    }

    private func orders(where condition: String, _ values: [PostgresValue]) async throws(StoreError) -> [OrderRecord] {
        let result = try await read("SELECT \(OrderRecord.columns.list) FROM orders WHERE \(condition)", values)
        return try decoding { try result.rows.map { try OrderRecord(row: $0) } }
    }

    private func signals(where condition: String, _ values: [PostgresValue]) async throws(StoreError) -> [SignalRecord] {
        let result = try await read("SELECT \(SignalRecord.columns.list) FROM signals WHERE \(condition)", values)
        return try decoding { try result.rows.map { try SignalRecord(row: $0) } }
    }

    private func lines(_ condition: String, _ values: [PostgresValue]) async throws(StoreError) -> [JournalEntry] {
        let result = try await read("SELECT \(JournalEntry.columns.list) FROM journal WHERE \(condition)", values)
        return try decoding { try result.rows.map { try JournalEntry(row: $0) } }
    }
}
