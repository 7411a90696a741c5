import Foundation
import GRDB
import LockContract
import StoreContract
import StoreKit
import Synchronization
import TradingModel

/// ``OrderStore`` on one SQLite file: one writer with group commit, readers beside it that see only what is committed.
///
/// What a transaction does is in `Operations/`; the rules that must hold whoever writes are in the tables themselves.
final class SQLiteOrderStore: OrderStore {
    private let pool: DatabasePool
    private let writer: CommitWriter
    private let watchers: CommitWatchers
    private let others: OtherCommits
    private let clock: any TradingClock
    private let isClosed = Mutex(false)

    let capabilities = StoreCapabilities(
        isShared: false, mayMissOthers: false, notice: "SQLite: one host, local disk, every commit synced (synchronous FULL)")

    init(pool: DatabasePool, clock: any TradingClock) {
        let watchers = CommitWatchers()
        self.pool = pool
        self.watchers = watchers
        self.clock = clock
        writer = CommitWriter(pool: pool) { watchers.tell($0) }
        others = OtherCommits(pool: pool, queue: writer.queue)
    }

    // MARK: Writing

    func admit(_ admission: Admission) async throws(StoreError) -> AdmissionResult {
        try await writer.write { try $0.admit(admission) }
    }

    func recall(_ signal: SignalRecord, window: Duration) async throws(StoreError) -> AdmissionResult? {
        try await writer.write { try $0.recall(signal, window: window) }
    }

    func heartbeat(_ worker: WorkerRecord) async throws(StoreError) {
        try await writer.write { [clock] in try $0.heartbeat(worker, clock: clock) }
    }

    func stopWorker(_ holder: HolderIdentity, at: Timestamp) async throws(StoreError) {
        try await writer.write { try $0.stopWorker(holder, at: at) }
    }

    func countCrash(of predecessor: Tenure, under tenure: Tenure, limit: Int, at: Timestamp) async throws(StoreError) -> [DeadLetter] {
        try await writer.write { try $0.countCrash(of: predecessor, under: tenure, limit: limit, at: at) }
    }

    func decide(
        _ order: OrderID, _ decision: DeadLetterDecision, by actor: String, reason: String, at: Timestamp
    ) async throws(StoreError) -> OrderRecord {
        try await writer.write { try $0.decide(order, decision, by: actor, reason: reason, at: at) }
    }

    func openTenure(_ request: TenureRequest) async throws(StoreError) -> (tenure: Tenure, unclosedPredecessor: Tenure?) {
        try await writer.write { [clock] in try $0.openTenure(request, clock: clock) }
    }

    func closeTenure(_ tenure: Tenure, at: Timestamp) async throws(StoreError) {
        try await writer.write { try $0.closeTenure(tenure, at: at) }
    }

    func permit(
        _ request: PermitRequest, deciding decide: @escaping @Sendable (PermitFacts) -> PermitVerdict
    ) async throws(StoreError) -> PermitResult {
        try await writer.write { try $0.permit(request, deciding: decide) }
    }

    @discardableResult
    func update(
        _ order: OrderID, under tenure: Tenure, at: Timestamp, reducing reduce: @escaping @Sendable (OrderSnapshot) -> OrderChange?
    ) async throws(StoreError) -> OrderRecord {
        try await writer.write { try $0.update(order, under: tenure, at: at, reducing: reduce) }
    }

    func append(_ drafts: [JournalDraft], at: Timestamp) async throws(StoreError) {
        try await writer.write { transaction in
            for draft in drafts { try transaction.journal.write(draft, at: at) }
        }
    }

    func raise(_ alert: AlertDraft, at: Timestamp) async throws(StoreError) {
        try await writer.write { try $0.raise(alert, at: at) }
    }

    func resolveAlert(type: String, subject: String, at: Timestamp) async throws(StoreError) {
        try await writer.write { try $0.resolveAlert(type: type, subject: subject, at: at) }
    }

    func checkHealth(at: Timestamp) async throws(StoreError) {
        try await writer.write { transaction in
            try transaction.db.cachedStatement(sql: "UPDATE meta SET checked_at = ?").execute(arguments: [at.microseconds])
        }
    }

    // MARK: Several gateways

    func claim(of accounts: [AccountID], limit: Int) async throws(StoreError) -> [OrderRecord] {
        try await read { try WaitingOrders.claim($0, of: accounts, limit: Self.rows(limit)) }
    }

    func queues() async throws(StoreError) -> [AccountQueue] { try await read { try WaitingOrders.queues($0) } }

    func commitsOfOthers() -> AsyncStream<Void> { others.stream() }

    func workers() async throws(StoreError) -> [WorkerRecord] { try await read { [clock] in try WorkerRecord.heard($0, clock: clock) } }

