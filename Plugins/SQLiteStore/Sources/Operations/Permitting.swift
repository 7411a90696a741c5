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
        guard order.bracketRole == nil else { throw StoreError.refused("order \(order.id) is a leg, which is permitted with its entry") }
        guard order.state == .queued || order.state == .absent else {
            throw StoreError.refused("order \(order.id) is \(order.state.rawValue), neither queued nor absent")
        }
        guard try !isDeadLetter(order.id) else { throw StoreError.refused("order \(order.id) is a dead letter, for a person to decide") }
        let facts = try facts(for: order, at: request.now)
        switch decide(facts) {
        case .wait(let reason): return .waiting(reason: reason)
        case .close(let state, let reason, let detail):
            let closed = try close(order, as: state, reason: reason, detail: detail, at: request.now)
            // A leg that was seen at the venue meanwhile keeps its own state.
            for leg in facts.legs where leg.state == .queued || leg.state == .absent {
                _ = try close(leg, as: state, reason: "entry_ended", detail: "its entry \(order.id) ended \(state.rawValue): \(reason)", at: request.now)
            }
            return .closed(closed)
        case .grant(let newOrder, let notes): return try grant(newOrder, for: order, request, legs: facts.legs, notes: notes)
        }
    }

    /// The leg's part of the permit of its entry: the one request makes both.
    private func grant(_ leg: OrderRecord, with newOrder: NewOrder, number: Int, _ request: PermitRequest) throws {
        guard let role = leg.bracketRole, leg.state == .queued || leg.state == .absent, leg.attempts == number - 1 else {
            throw StoreError.refused("leg \(leg.id) is \(leg.state.rawValue) after \(leg.attempts) attempts, unlike its entry")
        }
        var permitted = leg
        permitted.state = .permitted
        permitted.reason = nil
        permitted.detail = nil
        permitted.attempts = number
        permitted.quantity = newOrder.quantity
        permitted.version += 1
        permitted.updatedAt = request.now
        guard try permitted.replace(db, onlyFrom: [.queued, .absent]) else {
            throw StoreError.refused("leg \(leg.id) changed while it was being permitted")
        }
        try attempt(permitted, newOrder, request).insert(db)
        var data = JournalData()
        data.add("attempt", Int64(number))
        data.add("role", role.rawValue)
        data.add("entry_id", leg.entryID?.rawValue)
        data.add("quantity", newOrder.quantity.description)
        try journal.write(
            JournalDraft(type: "order.permitted", signalID: leg.signalID, orderID: leg.id, account: leg.account, data: data.json()),
            at: request.now)
    }

    private func attempt(_ permitted: OrderRecord, _ newOrder: NewOrder, _ request: PermitRequest) -> AttemptRecord {
        AttemptRecord(
            orderID: permitted.id, number: permitted.attempts, fence: request.tenure.fence, owner: request.tenure.owner,
            holder: request.tenure.holder, permittedAt: request.now, notAfter: request.notAfterWall,
            notAfterMonotonic: request.notAfter, orderHash: OrderHash.hash(newOrder))
    }

    private func grant(_ newOrder: NewOrder, for order: OrderRecord, _ request: PermitRequest, legs: [OrderRecord], notes: [String]) throws -> PermitResult {
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
        let attempt = attempt(permitted, newOrder, request)
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
        for leg in legs { try grant(leg, with: newOrder, number: attempt.number, request) }
        failPoint("store.permit.before_commit")
        let permit = Permit(
            orderID: order.id, order: newOrder, attempt: attempt.number, tenure: request.tenure, notAfter: request.notAfter)
        return .granted(permit, permitted)
    }

    private func check(_ newOrder: NewOrder, against order: OrderRecord, at now: Timestamp) throws(StoreError) {
        guard newOrder.clientOrderID == order.clientOrderID, newOrder.symbol == order.symbol, newOrder.side == order.side,
            newOrder.type == order.type, newOrder.bracket == order.bracket
        else { throw .refused("the order to be sent is not order \(order.id)") }
        guard order.quantity == nil || order.quantity == newOrder.quantity else {
            throw .refused("the quantity of order \(order.id) is fixed with its first permit")
        }
        guard now < order.expiresAt else { throw .refused("order \(order.id) expired at \(order.expiresAt)") }
    }

    func close(_ order: OrderRecord, as state: OrderState, reason: String, detail: String, at: Timestamp) throws -> OrderRecord {
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
