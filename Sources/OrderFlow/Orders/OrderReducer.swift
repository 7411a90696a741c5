import BrokerContract
import StoreContract
import TradingModel

/// What evidence does to an order. Pure; runs inside the store's transaction on the order as it is then.
///
/// Evidence may come in any order and any number of times: from the reply, the stream and queries. Quantities only grow, a terminal
/// state stays, and an order becomes terminal only when all its fills are known, so that the position is never behind the state.
public struct OrderReducer: Sendable {
    private let snapshot: OrderSnapshot
    private let now: Timestamp
    private let base: Asset?
    private var change: OrderChange

    /// - Parameter base: The instrument's base asset, if fees may be taken in it.
    public init(_ snapshot: OrderSnapshot, base: Asset?, at now: Timestamp) {
        self.snapshot = snapshot
        self.now = now
        self.base = base
        change = OrderChange(order: snapshot.order, position: nil)
        change.order.updatedAt = now
    }

    private var order: OrderRecord { change.order }

    /// The change with what it means for the legs; nil if nothing is different.
    private var result: OrderChange? {
        var before = snapshot.order
        before.updatedAt = now
        guard before != change.order || !change.attempts.isEmpty || !change.newFills.isEmpty || !change.alerts.isEmpty else { return nil }
        var change = change
        change.legs = BracketFollowing.changes(of: snapshot, with: change, at: now)
        return change
    }

    /// A leg of this entry that the venue has shown. It came with the same request, so nothing can say any more that nothing was sent.
    private var legAtVenue: OrderID? { snapshot.legs.first { BracketFollowing.isAtVenue($0.order) }?.order.id }

    // MARK: How an attempt ended

    /// Records the outcome of attempt `number`.
    public static func outcome(_ outcome: PlaceOutcome, attempt number: Int, of snapshot: OrderSnapshot, base: Asset?, at now: Timestamp) -> OrderChange? {
        var reducer = OrderReducer(snapshot, base: base, at: now)
        let isPending = snapshot.order.state == .permitted && snapshot.order.attempts == number
        switch outcome {
        case .accepted(let report, let fills, let evidence):
            reducer.close(number, "accepted", evidence, cause: nil)
            reducer.merge(report, fills)
        case .refused(let reason, let evidence):
            reducer.close(number, "refused", evidence, cause: reason.code)
            if isPending, let leg = reducer.legAtVenue {
                reducer.becomeUnknown(.contradiction, "refused (\(reason.code)), but its leg \(leg) is at the venue")
            } else if isPending {
                reducer.move(to: .rejected, reason: reason.code, detail: evidence.message ?? reason.description)
                reducer.alert("order_rejected", .medium, "\(reason.description): \(evidence.message ?? "")")
            } else {
                reducer.contradiction("refused", evidence)
            }
        case .notSent(let reason, let evidence):
            reducer.close(number, "not_sent", evidence, cause: reason.rawValue)
            if isPending, let leg = reducer.legAtVenue {
                reducer.becomeUnknown(.contradiction, "not sent (\(reason.rawValue)), but its leg \(leg) is at the venue")
            } else if isPending {
                reducer.move(to: .absent, reason: "not_sent", detail: "\(reason.rawValue): \(evidence.message ?? "nothing was sent")")
                if !reason.isRetryable {
                    reducer.move(to: .abandoned, reason: reason.rawValue, detail: evidence.message ?? "the adapter cannot send this order")
                    reducer.alert("order_rejected", .medium, "\(reason.rawValue): \(evidence.message ?? "")")
                }
            } else {
                reducer.contradiction("not sent", evidence)
            }
        case .unknown(let cause, let evidence):
            reducer.close(number, "unknown", evidence, cause: cause.rawValue)
            if isPending { reducer.becomeUnknown(cause, evidence.message) }
        }
        return reducer.result
    }

    /// Marks a pending attempt whose outcome nobody will record any more.
    public static func lost(_ cause: UnknownCause, _ detail: String, _ snapshot: OrderSnapshot, at now: Timestamp) -> OrderChange? {
        guard snapshot.order.state == .permitted else { return nil }
        var reducer = OrderReducer(snapshot, base: nil, at: now)
        reducer.close(snapshot.order.attempts, "unknown", Evidence(mayHaveLeft: true), cause: cause.rawValue)
        reducer.becomeUnknown(cause, detail)
        return reducer.result
    }

    // MARK: What the venue says

    /// Applies a report, fills, or both at once.
    public static func evidence(_ report: OrderReport?, fills: [Fill], of snapshot: OrderSnapshot, base: Asset?, at now: Timestamp) -> OrderChange? {
        var reducer = OrderReducer(snapshot, base: base, at: now)
        reducer.merge(report, fills)
        return reducer.result
    }

