import LockContract
import StoreContract
import Synchronization
import TradingModel

/// A store of canned records, for what the API makes of them. What the API never calls is refused.
final class APIStubStore: OrderStore {
    struct Content: Sendable {
        var orders: [OrderRecord] = []
        var attempts: [AttemptRecord] = []
        var fills: [Fill] = []
        var signals: [SignalRecord] = []
        var positions: [PositionRecord] = []
        var alerts: [AlertRecord] = []
        var journal: [JournalEntry] = []
        var episodes: [EpisodeRecord] = []
        var steps: [CompensationStep] = []
        var isAvailable = true
        var watchers: [Int: AsyncStream<Int64>.Continuation] = [:]
        var nextWatcher = 0
        /// Slows reads of the journal down to this many lines.
        var journalBatch = Int.max
    }

    private let content = Mutex(Content())

    func change(_ change: (inout sending Content) -> Void) { content.withLock { change(&$0) } }

    private func read<Value: Sendable>(_ read: (Content) -> Value) throws(StoreError) -> Value {
        let value = content.withLock { $0.isAvailable ? read($0) : nil }
        guard let value else { throw .unavailable("disk full at /var/secret-place") }
        return value
    }

    func append(_ drafts: [JournalDraft], at time: Timestamp) async throws(StoreError) {
        content.withLock { content in
            for draft in drafts {
                content.journal.append(
                    JournalEntry(
                        sequence: Int64(content.journal.count + 1), at: time, type: draft.type, signalID: draft.signalID, orderID: draft.orderID,
                        account: draft.account, data: draft.data, hash: ""))
            }
            for watcher in content.watchers.values { watcher.yield(Int64(content.journal.count)) }
        }
    }

    func commits() -> AsyncStream<Int64> {
        let (stream, continuation) = AsyncStream.makeStream(of: Int64.self, bufferingPolicy: .bufferingNewest(1))
        let id = content.withLock { content in
            content.nextWatcher += 1
            content.watchers[content.nextWatcher] = continuation
            return content.nextWatcher
        }
        continuation.onTermination = { [weak self] _ in self?.forget(id) }
        return stream
    }

    private func forget(_ watcher: Int) { _ = content.withLock { $0.watchers.removeValue(forKey: watcher) } }

    /// Streams that are open now.
    var watcherCount: Int { content.withLock { $0.watchers.count } }

    func journal(after sequence: Int64, limit: Int) async throws(StoreError) -> [JournalEntry] {
        try read { content in Array(content.journal.filter { $0.sequence > sequence }.prefix(min(limit, content.journalBatch))) }
    }
    func journal(of signal: SignalID) async throws(StoreError) -> [JournalEntry] { try read { $0.journal.filter { $0.signalID == signal } } }
    func lastJournalSequence() async throws(StoreError) -> Int64 { try read { Int64($0.journal.count) } }

    func order(_ id: OrderID) async throws(StoreError) -> OrderSnapshot? {
        try read { content in
            content.orders.first { $0.id == id }.map {
                OrderSnapshot(
                    order: $0, attempts: content.attempts.filter { $0.orderID == id }, fills: content.fills, position: nil)
            }
        }
    }
    func orders(_ query: OrderQuery) async throws(StoreError) -> [OrderRecord] {
        try read { content in
            let matching = content.orders.sorted { $0.id > $1.id }.filter { order in
                (query.account.map { $0 == order.account } ?? true) && (query.strategy.map { $0 == order.strategy } ?? true)
                    && (query.signalID.map { $0 == order.signalID } ?? true) && (query.states?.contains(order.state) ?? true)
                    && (query.before.map { order.id < $0 } ?? true)
            }
            return Array(matching.prefix(query.limit))
        }
    }
    func signal(_ id: SignalID) async throws(StoreError) -> SignalRecord? { try read { $0.signals.first { $0.id == id } } }
    func signals(before: SignalID?, limit: Int) async throws(StoreError) -> [SignalRecord] {
        try read { content in
            Array(content.signals.sorted { $0.id > $1.id }.filter { signal in before.map { signal.id < $0 } ?? true }.prefix(limit))
        }
    }
    func positions(account: AccountID?) async throws(StoreError) -> [PositionRecord] {
        try read { content in content.positions.filter { position in account.map { position.account == $0 } ?? true } }
    }
    func alerts(includeResolved: Bool, limit: Int) async throws(StoreError) -> [AlertRecord] {
        try read { Array($0.alerts.filter { includeResolved || $0.resolvedAt == nil }.prefix(limit)) }
    }

    func admit(_ admission: Admission) async throws(StoreError) -> AdmissionResult {
        _ = try read { _ in true }
        return content.withLock { content in
            if let first = content.signals.first(where: { $0.key == admission.signal.key }) { return .duplicate(first: first.id, first.answer) }
            content.signals.append(admission.signal)
            content.orders += admission.orders
            return .admitted
        }
    }
    func raise(_ alert: AlertDraft, at: Timestamp) async throws(StoreError) {}
    func resolveAlert(type: String, subject: String, at: Timestamp) async throws(StoreError) {}
    func checkHealth(at: Timestamp) async throws(StoreError) { _ = try read { _ in true } }
    func close() async {}

