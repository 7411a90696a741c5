import StoreContract
import TradingModel

/// What a change of an order must keep, the same in every store.
public enum UpdateRules {
    /// The change as it is to be written, or nil if there is nothing to write.
    public static func prepare(
        _ wanted: OrderChange, of snapshot: OrderSnapshot, at: Timestamp
    ) throws(StoreError) -> OrderChange? {
        var change = wanted
        change.attempts.removeAll { snapshot.attempts.contains($0) }
        if change.position == snapshot.position { change.position = nil }
        let isEmpty =
            change.order == snapshot.order && change.attempts.isEmpty && change.newFills.isEmpty && change.position == nil
            && change.journal.isEmpty && change.alerts.isEmpty
        guard !isEmpty else { return nil }
        try check(change, against: snapshot)
        change.order.version = snapshot.order.version + 1
        change.order.updatedAt = at
        return change
    }

    /// Each leg's part of a change, with the leg as it is stored.
    public static func legs(of change: OrderChange, in snapshot: OrderSnapshot) throws(StoreError) -> [(change: OrderChange, known: OrderSnapshot)] {
        var parts: [(change: OrderChange, known: OrderSnapshot)] = []
        for leg in change.legs {
            guard let known = snapshot.legs.first(where: { $0.order.id == leg.order.id }) else {
                throw .refused("order \(leg.order.id) is no leg of order \(snapshot.order.id)")
            }
            parts.append((leg, known))
        }
        return parts
    }

    /// Whether an order may be changed under a tenure of `account`.
    public static func check(_ snapshot: OrderSnapshot, under account: AccountID) throws(StoreError) {
        guard snapshot.order.account == account else {
            throw .refused("order \(snapshot.order.id) belongs to \(snapshot.order.account), the tenure to \(account)")
        }
    }

    private static func check(_ change: OrderChange, against snapshot: OrderSnapshot) throws(StoreError) {
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
