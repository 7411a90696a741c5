import LockContract
import StoreContract
import StoreKit
import Synchronization
import TradingModel

/// How a store's works reach the database: at once, or as the simulation has it.
protocol StoreTransport: Sendable {
    /// Does `work` once at most, and says how it ended; `.unavailable` leaves open whether it was done.
    func carry<T: Sendable>(_ name: String, isWrite: Bool, _ work: @escaping @Sendable () -> Result<T, StoreError>) async -> Result<T, StoreError>
}

/// Every work is done where it is asked for.
struct DirectTransport: StoreTransport {
    func carry<T: Sendable>(_ name: String, isWrite: Bool, _ work: @escaping @Sendable () -> Result<T, StoreError>) async -> Result<T, StoreError> { work() }
}

/// ``OrderStore`` in memory, by the same rules as the real ones: one process' handle to a ``MemoryDatabase``.
final class MemoryStore: OrderStore {
    private let database: MemoryDatabase
    private let transport: any StoreTransport
    private let number: Int
    private let own = CommitWatchers()
    private let others = Watchers<Void>()
    private let isClosed = Mutex(false)
    let capabilities: StoreCapabilities

    private init(_ database: MemoryDatabase, _ transport: any StoreTransport, mayMissOthers: Bool, number: Int) {
        self.database = database
        self.transport = transport
        self.number = number
        capabilities = StoreCapabilities(isShared: true, mayMissOthers: mayMissOthers, notice: "memory: for simulations")
    }

    static func open(_ database: MemoryDatabase, over transport: any StoreTransport = DirectTransport(), mayMissOthers: Bool = false) -> MemoryStore {
        database.add { MemoryStore(database, transport, mayMissOthers: mayMissOthers, number: $0) }
    }

    func heard(_ sequence: Int64, isOwn: Bool) { if isOwn { own.tell(sequence) } else { others.tell(()) } }

    private func write<T: Sendable>(_ name: String, _ work: @escaping @Sendable (inout MemoryState) throws -> T) async throws(StoreError) -> T {
        guard !isClosed.withLock({ $0 }) else { throw .unavailable("closed") }
        return try await transport.carry(name, isWrite: true) { [database, number] in database.write(name, by: number, work) }.get()
    }

    private func read<T: Sendable>(_ name: String, _ body: @escaping @Sendable (MemoryState, [JournalEntry]) -> T) async throws(StoreError) -> T {
        guard !isClosed.withLock({ $0 }) else { throw .unavailable("closed") }
        return try await transport.carry(name, isWrite: false) { [database] in .success(database.read(body)) }.get()
    }

    private static let largestAnswer = 10_000
    private static func rows(_ limit: Int) -> Int { min(max(limit, 0), largestAnswer) }

    // MARK: Admission

    func admit(_ admission: Admission) async throws(StoreError) -> AdmissionResult { try await write("admit") { try $0.admit(admission) } }
    func recall(_ signal: SignalRecord, window: Duration) async throws(StoreError) -> AdmissionResult? {
        try await write("recall") { try $0.recall(signal, window: window) }
    }

    // MARK: Several gateways

    func claim(of accounts: [AccountID], limit: Int) async throws(StoreError) -> [OrderRecord] {
        try await read("claim") { state, _ in state.claim(of: accounts, limit: Self.rows(limit)) }
    }
    func queues() async throws(StoreError) -> [AccountQueue] { try await read("queues") { state, _ in state.queues() } }
    func commitsOfOthers() -> AsyncStream<Void> { others.stream() }
    func heartbeat(_ worker: WorkerRecord) async throws(StoreError) {
        let clock = database.clock
        try await write("heartbeat") { $0.heartbeat(worker, now: clock()) }
    }
    func stopWorker(_ holder: HolderIdentity, at: Timestamp) async throws(StoreError) { try await write("stopWorker") { $0.stopWorker(holder, at: at) } }
    func workers() async throws(StoreError) -> [WorkerRecord] {
        let clock = database.clock
        return try await read("workers") { state, _ in state.workers(now: clock()) }
    }

    // MARK: Dead letters

    func countCrash(of predecessor: Tenure, under tenure: Tenure, limit: Int, at: Timestamp) async throws(StoreError) -> [DeadLetter] {
        try await write("countCrash") { try $0.countCrash(of: predecessor, under: tenure, limit: limit, at: at) }
    }
    func deadLetters() async throws(StoreError) -> [DeadLetter] { try await read("deadLetters") { state, _ in state.letters() } }
    func decide(_ order: OrderID, _ decision: DeadLetterDecision, by actor: String, reason: String, at: Timestamp) async throws(StoreError) -> OrderRecord {
        try await write("decide") { try $0.decide(order, decision, by: actor, reason: reason, at: at) }
    }

