import LockContract
import Logging
import PluginSettings
import RateLimitContract
import TradingModel

/// As limiters outside the store take it.
public typealias RateRule = RateLimitContract.RateRule

/// A signal and its orders, to be stored together or not at all.
public struct Admission: Sendable {
    public var signal: SignalRecord
    public var orders: [OrderRecord]
    /// How long a derived key means the same signal.
    public var window: Duration
    /// Checked after the duplicate check, so that a duplicate never costs a slot; nil for no limit.
    public var rate: RateRule?
    public init(signal: SignalRecord, orders: [OrderRecord], window: Duration, rate: RateRule?) {
        self.signal = signal
        self.orders = orders
        self.window = window
        self.rate = rate
    }
}

public enum AdmissionResult: Sendable, Hashable {
    case admitted
    /// Seen before; the copy was counted and nothing else happened.
    case duplicate(first: SignalID, StoredAnswer)
    /// The same explicit key with another payload. Nothing was stored.
    case conflict(first: SignalID)
    case rateLimited(retryAfter: Duration)
}

/// What the core reads when it changes an order.
public struct OrderSnapshot: Sendable {
    public var order: OrderRecord
    public var attempts: [AttemptRecord]
    public var fills: [Fill]
    /// The ledger's position in the order's account and symbol.
    public var position: PositionRecord?
    /// Of an entry with a bracket: its legs, the stop first.
    public var legs: [OrderSnapshot]
    public init(order: OrderRecord, attempts: [AttemptRecord], fills: [Fill], position: PositionRecord?, legs: [OrderSnapshot] = []) {
        self.order = order
        self.attempts = attempts
        self.fills = fills
        self.position = position
        self.legs = legs
    }
}

/// What the core wants changed, written in one transaction. The store sets `version` and writes nothing for an empty change.
public struct OrderChange: Sendable {
    /// The order as it shall be; its identity and intent fields must be as they were.
    public var order: OrderRecord
    /// Attempts whose outcome is recorded.
    public var attempts: [AttemptRecord]
    /// Fills that were not known. A known execution id is refused by the store's key.
    public var newFills: [Fill]
    public var position: PositionRecord?
    public var journal: [JournalDraft]
    public var alerts: [AlertDraft]
    /// What the change of an entry does to its legs, in the same transaction.
    public var legs: [OrderChange]

    public init(
        order: OrderRecord, attempts: [AttemptRecord] = [], newFills: [Fill] = [], position: PositionRecord? = nil,
        journal: [JournalDraft] = [], alerts: [AlertDraft] = [], legs: [OrderChange] = []
    ) {
        self.order = order
        self.attempts = attempts
        self.newFills = newFills
        self.position = position
        self.journal = journal
        self.alerts = alerts
        self.legs = legs
    }
}

public struct TenureRequest: Sendable {
    public var account: AccountID
    public var owner: OwnerToken
    public var holder: HolderIdentity
    /// The lease under which the tenure is opened, for the record.
    public var leaseFence: FencingToken
    public var configurationHash: String
    public var at: Timestamp
    public init(account: AccountID, owner: OwnerToken, holder: HolderIdentity, leaseFence: FencingToken, configurationHash: String, at: Timestamp) {
        self.account = account
        self.owner = owner
        self.holder = holder
        self.leaseFence = leaseFence
        self.configurationHash = configurationHash
        self.at = at
    }
}

public struct OrderQuery: Sendable {
    public var account: AccountID?
    public var strategy: StrategyID?
    public var signalID: SignalID?
    public var states: Set<OrderState>?
    /// The id that a venue gave; several accounts or symbols may have an order with it. No index serves it: for a person's question.
    public var venueOrderID: VenueOrderID?
    /// Newest first, starting after this id.
    public var before: OrderID?
    public var limit: Int
    public init(
        account: AccountID? = nil, strategy: StrategyID? = nil, signalID: SignalID? = nil, states: Set<OrderState>? = nil,
        venueOrderID: VenueOrderID? = nil, before: OrderID? = nil, limit: Int = 100
    ) {
        self.venueOrderID = venueOrderID
        self.account = account
        self.strategy = strategy
        self.signalID = signalID
        self.states = states
        self.before = before
        self.limit = limit
    }
}

