import FailPoints
import GRDB
import StoreContract
import TradingModel

extension StoreTransaction {
    func update(
        _ id: OrderID, under tenure: Tenure, at: Timestamp, reducing reduce: (OrderSnapshot) -> OrderChange?
    ) throws -> OrderRecord {
        try checkCurrent(tenure)
        guard let snapshot = try OrderSnapshot.read(db, id) else { throw StoreError.notFound("order \(id)") }
        guard snapshot.order.account == tenure.account else {
            throw StoreError.refused("order \(id) belongs to \(snapshot.order.account), the tenure to \(tenure.account)")
        }
        guard let change = reduce(snapshot) else { return snapshot.order }
        let changed = try write(change, over: snapshot, at: at)
        for leg in change.legs {
            guard let known = snapshot.legs.first(where: { $0.order.id == leg.order.id }) else {
                throw StoreError.refused("order \(leg.order.id) is no leg of order \(id)")
            }
            try write(leg, over: known, at: at)
        }
        return changed
    }

    /// Writes one order's part of a change, if it changes anything.
    @discardableResult
    private func write(_ change: OrderChange, over snapshot: OrderSnapshot, at: Timestamp) throws -> OrderRecord {
        let id = snapshot.order.id
        var change = change
        change.attempts.removeAll { snapshot.attempts.contains($0) }
        if change.position == snapshot.position { change.position = nil }
        let isEmpty =
            change.order == snapshot.order && change.attempts.isEmpty && change.newFills.isEmpty && change.position == nil
            && change.journal.isEmpty && change.alerts.isEmpty
        guard !isEmpty else { return snapshot.order }
        try check(change, against: snapshot)

        change.order.version = snapshot.order.version + 1
        change.order.updatedAt = at
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

    private func check(_ change: OrderChange, against snapshot: OrderSnapshot) throws(StoreError) {
        let old = snapshot.order
        let new = change.order
        func refuse(_ why: String) -> StoreError { .refused("order \(old.id): \(why)") }

        guard new.hasSameIntent(as: old) else { throw refuse("its identity and intent never change") }
        guard new.state == old.state || !old.state.isTerminal else {
            throw refuse("it ended as \(old.state.rawValue) and cannot become \(new.state.rawValue)")
        }
        guard new.state == old.state || (new.state != .permitted && new.state != .queued) else {
            throw refuse("only a permit makes it \(new.state.rawValue)")
        }
        guard new.filledQuantity >= old.filledQuantity else {
            throw refuse("its filled quantity cannot fall from \(old.filledQuantity) to \(new.filledQuantity)")
        }
        for attempt in change.attempts {
            guard let known = snapshot.attempts.first(where: { $0.number == attempt.number }) else {
                throw refuse("it has no attempt \(attempt.number)")
            }
            guard known.outcome == nil else { throw refuse("the outcome of attempt \(attempt.number) is already recorded") }
            guard attempt.hasSamePermit(as: known), attempt.outcome != nil else {
                throw refuse("of attempt \(attempt.number) only the outcome can be recorded")
            }
        }
        if let position = change.position {
            guard position.account == old.account, position.symbol == old.symbol else { throw refuse("the position is of another instrument") }
            guard !change.newFills.isEmpty else { throw refuse("a position changes only by fills") }
        }
        guard change.newFills.allSatisfy({ $0.symbol == old.symbol }) else { throw refuse("a fill is of another instrument") }
    }
}

extension OrderRecord {
    fileprivate func hasSameIntent(as other: OrderRecord) -> Bool {
        var mine = self
        mine.state = other.state
        mine.reason = other.reason
        mine.detail = other.detail
        mine.filledQuantity = other.filledQuantity
        mine.averagePrice = other.averagePrice
        mine.venueOrderID = other.venueOrderID
        mine.venueStatus = other.venueStatus
        mine.version = other.version
        mine.updatedAt = other.updatedAt
        mine.filledAt = other.filledAt
        // All that is left, quantity, prices and attempts included, is the store's or the intent's.
        return mine == other
    }
}

extension AttemptRecord {
    fileprivate func hasSamePermit(as other: AttemptRecord) -> Bool {
        var mine = self
        mine.outcome = other.outcome
        mine.evidence = other.evidence
        mine.endedAt = other.endedAt
        return mine == other
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