    // MARK: Tenures and permits

    func openTenure(_ request: TenureRequest) async throws(StoreError) -> (tenure: Tenure, unclosedPredecessor: Tenure?) {
        let clock = database.clock
        return try await write("openTenure") { try $0.openTenure(request, now: clock()) }
    }
    func closeTenure(_ tenure: Tenure, at: Timestamp) async throws(StoreError) { try await write("closeTenure") { try $0.closeTenure(tenure, at: at) } }
    func permit(_ request: PermitRequest, deciding decide: @escaping @Sendable (PermitFacts) -> PermitVerdict) async throws(StoreError) -> PermitResult {
        try await write("permit") { try $0.permit(request, deciding: decide) }
    }

    // MARK: Orders

    @discardableResult
    func update(
        _ order: OrderID, under tenure: Tenure, at: Timestamp, reducing reduce: @escaping @Sendable (OrderSnapshot) -> OrderChange?
    ) async throws(StoreError) -> OrderRecord {
        try await write("update") { try $0.update(order, under: tenure, at: at, reducing: reduce) }
    }
    func openOrders(of account: AccountID) async throws(StoreError) -> [OrderRecord] {
        try await read("openOrders") { state, _ in state.orders.filter { !$0.state.isTerminal && $0.account == account } }
    }
    func order(_ id: OrderID) async throws(StoreError) -> OrderSnapshot? { try await read("order") { state, _ in state.snapshot(id) } }
    func order(account: AccountID, clientOrderID: ClientOrderID) async throws(StoreError) -> OrderRecord? {
        try await read("order") { state, _ in state.byClientID[.init(account, clientOrderID)].map { state.orders[$0] } }
    }
    func order(account: AccountID, symbol: Symbol, venueOrderID: VenueOrderID) async throws(StoreError) -> OrderRecord? {
        try await read("order") { state, _ in state.orders.last { $0.account == account && $0.symbol == symbol && $0.venueOrderID == venueOrderID } }
    }
    func orders(_ query: OrderQuery) async throws(StoreError) -> [OrderRecord] {
        try await read("orders") { state, _ in
            var found = state.orders[...]
            if let before = query.before { found = found.prefix(state.orderIndex[before] ?? 0) }
            let matching = found.reversed().lazy.filter { order in
                (query.account.map { $0 == order.account } ?? true) && (query.strategy.map { $0 == order.strategy } ?? true)
                    && (query.signalID.map { $0 == order.signalID } ?? true) && (query.venueOrderID.map { $0 == order.venueOrderID } ?? true) && (query.states.map { $0.contains(order.state) } ?? true)
            }
            return Array(matching.prefix(Self.rows(query.limit)))
        }
    }
    func accountsWithOpenOrders() async throws(StoreError) -> [AccountID] {
        try await read("accountsWithOpenOrders") { state, _ in Set(state.orders.lazy.filter { !$0.state.isTerminal }.map(\.account)).sorted() }
    }

    // MARK: Episodes and protection

    func episodes(account: AccountID?, includeEnded: Bool, limit: Int) async throws(StoreError) -> [EpisodeRecord] {
        try await read("episodes") { state, _ in
            Array(state.episodes.reversed().filter { (account == nil || $0.account == account) && (includeEnded || !$0.state.isTerminal) }.prefix(Self.rows(limit)))
        }
    }
    func tend(
        _ episode: EpisodeID, under tenure: Tenure, at: Timestamp, deciding decide: @escaping @Sendable (EpisodeFacts) -> EpisodeWork?
    ) async throws(StoreError) -> EpisodeWork? {
        try await write("tend") { try $0.tend(episode, under: tenure, at: at, deciding: decide) }
    }
    func compensations(includeEnded: Bool, limit: Int) async throws(StoreError) -> [CompensationStep] {
        try await read("compensations") { state, _ in
            Array(state.compensations.reversed().filter { includeEnded || !$0.state.isTerminal }.prefix(Self.rows(limit)))
        }
    }
    func takeBack(
        _ execution: ExecutionID, of order: OrderID, under tenure: Tenure, at: Timestamp,
        correcting correct: @escaping @Sendable (FillHistory) -> FillCorrection
    ) async throws(StoreError) -> PositionRecord {
        try await write("takeBack") { try $0.takeBack(execution, of: order, under: tenure, at: at, correcting: correct) }
    }

    // MARK: Reconciliation

