import FailPoints
import GRDB
import StoreContract
import StoreKit
import TradingModel

extension StoreTransaction {
    func update(
        _ id: OrderID, under tenure: Tenure, at: Timestamp, reducing reduce: (OrderSnapshot) -> OrderChange?
    ) throws -> OrderRecord {
        try checkCurrent(tenure)
        guard let snapshot = try OrderSnapshot.read(db, id) else { throw StoreError.notFound("order \(id)") }
        try UpdateRules.check(snapshot, under: tenure.account)
        guard let change = reduce(snapshot) else { return snapshot.order }
        let changed = try write(change, over: snapshot, at: at)
        for leg in try UpdateRules.legs(of: change, in: snapshot) { try write(leg.change, over: leg.known, at: at) }
        if changed.version != snapshot.order.version { try settleEpisode(after: changed, hasNewFills: !change.newFills.isEmpty, at: at) }
        return changed
    }

    /// Writes one order's part of a change, if it changes anything.
    @discardableResult
    private func write(_ wanted: OrderChange, over snapshot: OrderSnapshot, at: Timestamp) throws -> OrderRecord {
        let id = snapshot.order.id
        guard let change = try UpdateRules.prepare(wanted, of: snapshot, at: at) else { return snapshot.order }
        guard try change.order.replace(db) else { throw StoreError.refused("order \(id) changed meanwhile") }
        for attempt in change.attempts {
            guard try attempt.recordOutcome(db) else { throw StoreError.refused("order \(id) has no attempt \(attempt.number)") }
        }
        for fill in change.newFills { try fill.insert(db, account: snapshot.order.account, order: id) }
        try change.position?.save(db)
        for draft in change.journal { try journal.write(draft, at: at) }
        for alert in change.alerts { try raise(alert, at: at) }
        if !change.attempts.isEmpty { failPoint("store.update.before_commit") }
        if !change.newFills.isEmpty { failPoint("store.fill.before_commit") }
        return change.order
    }
}

extension OrderSnapshot {
    static func read(_ db: Database, _ id: OrderID) throws -> OrderSnapshot? {
        guard let order = try OrderRecord.find(db, id) else { return nil }
        return try OrderSnapshot(db, order, legs: order.bracket == nil ? [] : OrderRecord.legs(db, of: id).map { try OrderSnapshot(db, $0, legs: []) })
    }

    private init(_ db: Database, _ order: OrderRecord, legs: [OrderSnapshot]) throws {
        self.init(
            order: order, attempts: try AttemptRecord.all(db, of: order.id), fills: try Fill.all(db, of: order.id),
            position: try PositionRecord.find(db, account: order.account, symbol: order.symbol), legs: legs)
    }
}
