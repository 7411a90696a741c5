import Foundation
import SimulatorKit
import TradingModel

extension TradovateVenue {
    /// Tells what becomes of commands, until cancelled.
    func runDecisions() async throws {
        for await decision in decisions {
            let wait = decision.due - clock.monotonic
            if wait > .zero { try await clock.sleep(for: wait) }
            settle(decision)
        }
    }

    /// Without a delay the outcome is told before the answer to the command, which the venue may do as well.
    func schedule(_ decision: Decision) {
        if settings.decisionDelay == .zero { settle(decision) } else { decide.yield(decision) }
    }

    private func settle(_ decision: Decision) {
        switch decision.kind {
        case .new: settleNew(decision.orderID)
        case .modify(let terms): settleModification(decision, terms)
        case .cancel: settleCancel(decision)
        case .fees(let fill): tellFees(fill, of: decision.orderID)
        }
    }

    /// Follows what the exchange does to an account's orders, until cancelled.
    func follow(_ batches: AsyncStream<[ExchangeEvent]>) async throws {
        for await batch in batches {
            for event in batch {
                if let id = try await toldOrder(event.order.id) {
                    switch event.kind {
                    case .traded(let trade): settleTrade(trade, event.order, of: id)
                    case .expired: end(id, "Canceled", execType: "Canceled", of: event.order)
                    case .accepted, .triggered, .entered, .cancelled, .amended: break
                    }
                }
                state.withLock { $0.settledEvents[event.order.account] = event.executionID }
            }
        }
    }

    /// Waits until everything that these events cause was told, so that queries show it.
    func settle(_ events: [ExchangeEvent]) async throws {
        state.withLock { note(events, in: &$0) }
        trailOnce()
        try await settled()
    }

    /// Waits until whatever was caused so far was told.
    func settled() async throws {
        while state.withLock({ state in
            accounts.contains { (state.settledEvents[$0.key] ?? 0) < (state.causedEvents[$0.key] ?? 0) }
        }) {
            try await clock.sleep(for: .milliseconds(1))
        }
    }

    func note(_ events: [ExchangeEvent], in state: inout State) {
        for event in events { state.causedEvents[event.order.account] = max(state.causedEvents[event.order.account] ?? 0, event.executionID) }
    }

    /// Trailing stops follow the price. Looked at often, because the exchange tells no prices.
    func trail() async throws {
        while true {
            try await clock.sleep(for: .milliseconds(10))
            trailOnce()
        }
    }

    private func trailOnce() {
        let trailing = state.withLock { state in
            state.terms.filter { $0.value.type == "TrailingStop" }.compactMap { id, terms in state.exchangeID[id].map { (id, $0, terms) } }
        }
        for (id, exchangeID, terms) in trailing {
            let (price, order) = exchange.read { core in (core.prices[Symbol(terms.contract.name)], core.order(exchangeID)) }
            guard let price, let order, !order.status.isTerminal, !order.isWorking, let stop = order.stopPrice else { continue }
            let peak = state.withLock { state in
                let old = state.peaks[id] ?? price
                let peak = terms.side == .sell ? max(old, price) : min(old, price)
                state.peaks[id] = peak
                return peak
            }
            let wanted = terms.trailed(from: peak)
            guard terms.side == .sell ? wanted > stop : wanted < stop else { continue }
            _ = try? exchange.amend(exchangeID, account: String(terms.account), stopPrice: wanted)
        }
    }

    // MARK: New orders

    func settleNew(_ id: Int64) {
        let refusal = state.withLock { $0.exchangeRefusals.removeValue(forKey: id) }
        guard let terms = state.withLock({ $0.terms[id] }) else { return }
        if let refusal { return reject(id, terms, refusal) }
        state.withLock { state in
            guard let order = state.tables["order", id], let command = state.tables["command", id] else { return }
            let now = clock.wallTime
            tell(
                [
                    event("commandReport", ["commandId": .integer(id), "timestamp": .time(now), "commandStatus": "RiskPassed", "ordStatus": "PendingNew"], in: &state),
                    EntityEvent(kind: "command", isNew: false, entity: command.setting("commandStatus", "AtExecution")),
                    execution("New", "Working", command: id, order: id, terms, now: now, in: &state),
                    EntityEvent(kind: "order", isNew: false, entity: order.setting("ordStatus", "Working")),
                ], account: terms.account, in: &state)
            if let exchangeID = state.exchangeID[id] { state.isTold.insert(exchangeID) }
        }
    }