public enum StoreError: Error, Sendable, CustomStringConvertible {
    /// Not stored, or not known to be stored: disk full, database locked, closed.
    case unavailable(String)
    /// The tenure is not the current one. The worker stops at once.
    case fenced(account: AccountID, presented: FencingToken, current: FencingToken?)
    /// The change breaks a rule of the store: incomplete, from a terminal state, a known fill.
    case refused(String)
    case notFound(String)
    /// The rate limiter's table failed; nothing was stored. The caller limits by other means and admits without a rule.
    case limiterUnavailable(String)
    /// A gateway that started earlier and lives works with another configuration, program or schema. Nothing is sent until it stops.
    case mixedVersions(String)

    public var description: String {
        switch self {
        case .unavailable(let why): "order store unavailable: \(why)"
        case .fenced(let account, let presented, let current):
            "tenure \(presented) of \(account) is not current (\(current.map(String.init(describing:)) ?? "none"))"
        case .refused(let why): "refused by the order store: \(why)"
        case .notFound(let what): "\(what) is not in the order store"
        case .limiterUnavailable(let why): "rate limiter unavailable: \(why)"
        case .mixedVersions(let why): "mixed versions: \(why)"
        }
    }
}

/// The durable database that decides everything. What is not committed here has not happened.
///
/// Every call is one transaction. When it returns, the transaction is on the disk; when it throws `.unavailable`, the caller must
/// assume nothing. A caller's cancellation does not undo or tear a transaction. Clauses SC-… are in this module's README.
///
/// Closures passed in are pure, run inside the transaction, and may run again if the transaction is repeated.
public protocol OrderStore: Sendable {
    var capabilities: StoreCapabilities { get }

    /// Its pools of connections to a server at this moment; none of a store in a file.
    var pools: [PoolGauges] { get }

    // MARK: Admission

    /// Stores a signal with all its orders, unless it is a duplicate or over its rate. *(SC-01 … SC-04)*
    func admit(_ admission: Admission) async throws(StoreError) -> AdmissionResult

    /// The duplicate check of ``admit(_:)`` alone, for a rate limiter outside the store: `duplicate`, counted as there, or `conflict`;
    /// nil if the signal is new. *(SC-04)*
    func recall(_ signal: SignalRecord, window: Duration) async throws(StoreError) -> AdmissionResult?

    // MARK: Several gateways

    /// Orders of these accounts that wait to be sent, oldest first: queued or absent; no legs, no dead letters. Where the database can,
    /// without those that another transaction is changing at this moment. *(SC-18)*
    func claim(of accounts: [AccountID], limit: Int) async throws(StoreError) -> [OrderRecord]

    /// How much waits, account by account, for those where something does.
    func queues() async throws(StoreError) -> [AccountQueue]

    /// Yields after another process that shares the store has committed; several commits may be told as one. Every caller gets a
    /// stream of its own, which ends when the store closes. *(SC-17)*
    func commitsOfOthers() -> AsyncStream<Void>

    /// Tells that the worker lives; the first one registers it. One that was marked as stopped is live again. *(SC-19)*
    func heartbeat(_ worker: WorkerRecord) async throws(StoreError)

    /// Marks a worker as ended: by itself, or by another one that knows it to be dead. A repeat is harmless.
    func stopWorker(_ holder: HolderIdentity, at: Timestamp) async throws(StoreError)

    /// Workers that were heard within the last day, by start.
    func workers() async throws(StoreError) -> [WorkerRecord]

    // MARK: Dead letters

    /// Counts the crash of the process that held `predecessor` against the orders that it may have died of: the one whose turn it is
    /// in the account (one that was tried before, else the oldest that waits), and those that it had permitted and that are not
    /// settled. One that has as many crashes as `limit` is a dead letter from then on. Returns the new ones, each with a line in the
    /// journal (`order.dead_letter`). The same predecessor counts once. *(SC-20)*
    func countCrash(of predecessor: Tenure, under tenure: Tenure, limit: Int, at: Timestamp) async throws(StoreError) -> [DeadLetter]

