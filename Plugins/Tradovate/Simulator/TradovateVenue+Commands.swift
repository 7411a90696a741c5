import SimulatorKit
import TradingModel

/// A refusal that comes as the answer, with HTTP 200.
enum TradovateRefusal: Error, Sendable {
    case failure(reason: String, text: String)
    case violation(field: String, text: String)

    var json: JSONValue {
        switch self {
        case .failure(let reason, let text): .object(["failureReason": .string(reason), "failureText": .string(text)])
        case .violation(let field, let text):
            .object(["violations": .array([.object(["constraint": .string(field), "value": "", "description": .string(text)])])])
        }
    }
}

extension TradovateVenue {
    private static let types: Set<String> = ["Market", "Limit", "Stop", "StopLimit", "TrailingStop", "MIT"]
    private static let timesInForce: Set<String> = ["Day", "GTC", "IOC", "FOK", "GTD"]
    /// Contracts of one order. Source: the sheet's section on limits.
    private static let maximumQuantity: Quantity = 100

    // MARK: Place

    func place(_ body: JSONValue, fault: Fault?) throws(TradovateRefusal) -> JSONValue {
        let terms = try newTerms(body)
        return .object(["orderId": .integer(place(terms, fault: fault))])
    }

    func placeOSO(_ body: JSONValue, fault: Fault?) throws(TradovateRefusal) -> JSONValue {
        let entry = try newTerms(body)
        guard body["bracket1"] != nil else { throw .violation(field: "bracket1", text: "bracket1 is required") }
        var legs: [TradovateTerms] = []
        for name in ["bracket1", "bracket2"] {
            guard let leg = body[name] else { continue }
            legs.append(try legTerms(leg, of: entry))
        }
        let id = record(entry, isSuspended: false, fault: fault)
        var legIDs: [Int64] = []
        for var leg in legs {
            leg.parent = id
            legIDs.append(record(leg, isSuspended: true, fault: fault))
        }
        if legIDs.count == 2 { link(legIDs[0], legIDs[1], account: entry.account) }
        // Only now: the entry may fill at once, and its legs must be there to follow.
        release(id, entry)
        var answer = JSONValue.object(["orderId": .integer(id)])
        if !settings.omitsLegIDs {
            for (index, leg) in legIDs.enumerated() { answer = answer.setting("oso\(index + 1)Id", .integer(leg)) }
        }
        return answer
    }

    func newTerms(_ body: JSONValue) throws(TradovateRefusal) -> TradovateTerms {
        guard let account = account(body["accountId"]?.integer), body["accountSpec"]?.string == account.name else {
            throw .failure(reason: "UnknownReason", text: "Access is denied")
        }
        guard let name = body["symbol"]?.string, let contract = market.contract(named: name) else {
            throw .failure(reason: "InvalidContract", text: "Contract \(body["symbol"]?.scalarText ?? "") is not found")
        }
        guard let action = body["action"]?.string, action == "Buy" || action == "Sell" else {
            throw .violation(field: "action", text: "Action should be Buy or Sell")
        }
        return try terms(body, contract: contract, side: action == "Buy" ? .buy : .sell, account: account.id)
    }

    /// A leg inherits account, contract and quantity.
    func legTerms(_ leg: JSONValue, of entry: TradovateTerms) throws(TradovateRefusal) -> TradovateTerms {
        let side: Side = leg["action"]?.string == "Buy" ? .buy : .sell
        return try terms(leg.setting("orderQty", .decimal(entry.quantity)), contract: entry.contract, side: side, account: entry.account)
    }

    private func terms(
        _ body: JSONValue, contract: TradovateMarket.Contract, side: Side, account: Int64
    ) throws(TradovateRefusal) -> TradovateTerms {
        guard let type = body["orderType"]?.string, Self.types.contains(type) else {
            throw .violation(field: "orderType", text: "Order type should be specified")
        }
        let word = body["timeInForce"]?.string ?? "Day"
        guard Self.timesInForce.contains(word) else { throw .violation(field: "timeInForce", text: "Unknown time in force") }
        guard let quantity: Quantity = decimal(body, "orderQty"), quantity > 0, quantity.isMultiple(of: 1) else {
            throw .violation(field: "orderQty", text: "Order quantity should be a positive whole number")
        }
        guard quantity <= Self.maximumQuantity else {
            throw .failure(reason: "MaxOrderQtyLimitReached", text: "Order quantity exceeds the limit")
        }
        let terms = TradovateTerms(
            quantity: quantity, type: type, price: decimal(body, "price"), stopPrice: decimal(body, "stopPrice"),
            pegDifference: decimal(body, "pegDifference"), timeInForce: word, text: body["text"]?.string, contract: contract, side: side,
            account: account, clientID: body["clOrdId"]?.string ?? "")
        guard terms.hasItsPrices else { throw .failure(reason: "InvalidPrice", text: "Price should be specified") }
        for price in [terms.price, terms.stopPrice, terms.pegDifference].compactMap({ $0 }) {
            guard price > 0, price.isMultiple(of: contract.product.tickSize) else {
                throw .failure(reason: "InvalidPrice", text: "Price \(price) is not on the tick")
            }
        }
        return terms
    }

