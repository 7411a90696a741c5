import LockContract
@_spi(OrderStore) import StoreContract
import StoreKit
import TradingModel

/// The tables of an order store as values: a transaction works on a copy, and what fails leaves the old one.
struct MemoryState {
    struct Key: Hashable {
        let source: SourceID
        let hash: String
    }
    struct Intent: Hashable {
        let signal: SignalID
        let strategy: StrategyID
        let account: AccountID
        let leg: Int
    }
    struct Pair<A: Hashable & Sendable, B: Hashable & Sendable>: Hashable, Sendable {
        let a: A
        let b: B
        init(_ a: A, _ b: B) {
            self.a = a
            self.b = b
        }
    }
    struct StoredTenure {
        let tenure: Tenure
        var isClosed = false
    }
    struct StoredWorker {
        var record: WorkerRecord
        var heardAt: Duration
    }
    struct Crash {
        let order: OrderID
        let account: AccountID
        let crash: DeadLetter.Crash
        var isForgotten = false
    }

    /// In the order of their storage, as the rows of the real stores by their sequence.
    var signals: [SignalRecord] = []
    var signalIndex: [SignalID: Int] = [:]
    var latestOfKey: [Key: Int] = [:]
    var orders: [OrderRecord] = []
    var orderIndex: [OrderID: Int] = [:]
    var byClientID: [Pair<AccountID, ClientOrderID>: Int] = [:]
    var intents: Set<Intent> = []
    var attempts: [OrderID: [AttemptRecord]] = [:]
    var fills: [OrderID: [Fill]] = [:]
    var executions: Set<Pair<AccountID, ExecutionID>> = []
    var positions: [Pair<AccountID, Symbol>: PositionRecord] = [:]
    var tenures: [AccountID: StoredTenure] = [:]
    var workers: [String: StoredWorker] = [:]
    var alerts: [AlertRecord] = []
    var crashes: [Crash] = []
    var deadLetters: [OrderID: Timestamp] = [:]
    /// In the order of their opening.
    var episodes: [EpisodeRecord] = []
    var compensations: [CompensationStep] = []
    var busts: Set<Pair<AccountID, ExecutionID>> = []
    /// Executions in the order in which they became known.
    var allFills: [(account: AccountID, fill: Fill)] = []
    var runs: [ReconciliationRun] = []
    var external: [ExternalOrder] = []
    var findings: [DriftFinding] = []
    /// Released ones too.
    var halts: [AccountHalt] = []
    var rateEvents: [[UInt8]: [Timestamp]] = [:]
    var isRateTableGone = false

    /// What this transaction writes to the journal, and which orders it changes.
    var lines: [(draft: JournalDraft, at: Timestamp)] = []
    var touched: [OrderID] = []
    /// The tenure under which it works.
    var worksUnder: Tenure?
    /// Which defects the store has on purpose.
    var plants: Set<Plant> = []

    static let schemaVersion = 4

    // MARK: Rows

    func order(_ id: OrderID) -> OrderRecord? { orderIndex[id].map { orders[$0] } }

    func legs(of entry: OrderID) -> [OrderRecord] {
        orders.filter { $0.entryID == entry }.sorted { ($0.bracketRole?.rawValue ?? "") < ($1.bracketRole?.rawValue ?? "") }
    }

    func snapshot(_ id: OrderID) -> OrderSnapshot? {
        guard let order = order(id) else { return nil }
        func alone(_ order: OrderRecord) -> OrderSnapshot {
            OrderSnapshot(
                order: order, attempts: attempts[order.id] ?? [], fills: fills[order.id] ?? [],
                position: positions[Pair(order.account, order.symbol)])
        }
        var found = alone(order)
        if order.bracket != nil { found.legs = legs(of: id).map(alone) }
        return found
    }

    mutating func write(_ draft: JournalDraft, at: Timestamp) throws(StoreError) {
        guard !draft.type.isEmpty else { throw .refused("a line needs a type") }
        guard draft.orderID == nil || draft.signalID != nil else { throw .refused("an order's line names its signal") }
        guard draft.data.first == "{", draft.data.last == "}" else { throw .refused("a line's data is a JSON object") }
        lines.append((draft, at))
    }

