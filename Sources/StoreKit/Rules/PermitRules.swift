@_spi(OrderStore) import StoreContract
import TradingModel

/// What a permit demands and what it writes, the same in every store.
public enum PermitRules {
    /// Whether the order may be asked about under the request's tenure, which must already be proven current.
    public static func check(_ order: OrderRecord, _ request: PermitRequest) throws(StoreError) {
        guard order.account == request.tenure.account else {
            throw .refused("order \(order.id) belongs to \(order.account), the tenure to \(request.tenure.account)")
        }
        guard order.state == .queued || order.state == .absent else {
            throw .refused("order \(order.id) is \(order.state.rawValue), neither queued nor absent")
        }
    }

    /// Everything that a granted permit writes.
    public struct Grant: Sendable {
        public let order: OrderRecord
        public let attempt: AttemptRecord
        public let line: JournalDraft
        public let permit: Permit
    }

    public static func grant(
        _ newOrder: NewOrder, for order: OrderRecord, _ request: PermitRequest, notes: [String]
    ) throws(StoreError) -> Grant {
        guard newOrder.clientOrderID == order.clientOrderID, newOrder.symbol == order.symbol, newOrder.side == order.side,
            newOrder.type == order.type
        else { throw .refused("the order to be sent is not order \(order.id)") }
        guard order.quantity == nil || order.quantity == newOrder.quantity else {
            throw .refused("the quantity of order \(order.id) is fixed with its first permit")
        }
        guard request.now < order.expiresAt else { throw .refused("order \(order.id) expired at \(order.expiresAt)") }
        var permitted = order
        permitted.state = .permitted
        permitted.reason = nil
        permitted.detail = nil
        permitted.attempts += 1
        permitted.quantity = newOrder.quantity
        permitted.limitPrice = newOrder.limitPrice
        permitted.stopPrice = newOrder.stopPrice
        permitted.version += 1
        permitted.updatedAt = request.now
        let attempt = AttemptRecord(
            orderID: order.id, number: permitted.attempts, fence: request.tenure.fence, owner: request.tenure.owner,
            holder: request.tenure.holder, permittedAt: request.now, notAfter: request.notAfterWall,
            notAfterMonotonic: request.notAfter, orderHash: OrderHash.hash(newOrder))
        return Grant(
            order: permitted, attempt: attempt,
            line: .permitted(permitted, attempt, quantity: newOrder.quantity, notes: notes),
            permit: Permit(orderID: order.id, order: newOrder, attempt: attempt.number, tenure: request.tenure, notAfter: request.notAfter))
    }

    /// The order as a permit that was denied for good ends it.
    public static func close(
        _ order: OrderRecord, as state: OrderState, reason: String, detail: String, at: Timestamp
    ) throws(StoreError) -> OrderRecord {
        switch state {
        case .skipped, .blocked, .stale, .abandoned: break
        default: throw .refused("a permit cannot end an order as \(state.rawValue)")
        }
        var closed = order
        closed.state = state
        closed.reason = reason
        closed.detail = detail
        closed.version += 1
        closed.updatedAt = at
        return closed
    }

    /// States from which a permit may move an order.
    public static let permittable: [OrderState] = [.queued, .absent]
}

/// Another open order of the same account and symbol that has had a permit.
public struct WorkingOrder: Sendable {
    public static let columns = ["id", "side", "state", "quantity", "filled_quantity"]
    let id: OrderID
    let side: Side
    let state: OrderState
    let unfilled: Quantity

    public init(columns source: some ColumnSource) throws {
        var row = ColumnReader(source)
        id = try row.id()
        side = try row.word()
        state = try row.word()
        let quantity: Quantity = try row.decimal()
        unfilled = quantity - (try row.decimal() as Quantity)
    }

    /// Open states whose effect is settled; every other open state counts as unsettled, also one added later.
    private static let settled: Set<OrderState> = [.queued, .accepted, .partiallyFilled]
    var isUnsettled: Bool { !Self.settled.contains(state) }
}

extension PermitFacts {
    /// - Parameter others: The other working orders, oldest first.
    public init(
        now: Timestamp, order: OrderRecord, attempts: [AttemptRecord], position: PositionRecord?,
        lastTrade: (id: OrderID, at: Timestamp)?, others: [WorkingOrder], entryOfSameSignal: OrderID?
    ) {
        func unfilled(_ side: Side) -> Quantity {
            others.reduce(into: Quantity.zero) { sum, other in
                if other.side == side, other.unfilled > 0 { sum += other.unfilled }
            }
        }
        self.init(
            now: now, order: order, attempts: attempts, position: position, lastTradeAt: lastTrade?.at, lastTradeID: lastTrade?.id,
            unsettled: others.filter(\.isUnsettled).map(\.id), entryOfSameSignal: entryOfSameSignal, openSellQuantity: unfilled(.sell),
            openBuyQuantity: unfilled(.buy))
    }
}
