import FailPoints
import GRDB
@_spi(OrderStore) import StoreContract
import TradingModel

extension StoreTransaction {
    func permit(_ request: PermitRequest, deciding decide: (PermitFacts) -> PermitVerdict) throws -> PermitResult {
        try checkCurrent(request.tenure)
        guard let order = try OrderRecord.find(db, request.orderID) else { throw StoreError.notFound("order \(request.orderID)") }
        guard order.account == request.tenure.account else {
            throw StoreError.refused("order \(order.id) belongs to \(order.account), the tenure to \(request.tenure.account)")
        }
        guard order.state == .queued || order.state == .absent else {
            throw StoreError.refused("order \(order.id) is \(order.state.rawValue), neither queued nor absent")
        }
        switch decide(try facts(for: order, at: request.now)) {
        case .wait(let reason): return .waiting(reason: reason)
        case .close(let state, let reason, let detail):
            return .closed(try close(order, as: state, reason: reason, detail: detail, at: request.now))
        case .grant(let newOrder, let notes): return try grant(newOrder, for: order, request, notes: notes)
        }
    }

    private func grant(_ newOrder: NewOrder, for order: OrderRecord, _ request: PermitRequest, notes: [String]) throws -> PermitResult {
        try check(newOrder, against: order, at: request.now)
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
        guard try permitted.replace(db, onlyFrom: [.queued, .absent]) else {
            throw StoreError.refused("order \(order.id) changed while it was being permitted")
        }
        let attempt = AttemptRecord(
            orderID: order.id, number: permitted.attempts, fence: request.tenure.fence, owner: request.tenure.owner,
            holder: request.tenure.holder, permittedAt: request.now, notAfter: request.notAfterWall,
            notAfterMonotonic: request.notAfter, orderHash: OrderHash.hash(newOrder))
        try attempt.insert(db)
        var data = JournalData()
        data.add("attempt", Int64(attempt.number))
        data.add("fence", attempt.fence.description)
        data.add("quantity", newOrder.quantity.description)
        data.add("not_after", request.notAfterWall.description)
        data.add("order_hash", attempt.orderHash)
        data.add("notes", notes)
        try journal.write(
            JournalDraft(type: "order.permitted", signalID: order.signalID, orderID: order.id, account: order.account, data: data.json()),
            at: request.now)
        failPoint("store.permit.before_commit")
        let permit = Permit(
            orderID: order.id, order: newOrder, attempt: attempt.number, tenure: request.tenure, notAfter: request.notAfter)
        return .granted(permit, permitted)
    }

    private func check(_ newOrder: NewOrder, against order: OrderRecord, at now: Timestamp) throws(StoreError) {
        guard newOrder.clientOrderID == order.clientOrderID, newOrder.symbol == order.symbol, newOrder.side == order.side,
            newOrder.type == order.type
        else { throw .refused("the order to be sent is not order \(order.id)") }
        guard order.quantity == nil || order.quantity == newOrder.quantity else {
            throw .refused("the quantity of order \(order.id) is fixed with its first permit")
        }
        guard now < order.expiresAt else { throw .refused("order \(order.id) expired at \(order.expiresAt)") }
    }

    private func close(_ order: OrderRecord, as state: OrderState, reason: String, detail: String, at: Timestamp) throws -> OrderRecord {
        switch state {
        case .skipped, .blocked, .stale, .abandoned: break
        default: throw StoreError.refused("a permit cannot end an order as \(state.rawValue)")
        }
        var closed = order
        closed.state = state
        closed.reason = reason
        closed.detail = detail
        closed.version += 1
        closed.updatedAt = at
        guard try closed.replace(db, onlyFrom: [.queued, .absent]) else {
            throw StoreError.refused("order \(order.id) changed while it was being closed")
        }
        var data = JournalData()
        data.add("reason", reason)
        data.add("detail", detail)
        try journal.write(
            JournalDraft(type: "order.\(state.rawValue)", signalID: order.signalID, orderID: order.id, account: order.account, data: data.json()),
            at: at)
        return closed
    }
}

/// The fingerprint of a complete order, kept with its attempt.
enum OrderHash {
    static func hash(_ order: NewOrder) -> String {
        let fields: [String?] = [
            order.clientOrderID.rawValue, order.symbol.rawValue, order.side.rawValue, order.type.rawValue, order.quantity.description,
            order.limitPrice?.description, order.stopPrice?.description, order.trailingDistance?.description, order.timeInForce.rawValue,
            order.goodTill.map { String($0.microseconds) }, String(order.postOnly), String(order.reduceOnly),
            order.bracket?.stopLoss?.description, order.bracket?.takeProfit?.description,
        ]
        return JournalHash.sha256(fields.map { $0.map { "\($0.utf8.count):\($0);" } ?? "-;" }.joined())
    }
}