    @discardableResult
    func reconcile(
        _ request: ReconciliationRequest, deciding decide: @escaping @Sendable (ReconciliationFacts) -> ReconciliationChange?
    ) async throws(StoreError) -> ReconciliationChange? {
        try await write("reconcile") { try $0.reconcile(request, deciding: decide) }
    }
    func reconciliationRuns(of account: AccountID?) async throws(StoreError) -> [ReconciliationRun] {
        try await read("reconciliationRuns") { state, _ in state.runs(of: account) }
    }
    func externalOrders(of account: AccountID?, limit: Int) async throws(StoreError) -> [ExternalOrder] {
        try await read("externalOrders") { state, _ in
            let found = state.external.filter { account == nil || $0.account == account }.sorted { a, b in
                a.firstSeenAt != b.firstSeenAt ? a.firstSeenAt > b.firstSeenAt : (a.account, a.symbol, a.venueOrderID) < (b.account, b.symbol, b.venueOrderID)
            }
            return Array(found.prefix(Self.rows(limit)))
        }
    }
    func driftFindings(of account: AccountID?, includeResolved: Bool, limit: Int) async throws(StoreError) -> [DriftFinding] {
        try await read("driftFindings") { state, _ in Array(state.findings(of: account, includeResolved: includeResolved).prefix(Self.rows(limit))) }
    }
    func halts() async throws(StoreError) -> [AccountHalt] {
        try await read("halts") { state, _ in state.halts.filter { $0.releasedAt == nil }.sorted { $0.account < $1.account } }
    }
    func resume(_ account: AccountID, by actor: String, reason: String, at: Timestamp) async throws(StoreError) -> AccountHalt {
        try await write("resume") { try $0.resume(account, by: actor, reason: reason, at: at) }
    }

    // MARK: Signals, positions

    func signal(_ id: SignalID) async throws(StoreError) -> SignalRecord? { try await read("signal") { state, _ in state.signalIndex[id].map { state.signals[$0] } } }
    func signals(before: SignalID?, limit: Int) async throws(StoreError) -> [SignalRecord] {
        try await read("signals") { state, _ in
            let end = before.map { state.signalIndex[$0] ?? 0 } ?? state.signals.count
            return Array(state.signals.prefix(end).reversed().prefix(Self.rows(limit)))
        }
    }
    func positions(account: AccountID?) async throws(StoreError) -> [PositionRecord] {
        try await read("positions") { state, _ in
            state.positions.values.filter { account == nil || $0.account == account }.sorted { ($0.account, $0.symbol) < ($1.account, $1.symbol) }
        }
    }

    // MARK: Journal and alerts

    func journal(after sequence: Int64, limit: Int) async throws(StoreError) -> [JournalEntry] {
        try await read("journal") { _, journal in Array(journal.drop { $0.sequence <= sequence }.prefix(Self.rows(limit))) }
    }
    func journal(of signal: SignalID) async throws(StoreError) -> [JournalEntry] { try await read("journal") { _, journal in journal.filter { $0.signalID == signal } } }
    func lastJournalSequence() async throws(StoreError) -> Int64 { try await read("lastJournalSequence") { _, journal in journal.last?.sequence ?? 0 } }
    func commits() -> AsyncStream<Int64> { own.stream() }
    func append(_ drafts: [JournalDraft], at: Timestamp) async throws(StoreError) {
        try await write("append") { for draft in drafts { try $0.write(draft, at: at) } }
    }
    func verifyJournal() async throws(StoreError) -> Int64? {
        try await read("verifyJournal") { _, journal in
            var chain = JournalChain()
            return chain.verify(journal)
        }
    }
    func raise(_ alert: AlertDraft, at: Timestamp) async throws(StoreError) { try await write("raise") { try $0.raise(alert, at: at) } }
    func resolveAlert(type: String, subject: String, at: Timestamp) async throws(StoreError) {
        try await write("resolveAlert") { try $0.resolveAlert(type: type, subject: subject, at: at) }
    }
    func alerts(includeResolved: Bool, limit: Int) async throws(StoreError) -> [AlertRecord] {
        try await read("alerts") { state, _ in
            let found = state.alerts.filter { includeResolved || $0.resolvedAt == nil }.sorted { ($0.lastAt, $0.id) > ($1.lastAt, $1.id) }
            return Array(found.prefix(Self.rows(limit)))
        }
    }

    // MARK: Life

    func checkHealth(at: Timestamp) async throws(StoreError) { try await write("checkHealth") { _ in } }
    func close() async { shut() }

    /// Ends the streams; what is asked later is unavailable.
    func shut() {
        isClosed.withLock { $0 = true }
        database.remove(number)
        own.finish()
        others.finish()
    }
}
