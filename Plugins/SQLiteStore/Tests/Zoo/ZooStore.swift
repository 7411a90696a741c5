import ConformanceKit
import LockContract
import StoreContract
import TradingModel

/// What a planted bug does instead of the real store; nil leaves that to it.
struct StoreHooks: Sendable {
    var admit: (@Sendable (any OrderStore, Admission) async throws(StoreError) -> AdmissionResult)?
    var recall: (@Sendable (any OrderStore, SignalRecord) async throws(StoreError) -> AdmissionResult?)?
    var claim: (@Sendable (any OrderStore, [AccountID], Int) async throws(StoreError) -> [OrderRecord])?
    var queues: (@Sendable ([AccountQueue]) -> [AccountQueue])?
    var others: (@Sendable (any OrderStore) -> AsyncStream<Void>)?
    var heartbeat: (@Sendable (any OrderStore, WorkerRecord) async throws(StoreError) -> Void)?
    /// Changes whose death is counted.
    var predecessor: (@Sendable (Tenure) -> Tenure)?
    var decide: (@Sendable (any OrderStore, OrderID, DeadLetterDecision, String, String, Timestamp) async throws(StoreError) -> OrderRecord)?
    var openTenure: (@Sendable (any OrderStore, TenureRequest) async throws(StoreError) -> (tenure: Tenure, unclosedPredecessor: Tenure?))?
    var closeTenure: (@Sendable (any OrderStore, Tenure, Timestamp) async throws(StoreError) -> Void)?
    var permit: (@Sendable (any OrderStore, PermitRequest, @escaping @Sendable (PermitFacts) -> PermitVerdict) async throws(StoreError) -> PermitResult)?
    /// Changes the tenure under which an update is made.
    var updateTenure: (@Sendable (any OrderStore, Tenure) async throws(StoreError) -> Tenure)?
    /// Changes what an update writes.
    var change: (@Sendable (OrderChange, OrderSnapshot) -> OrderChange?)?
    var openOrders: (@Sendable ([OrderRecord]) -> [OrderRecord])?
    var orders: (@Sendable ([OrderRecord]) -> [OrderRecord])?
    var snapshot: (@Sendable (OrderSnapshot) -> OrderSnapshot)?
    var journalOfSignal: (@Sendable (any OrderStore, SignalID) async throws(StoreError) -> [JournalEntry])?
    var verify: (@Sendable (any OrderStore) async throws(StoreError) -> Int64?)?
    var commits: (@Sendable (any OrderStore) -> AsyncStream<Int64>)?
    var raise: (@Sendable (any OrderStore, AlertDraft, Timestamp) async throws(StoreError) -> Void)?
    var health: (@Sendable (any OrderStore) async throws(StoreError) -> Void)?
    var close: (@Sendable (any OrderStore) async -> Void)?
    /// Changes what a comparison writes.
    var reconciliation: (@Sendable (any OrderStore, ReconciliationRequest, ReconciliationChange) -> ReconciliationChange?)?
    var reconcile:
        (@Sendable (any OrderStore, ReconciliationRequest, @escaping @Sendable (ReconciliationFacts) -> ReconciliationChange?) async throws(StoreError) -> ReconciliationChange?)?
    var resume: (@Sendable (any OrderStore, AccountID, String, String, Timestamp) async throws(StoreError) -> AccountHalt)?
    var halts: (@Sendable ([AccountHalt]) -> [AccountHalt])?
    /// Changes what a caller learns of episodes.
    var episodes: (@Sendable ([EpisodeRecord]) -> [EpisodeRecord])?
    /// Changes the facts on which work for an episode is decided, and the work.
    var episodeFacts: (@Sendable (EpisodeFacts) -> EpisodeFacts)?
    var episodeWork: (@Sendable (EpisodeWork) -> EpisodeWork)?
    var takeBack: (@Sendable (any OrderStore, @escaping @Sendable () async throws(StoreError) -> PositionRecord) async throws(StoreError) -> PositionRecord)?
}

/// A real store with one bug.
struct ZooStore: OrderStore {
    let base: any OrderStore
    let hooks: StoreHooks