    func deadLetters() async throws(StoreError) -> [DeadLetter] { try await read { try DeadLetter.all($0) } }

    // MARK: Orders

    func openOrders(of account: AccountID) async throws(StoreError) -> [OrderRecord] {
        try await orders(where: "is_open = 1 AND account = ? ORDER BY sequence", [account.rawValue])
    }

    func order(_ id: OrderID) async throws(StoreError) -> OrderSnapshot? {
        try await read { try OrderSnapshot.read($0, id) }
    }

    func order(account: AccountID, clientOrderID: ClientOrderID) async throws(StoreError) -> OrderRecord? {
        try await orders(where: "account = ? AND client_order_id = ?", [account.rawValue, clientOrderID.rawValue]).first
    }

    func order(account: AccountID, symbol: Symbol, venueOrderID: VenueOrderID) async throws(StoreError) -> OrderRecord? {
        try await orders(
            where: "account = ? AND symbol = ? AND venue_order_id = ? ORDER BY sequence DESC LIMIT 1",
            [account.rawValue, symbol.rawValue, venueOrderID.rawValue]
        ).first
    }

    func orders(_ query: OrderQuery) async throws(StoreError) -> [OrderRecord] {
        var conditions = ["1 = 1"]
        var arguments: StatementArguments = []
        func require(_ condition: String, _ value: String) {
            conditions.append(condition)
            arguments += [value]
        }
        if let account = query.account { require("account = ?", account.rawValue) }
        if let strategy = query.strategy { require("strategy = ?", strategy.rawValue) }
        if let signal = query.signalID { require("signal_id = ?", signal.rawValue) }
        if let id = query.venueOrderID { require("venue_order_id = ?", id.rawValue) }
        if let before = query.before { require("sequence < (SELECT sequence FROM orders WHERE id = ?)", before.rawValue) }
        if let states = query.states {
            // With this the index of open orders serves; without it all orders of the account are read and sorted.
            if states.allSatisfy({ !$0.isTerminal }) { conditions.append("is_open = 1") }
            conditions.append("state IN (\(states.map { "'\($0.rawValue)'" }.sorted().joined(separator: ", ")))")
        }
        arguments += [Self.rows(query.limit)]
        return try await orders(where: conditions.joined(separator: " AND ") + " ORDER BY sequence DESC LIMIT ?", arguments)
    }

    func accountsWithOpenOrders() async throws(StoreError) -> [AccountID] {
        try await read { db in
            try String.fetchAll(db, sql: "SELECT DISTINCT account FROM orders WHERE is_open = 1 ORDER BY account").map { AccountID($0) }
        }
    }

    // MARK: Signals, positions

    func signal(_ id: SignalID) async throws(StoreError) -> SignalRecord? {
        try await signals(where: "id = ?", [id.rawValue]).first
    }

    func signals(before: SignalID?, limit: Int) async throws(StoreError) -> [SignalRecord] {
        guard let before else { return try await signals(where: "1 = 1 ORDER BY sequence DESC LIMIT ?", [Self.rows(limit)]) }
        return try await signals(
            where: "sequence < (SELECT sequence FROM signals WHERE id = ?) ORDER BY sequence DESC LIMIT ?",
            [before.rawValue, Self.rows(limit)])
    }

    func positions(account: AccountID?) async throws(StoreError) -> [PositionRecord] {
        try await read { db in
            let condition = account == nil ? "" : "WHERE account = ? "
            let arguments: StatementArguments = account.map { [$0.rawValue] } ?? []
            return try Row.fetchAll(
                db, sql: "SELECT \(PositionRecord.columns) FROM positions \(condition)ORDER BY account, symbol", arguments: arguments
            ).map { try PositionRecord(row: $0) }
        }
    }

    // MARK: Episodes and protection

    func episodes(account: AccountID?, includeEnded: Bool, limit: Int) async throws(StoreError) -> [EpisodeRecord] {
        try await read { try EpisodeReading.episodes($0, account: account, includeEnded: includeEnded, limit: Self.rows(limit)) }
    }

    func compensations(includeEnded: Bool, limit: Int) async throws(StoreError) -> [CompensationStep] {
        try await read { try EpisodeReading.compensations($0, includeEnded: includeEnded, limit: Self.rows(limit)) }
    }

    func tend(
        _ episode: EpisodeID, under tenure: Tenure, at: Timestamp, deciding decide: @escaping @Sendable (EpisodeFacts) -> EpisodeWork?
    ) async throws(StoreError) -> EpisodeWork? {
        try await writer.write { try $0.tend(episode, under: tenure, at: at, deciding: decide) }
    }

    func takeBack(
        _ execution: ExecutionID, of order: OrderID, under tenure: Tenure, at: Timestamp,
        correcting correct: @escaping @Sendable (FillHistory) -> FillCorrection
    ) async throws(StoreError) -> PositionRecord {
        try await writer.write { try $0.takeBack(execution, of: order, under: tenure, at: at, correcting: correct) }
    }