    private func decimal<D: ExactDecimal>(_ body: JSONValue, _ name: String) -> D? {
        guard case .number(let text)? = body[name] else { return nil }
        return try? D(text)
    }

    /// Records an order and hands it to the exchange; the outcome is told later. Duplicates are not noticed.
    func place(_ terms: TradovateTerms, fault: Fault?) -> Int64 {
        let id = record(terms, isSuspended: false, fault: fault)
        release(id, terms)
        return id
    }

    /// Makes order, version and command, which the exchange does not know yet.
    func record(_ terms: TradovateTerms, isSuspended: Bool, fault: Fault?) -> Int64 {
        let now = clock.wallTime
        return state.withLock { state in
            let id = makeID(in: &state)
            state.terms[id] = terms
            var order = JSONValue.object([
                "id": .integer(id), "accountId": .integer(terms.account), "contractId": .integer(terms.contract.id), "timestamp": .time(now),
                "action": .string(terms.side == .buy ? "Buy" : "Sell"), "ordStatus": isSuspended ? "Suspended" : "PendingNew",
                "executionProviderId": 1, "admin": false,
            ])
            if let parent = terms.parent { order = order.setting("parentId", .integer(parent)) }
            if fault?.action == .surfaceLate { state.hiddenUntil[id] = clock.monotonic + (fault?.duration(default: .seconds(1)) ?? .zero) }
            tell(
                [
                    EntityEvent(kind: "command", isNew: true, entity: command(id, id, terms.clientID, "New", "Pending", now)),
                    EntityEvent(kind: "orderVersion", isNew: true, entity: terms.version(id: id, orderID: id)),
                    EntityEvent(kind: "order", isNew: true, entity: order),
                ], account: terms.account, in: &state)
            return id
        }
    }

    /// Hands a recorded order to the exchange. It may trade before this returns.
    func release(_ id: Int64, _ terms: TradovateTerms) {
        submit(id, terms)
        schedule(Decision(kind: .new, orderID: id, commandID: id, due: clock.monotonic + settings.decisionDelay))
    }

    /// Risk check and exchange. What they say is kept until it is told.
    func submit(_ id: Int64, _ terms: TradovateTerms) {
        if let refusal = state.withLock({ $0.refusals.isEmpty ? nil : $0.refusals.removeFirst() }) {
            return state.withLock { $0.exchangeRefusals[id] = .invalidRequest("\(refusal.reason)|\(refusal.text)") }
        }
        let held = netPosition(terms.account, terms.contract.id)
        let after = terms.side == .buy ? held + terms.quantity : held - terms.quantity
        let price = exchange.read { core in core.prices[Symbol(terms.contract.name)] } ?? terms.contract.product.price
        if after.magnitude > held.magnitude, after.magnitude * Price(terms.contract.product.margin.value) > settings.cash {
            return state.withLock { $0.exchangeRefusals[id] = .insufficientFunds }
        }
        do throws(ExchangeRefusal) {
            // Held over the call, so that what the exchange tells finds the order.
            try state.withLock { state throws(ExchangeRefusal) in
                let events = try exchange.place(terms.request(price: price))
                note(events, in: &state)
                guard let placed = events.first?.order.id else { return }
                state.exchangeID[id] = placed
                state.orderID[placed] = id
            }
        } catch {
            state.withLock { $0.exchangeRefusals[id] = error }
        }
    }

    // MARK: Modify and cancel

    /// A full replacement: what is left out is not kept, and a time in force that is left out is Day.
    func modify(_ body: JSONValue) throws(TradovateRefusal) -> JSONValue {
        let (id, old) = try target(body)
        let new = try terms(body, contract: old.contract, side: old.side, account: old.account)
        if old.type == "TrailingStop", new.stopPrice != nil || new.pegDifference != old.pegDifference {
            throw .failure(reason: "TrailingStopNonOrderQtyModify", text: "Only the quantity of a trailing stop can be modified")
        }
        let commandID = open(id, old, "Modify", body["clOrdId"]?.string ?? "", status: "PendingReplace", version: new)
        schedule(Decision(kind: .modify(new), orderID: id, commandID: commandID, due: clock.monotonic + settings.decisionDelay))
        return .object(["commandId": .integer(commandID)])
    }

    func cancel(_ body: JSONValue) throws(TradovateRefusal) -> JSONValue {
        let (id, terms) = try target(body)
        let commandID = open(id, terms, "Cancel", body["clOrdId"]?.string ?? "", status: "PendingCancel", version: nil)
        // The exchange acts at once; what it said is told later.
        let isGone = state.withLock { $0.exchangeID[id] }.map { (try? exchange.cancel($0, account: String(terms.account))) != nil } ?? true
        if !isGone { state.withLock { _ = $0.lateCancels.insert(commandID) } }
        schedule(Decision(kind: .cancel, orderID: id, commandID: commandID, due: clock.monotonic + settings.decisionDelay))
        return .object(["commandId": .integer(commandID)])
    }

