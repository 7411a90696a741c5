import StoreContract
import StoreKit
import TradingModel

extension MemoryState {
    mutating func update(
        _ id: OrderID, under tenure: Tenure, at: Timestamp, reducing reduce: (OrderSnapshot) -> OrderChange?
    ) throws(StoreError) -> OrderRecord {
        worksUnder = tenure
        if !plants.contains(.updateIgnoresFence) { try checkCurrent(tenure) }
        guard let snapshot = snapshot(id) else { throw .notFound("order \(id)") }
        try UpdateRules.check(snapshot, under: tenure.account)
        guard let change = plants.isEmpty ? reduce(snapshot) : plantedChange(of: snapshot, at: at, reduce) else { return snapshot.order }
        let changed = try write(change, over: snapshot, at: at)
        if changed.version != snapshot.order.version { try settleEpisode(after: changed, hasNewFills: !change.newFills.isEmpty, at: at) }
        for leg in try UpdateRules.legs(of: change, in: snapshot) { try write(leg.change, over: leg.known, at: at) }
        return changed
    }

    @discardableResult
    private mutating func write(_ wanted: OrderChange, over snapshot: OrderSnapshot, at: Timestamp) throws(StoreError) -> OrderRecord {
        let id = snapshot.order.id
        var known = snapshot
        // A planted defect takes the rule away with its guard.
        if plants.contains(.terminalReopened), known.order.state.isTerminal { known.order.state = wanted.order.state }
        guard let change = try UpdateRules.prepare(wanted, of: known, at: at) else { return snapshot.order }
        try replace(change.order)
        for attempt in change.attempts {
            guard let index = attempts[id]?.firstIndex(where: { $0.number == attempt.number && $0.outcome == nil }) else {
                throw .refused("order \(id) has no open attempt \(attempt.number)")
            }
            guard let outcome = attempt.outcome, ["accepted", "refused", "not_sent", "unknown"].contains(outcome), attempt.endedAt != nil else {
                throw .refused("attempt \(attempt.number) of order \(id) does not end in one of the known ways")
            }
            attempts[id]?[index] = attempt
        }
        for fill in change.newFills {
            guard fill.quantity > 0, !fill.executionID.rawValue.isEmpty else { throw .refused("a fill has an id and a quantity") }
            guard executions.insert(Pair(snapshot.order.account, fill.executionID)).inserted || plants.contains(.fillsTwice) else {
                throw .refused("execution \(fill.executionID) is known")
            }
            fills[id, default: []].append(fill)
            allFills.append((snapshot.order.account, fill))
        }
        if let position = change.position { positions[Pair(position.account, position.symbol)] = position }
        for draft in change.journal { try write(draft, at: at) }
        for alert in change.alerts { try raise(alert, at: at) }
        return change.order
    }

    // MARK: Alerts

    mutating func raise(_ draft: AlertDraft, at: Timestamp) throws(StoreError) {
        var count = 1
        if let index = alerts.firstIndex(where: { $0.type == draft.type && $0.subject == draft.subject && $0.resolvedAt == nil }) {
            alerts[index].count += 1
            alerts[index].severity = max(alerts[index].severity, draft.severity)
            alerts[index].message = draft.message
            alerts[index].lastAt = at
            count = alerts[index].count
        } else {
            alerts.append(
                AlertRecord(
                    id: Int64(alerts.count + 1), type: draft.type, severity: draft.severity, subject: draft.subject, message: draft.message, count: 1,
                    firstAt: at, lastAt: at, resolvedAt: nil))
        }
        try write(.raised(draft, count: Int64(count)), at: at)
    }

    mutating func resolveAlert(type: String, subject: String, at: Timestamp) throws(StoreError) {
        guard let index = alerts.firstIndex(where: { $0.type == type && $0.subject == subject && $0.resolvedAt == nil }) else { return }
        alerts[index].resolvedAt = at
        try write(.resolvedAlert(type: type, subject: subject), at: at)
    }
}
