import TradingModel

// What the comparison of the store with the venue leaves behind: that it ran, what it found, and what was done about it.

/// What happens when the venue holds another position than the ledger.
public enum DriftPolicy: String, Sendable, Hashable, Codable, CaseIterable {
    /// A person is told.
    case alert
    /// The ledger takes the venue's figure, by a correction that the journal names.
    case adopt
    /// As ``adopt``, and the gateway places an order that leaves what the venue holds of the instrument.
    case flatten
    /// The account gets no permit until a person releases it.
    case halt
}

/// One comparison of an account with its venue.
public struct ReconciliationRun: Sendable, Hashable, Codable {
    public enum Depth: String, Sendable, Hashable, Codable, CaseIterable {
        /// Open orders and positions.
        case light
        /// Also histories, fills and balances, back to the last deep run.
        case deep
    }
    public var account: AccountID
    /// Counts the account's runs, from 1; the store's transaction gives it.
    public var number: Int64
    public var depth: Depth
    /// `start`, `reconnect`, `schedule` or `request`.
    public var trigger: String
    /// Taken before the first question to the venue.
    public var startedAt: Timestamp
    public var endedAt: Timestamp
    /// False if any question had no complete answer; then nothing was concluded about positions.
    public var isComplete: Bool
    /// Why it is not complete.
    public var problem: String?
    /// Open orders that the venue showed.
    public var openOrders: Int
    /// Orders of ours about which it brought news.
    public var changedOrders: Int
    /// Orders of somebody else that were not known before.
    public var externalOrders: Int
    public init(
        account: AccountID, number: Int64 = 0, depth: Depth, trigger: String, startedAt: Timestamp, endedAt: Timestamp, isComplete: Bool,
        problem: String? = nil, openOrders: Int = 0, changedOrders: Int = 0, externalOrders: Int = 0
    ) {
        self.account = account
        self.number = number
        self.depth = depth
        self.trigger = trigger
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.isComplete = isComplete
        self.problem = problem
        self.openOrders = openOrders
        self.changedOrders = changedOrders
        self.externalOrders = externalOrders
    }
}

/// An order at the venue that no intent of ours stands for. It is shown, and never becomes one of ours.
public struct ExternalOrder: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
        /// Made by a person or another program.
        case external
        /// Its client order id looks like one of ours, and the store does not know it.
        case underOurPrefix = "under_our_prefix"
        /// It is one of ours that has ended here, and the venue still has it open.
        case endedHere = "ended_here"
    }
    public struct Key: Sendable, Hashable, Codable {
        public var symbol: Symbol
        public var venueOrderID: VenueOrderID
        public init(symbol: Symbol, venueOrderID: VenueOrderID) {
            self.symbol = symbol
            self.venueOrderID = venueOrderID
        }
    }
    public var account: AccountID
    public var symbol: Symbol
    public var venueOrderID: VenueOrderID
    public var clientOrderID: ClientOrderID?
    public var kind: Kind
    public var side: Side
    public var type: OrderType?
    public var quantity: Quantity?
    public var limitPrice: Price?
    public var stopPrice: Price?
    public var filledQuantity: Quantity
    /// As last told; `unrecognised` where only a fill was.
    public var status: VenueOrderStatus
    public var venueStatus: String
    public var firstSeenAt: Timestamp
    public var lastSeenAt: Timestamp
    public var key: Key { Key(symbol: symbol, venueOrderID: venueOrderID) }

    public init(
        account: AccountID, symbol: Symbol, venueOrderID: VenueOrderID, clientOrderID: ClientOrderID?, kind: Kind, side: Side,
        type: OrderType?, quantity: Quantity?, limitPrice: Price? = nil, stopPrice: Price? = nil, filledQuantity: Quantity,
        status: VenueOrderStatus, venueStatus: String, firstSeenAt: Timestamp, lastSeenAt: Timestamp
    ) {
        self.account = account
        self.symbol = symbol
        self.venueOrderID = venueOrderID
        self.clientOrderID = clientOrderID
        self.kind = kind
        self.side = side
        self.type = type
        self.quantity = quantity
        self.limitPrice = limitPrice
        self.stopPrice = stopPrice
        self.filledQuantity = filledQuantity
        self.status = status
        self.venueStatus = venueStatus
        self.firstSeenAt = firstSeenAt
        self.lastSeenAt = lastSeenAt
    }
}