    // MARK: Journal and alerts

    func journal(after sequence: Int64, limit: Int) async throws(StoreError) -> [JournalEntry] {
        try await read { db in
            try Row.fetchAll(
                db.cachedStatement(sql: "SELECT \(JournalEntry.columns) FROM journal WHERE sequence > ? ORDER BY sequence LIMIT ?"),
                arguments: [sequence, Self.rows(limit)]
            ).map(JournalEntry.init(row:))
        }
    }

    func journal(of signal: SignalID) async throws(StoreError) -> [JournalEntry] {
        try await read { db in
            try Row.fetchAll(
                db.cachedStatement(sql: "SELECT \(JournalEntry.columns) FROM journal WHERE signal_id = ? ORDER BY sequence"),
                arguments: [signal.rawValue]
            ).map(JournalEntry.init(row:))
        }
    }

    func lastJournalSequence() async throws(StoreError) -> Int64 {
        try await read { try JournalWriter.last($0).sequence }
    }

    func commits() -> AsyncStream<Int64> { watchers.stream() }

    func verifyJournal() async throws(StoreError) -> Int64? {
        var chain = JournalChain()
        while true {
            // In pieces, so that no long read keeps the write-ahead log from being emptied.
            let lines = try await journal(after: chain.sequence, limit: Self.largestAnswer)
            guard !lines.isEmpty else { return nil }
            if let wrong = chain.verify(lines) { return wrong }
        }
    }

    func alerts(includeResolved: Bool, limit: Int) async throws(StoreError) -> [AlertRecord] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT \(AlertRecord.columns) FROM alerts \(includeResolved ? "" : "WHERE resolved_at IS NULL ")
                    ORDER BY last_at DESC, id DESC LIMIT ?
                    """, arguments: [Self.rows(limit)]
            ).map { try AlertRecord(row: $0) }
        }
    }

    // MARK: Reconciliation

    @discardableResult
    func reconcile(
        _ request: ReconciliationRequest, deciding decide: @escaping @Sendable (ReconciliationFacts) -> ReconciliationChange?
    ) async throws(StoreError) -> ReconciliationChange? {
        try await writer.write { try $0.reconcile(request, deciding: decide) }
    }

    func resume(_ account: AccountID, by actor: String, reason: String, at: Timestamp) async throws(StoreError) -> AccountHalt {
        try await writer.write { try $0.resume(account, by: actor, reason: reason, at: at) }
    }

    func reconciliationRuns(of account: AccountID?) async throws(StoreError) -> [ReconciliationRun] {
        try await read { try ReconciliationRun.find($0, of: account) }
    }

    func externalOrders(of account: AccountID?, limit: Int) async throws(StoreError) -> [ExternalOrder] {
        try await read { try ExternalOrder.find($0, of: account, limit: Self.rows(limit)) }
    }

    func driftFindings(of account: AccountID?, includeResolved: Bool, limit: Int) async throws(StoreError) -> [DriftFinding] {
        try await read { try DriftFinding.find($0, of: account, includeResolved: includeResolved, limit: Self.rows(limit)) }
    }

    func halts() async throws(StoreError) -> [AccountHalt] { try await read { try AccountHalt.open($0) } }

    // MARK: Life

    func close() async {
        await writer.close()
        let wasClosed = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return isClosed
        }
        guard !wasClosed else { return }
        watchers.finish()
        others.finish()
        // Everything is in the one file then, for whoever copies it. If it fails, the log beside it still has it all.
        try? await pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        // The readers of this process may still be at work; the file is closed with the last of them.
        try? pool.close()
    }

    // MARK: Reading

    /// Rows that one answer holds at most.
    private static let largestAnswer = 10_000
    private static func rows(_ limit: Int) -> Int { min(max(limit, 0), largestAnswer) }

    private func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws(StoreError) -> T {
        do { return try await pool.read(body) } catch { throw StoreError(storing: error) }
    }

    private func orders(where condition: String, _ arguments: StatementArguments) async throws(StoreError) -> [OrderRecord] {
        try await read { db in
            try Row.fetchAll(
                db.cachedStatement(sql: "SELECT \(OrderRecord.columns) FROM orders WHERE \(condition)"), arguments: arguments
            ).map { try OrderRecord(row: $0) }
        }
    }

    private func signals(where condition: String, _ arguments: StatementArguments) async throws(StoreError) -> [SignalRecord] {
        try await read { db in
            try Row.fetchAll(
                db.cachedStatement(sql: "SELECT \(SignalRecord.columns) FROM signals WHERE \(condition)"), arguments: arguments
            ).map { try SignalRecord(row: $0) }
        }
    }
}
