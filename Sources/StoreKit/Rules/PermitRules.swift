@_spi(OrderStore) import StoreContract
import TradingModel

/// What a permit demands and what it writes, the same in every store.
public enum PermitRules {
    /// States from which a permit may move an order.
    public static let permittable: [OrderState] = [.queued, .absent]

    /// Whether the order may be asked about under the request's tenure, which must already be proven current.
    public static func check(_ order: OrderRecord, _ request: PermitRequest) throws(StoreError) {
        guard order.account == request.tenure.account else {
            throw .refused("order \(order.id) belongs to \(order.account), the tenure to \(request.tenure.account)")
        }
        guard order.bracketRole == nil else { throw .refused("order \(order.id) is a leg, which is permitted with its entry") }
        guard permittable.contains(order.state) else {
            throw .refused("order \(order.id) is \(order.state.rawValue), neither queued nor absent")
        }
    }

    /// Whatever was decided: while an account is halted, nothing of it is permitted.
    public static func checkNotHalted(_ facts: PermitFacts) throws(StoreError) {
        guard let halt = facts.halt else { return }
        throw .refused("account \(halt.account) is halted (\(halt.cause)); a person has to release it")
    }

    /// What a granted permit writes of one order.
    public struct Grant: Sendable {
        public let order: OrderRecord
        public let attempt: AttemptRecord
        public let line: JournalDraft
    }

    public static func grant(
        _ newOrder: NewOrder, for order: OrderRecord, _ request: PermitRequest, notes: [String]
    ) throws(StoreError) -> Grant {
        guard newOrder.clientOrderID == order.clientOrderID, newOrder.symbol == order.symbol,
            newOrder.side == order.side || order.sideIsOpen, newOrder.type == order.type, newOrder.bracket == order.bracket
        else { throw .refused("the order to be sent is not order \(order.id)") }
        guard order.quantity == nil || order.quantity == newOrder.quantity else {
            throw .refused("the quantity of order \(order.id) is fixed with its first permit")
        }
        guard request.now < order.expiresAt else { throw .refused("order \(order.id) expired at \(order.expiresAt)") }
        var permitted = permitted(order, newOrder, number: order.attempts + 1, request)
        permitted.side = newOrder.side
        permitted.limitPrice = newOrder.limitPrice
        permitted.stopPrice = newOrder.stopPrice
        let attempt = attempt(permitted, newOrder, request)
        return Grant(order: permitted, attempt: attempt, line: .permitted(permitted, attempt, quantity: newOrder.quantity, notes: notes))
    }

    /// The leg's part of the permit of its entry: the one request makes both.
    public static func grant(
        leg: OrderRecord, with newOrder: NewOrder, number: Int, _ request: PermitRequest
    ) throws(StoreError) -> Grant {
        guard leg.bracketRole != nil, permittable.contains(leg.state), leg.attempts == number - 1 else {
            throw .refused("leg \(leg.id) is \(leg.state.rawValue) after \(leg.attempts) attempts, unlike its entry")
        }
        let permitted = permitted(leg, newOrder, number: number, request)
        let attempt = attempt(permitted, newOrder, request)
        return Grant(order: permitted, attempt: attempt, line: .permitted(leg: permitted, attempt, quantity: newOrder.quantity))
    }

    /// The right to send, to be handed out once all the grants are committed.
    public static func permit(_ newOrder: NewOrder, _ grant: Grant, _ request: PermitRequest) -> Permit {
        Permit(orderID: grant.order.id, order: newOrder, attempt: grant.attempt.number, tenure: request.tenure, notAfter: request.notAfter)
    }

    private static func permitted(_ order: OrderRecord, _ newOrder: NewOrder, number: Int, _ request: PermitRequest) -> OrderRecord {
        var permitted = order
        permitted.state = .permitted
        permitted.reason = nil
        permitted.detail = nil
        permitted.attempts = number
        permitted.quantity = newOrder.quantity
        permitted.version += 1
        permitted.updatedAt = request.now
        return permitted
    }

    private static func attempt(_ permitted: OrderRecord, _ newOrder: NewOrder, _ request: PermitRequest) -> AttemptRecord {
        AttemptRecord(
            orderID: permitted.id, number: permitted.attempts, fence: request.tenure.fence, owner: request.tenure.owner,
            holder: request.tenure.holder, permittedAt: request.now, notAfter: request.notAfterWall,
            notAfterMonotonic: request.notAfter, orderHash: OrderHash.hash(newOrder))
    }

