import LockContract
import TradingModel

/// The right to send one order once, within a window. Only a store can make one: what holds a permit was committed first.
public struct Permit: Sendable, Hashable {
    public let orderID: OrderID
    /// The complete order, exactly as recorded.
    public let order: NewOrder
    public let attempt: Int
    public let tenure: Tenure
    /// The sender checks this on the boot clock right before the first byte.
    public let notAfter: MonotonicInstant

    /// For implementations of ``OrderStore`` alone; they import this module with `@_spi(OrderStore)`.
    @_spi(OrderStore) public init(orderID: OrderID, order: NewOrder, attempt: Int, tenure: Tenure, notAfter: MonotonicInstant) {
        self.orderID = orderID
        self.order = order
        self.attempt = attempt
        self.tenure = tenure
        self.notAfter = notAfter
    }
}

/// What the store read in the permit's own transaction. The decision is made on these facts and nothing else.
public struct PermitFacts: Sendable {
    public var now: Timestamp
    public var order: OrderRecord
    public var attempts: [AttemptRecord]
    public var position: PositionRecord?
    /// The latest trade that counts for the cooldown: an order of the scope with at least one permit that is open or has a
    /// fill; by `filledAt`, else `createdAt`. Orders that ended without a fill do not count, nor does the order's own predecessor.
    public var lastTradeAt: Timestamp?
    public var lastTradeID: OrderID?
    /// Orders of the same account and symbol whose effect is not settled: permitted, unknown, resolving, parked, absent or
    /// being changed. Not this order.
    public var unsettled: [OrderID]
    /// Another order of the same signal, account, symbol and side that has had a permit and does not only make a position smaller.
    public var entryOfSameSignal: OrderID?
    /// Unfilled quantity of the account's other open sell orders in this symbol that have had a permit.
    public var openSellQuantity: Quantity
    /// The same for buys. Legs of brackets and the gateway's own stops count in neither.
    public var openBuyQuantity: Quantity
    /// Of an entry with a bracket: its legs, the stop first.
    public var legs: [OrderRecord]
    /// Legs of other entries, and the gateway's own stops, in this symbol that are open, have had a permit, and trade to this order's side: they will close a
    /// position that this order may mean to close too.
    public var openLegs: [OrderID]
    /// Set while a person has to release the account; then no permit is granted, whatever the decision.
    public var halt: AccountHalt?
    /// Of an order that comes after another one of its signal: that one.
    public var predecessor: OrderRecord?
    /// The open episode in the order's account and symbol.
    public var episode: EpisodeRecord?

    public init(
        now: Timestamp, order: OrderRecord, attempts: [AttemptRecord], position: PositionRecord?, lastTradeAt: Timestamp?,
        lastTradeID: OrderID?, unsettled: [OrderID], entryOfSameSignal: OrderID?, openSellQuantity: Quantity, openBuyQuantity: Quantity,
        legs: [OrderRecord] = [], openLegs: [OrderID] = [], predecessor: OrderRecord? = nil, episode: EpisodeRecord? = nil, halt: AccountHalt? = nil
    ) {
        self.halt = halt
        self.now = now
        self.order = order
        self.attempts = attempts
        self.position = position
        self.lastTradeAt = lastTradeAt
        self.lastTradeID = lastTradeID
        self.unsettled = unsettled
        self.entryOfSameSignal = entryOfSameSignal
        self.openSellQuantity = openSellQuantity
        self.openBuyQuantity = openBuyQuantity
        self.legs = legs
        self.openLegs = openLegs
        self.predecessor = predecessor
        self.episode = episode
    }
}

/// What the core decided on ``PermitFacts``.
public enum PermitVerdict: Sendable, Hashable {
    /// Send exactly this order. Notes tell which observed guards would have said no.
    case grant(NewOrder, notes: [String])
    /// End the order in a terminal state: skipped, blocked, stale or abandoned.
    case close(OrderState, reason: String, detail: String)
    /// Not now. The order stays as it is; nothing is written.
    case wait(reason: String)
}

public struct PermitRequest: Sendable {
    public let orderID: OrderID
    public let tenure: Tenure
    public let now: Timestamp
    /// End of the send window, on the boot clock and on the wall clock.
    public let notAfter: MonotonicInstant
    public let notAfterWall: Timestamp
    public init(orderID: OrderID, tenure: Tenure, now: Timestamp, notAfter: MonotonicInstant, notAfterWall: Timestamp) {
        self.orderID = orderID
        self.tenure = tenure
        self.now = now
        self.notAfter = notAfter
        self.notAfterWall = notAfterWall
    }
}

public enum PermitResult: Sendable {
    case granted(Permit, OrderRecord)
    case closed(OrderRecord)
    case waiting(reason: String)
}
