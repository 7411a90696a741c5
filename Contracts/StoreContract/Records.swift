import LockContract
import TradingModel

/// How a signal is recognised when it comes again.
public struct SignalKey: Sendable, Hashable, Codable {
    /// SHA-256 in lower-case hex of what identifies the signal.
    public let hash: String
    /// The sender named the key (`webhook-id`, `Idempotency-Key`, a configured field). Such a key never acts twice; a key
    /// derived from the payload acts again after the source's window.
    public let isExplicit: Bool
    public init(hash: String, isExplicit: Bool) {
        self.hash = hash
        self.isExplicit = isExplicit
    }
}

/// The answer that the first sender got and every copy gets, byte for byte.
public struct StoredAnswer: Sendable, Hashable, Codable {
    public let status: Int
    public let body: String
    public init(status: Int, body: String) {
        self.status = status
        self.body = body
    }
}

/// What became of a signal at admission.
public enum SignalVerdict: String, Sendable, Codable, CaseIterable {
    case accepted
    /// Older than its source allows; recorded, never traded.
    case stale
    /// Accepted, to be traded when the source's rate limit allows.
    case parked
}

/// One accepted webhook.
public struct SignalRecord: Sendable, Hashable, Codable {
    public var id: SignalID
    public var source: SourceID
    public var key: SignalKey
    /// 1 for the first signal with this key, 2 for the next after the window, and so on. Always 1 for explicit keys.
    public var occurrence: Int
    /// SHA-256 in hex of the canonical payload without its secret.
    public var bodyHash: String
    /// The payload as received, its secret replaced by `***`.
    public var body: String
    public var verdict: SignalVerdict
    public var strategy: StrategyID?
    public var receivedAt: Timestamp
    public var firedAt: Timestamp?
    public var clientAddress: String
    /// Correlation id: on every log line, event, order and alert that follows.
    public var requestID: String
    public var traceparent: String?
    public var answer: StoredAnswer
    /// How often the signal came again.
    public var copies: Int

    public init(
        id: SignalID, source: SourceID, key: SignalKey, occurrence: Int = 1, bodyHash: String, body: String, verdict: SignalVerdict,
        strategy: StrategyID?, receivedAt: Timestamp, firedAt: Timestamp?, clientAddress: String, requestID: String,
        traceparent: String?, answer: StoredAnswer, copies: Int = 0
    ) {
        self.id = id
        self.source = source
        self.key = key
        self.occurrence = occurrence
        self.bodyHash = bodyHash
        self.body = body
        self.verdict = verdict
        self.strategy = strategy
        self.receivedAt = receivedAt
        self.firedAt = firedAt
        self.clientAddress = clientAddress
        self.requestID = requestID
        self.traceparent = traceparent
        self.answer = answer
        self.copies = copies
    }
}

/// The rules of a strategy at one account, fixed when the signal was admitted and kept with the order.
public struct OrderPolicy: Sendable, Hashable, Codable {
    public enum CooldownScope: String, Sendable, Codable, CaseIterable {
        case strategyAccount = "strategy_account"
        case strategy
    }
    /// What a trigger does that finds an order of its account and instrument still unsettled.
    public enum OnBusy: String, Sendable, Codable, CaseIterable {
        case queue, skip
    }
    public enum Pyramiding: String, Sendable, Codable, CaseIterable {
        /// A buy on top of a long position adds to it.
        case add
        /// It is skipped.
        case skip
    }
    /// Least time between two trades; zero for none.
    public var cooldown: Duration
    public var cooldownScope: CooldownScope
    /// Never sell more than is held.
    public var longOnly: Bool
    public var pyramiding: Pyramiding
    public var onBusy: OnBusy
    /// Guards that are only logged.
    public var observed: Set<String>
    /// Set where the gateway itself places the stops of this strategy's entries.
    public var protection: ProtectionPolicy?

    public init(
        cooldown: Duration = .zero, cooldownScope: CooldownScope = .strategyAccount, longOnly: Bool = false,
        pyramiding: Pyramiding = .add, onBusy: OnBusy = .queue, observed: Set<String> = [], protection: ProtectionPolicy? = nil
    ) {
        self.cooldown = cooldown
        self.cooldownScope = cooldownScope
        self.longOnly = longOnly
        self.pyramiding = pyramiding
        self.onBusy = onBusy
        self.observed = observed
        self.protection = protection
    }
}