    /// The orders as a permit that was denied for good ends them: the entry first.
    public static func close(
        _ order: OrderRecord, legs: [OrderRecord], as state: OrderState, reason: String, detail: String, at: Timestamp
    ) throws(StoreError) -> [OrderRecord] {
        switch state {
        case .skipped, .blocked, .stale, .abandoned: break
        default: throw .refused("a permit cannot end an order as \(state.rawValue)")
        }
        // A leg that was seen at the venue meanwhile keeps its own state.
        let waiting = legs.filter { permittable.contains($0.state) }
        return [ended(order, as: state, reason: reason, detail: detail, at: at)]
            + waiting.map {
                ended($0, as: state, reason: "entry_ended", detail: "its entry \(order.id) ended \(state.rawValue): \(reason)", at: at)
            }
    }

    static func ended(_ order: OrderRecord, as state: OrderState, reason: String, detail: String, at: Timestamp) -> OrderRecord {
        var closed = order
        closed.state = state
        closed.reason = reason
        closed.detail = detail
        closed.version += 1
        closed.updatedAt = at
        return closed
    }
}

/// Another open order of the same account and symbol that has had a permit.
public struct WorkingOrder: Sendable {
    let id: OrderID
    let side: Side
    let state: OrderState
    let unfilled: Quantity
    /// A leg of a bracket or a stop of the gateway's own.
    let isLeg: Bool
    let isStop: Bool
    /// It is no leg and can only make a position smaller.
    let onlyReduces: Bool
    /// Of an order of the gateway's own.
    let episode: EpisodeID?
    public init(
        id: OrderID, side: Side, state: OrderState, unfilled: Quantity, role: BracketRole?, onlyReduces: Bool, intent: OrderIntent?
    ) {
        self.id = id
        self.side = side
        self.state = state
        self.unfilled = unfilled
        isStop = role == .stopLoss || intent?.purpose == .stopLoss
        isLeg = role != nil || intent?.purpose == .stopLoss
        self.onlyReduces = onlyReduces
        episode = intent?.episode
    }

    public init(_ order: OrderRecord) {
        self.init(
            id: order.id, side: order.side, state: order.state, unfilled: (order.quantity ?? .zero) - order.filledQuantity, role: order.bracketRole,
            onlyReduces: order.reduceOnly, intent: order.intent)
    }

    /// Open states whose effect is settled; every other open state counts as unsettled, also one added later.
    private static let settled: Set<OrderState> = [.queued, .accepted, .partiallyFilled]
    var isUnsettled: Bool { !Self.settled.contains(state) }

    /// Of several that are proven absent the oldest goes first. If each waited for the others, none would ever be sent.
    func waitsBehind(_ order: OrderRecord) -> Bool { state == .absent && order.state == .absent && order.id < id }
}

extension PermitFacts {
    /// - Parameter others: The other working orders but the order's own legs, oldest first.
    public init(
        now: Timestamp, order: OrderRecord, attempts: [AttemptRecord], position: PositionRecord?,
        lastTrade: (id: OrderID, at: Timestamp)?, others: [WorkingOrder], entryOfSameSignal: OrderID?, legs: [OrderRecord],
        predecessor: OrderRecord?, episode: EpisodeRecord?, halt: AccountHalt? = nil
    ) {
        func unfilled(_ side: Side) -> Quantity {
            others.reduce(into: Quantity.zero) { sum, other in
                if !other.isLeg, other.side == side, other.unfilled > 0 { sum += other.unfilled }
            }
        }
        self.init(
            now: now, order: order, attempts: attempts, position: position, lastTradeAt: lastTrade?.at, lastTradeID: lastTrade?.id,
            unsettled: others.filter { $0.isUnsettled && !$0.waitsBehind(order) }.map(\.id), entryOfSameSignal: entryOfSameSignal,
            openSellQuantity: unfilled(.sell), openBuyQuantity: unfilled(.buy), legs: legs,
            openLegs: others.filter { $0.isLeg && ($0.side == order.side || order.sideIsOpen) }.map(\.id), predecessor: predecessor, episode: episode, halt: halt)
    }
}