    /// As ``evidence(_:fills:of:base:at:)``, for an order of which a person has said that it is ours although it differs.
    static func adoption(_ report: OrderReport, fills: [Fill], of snapshot: OrderSnapshot, base: Asset?, at now: Timestamp) -> OrderChange? {
        var reducer = OrderReducer(snapshot, base: base, at: now)
        reducer.merge(report, fills, isAdopted: true)
        // What was ordered less at the venue than here has ended all the same.
        if report.status.isTerminal, !reducer.order.state.isTerminal, reducer.order.filledQuantity == report.filledQuantity {
            reducer.move(to: .cancelled, reason: "adopted", detail: "the venue's order ended with \(report.filledQuantity) filled")
        }
        return reducer.result
    }

    /// Moves the order without evidence of fills: resolving, parked, absent, abandoned.
    public static func move(_ snapshot: OrderSnapshot, to state: OrderState, reason: String, detail: String, alert: AlertDraft? = nil, at now: Timestamp) -> OrderChange? {
        guard snapshot.order.state != state else { return nil }
        var reducer = OrderReducer(snapshot, base: nil, at: now)
        if state == .absent, let leg = reducer.legAtVenue {
            let why = "all answers say that it does not exist, but its leg \(leg) is at the venue"
            reducer.move(to: .parked, reason: "leg_at_venue", detail: why)
            reducer.alert("parked_order", .critical, "a person must decide: \(why)")
            return reducer.result
        }
        reducer.move(to: state, reason: reason, detail: detail)
        if let alert { reducer.change.alerts.append(alert) }
        return reducer.result
    }

    // MARK: Steps

    private mutating func close(_ number: Int, _ outcome: String, _ evidence: Evidence, cause: String?) {
        guard var attempt = snapshot.attempts.first(where: { $0.number == number }), attempt.outcome == nil else { return }
        attempt.outcome = outcome
        attempt.evidence = OrderJournal.text(evidence, cause: cause)
        attempt.endedAt = now
        change.attempts.append(attempt)
    }

    private mutating func becomeUnknown(_ cause: UnknownCause, _ message: String?) {
        move(to: .unknown, reason: cause.rawValue, detail: message ?? "the outcome is not known; evidence is being gathered")
        alert("unknown_order", .high, "outcome unknown (\(cause.rawValue)); evidence is being gathered, nothing is resent before")
    }

    private mutating func move(to state: OrderState, reason: String?, detail: String?) {
        guard OrderStateMachine.allows(order.state, to: state) else {
            change.journal.append(OrderJournal.line(order, type: "order.illegal_move", extra: [.init("refused_status", .string(state.rawValue))]))
            alert("illegal_transition", .critical, "evidence asks for \(order.state.rawValue) → \(state.rawValue), which is not allowed; the order stays")
            return
        }
        let changed = order.state != state
        change.order.state = state
        change.order.reason = reason
        change.order.detail = detail
        if changed { change.journal.append(OrderJournal.line(order)) }
    }

    private mutating func alert(_ type: String, _ severity: AlertSeverity, _ message: String) {
        change.alerts.append(
            AlertDraft(type: type, severity: severity, subject: "order:\(order.id)", message: "\(order.account) \(order.side.rawValue) \(order.quantity ?? order.requestedQuantity) \(order.symbol): \(message)"))
    }

    private mutating func contradiction(_ what: String, _ evidence: Evidence) {
        guard order.state != .rejected, order.state != .abandoned else { return }
        alert("contradiction", .high, "the reply says \(what) (\(evidence.message ?? "no text")), but the order is \(order.state.rawValue) by other evidence")
    }