/// One order that we mean to have at one account: the intent, minted with its signal, and what became of it.
public struct OrderRecord: Sendable, Hashable, Codable {
    public var id: OrderID
    public var signalID: SignalID
    public var strategy: StrategyID
    public var account: AccountID
    /// Numbers the orders of one signal, strategy and account, from 0.
    public var leg: Int
    public var clientOrderID: ClientOrderID
    /// The venue's symbol.
    public var symbol: Symbol
    /// The symbol as the signal spelt it.
    public var signalSymbol: String
    /// Of an order whose side depends on the position (``OrderRecord/sideIsOpen``): a guess until the first permit fixes it.
    public var side: Side
    public var type: OrderType
    public var timeInForce: TimeInForce
    /// What the signal and the strategy's sizing ask for, before the instrument's steps; zero where only the permit's transaction can know.
    public var requestedQuantity: Quantity
    /// What is sent; set with the first permit.
    public var quantity: Quantity?
    public var limitPrice: Price?
    public var stopPrice: Price?
    public var reduceOnly: Bool
    /// Of an entry: the prices of the legs that are sent with it, each of which is an order of its own.
    public var bracket: Bracket?
    /// Of a leg: what it does in its bracket, and the order that it belongs to. A leg is never sent by itself.
    public var bracketRole: BracketRole?
    public var entryID: OrderID?
    /// The price that the signal named, for information and for the paper venue.
    public var referencePrice: Price?
    public var policy: OrderPolicy
    public var state: OrderState
    /// A stable code: why the order is in this state.
    public var reason: String?
    /// The same in a sentence for people.
    public var detail: String?
    public var filledQuantity: Quantity
    public var averagePrice: Price?
    public var venueOrderID: VenueOrderID?
    public var venueStatus: String?
    /// Permits granted so far.
    public var attempts: Int
    /// Rises with every change.
    public var version: Int
    public var requestID: String
    public var createdAt: Timestamp
    public var updatedAt: Timestamp
    /// When the order was first known to be filled.
    public var filledAt: Timestamp?
    /// Never permitted at or after this time.
    public var expiresAt: Timestamp
    /// What it is for, if that is more than its side and quantity say.
    public var intent: OrderIntent?

    public init(
        id: OrderID, signalID: SignalID, strategy: StrategyID, account: AccountID, leg: Int, clientOrderID: ClientOrderID,
        symbol: Symbol, signalSymbol: String, side: Side, type: OrderType, timeInForce: TimeInForce, requestedQuantity: Quantity,
        quantity: Quantity? = nil, limitPrice: Price?, stopPrice: Price?, reduceOnly: Bool, bracket: Bracket? = nil,
        bracketRole: BracketRole? = nil, entryID: OrderID? = nil, referencePrice: Price?,
        policy: OrderPolicy, state: OrderState = .queued, reason: String? = nil, detail: String? = nil,
        filledQuantity: Quantity = .zero, averagePrice: Price? = nil, venueOrderID: VenueOrderID? = nil, venueStatus: String? = nil,
        attempts: Int = 0, version: Int = 1, requestID: String, createdAt: Timestamp, updatedAt: Timestamp,
        filledAt: Timestamp? = nil, expiresAt: Timestamp, intent: OrderIntent? = nil
    ) {
        self.id = id
        self.signalID = signalID
        self.strategy = strategy
        self.account = account
        self.leg = leg
        self.clientOrderID = clientOrderID
        self.symbol = symbol
        self.signalSymbol = signalSymbol
        self.side = side
        self.type = type
        self.timeInForce = timeInForce
        self.requestedQuantity = requestedQuantity
        self.quantity = quantity
        self.limitPrice = limitPrice
        self.stopPrice = stopPrice
        self.reduceOnly = reduceOnly
        self.bracket = bracket
        self.bracketRole = bracketRole
        self.entryID = entryID
        self.referencePrice = referencePrice
        self.policy = policy
        self.state = state
        self.reason = reason
        self.detail = detail
        self.filledQuantity = filledQuantity
        self.averagePrice = averagePrice
        self.venueOrderID = venueOrderID
        self.venueStatus = venueStatus
        self.attempts = attempts
        self.version = version
        self.requestID = requestID
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.filledAt = filledAt
        self.expiresAt = expiresAt
        self.intent = intent
    }
}

/// One permit to put bytes on the wire, and how it ended.
public struct AttemptRecord: Sendable, Hashable, Codable {
    public var orderID: OrderID
    /// From 1.
    public var number: Int
    public var fence: FencingToken
    public var owner: OwnerToken
    /// The process that was permitted to send.
    public var holder: HolderIdentity
    public var permittedAt: Timestamp
    /// End of the send window on the wall clock, for records; the sender obeys the boot clock.
    public var notAfter: Timestamp
    /// End of the send window on the boot clock of ``holder``'s machine.
    public var notAfterMonotonic: MonotonicInstant
    /// SHA-256 in hex of the complete order.
    public var orderHash: String
    /// `accepted`, `refused`, `not_sent` or `unknown`; nil while nothing is recorded.
    public var outcome: String?
    /// JSON of what was seen on the wire.
    public var evidence: String?
    public var endedAt: Timestamp?