    /// Oldest first.
    func deadLetters() async throws(StoreError) -> [DeadLetter]

    /// Throws `.notFound` if the order is no dead letter. The journal keeps who decided it and why. *(SC-20)*
    func decide(_ order: OrderID, _ decision: DeadLetterDecision, by actor: String, reason: String, at: Timestamp) async throws(StoreError) -> OrderRecord

    // MARK: Tenures and permits

    /// Ends whatever tenure the account has and mints a new fence, greater than all before. *(SC-05)*
    ///
    /// Throws `.mixedVersions` while a live worker with another gateway id that started before the holder has another configuration
    /// hash, program version or schema version. A holder that has sent no heartbeat counts as started last. *(SC-19)*
    /// - Returns: The new tenure, and the previous one if it was never closed.
    func openTenure(_ request: TenureRequest) async throws(StoreError) -> (tenure: Tenure, unclosedPredecessor: Tenure?)

    /// Marks a tenure as cleanly ended. A stale one is ignored.
    func closeTenure(_ tenure: Tenure, at: Timestamp) async throws(StoreError)

    /// Reads the facts, asks `decide`, and commits the permit with its attempt, or the closing of the order. *(SC-06, SC-07)*
    ///
    /// What happens to an entry happens to its legs in the same transaction: they are permitted with it, or end with it. *(SC-16)*
    ///
    /// Throws `.fenced` if the tenure is not current, `.refused` if the order is neither queued nor absent, is a leg or a dead letter, or
    /// if `decide` grants although the account is halted.
    func permit(_ request: PermitRequest, deciding decide: @escaping @Sendable (PermitFacts) -> PermitVerdict) async throws(StoreError) -> PermitResult

    // MARK: Orders

    /// Changes one order with everything that belongs to the change, under the account's current tenure. *(SC-08, SC-09)*
    ///
    /// `reduce` returns nil for "nothing to change", then nothing is written.
    @discardableResult
    func update(
        _ order: OrderID, under tenure: Tenure, at: Timestamp, reducing reduce: @escaping @Sendable (OrderSnapshot) -> OrderChange?
    ) async throws(StoreError) -> OrderRecord

    /// Orders that are not terminal, oldest first.
    func openOrders(of account: AccountID) async throws(StoreError) -> [OrderRecord]
    func order(_ id: OrderID) async throws(StoreError) -> OrderSnapshot?
    func order(account: AccountID, clientOrderID: ClientOrderID) async throws(StoreError) -> OrderRecord?
    func order(account: AccountID, symbol: Symbol, venueOrderID: VenueOrderID) async throws(StoreError) -> OrderRecord?
    func orders(_ query: OrderQuery) async throws(StoreError) -> [OrderRecord]
    /// Accounts that have an order that is not terminal.
    func accountsWithOpenOrders() async throws(StoreError) -> [AccountID]

    // MARK: Signals, positions

    func signal(_ id: SignalID) async throws(StoreError) -> SignalRecord?
    /// Newest first, starting after `before`.
    func signals(before: SignalID?, limit: Int) async throws(StoreError) -> [SignalRecord]
    func positions(account: AccountID?) async throws(StoreError) -> [PositionRecord]

    // MARK: Journal and alerts

    /// Lines after `sequence`, oldest first.
    func journal(after sequence: Int64, limit: Int) async throws(StoreError) -> [JournalEntry]
    /// The lines of one signal and its orders, oldest first.
    func journal(of signal: SignalID) async throws(StoreError) -> [JournalEntry]
    func lastJournalSequence() async throws(StoreError) -> Int64
    /// Yields after commits of this process, the latest sequence only; every caller gets a stream of its own.
    func commits() -> AsyncStream<Int64>
    /// Writes lines that belong to no order.
    func append(_ drafts: [JournalDraft], at: Timestamp) async throws(StoreError)
    /// Checks the hash chain from the beginning. Returns the first sequence that does not fit, or nil.
    func verifyJournal() async throws(StoreError) -> Int64?