    private func reject(_ id: Int64, _ terms: TradovateTerms, _ refusal: ExchangeRefusal) {
        let (status, reason, text): (String, String, String) =
            switch refusal {
            case .insufficientFunds: ("RiskRejected", "UnknownReason", "Order rejected: insufficient margin")
            case .wouldTriggerImmediately: ("ExecutionRejected", "InvalidPrice", "Stop price is on the wrong side of the market")
            case .invalidRequest(let words) where words.contains("|"):
                ("RiskRejected", String(words.prefix { $0 != "|" }), String(words.drop { $0 != "|" }.dropFirst()))
            default: ("ExecutionRejected", "OtherExecutionRelated", "\(refusal)")
            }
        state.withLock { state in
            guard let order = state.tables["order", id], let command = state.tables["command", id] else { return }
            let now = clock.wallTime
            tell(
                [
                    event(
                        "commandReport",
                        [
                            "commandId": .integer(id), "timestamp": .time(now), "commandStatus": .string(status), "rejectReason": .string(reason),
                            "text": .string(text), "ordStatus": "Rejected",
                        ], in: &state),
                    EntityEvent(kind: "command", isNew: false, entity: command.setting("commandStatus", .string(status))),
                    EntityEvent(kind: "order", isNew: false, entity: order.setting("ordStatus", "Rejected")),
                ], account: terms.account, in: &state)
        }
        endLegs(of: id)
    }

    // MARK: Changes

    private func settleModification(_ decision: Decision, _ new: TradovateTerms) {
        let id = decision.orderID
        let (old, exchangeID) = state.withLock { ($0.terms[id], $0.exchangeID[id]) }
        guard let old else { return }
        // The exchange refuses to change the time in force, although the answer to the request looked well.
        if old.timeInForce != new.timeInForce { return refuse(decision, old, "OtherExecutionRelated", "Time in force cannot be changed") }
        if let exchangeID {
            do throws(ExchangeRefusal) {
                let events = try exchange.amend(
                    exchangeID, account: String(old.account), quantity: new.quantity, limitPrice: new.price,
                    stopPrice: old.type == "TrailingStop" ? nil : new.stopPrice)
                state.withLock { note(events, in: &$0) }
            } catch {
                return refuse(decision, old, error == .noSuchOpenOrder ? "TooLate" : "InvalidPrice", "\(error)")
            }
        }
        state.withLock { state in
            state.isBusy.remove(id)
            state.terms[id]?.quantity = new.quantity
            state.terms[id]?.price = new.price
            state.terms[id]?.stopPrice = new.stopPrice
            guard let order = state.tables["order", id], let command = state.tables["command", decision.commandID] else { return }
            let now = clock.wallTime
            let isEnded = ["Filled", "Canceled"].contains(order["ordStatus"]?.string ?? "")
            let status: JSONValue = isEnded ? order["ordStatus"] ?? .null : exchangeID == nil ? "Suspended" : "Working"
            tell(
                [
                    event("commandReport", ["commandId": .integer(decision.commandID), "timestamp": .time(now), "commandStatus": "RiskPassed"], in: &state),
                    EntityEvent(kind: "command", isNew: false, entity: command.setting("commandStatus", "AtExecution")),
                    execution("Replaced", status.string ?? "Working", command: decision.commandID, order: id, new, now: now, in: &state),
                    EntityEvent(kind: "order", isNew: false, entity: order.setting("ordStatus", status)),
                ], account: old.account, in: &state)
        }
    }