    public init(
        orderID: OrderID, number: Int, fence: FencingToken, owner: OwnerToken, holder: HolderIdentity, permittedAt: Timestamp,
        notAfter: Timestamp, notAfterMonotonic: MonotonicInstant, orderHash: String, outcome: String? = nil, evidence: String? = nil,
        endedAt: Timestamp? = nil
    ) {
        self.orderID = orderID
        self.number = number
        self.fence = fence
        self.owner = owner
        self.holder = holder
        self.permittedAt = permittedAt
        self.notAfter = notAfter
        self.notAfterMonotonic = notAfterMonotonic
        self.orderHash = orderHash
        self.outcome = outcome
        self.evidence = evidence
        self.endedAt = endedAt
    }
}

/// What the ledger says that an account holds of one instrument, from fills alone.
public struct PositionRecord: Sendable, Hashable, Codable {
    public var account: AccountID
    public var symbol: Symbol
    /// Positive for long, negative for short.
    public var quantity: Quantity
    /// Average entry price; nil when flat.
    public var averagePrice: Price?
    /// In quote currency, since the beginning, fees not included.
    public var realizedProfit: Notional
    public var updatedAt: Timestamp
    public init(account: AccountID, symbol: Symbol, quantity: Quantity, averagePrice: Price?, realizedProfit: Notional, updatedAt: Timestamp) {
        self.account = account
        self.symbol = symbol
        self.quantity = quantity
        self.averagePrice = averagePrice
        self.realizedProfit = realizedProfit
        self.updatedAt = updatedAt
    }
}

/// One period of ownership of an account. Its fence is minted by the store and travels with every write.
public struct Tenure: Sendable, Hashable, Codable {
    public let account: AccountID
    public let fence: FencingToken
    public let owner: OwnerToken
    public let holder: HolderIdentity
    public let openedAt: Timestamp
    public init(account: AccountID, fence: FencingToken, owner: OwnerToken, holder: HolderIdentity, openedAt: Timestamp) {
        self.account = account
        self.fence = fence
        self.owner = owner
        self.holder = holder
        self.openedAt = openedAt
    }
}

public enum AlertSeverity: String, Sendable, Codable, CaseIterable, Comparable {
    case low, medium, high, critical
    public static func < (a: Self, b: Self) -> Bool {
        (allCases.firstIndex(of: a) ?? 0) < (allCases.firstIndex(of: b) ?? 0)
    }
}

/// Something that a person should know. One row per type and subject while it is open; repeats count up.
public struct AlertDraft: Sendable, Hashable, Codable {
    /// In snake case, for example `unknown_order`.
    public var type: String
    public var severity: AlertSeverity
    /// What it is about, for example `order:…` or `account:spot1`.
    public var subject: String
    public var message: String
    public init(type: String, severity: AlertSeverity, subject: String, message: String) {
        self.type = type
        self.severity = severity
        self.subject = subject
        self.message = message
    }
}

public struct AlertRecord: Sendable, Hashable, Codable {
    public var id: Int64
    public var type: String
    public var severity: AlertSeverity
    public var subject: String
    public var message: String
    /// How often it was raised.
    public var count: Int
    public var firstAt: Timestamp
    public var lastAt: Timestamp
    public var resolvedAt: Timestamp?
    public init(
        id: Int64, type: String, severity: AlertSeverity, subject: String, message: String, count: Int, firstAt: Timestamp,
        lastAt: Timestamp, resolvedAt: Timestamp?
    ) {
        self.id = id
        self.type = type
        self.severity = severity
        self.subject = subject
        self.message = message
        self.count = count
        self.firstAt = firstAt
        self.lastAt = lastAt
        self.resolvedAt = resolvedAt
    }
}

/// What is to be written to the journal with a change.
public struct JournalDraft: Sendable, Hashable {
    /// Dotted, for example `order.filled`.
    public var type: String
    public var signalID: SignalID?
    public var orderID: OrderID?
    public var account: AccountID?
    /// A JSON object.
    public var data: String
    public init(type: String, signalID: SignalID? = nil, orderID: OrderID? = nil, account: AccountID? = nil, data: String) {
        self.type = type
        self.signalID = signalID
        self.orderID = orderID
        self.account = account
        self.data = data
    }
}

/// One line of the audit chain, which is also the event log: append-only, each line hashed over the one before.
public struct JournalEntry: Sendable, Hashable, Codable {
    /// Without holes, from 1.
    public var sequence: Int64
    public var at: Timestamp
    public var type: String
    public var signalID: SignalID?
    public var orderID: OrderID?
    public var account: AccountID?
    public var data: String
    /// SHA-256 in hex over the previous hash and this line.
    public var hash: String
    public init(sequence: Int64, at: Timestamp, type: String, signalID: SignalID?, orderID: OrderID?, account: AccountID?, data: String, hash: String) {
        self.sequence = sequence
        self.at = at
        self.type = type
        self.signalID = signalID
        self.orderID = orderID
        self.account = account
        self.data = data
        self.hash = hash
    }
}