    /// Opens an alert or counts it up; the journal gets a line each time.
    func raise(_ alert: AlertDraft, at: Timestamp) async throws(StoreError)
    /// Resolves the open alert of this type and subject, if there is one.
    func resolveAlert(type: String, subject: String, at: Timestamp) async throws(StoreError)
    /// Newest first.
    func alerts(includeResolved: Bool, limit: Int) async throws(StoreError) -> [AlertRecord]

    // MARK: Reconciliation

    /// Reads the facts of the tenure's account, asks `decide`, and writes what it wants, all in one transaction. *(SC-21)*
    ///
    /// Nil from `decide` changes nothing. Throws `.fenced` if the tenure is not current, `.refused` for a correction or a halt without
    /// its finding, and for a finding that is confirmed twice or has ended.
    @discardableResult
    func reconcile(
        _ request: ReconciliationRequest, deciding decide: @escaping @Sendable (ReconciliationFacts) -> ReconciliationChange?
    ) async throws(StoreError) -> ReconciliationChange?

    /// The latest of each account and depth, complete and not.
    func reconciliationRuns(of account: AccountID?) async throws(StoreError) -> [ReconciliationRun]
    /// Newest first.
    func externalOrders(of account: AccountID?, limit: Int) async throws(StoreError) -> [ExternalOrder]
    /// Newest first.
    func driftFindings(of account: AccountID?, includeResolved: Bool, limit: Int) async throws(StoreError) -> [DriftFinding]
    /// Those that are not released, by account.
    func halts() async throws(StoreError) -> [AccountHalt]
    /// Releases the account's halt; the journal keeps who decided it and why. Throws `.notFound` if it is not halted. *(SC-24)*
    func resume(_ account: AccountID, by actor: String, reason: String, at: Timestamp) async throws(StoreError) -> AccountHalt

    // MARK: Episodes and protection
    // Episodes are opened by the permit of an entry and moved by every permit and change of an order in their instrument, in the same
    // transaction.

    /// Newest first.
    func episodes(account: AccountID?, includeEnded: Bool, limit: Int) async throws(StoreError) -> [EpisodeRecord]

    /// Reads the facts of an open episode, asks `decide`, and commits what it wants: orders, steps and alerts, all or none. *(SC-22)*
    ///
    /// Throws `.fenced` if the tenure is not current, `.notFound` if the episode is not open, `.refused` for work that is not the
    /// episode's. `decide` returns nil for "nothing to do", then nothing is written.
    /// - Returns: What was written.
    func tend(
        _ episode: EpisodeID, under tenure: Tenure, at: Timestamp, deciding decide: @escaping @Sendable (EpisodeFacts) -> EpisodeWork?
    ) async throws(StoreError) -> EpisodeWork?

    /// Steps of compensations, newest first.
    func compensations(includeEnded: Bool, limit: Int) async throws(StoreError) -> [CompensationStep]

    /// Takes back a fill that the venue has taken back. The fill is kept and marked; what was filled of its order does not fall; the
    /// position becomes what `correct` says, with a line in the journal. Throws `.refused` if it was taken back before. *(SC-23)*
    func takeBack(
        _ execution: ExecutionID, of order: OrderID, under tenure: Tenure, at: Timestamp,
        correcting correct: @escaping @Sendable (FillHistory) -> FillCorrection
    ) async throws(StoreError) -> PositionRecord

    // MARK: Life

    /// Proves that a commit reaches the disk now.
    func checkHealth(at: Timestamp) async throws(StoreError)
    /// Commits what waits and closes. Later calls throw `.unavailable`.
    func close() async
}

public struct StoreContext: Sendable {
    public let clock: any TradingClock
    public let logger: Logger
    public init(clock: any TradingClock, logger: Logger) {
        self.clock = clock
        self.logger = logger
    }
}

/// A kind of order store that the configuration can name under `store: { type: … }`.
public protocol StorePlugin: Sendable {
    associatedtype Configuration: PluginConfiguration
    static var id: String { get }
    /// Opens the store and migrates it, or throws why it cannot be used safely.
    static func openStore(_ configuration: Configuration, context: StoreContext) async throws -> any OrderStore
}

extension OrderStore {
    public var pools: [PoolGauges] { [] }
}