    func admit(_ admission: Admission) async throws(StoreError) -> AdmissionResult {
        if let hook = hooks.admit { try await hook(base, admission) } else { try await base.admit(admission) }
    }
    var capabilities: StoreCapabilities { base.capabilities }
    func recall(_ signal: SignalRecord, window: Duration) async throws(StoreError) -> AdmissionResult? {
        if let hook = hooks.recall { try await hook(base, signal) } else { try await base.recall(signal, window: window) }
    }
    func claim(of accounts: [AccountID], limit: Int) async throws(StoreError) -> [OrderRecord] {
        if let hook = hooks.claim { try await hook(base, accounts, limit) } else { try await base.claim(of: accounts, limit: limit) }
    }
    func queues() async throws(StoreError) -> [AccountQueue] {
        let found = try await base.queues()
        return hooks.queues?(found) ?? found
    }
    func commitsOfOthers() -> AsyncStream<Void> { hooks.others?(base) ?? base.commitsOfOthers() }
    func heartbeat(_ worker: WorkerRecord) async throws(StoreError) {
        if let hook = hooks.heartbeat { try await hook(base, worker) } else { try await base.heartbeat(worker) }
    }
    func stopWorker(_ holder: HolderIdentity, at: Timestamp) async throws(StoreError) { try await base.stopWorker(holder, at: at) }
    func workers() async throws(StoreError) -> [WorkerRecord] { try await base.workers() }
    func countCrash(of predecessor: Tenure, under tenure: Tenure, limit: Int, at: Timestamp) async throws(StoreError) -> [DeadLetter] {
        try await base.countCrash(of: hooks.predecessor?(predecessor) ?? predecessor, under: tenure, limit: limit, at: at)
    }
    func deadLetters() async throws(StoreError) -> [DeadLetter] { try await base.deadLetters() }
    func decide(
        _ order: OrderID, _ decision: DeadLetterDecision, by actor: String, reason: String, at: Timestamp
    ) async throws(StoreError) -> OrderRecord {
        if let hook = hooks.decide { return try await hook(base, order, decision, actor, reason, at) }
        return try await base.decide(order, decision, by: actor, reason: reason, at: at)
    }
    func openTenure(_ request: TenureRequest) async throws(StoreError) -> (tenure: Tenure, unclosedPredecessor: Tenure?) {
        if let hook = hooks.openTenure { try await hook(base, request) } else { try await base.openTenure(request) }
    }
    func closeTenure(_ tenure: Tenure, at: Timestamp) async throws(StoreError) {
        if let hook = hooks.closeTenure { try await hook(base, tenure, at) } else { try await base.closeTenure(tenure, at: at) }
    }
    func permit(
        _ request: PermitRequest, deciding decide: @escaping @Sendable (PermitFacts) -> PermitVerdict
    ) async throws(StoreError) -> PermitResult {
        if let hook = hooks.permit { try await hook(base, request, decide) } else { try await base.permit(request, deciding: decide) }
    }
    func update(
        _ order: OrderID, under tenure: Tenure, at: Timestamp, reducing reduce: @escaping @Sendable (OrderSnapshot) -> OrderChange?
    ) async throws(StoreError) -> OrderRecord {
        let used = if let hook = hooks.updateTenure { try await hook(base, tenure) } else { tenure }
        let change = hooks.change
        return try await base.update(order, under: used, at: at) { snapshot in
            guard let wanted = reduce(snapshot) else { return nil }
            return if let change { change(wanted, snapshot) } else { wanted }
        }
    }
    func openOrders(of account: AccountID) async throws(StoreError) -> [OrderRecord] {
        let found = try await base.openOrders(of: account)
        return hooks.openOrders?(found) ?? found
    }
    func order(_ id: OrderID) async throws(StoreError) -> OrderSnapshot? {
        guard let found = try await base.order(id) else { return nil }
        return hooks.snapshot?(found) ?? found
    }
    func order(account: AccountID, clientOrderID: ClientOrderID) async throws(StoreError) -> OrderRecord? {
        try await base.order(account: account, clientOrderID: clientOrderID)
    }
    func order(account: AccountID, symbol: Symbol, venueOrderID: VenueOrderID) async throws(StoreError) -> OrderRecord? {
        try await base.order(account: account, symbol: symbol, venueOrderID: venueOrderID)
    }
    func orders(_ query: OrderQuery) async throws(StoreError) -> [OrderRecord] {
        let found = try await base.orders(query)
        return hooks.orders?(found) ?? found
    }
    func accountsWithOpenOrders() async throws(StoreError) -> [AccountID] { try await base.accountsWithOpenOrders() }
    func signal(_ id: SignalID) async throws(StoreError) -> SignalRecord? { try await base.signal(id) }
    func signals(before: SignalID?, limit: Int) async throws(StoreError) -> [SignalRecord] { try await base.signals(before: before, limit: limit) }
    func positions(account: AccountID?) async throws(StoreError) -> [PositionRecord] { try await base.positions(account: account) }
    func episodes(account: AccountID?, includeEnded: Bool, limit: Int) async throws(StoreError) -> [EpisodeRecord] {
        let found = try await base.episodes(account: account, includeEnded: includeEnded, limit: limit)
        return hooks.episodes?(found) ?? found
    }
    func compensations(includeEnded: Bool, limit: Int) async throws(StoreError) -> [CompensationStep] {
        try await base.compensations(includeEnded: includeEnded, limit: limit)
    }
    func tend(
        _ episode: EpisodeID, under tenure: Tenure, at: Timestamp, deciding decide: @escaping @Sendable (EpisodeFacts) -> EpisodeWork?
    ) async throws(StoreError) -> EpisodeWork? {
        let used = if let hook = hooks.updateTenure { try await hook(base, tenure) } else { tenure }
        let (change, work) = (hooks.episodeFacts, hooks.episodeWork)
        return try await base.tend(episode, under: used, at: at) { facts in
            guard let wanted = decide(change?(facts) ?? facts) else { return nil }
            return work?(wanted) ?? wanted
        }
    }
    func takeBack(
        _ execution: ExecutionID, of order: OrderID, under tenure: Tenure, at: Timestamp,
        correcting correct: @escaping @Sendable (FillHistory) -> FillCorrection
    ) async throws(StoreError) -> PositionRecord {
        let real: @Sendable () async throws(StoreError) -> PositionRecord = { () async throws(StoreError) -> PositionRecord in
            try await base.takeBack(execution, of: order, under: tenure, at: at, correcting: correct)
        }
        if let hook = hooks.takeBack { return try await hook(base, real) }
        return try await real()
    }
    func journal(after sequence: Int64, limit: Int) async throws(StoreError) -> [JournalEntry] { try await base.journal(after: sequence, limit: limit) }
    func journal(of signal: SignalID) async throws(StoreError) -> [JournalEntry] {
        if let hook = hooks.journalOfSignal { try await hook(base, signal) } else { try await base.journal(of: signal) }
    }
    func lastJournalSequence() async throws(StoreError) -> Int64 { try await base.lastJournalSequence() }
    func commits() -> AsyncStream<Int64> { hooks.commits?(base) ?? base.commits() }
    func append(_ drafts: [JournalDraft], at: Timestamp) async throws(StoreError) { try await base.append(drafts, at: at) }
    func verifyJournal() async throws(StoreError) -> Int64? {
        if let hook = hooks.verify { try await hook(base) } else { try await base.verifyJournal() }
    }
    func raise(_ alert: AlertDraft, at: Timestamp) async throws(StoreError) {
        if let hook = hooks.raise { try await hook(base, alert, at) } else { try await base.raise(alert, at: at) }
    }
    func resolveAlert(type: String, subject: String, at: Timestamp) async throws(StoreError) {
        try await base.resolveAlert(type: type, subject: subject, at: at)
    }
    func alerts(includeResolved: Bool, limit: Int) async throws(StoreError) -> [AlertRecord] {
        try await base.alerts(includeResolved: includeResolved, limit: limit)
    }
    func reconcile(
        _ request: ReconciliationRequest, deciding decide: @escaping @Sendable (ReconciliationFacts) -> ReconciliationChange?
    ) async throws(StoreError) -> ReconciliationChange? {
        if let hook = hooks.reconcile { return try await hook(base, request, decide) }
        let (base, hook) = (base, hooks.reconciliation)
        return try await base.reconcile(request) { facts in
            guard let wanted = decide(facts) else { return nil }
            return if let hook { hook(base, request, wanted) } else { wanted }
        }
    }
    func reconciliationRuns(of account: AccountID?) async throws(StoreError) -> [ReconciliationRun] { try await base.reconciliationRuns(of: account) }
    func externalOrders(of account: AccountID?, limit: Int) async throws(StoreError) -> [ExternalOrder] {
        try await base.externalOrders(of: account, limit: limit)
    }
    func driftFindings(of account: AccountID?, includeResolved: Bool, limit: Int) async throws(StoreError) -> [DriftFinding] {
        try await base.driftFindings(of: account, includeResolved: includeResolved, limit: limit)
    }
    func halts() async throws(StoreError) -> [AccountHalt] {
        let found = try await base.halts()
        return hooks.halts?(found) ?? found
    }
    func resume(_ account: AccountID, by actor: String, reason: String, at: Timestamp) async throws(StoreError) -> AccountHalt {
        if let hook = hooks.resume { try await hook(base, account, actor, reason, at) } else { try await base.resume(account, by: actor, reason: reason, at: at) }
    }
    func checkHealth(at: Timestamp) async throws(StoreError) {
        if let hook = hooks.health { try await hook(base) } else { try await base.checkHealth(at: at) }
    }
    func close() async {
        if let hook = hooks.close { await hook(base) } else { await base.close() }
    }
}

/// Places whose stores have one bug.
struct ZooHarness: StoreHarness {
    let makeHooks: @Sendable () -> StoreHooks

    func withPlace(_ body: @escaping @Sendable (any StorePlace) async throws -> Void) async throws {
        let hooks = makeHooks()
        try await SQLiteHarness().withPlace { try await body(ZooPlace(base: $0, hooks: hooks)) }
    }

    private struct ZooPlace: StorePlace {
        let base: any StorePlace
        let hooks: StoreHooks
        func open() async throws -> any OrderStore { ZooStore(base: try await base.open(), hooks: hooks) }
        func execute(_ sql: String) async throws { try await base.execute(sql) }
        func executeUnguarded(_ sql: String) async throws { try await base.executeUnguarded(sql) }
        func count(_ table: String) async throws -> Int { try await base.count(table) }
    }
}