    private func settleCancel(_ decision: Decision) {
        let id = decision.orderID
        let (terms, isLate) = state.withLock { ($0.terms[id], $0.lateCancels.remove(decision.commandID) != nil) }
        guard let terms else { return }
        if isLate { return refuse(decision, terms, "TooLate", "The order has ended") }
        state.withLock { state in
            state.isBusy.remove(id)
            guard let order = state.tables["order", id], let command = state.tables["command", decision.commandID] else { return }
            tell(
                [
                    EntityEvent(kind: "command", isNew: false, entity: command.setting("commandStatus", "AtExecution")),
                    execution("Canceled", "Canceled", command: decision.commandID, order: id, terms, now: clock.wallTime, in: &state),
                    EntityEvent(kind: "order", isNew: false, entity: order.setting("ordStatus", "Canceled")),
                ], account: terms.account, in: &state)
        }
        endLegs(of: id)
    }

    /// The order goes back to what it was.
    private func refuse(_ decision: Decision, _ terms: TradovateTerms, _ reason: String, _ text: String) {
        state.withLock { state in
            state.isBusy.remove(decision.orderID)
            guard let order = state.tables["order", decision.orderID], let command = state.tables["command", decision.commandID] else { return }
            let pending = ["PendingReplace", "PendingCancel"].contains(order["ordStatus"]?.string ?? "")
            let status: JSONValue = pending ? "Working" : order["ordStatus"] ?? .null
            tell(
                [
                    event(
                        "commandReport",
                        [
                            "commandId": .integer(decision.commandID), "timestamp": .time(clock.wallTime), "commandStatus": "ExecutionRejected",
                            "rejectReason": .string(reason), "text": .string(text), "ordStatus": status,
                        ], in: &state),
                    EntityEvent(kind: "command", isNew: false, entity: command.setting("commandStatus", "ExecutionRejected")),
                    EntityEvent(kind: "order", isNew: false, entity: order.setting("ordStatus", status)),
                ], account: terms.account, in: &state)
        }
    }

    // MARK: Trades

    /// The venue's order of an exchange order, once its acceptance was told: a trade is never told before.
    ///
    /// Nil for an order that a reset has taken away.
    private func toldOrder(_ exchangeID: Int64) async throws -> Int64? {
        let resets = state.withLock { $0.resets }
        while true {
            let (id, isTold, isOver) = state.withLock { ($0.orderID[exchangeID], $0.isTold.contains(exchangeID), $0.resets != resets) }
            if isTold { return id }
            if isOver { return nil }
            try await clock.sleep(for: .milliseconds(1))
        }
    }

    private func settleTrade(_ trade: SimulatedTrade, _ after: SimulatedOrder, of id: Int64) {
        guard let terms = state.withLock({ $0.terms[id] }) else { return }
        let isDone = after.status == .filled
        let fillID = state.withLock { state -> Int64 in
            let now = trade.executedAt
            let fillID = makeID(in: &state)
            let fill = JSONValue.object([
                "id": .integer(fillID), "orderId": .integer(id), "contractId": .integer(terms.contract.id), "timestamp": .time(now),
                "tradeDate": Self.date(now), "action": .string(trade.side == .buy ? "Buy" : "Sell"), "qty": .decimal(trade.quantity),
                "price": .decimal(trade.price), "active": true, "finallyPaired": 0,
            ])
            var told = execution("Trade", isDone ? "Filled" : "Working", command: id, order: id, terms, now: now, in: &state).entity
            told = told.adding([
                "cumQty": .decimal(after.filledQuantity), "avgPx": .decimal(after.averagePrice ?? trade.price), "lastQty": .decimal(trade.quantity),
                "lastPx": .decimal(trade.price),
            ])
            var events = [
                EntityEvent(kind: "executionReport", isNew: true, entity: told), EntityEvent(kind: "fill", isNew: true, entity: fill),
                EntityEvent(kind: "position", isNew: false, entity: position(terms, trade, in: state)),
            ]
            if isDone, let order = state.tables["order", id] {
                events.append(EntityEvent(kind: "order", isNew: false, entity: order.setting("ordStatus", "Filled")))
            }
            tell(events, account: terms.account, in: &state)
            return fillID
        }
        decide.yield(Decision(kind: .fees(fill: fillID), orderID: id, commandID: id, due: clock.monotonic + settings.feeDelay))
        if isDone { activateLegs(of: id, filled: after.filledQuantity) }
        guard let sibling = terms.sibling else { return }
        if isDone { cancelSibling(sibling) } else { shrinkSibling(sibling, to: after.openQuantity) }
    }

