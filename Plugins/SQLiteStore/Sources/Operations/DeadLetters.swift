import GRDB
import LockContract
import StoreContract
import StoreKit
import TradingModel

extension StoreTransaction {
    func countCrash(of predecessor: Tenure, under tenure: Tenure, limit: Int, at: Timestamp) throws -> [DeadLetter] {
        try checkCurrent(tenure)
        let fence = predecessor.fence
        let isCounted = try db.cachedStatement(sql: "SELECT 1 FROM crashes WHERE account = ? AND epoch = ? AND counter = ?")
        guard try Row.fetchOne(isCounted, arguments: [tenure.account.rawValue, fence.epoch, fence.counter]) == nil else { return [] }
        let holder = try HolderText.write(predecessor.holder)
        var fresh: [DeadLetter] = []
        for id in try suspects(of: fence, account: tenure.account) {
            try db.cachedStatement(sql: "INSERT INTO crashes (order_id, account, epoch, counter, holder, at) VALUES (?, ?, ?, ?, ?, ?)")
                .execute(arguments: [id.rawValue, tenure.account.rawValue, fence.epoch, fence.counter, holder, at.microseconds])
            let count = try Int.fetchOne(db.cachedStatement(sql: "SELECT count(*) FROM crashes WHERE order_id = ? AND is_forgotten = 0"), arguments: [id.rawValue]) ?? 0
            guard count >= limit, try !isDeadLetter(id) else { continue }
            try db.cachedStatement(sql: "INSERT INTO dead_letters (order_id, since) VALUES (?, ?)").execute(arguments: [id.rawValue, at.microseconds])
            guard let order = try OrderRecord.find(db, id) else { continue }
            let letter = DeadLetter(order: order, since: at, crashes: try DeadLetter.crashes(db, of: id))
            try journal.write(.deadLetter(letter), at: at)
            fresh.append(letter)
        }
        return fresh
    }

    /// What the tenure may have died of: the order whose turn it was, and those that it had permitted and not settled.
    private func suspects(of fence: FencingToken, account: AccountID) throws -> [OrderID] {
        let turn = try db.cachedStatement(
            sql: """
                SELECT id FROM orders WHERE is_open = 1 AND account = ? AND (state = 'queued' OR state = 'absent') AND entry_id IS NULL
                AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE order_id = orders.id) ORDER BY attempts = 0, sequence LIMIT 1
                """)
        let unsettled = try db.cachedStatement(
            sql: """
                SELECT o.id FROM orders o JOIN attempts a ON a.order_id = o.id AND a.number = o.attempts
                WHERE o.is_open = 1 AND o.account = ? AND o.entry_id IS NULL AND o.state IN ('permitted', 'unknown', 'resolving', 'absent')
                AND a.epoch = ? AND a.counter = ? ORDER BY o.sequence
                """)
        let ids =
            try Row.fetchAll(unsettled, arguments: [account.rawValue, fence.epoch, fence.counter]) + Row.fetchAll(turn, arguments: [account.rawValue])
        var seen: Set<OrderID> = []
        return ids.map { $0.identifier(0) }.filter { seen.insert($0).inserted }
    }

    func isDeadLetter(_ order: OrderID) throws -> Bool {
        try Row.fetchOne(db.cachedStatement(sql: "SELECT 1 FROM dead_letters WHERE order_id = ?"), arguments: [order.rawValue]) != nil
    }

    func decide(_ id: OrderID, _ decision: DeadLetterDecision, by actor: String, reason: String, at: Timestamp) throws -> OrderRecord {
        guard try isDeadLetter(id), let order = try OrderRecord.find(db, id) else { throw StoreError.notFound("dead letter \(id)") }
        try journal.write(.decided(order, decision, by: actor, reason: reason), at: at)
        let legs = order.bracket == nil ? [] : try OrderRecord.legs(db, of: id)
        let ended = decision == .discard ? try DeadLetterRules.discard(order, legs: legs, by: actor, reason: reason, at: at) : []
        for order in ended {
            guard try order.replace(db, onlyFrom: PermitRules.permittable) else {
                throw StoreError.refused("order \(order.id) changed while it was being discarded")
            }
            try journal.write(.closed(order), at: at)
        }
        if let order = ended.first { try settleEpisode(after: order, at: at) }
        try db.cachedStatement(sql: "DELETE FROM dead_letters WHERE order_id = ?").execute(arguments: [id.rawValue])
        // They stay known, so that the tenure that died is not counted again.
        try db.cachedStatement(sql: "UPDATE crashes SET is_forgotten = 1 WHERE order_id = ?").execute(arguments: [id.rawValue])
        return ended.first ?? order
    }
}

extension DeadLetter {
    static func all(_ db: Database) throws -> [DeadLetter] {
        try Row.fetchAll(
            db, sql: "SELECT d.order_id, d.since FROM dead_letters d JOIN orders o ON o.id = d.order_id WHERE o.is_open = 1 ORDER BY d.since, d.order_id"
        ).compactMap { row in
            try OrderRecord.find(db, row.identifier(0)).map { DeadLetter(order: $0, since: row.time(1), crashes: try crashes(db, of: $0.id)) }
        }
    }

    fileprivate static func crashes(_ db: Database, of order: OrderID) throws -> [Crash] {
        let statement = try db.cachedStatement(sql: "SELECT at, holder, epoch, counter FROM crashes WHERE order_id = ? AND is_forgotten = 0 ORDER BY at, epoch, counter")
        return try Row.fetchAll(statement, arguments: [order.rawValue]).map { row in
            Crash(at: row.time(0), holder: try HolderText.read(row[1]), fence: FencingToken(epoch: row[2], counter: row[3]))
        }
    }
}