    func openTenure(_ request: TenureRequest) async throws(StoreError) -> (tenure: Tenure, unclosedPredecessor: Tenure?) { throw Self.unused }
    func closeTenure(_ tenure: Tenure, at: Timestamp) async throws(StoreError) { throw Self.unused }
    func permit(
        _ request: PermitRequest, deciding decide: @escaping @Sendable (PermitFacts) -> PermitVerdict
    ) async throws(StoreError) -> PermitResult { throw Self.unused }
    func update(
        _ order: OrderID, under tenure: Tenure, at: Timestamp, reducing reduce: @escaping @Sendable (OrderSnapshot) -> OrderChange?
    ) async throws(StoreError) -> OrderRecord { throw Self.unused }
    func openOrders(of account: AccountID) async throws(StoreError) -> [OrderRecord] { throw Self.unused }
    func order(account: AccountID, clientOrderID: ClientOrderID) async throws(StoreError) -> OrderRecord? { throw Self.unused }
    func order(account: AccountID, symbol: Symbol, venueOrderID: VenueOrderID) async throws(StoreError) -> OrderRecord? { throw Self.unused }
    func accountsWithOpenOrders() async throws(StoreError) -> [AccountID] { throw Self.unused }
    func verifyJournal() async throws(StoreError) -> Int64? { throw Self.unused }

    func episodes(account: AccountID?, includeEnded: Bool, limit: Int) async throws(StoreError) -> [EpisodeRecord] {
        try read { content in
            Array(content.episodes.filter { (account == nil || $0.account == account) && (includeEnded || !$0.state.isTerminal) }.prefix(limit))
        }
    }
    func compensations(includeEnded: Bool, limit: Int) async throws(StoreError) -> [CompensationStep] {
        try read { Array($0.steps.filter { includeEnded || !$0.state.isTerminal }.prefix(limit)) }
    }
    func tend(
        _ episode: EpisodeID, under tenure: Tenure, at: Timestamp, deciding decide: @escaping @Sendable (EpisodeFacts) -> EpisodeWork?
    ) async throws(StoreError) -> EpisodeWork? { throw Self.unused }
    func takeBack(
        _ execution: ExecutionID, of order: OrderID, under tenure: Tenure, at: Timestamp,
        correcting correct: @escaping @Sendable (FillHistory) -> FillCorrection
    ) async throws(StoreError) -> PositionRecord { throw Self.unused }

    let capabilities = StoreCapabilities(isShared: false, mayMissOthers: false, notice: "a stub")
    func recall(_ signal: SignalRecord, window: Duration) async throws(StoreError) -> AdmissionResult? { throw Self.unused }
    func claim(of accounts: [AccountID], limit: Int) async throws(StoreError) -> [OrderRecord] { throw Self.unused }
    func queues() async throws(StoreError) -> [AccountQueue] { throw Self.unused }
    func commitsOfOthers() -> AsyncStream<Void> { AsyncStream { $0.finish() } }
    func heartbeat(_ worker: WorkerRecord) async throws(StoreError) { throw Self.unused }
    func stopWorker(_ holder: HolderIdentity, at: Timestamp) async throws(StoreError) { throw Self.unused }
    func workers() async throws(StoreError) -> [WorkerRecord] { throw Self.unused }
    func countCrash(of predecessor: Tenure, under tenure: Tenure, limit: Int, at: Timestamp) async throws(StoreError) -> [DeadLetter] {
        throw Self.unused
    }
    func deadLetters() async throws(StoreError) -> [DeadLetter] { throw Self.unused }
    func decide(
        _ order: OrderID, _ decision: DeadLetterDecision, by actor: String, reason: String, at: Timestamp
    ) async throws(StoreError) -> OrderRecord { throw Self.unused }

    func reconcile(
        _ request: ReconciliationRequest, deciding decide: @escaping @Sendable (ReconciliationFacts) -> ReconciliationChange?
    ) async throws(StoreError) -> ReconciliationChange? { throw Self.unused }
    func reconciliationRuns(of account: AccountID?) async throws(StoreError) -> [ReconciliationRun] { try read { _ in [] } }
    func externalOrders(of account: AccountID?, limit: Int) async throws(StoreError) -> [ExternalOrder] { try read { _ in [] } }
    func driftFindings(of account: AccountID?, includeResolved: Bool, limit: Int) async throws(StoreError) -> [DriftFinding] { try read { _ in [] } }
    func halts() async throws(StoreError) -> [AccountHalt] { try read { _ in [] } }
    func resume(_ account: AccountID, by actor: String, reason: String, at: Timestamp) async throws(StoreError) -> AccountHalt {
        throw .notFound("a halt of \(account)")
    }

    private static let unused = StoreError.refused("the API does not call this")
}