    /// Stores a new order, as the tables' keys and checks allow.
    mutating func insert(_ order: OrderRecord) throws(StoreError) {
        guard orderIndex[order.id] == nil else { throw .refused("order \(order.id) is there already") }
        let intent = Intent(signal: order.signalID, strategy: order.strategy, account: order.account, leg: order.leg)
        guard intents.insert(intent).inserted else { throw .refused("the intent of order \(order.id) is there already") }
        let clientID = Pair(order.account, order.clientOrderID)
        guard byClientID[clientID] == nil else { throw .refused("client order id \(order.clientOrderID) is taken") }
        try MemoryRules.check(order)
        byClientID[clientID] = orders.count
        orderIndex[order.id] = orders.count
        orders.append(order)
        touched.append(order.id)
    }

    /// Writes an order over the version before it.
    mutating func replace(_ order: OrderRecord, onlyFrom expected: [OrderState]? = nil) throws(StoreError) {
        guard let index = orderIndex[order.id] else { throw .notFound("order \(order.id)") }
        let old = orders[index]
        guard old.version == order.version - 1, expected?.contains(old.state) ?? true else { throw .refused("order \(order.id) changed meanwhile") }
        try MemoryRules.check(order)
        if !plants.contains(.terminalReopened) { try MemoryRules.check(order, over: old) }
        orders[index] = order
        touched.append(order.id)
    }

    /// Throws `.fenced` unless the tenure is the account's latest, by number and by owner, and was not closed.
    func checkCurrent(_ tenure: Tenure) throws(StoreError) {
        let current = tenures[tenure.account]
        guard let current, !current.isClosed, current.tenure.fence == tenure.fence, current.tenure.owner == tenure.owner else {
            throw .fenced(account: tenure.account, presented: tenure.fence, current: current?.tenure.fence)
        }
    }
}

/// What the tables of the real stores demand of an order's row.
enum MemoryRules {
    static func check(_ order: OrderRecord) throws(StoreError) {
        func refuse(_ why: String) -> StoreError { .refused("order \(order.id): \(why)") }
        guard (order.limitPrice != nil) == order.type.needsLimitPrice, (order.stopPrice != nil) == order.type.needsStopPrice else {
            throw refuse("its prices are not those of its type")
        }
        guard [order.limitPrice, order.stopPrice, order.bracket?.stopLoss, order.bracket?.takeProfit].allSatisfy({ $0.map { $0 > 0 } ?? true }) else {
            throw refuse("a price is not positive")
        }
        guard order.requestedQuantity >= 0, order.quantity.map({ $0 > 0 }) ?? true, order.filledQuantity >= 0 else { throw refuse("a quantity is negative") }
        guard (order.bracketRole == nil) == (order.entryID == nil) else { throw refuse("a leg has its entry") }
        if let role = order.bracketRole {
            guard order.type == (role == .stopLoss ? .stop : .limit), order.bracket == nil else { throw refuse("a leg is what its role says") }
        }
        switch order.state {
        case .queued, .skipped, .blocked, .stale: break
        default: guard order.quantity != nil, order.attempts >= 1 else { throw refuse("it is complete once permitted") }
        }
        switch order.state {
        case .rejected, .abandoned, .skipped, .blocked, .stale: guard !(order.reason ?? "").isEmpty else { throw refuse("an ending has its reason") }
        case .filled, .partiallyFilled: guard order.filledQuantity > 0 else { throw refuse("filled means a quantity") }
        default: break
        }
    }

    static func check(_ order: OrderRecord, over old: OrderRecord) throws(StoreError) {
        guard !old.state.isTerminal || order.state == old.state else { throw .refused("order \(order.id) stays as it ended") }
        guard old.quantity == nil || order.quantity == old.quantity else { throw .refused("the quantity of order \(order.id) is fixed") }
        guard order.attempts >= old.attempts, order.filledQuantity >= old.filledQuantity else { throw .refused("order \(order.id) counts up only") }
    }
}