    private func position(_ terms: TradovateTerms, _ trade: SimulatedTrade, in state: borrowing State) -> JSONValue {
        let id = terms.account * 1_000_000 + terms.contract.id
        let old = state.tables["position", id]
        let held = old?["netPos"]?.scalarText.flatMap { try? Quantity($0) } ?? .zero
        let price = old?["netPrice"]?.scalarText.flatMap { try? Price($0) } ?? .zero
        let change = trade.side == .buy ? trade.quantity : -trade.quantity
        let net = held + change
        var entity = JSONValue.object([
            "id": .integer(id), "accountId": .integer(terms.account), "contractId": .integer(terms.contract.id),
            "timestamp": .time(trade.executedAt), "tradeDate": Self.date(trade.executedAt), "netPos": .decimal(net),
        ])
        // A closed position stays listed, without a price.
        guard !net.isZero else { return entity }
        let grows = held.isZero || (held > 0) == (change > 0)
        let total = held.magnitude * price + change.magnitude * trade.price
        let average = grows ? total / net.magnitude ?? trade.price : (held > 0) == (net > 0) ? price : trade.price
        entity = entity.setting("netPrice", .decimal(average))
        return entity
    }

    private func tellFees(_ fillID: Int64, of orderID: Int64) {
        state.withLock { state in
            guard let terms = state.terms[orderID], let fill = state.tables["fill", fillID] else { return }
            let quantity = fill["qty"]?.scalarText.flatMap { try? Quantity($0) } ?? 1
            let fee = { (cents: Int64) in JSONValue.decimal(quantity * Decimal(sign: .plus, exponent: -2, significand: Decimal(cents))) }
            tell(
                [
                    EntityEvent(
                        kind: "fillFee", isNew: true,
                        entity: .object([
                            "id": .integer(fillID), "clearingFee": 0, "exchangeFee": fee(35), "nfaFee": fee(2), "brokerageFee": 0, "ipFee": 0,
                            "commission": fee(39), "orderRoutingFee": 0,
                        ]))
                ], account: terms.account, in: &state)
        }
    }

    func end(_ id: Int64, _ status: String, execType: String, of order: SimulatedOrder?) {
        state.withLock { state in
            guard let terms = state.terms[id], let entity = state.tables["order", id] else { return }
            tell(
                [
                    execution(execType, status, command: id, order: id, terms, now: order?.updatedAt ?? clock.wallTime, in: &state),
                    EntityEvent(kind: "order", isNew: false, entity: entity.setting("ordStatus", .string(status))),
                ], account: terms.account, in: &state)
        }
        if order != nil { endLegs(of: id) }
    }

    func status(of id: Int64) -> String { state.withLock { $0.tables["order", id]?["ordStatus"]?.string ?? "" } }

    // MARK: Entities

    func event(_ kind: String, _ members: KeyValuePairs<String, JSONValue>, in state: inout State) -> EntityEvent {
        let id = makeID(in: &state)
        return EntityEvent(kind: kind, isNew: true, entity: JSONValue.object(members).setting("id", .integer(id)))
    }

    func execution(
        _ type: String, _ status: String, command: Int64, order: Int64, _ terms: TradovateTerms, now: Timestamp, in state: inout State
    ) -> EntityEvent {
        event(
            "executionReport",
            [
                "commandId": .integer(command), "orderId": .integer(order), "accountId": .integer(terms.account),
                "contractId": .integer(terms.contract.id), "timestamp": .time(now), "tradeDate": Self.date(now), "execType": .string(type),
                "ordStatus": .string(status), "action": .string(terms.side == .buy ? "Buy" : "Sell"),
            ], in: &state)
    }

    private static func date(_ time: Timestamp) -> JSONValue {
        let parts = time.description.prefix(10).split(separator: "-").map { JSONValue.integer(Int64($0) ?? 0) }
        return .object(["year": parts[0], "month": parts[1], "day": parts[2]])
    }
}