    private mutating func merge(_ report: OrderReport?, _ fills: [Fill], isAdopted: Bool = false) {
        if let report, !isAdopted, let difference = difference(report) {
            guard !order.state.isTerminal else { return }
            move(to: .parked, reason: Deciding.foreign, detail: "an order under our client order id differs: \(difference)")
            alert("foreign_order", .critical, "an order under our client order id differs from the record: \(difference)")
            return
        }
        let known = Set(snapshot.fills.map(\.executionID))
        var seen = known
        let isLeg = order.bracketRole != nil
        let fresh = fills.filter { fill in
            // Two legs may share an order of the venue; what names the other one belongs to that.
            guard !isLeg || fill.clientOrderID == nil || fill.clientOrderID == order.clientOrderID else { return false }
            return fill.symbol == order.symbol && fill.side == order.side && seen.insert(fill.executionID).inserted
        }
        let wasTerminal = order.state.isTerminal
        var position = snapshot.position
        for fill in fresh { position = PositionLedger.apply(fill, to: position, account: order.account, base: base, at: now) }
        change.newFills = fresh
        if !fresh.isEmpty { change.position = position }

        let all = snapshot.fills + fresh
        let total = all.reduce(Quantity.zero) { $0 + $1.quantity }
        change.order.filledQuantity = max(order.filledQuantity, total, report?.filledQuantity ?? .zero)
        if order.filledQuantity > 0, order.filledAt == nil { change.order.filledAt = now }
        if !all.isEmpty {
            change.order.averagePrice = all.reduce(Notional.zero) { $0 + $1.quantity * $1.price } / total
        } else if let average = report?.averagePrice {
            change.order.averagePrice = average
        }
        if let report {
            change.order.venueOrderID = report.venueOrderID
            if !wasTerminal { change.order.venueStatus = report.venueStatus }
        } else if order.venueOrderID == nil {
            change.order.venueOrderID = fresh.first?.venueOrderID
        }
        if let quantity = order.quantity, order.filledQuantity > quantity, order.filledQuantity > snapshot.order.filledQuantity {
            let audited: [JSONValue.Member] = [
                .init("ordered", .string(quantity.description)), .init("position_after", .string((position?.quantity ?? .zero).description)),
            ]
            change.journal.append(OrderJournal.line(order, type: "position.corrected", extra: audited))
            alert("over_fill", .critical, "filled \(order.filledQuantity), more than was ordered")
        }
        for fill in fresh { change.journal.append(OrderJournal.line(fill, of: order)) }
        guard !wasTerminal else {
            if !fresh.isEmpty, snapshot.order.state != .filled { alert("late_fill", .high, "a fill came after the order had ended as \(order.state.rawValue)") }
            return
        }
        guard let state = target(report, total: total) else { return }
        let wasDoubtful = OrderStateMachine.unsettled.contains(snapshot.order.state) && snapshot.order.state != .permitted
        move(to: state, reason: report?.reason?.code ?? (state == .rejected ? "rejected" : nil), detail: report?.reason.map(\.description))
        if order.bracketRole == .stopLoss, order.state == .rejected || order.state == .expired, snapshot.order.state != order.state {
            alert("protection_lost", .critical, "the stop loss of order \(order.entryID?.rawValue ?? "?") ended \(order.state.rawValue): its position may have no stop")
        }
        if wasDoubtful, order.state == state {
            change.journal.append(OrderJournal.line(order, type: "order.resolved", extra: [.init("was", .string(snapshot.order.state.rawValue))]))
        }
    }

    /// The state that the evidence asks for; nil for none.
    private func target(_ report: OrderReport?, total: Quantity) -> OrderState? {
        if let quantity = order.quantity, total >= quantity { return .filled }
        let partly: OrderState = order.filledQuantity > 0 ? .partiallyFilled : .accepted
        // A change that we asked for stays pending until the venue says how it ended.
        let isChanging = order.state == .cancelPending || order.state == .replacePending
        guard let report else { return total > 0 && !isChanging ? .partiallyFilled : nil }
        // Until every fill is known the order stays open, whatever the status says.
        guard total >= order.filledQuantity else { return isChanging ? nil : partly }
        switch report.status {
        // A leg may be smaller at the venue than its entry, by a fee that was taken out of what the entry bought.
        case .filled where order.bracketRole != nil && total > 0: return .filled
        case .filled: return isChanging ? nil : partly
        case .cancelled: return .cancelled
        case .expired: return .expired
        // What has traded was not rejected; it is the rest that ends.
        case .rejected: return order.filledQuantity > 0 ? .cancelled : .rejected
        case .pendingNew, .accepted, .partiallyFilled: return isChanging ? nil : partly
        case .unrecognised: return nil
        }
    }

    private func difference(_ report: OrderReport) -> String? {
        if report.symbol != order.symbol { return "symbol \(report.symbol), not \(order.symbol)" }
        if report.side != order.side { return "side \(report.side.rawValue), not \(order.side.rawValue)" }
        let isLeg = order.bracketRole != nil
        if let type = report.type, type != order.type, !(order.bracketRole == .stopLoss && type == .stopLimit) {
            return "type \(type.rawValue), not \(order.type.rawValue)"
        }
        if let theirs = report.quantity, let ours = order.quantity, isLeg ? theirs > ours : theirs != ours { return "quantity \(theirs), not \(ours)" }
        return nil
    }
}