    private func target(_ body: JSONValue) throws(TradovateRefusal) -> (Int64, TradovateTerms) {
        guard let id = body["orderId"]?.integer else { throw .violation(field: "orderId", text: "Order should be specified") }
        let (terms, order, isBusy) = state.withLock { ($0.terms[id], $0.tables["order", id], $0.isBusy.contains(id)) }
        guard let terms, let status = order?["ordStatus"]?.string else {
            throw .failure(reason: "UnknownReason", text: "Access is denied")
        }
        guard !["Filled", "Canceled", "Rejected", "Expired", "Completed"].contains(status) else {
            throw .failure(reason: "TooLate", text: "Too late to change the order")
        }
        guard !isBusy else { throw .failure(reason: "AnotherCommandPending", text: "Another command is pending") }
        return (id, terms)
    }

    private func open(
        _ id: Int64, _ terms: TradovateTerms, _ type: String, _ clientID: String, status: String, version: TradovateTerms?
    ) -> Int64 {
        state.withLock { state in
            let commandID = makeID(in: &state)
            state.isBusy.insert(id)
            var events = [EntityEvent(kind: "command", isNew: true, entity: command(commandID, id, clientID, type, "Pending", clock.wallTime))]
            if let version { events.append(EntityEvent(kind: "orderVersion", isNew: true, entity: version.version(id: commandID, orderID: id))) }
            if let order = state.tables["order", id], order["ordStatus"] != "Suspended" {
                events.append(EntityEvent(kind: "order", isNew: false, entity: order.setting("ordStatus", .string(status))))
            }
            tell(events, account: terms.account, in: &state)
            return commandID
        }
    }

    private func command(
        _ id: Int64, _ orderID: Int64, _ clientID: String, _ type: String, _ status: String, _ now: Timestamp
    ) -> JSONValue {
        var entity = JSONValue.object(["id": .integer(id), "orderId": .integer(orderID), "timestamp": .time(now)])
        if !clientID.isEmpty { entity = entity.setting("clOrdId", .string(clientID)) }
        return entity.adding(["commandType": .string(type), "commandStatus": .string(status), "senderId": 15460, "userSessionId": 331, "isAutomated": true])
    }

    func link(_ a: Int64, _ b: Int64, account: Int64) {
        state.withLock { state in
            state.terms[a]?.sibling = b
            state.terms[b]?.sibling = a
            let events = [(a, b), (b, a)].compactMap { own, other in
                state.tables["order", own].map { EntityEvent(kind: "order", isNew: false, entity: $0.setting("ocoId", .integer(other))) }
            }
            tell(events, account: account, in: &state)
        }
    }

    func netPosition(_ account: Int64, _ contract: Int64) -> Quantity {
        let row = state.withLock { $0.tables["position", account * 1_000_000 + contract] }
        return row?["netPos"]?.scalarText.flatMap { try? Quantity($0) } ?? .zero
    }
}

extension TradovateTerms {
    var hasItsPrices: Bool {
        switch type {
        case "Limit": price != nil
        case "Stop", "MIT": stopPrice != nil
        case "StopLimit": price != nil && stopPrice != nil
        case "TrailingStop": pegDifference != nil
        default: true
        }
    }

    func version(id: Int64, orderID: Int64) -> JSONValue {
        var entity = JSONValue.object([
            "id": .integer(id), "orderId": .integer(orderID), "orderQty": .decimal(quantity), "orderType": .string(type),
        ])
        for (name, value) in [("price", price), ("stopPrice", stopPrice), ("pegDifference", pegDifference)] {
            if let value { entity = entity.setting(name, .decimal(value)) }
        }
        entity = entity.setting("timeInForce", .string(timeInForce))
        return text.map { entity.setting("text", .string($0)) } ?? entity
    }

    /// Where a trailing stop stands when the best price was `peak`.
    func trailed(from peak: Price) -> Price { side == .sell ? peak - (pegDifference ?? .zero) : peak + (pegDifference ?? .zero) }

    func request(price current: Price) -> OrderRequest {
        let kind: SimulatedOrder.Kind =
            switch type {
            case "Limit": .limit
            case "Stop", "TrailingStop": .stop
            case "StopLimit": .stopLimit
            case "MIT": .takeProfit
            default: .market
            }
        let time: TimeInForce =
            switch timeInForce {
            case "IOC": .ioc
            case "FOK": .fok
            case "GTC": .gtc
            default: .day
            }
        return OrderRequest(
            account: String(account), clientOrderID: clientID, symbol: Symbol(contract.name), side: side, kind: kind, timeInForce: time,
            quantity: quantity, limitPrice: kind.hasLimit ? price : nil,
            stopPrice: kind.isConditional ? (type == "TrailingStop" ? stopPrice ?? trailed(from: current) : stopPrice) : nil)
    }
}