/// The venue and the ledger disagree about what an account holds. At most one is not resolved for one account, kind and subject.
public struct DriftFinding: Sendable, Hashable, Codable {
    /// The strategy of the orders that leave what a finding found. Such an order's request id is the finding's id.
    public static let orderStrategy: StrategyID = "drift"

    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
        /// Of an instrument's position; the subject is its symbol.
        case position
        /// Of an exchange's balance; the subject is the asset. Only ever told.
        case balance
    }
    public enum State: String, Sendable, Hashable, Codable, CaseIterable {
        /// Seen once. It counts when the next complete run sees the same figures.
        case suspected
        /// It counts, and its action was taken in the same transaction.
        case confirmed
        /// Gone, or followed by one with other figures.
        case resolved
    }
    public var id: String
    public var account: AccountID
    public var kind: Kind
    public var subject: String
    /// What the ledger says.
    public var ledger: Quantity
    /// What the venue says.
    public var venue: Quantity
    public var state: State
    /// What was done when it was confirmed.
    public var action: DriftPolicy?
    public var firstSeenAt: Timestamp
    public var lastSeenAt: Timestamp
    public var confirmedAt: Timestamp?
    public var resolvedAt: Timestamp?
    public init(
        id: String, account: AccountID, kind: Kind, subject: String, ledger: Quantity, venue: Quantity, state: State = .suspected,
        action: DriftPolicy? = nil, firstSeenAt: Timestamp, lastSeenAt: Timestamp, confirmedAt: Timestamp? = nil, resolvedAt: Timestamp? = nil
    ) {
        self.id = id
        self.account = account
        self.kind = kind
        self.subject = subject
        self.ledger = ledger
        self.venue = venue
        self.state = state
        self.action = action
        self.firstSeenAt = firstSeenAt
        self.lastSeenAt = lastSeenAt
        self.confirmedAt = confirmedAt
        self.resolvedAt = resolvedAt
    }
}

/// While it is not released, no permit is granted for the account. One at a time.
public struct AccountHalt: Sendable, Hashable, Codable {
    public var account: AccountID
    /// A stable code, for example `drift`.
    public var cause: String
    public var detail: String
    public var since: Timestamp
    public var releasedAt: Timestamp?
    public var releasedBy: String?
    public var releaseReason: String?
    public init(
        account: AccountID, cause: String, detail: String, since: Timestamp, releasedAt: Timestamp? = nil, releasedBy: String? = nil,
        releaseReason: String? = nil
    ) {
        self.account = account
        self.cause = cause
        self.detail = detail
        self.since = since
        self.releasedAt = releasedAt
        self.releasedBy = releasedBy
        self.releaseReason = releaseReason
    }
}

public struct ReconciliationRequest: Sendable {
    public let tenure: Tenure
    public let now: Timestamp
    /// Orders of which the decision needs to know whether they were seen before.
    public let external: [ExternalOrder.Key]
    public init(tenure: Tenure, now: Timestamp, external: [ExternalOrder.Key] = []) {
        self.tenure = tenure
        self.now = now
        self.external = external
    }
}

/// What the store read in the transaction of a comparison.
public struct ReconciliationFacts: Sendable {
    public var now: Timestamp
    public var account: AccountID
    /// The ledger's.
    public var positions: [PositionRecord]
    /// Symbols with an order of the account whose effect on the position is not settled: it had a permit and is open, and it is neither
    /// accepted nor partially filled, or it is a market order.
    public var unsettled: Set<Symbol>
    /// Those that are not resolved.
    public var findings: [DriftFinding]
    /// Of the orders that were asked about, those that are known.
    public var external: [ExternalOrder]
    /// The latest of each depth, complete and not.
    public var runs: [ReconciliationRun]
    public var halt: AccountHalt?
    /// The findings whose closing order has filled: what they were to leave is left.
    public var left: Set<String>
    public init(
        now: Timestamp, account: AccountID, positions: [PositionRecord], unsettled: Set<Symbol>, findings: [DriftFinding],
        external: [ExternalOrder], runs: [ReconciliationRun], halt: AccountHalt?, left: Set<String> = []
    ) {
        self.now = now
        self.account = account
        self.positions = positions
        self.unsettled = unsettled
        self.findings = findings
        self.external = external
        self.runs = runs
        self.halt = halt
        self.left = left
    }
}

/// Names an alert.
public struct AlertKey: Sendable, Hashable {
    public var type: String
    public var subject: String
    public init(type: String, subject: String) {
        self.type = type
        self.subject = subject
    }
}

/// What a comparison leaves behind, written in one transaction: what was found together with what is done about it, so that nothing is
/// done twice and nothing is forgotten.
public struct ReconciliationChange: Sendable {
    public var run: ReconciliationRun?
    /// New ones, and known ones as they are now.
    public var external: [ExternalOrder]
    /// New ones, and known ones as they are now.
    public var findings: [DriftFinding]
    /// What the ledger shall say from now on; each goes with a finding that becomes confirmed with the action `adopt` or `flatten` in this
    /// change. The store writes the journal's line.
    public var corrections: [PositionRecord]
    /// Signals with one order each that leaves the instrument of a finding that becomes confirmed with the action `flatten` in this change.
    /// Stored as by ``OrderStore/admit(_:)``; if one is there already, the change is refused.
    public var admissions: [Admission]
    /// Only with a finding that becomes confirmed with the action `halt` in this change. The store writes the journal's line.
    public var halt: AccountHalt?
    public var journal: [JournalDraft]
    public var alerts: [AlertDraft]
    public var resolvedAlerts: [AlertKey]
    public init(
        run: ReconciliationRun? = nil, external: [ExternalOrder] = [], findings: [DriftFinding] = [], corrections: [PositionRecord] = [],
        admissions: [Admission] = [], halt: AccountHalt? = nil, journal: [JournalDraft] = [], alerts: [AlertDraft] = [], resolvedAlerts: [AlertKey] = []
    ) {
        self.run = run
        self.external = external
        self.findings = findings
        self.corrections = corrections
        self.admissions = admissions
        self.halt = halt
        self.journal = journal
        self.alerts = alerts
        self.resolvedAlerts = resolvedAlerts
    }
}
