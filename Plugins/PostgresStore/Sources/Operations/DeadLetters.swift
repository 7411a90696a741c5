import Foundation
import LockContract
import PostgresKit
import StoreContract
import StoreKit
import TradingModel

extension WriteTransaction {
    func countCrash(of predecessor: Tenure, under tenure: Tenure, limit: Int, at: Timestamp) async throws -> [DeadLetter] {
        let first = try await ask([
            Self.tenure(of: tenure.account),
            PostgresStatement(
                "SELECT 1 FROM crashes WHERE account = $1 AND epoch = $2 AND counter = $3",
                [.text(predecessor.account.rawValue), .integer(predecessor.fence.epoch), .integer(predecessor.fence.counter)]),
            QueueQuestions.unsettled(of: predecessor), QueueQuestions.turn(of: tenure.account),
        ])
        try Self.check(tenure, isCurrent: first[0].first)
        guard predecessor.account == tenure.account else { throw StoreError.refused("the predecessor held another account") }
        guard first[1].first == nil else { return [] }
        let holder = String(decoding: try JSONEncoder().encode(predecessor.holder), as: UTF8.self)
        try await write("INSERT INTO crashes (account, epoch, counter, holder, at) VALUES ($1, $2, $3, $4, $5)", rows: 1) {
            $0.add(predecessor.account)
            $0.add(predecessor.fence.epoch)
            $0.add(predecessor.fence.counter)
            $0.add(holder)
            $0.add(at)
        }
        var dead: [DeadLetter] = []
        var seen: Set<OrderID> = []
        for order in try (first[2].rows + first[3].rows).map({ try OrderRecord(row: $0) }) where seen.insert(order.id).inserted {
            try await write("INSERT INTO order_crashes (order_id, account, epoch, counter) VALUES ($1, $2, $3, $4)", rows: 1) {
                $0.add(order.id)
                $0.add(predecessor.account)
                $0.add(predecessor.fence.epoch)
                $0.add(predecessor.fence.counter)
            }
            let answers = try await ask([
                DeadLetterQuestions.crashes(of: order.id),
                PostgresStatement("SELECT order_id FROM dead_letters WHERE order_id = $1", [.text(order.id.rawValue)]),
            ])
            let crashes = try answers[0].rows.map { source in
                var row = ColumnReader(source)
                return try DeadLetter.Crash(row: &row)
            }
            guard crashes.count >= limit, answers[1].first == nil else { continue }
            try await write("INSERT INTO dead_letters (order_id, since) VALUES ($1, $2)", rows: 1) {
                $0.add(order.id)
                $0.add(at)
            }
            let letter = DeadLetter(order: order, since: at, crashes: crashes)
            try await note(.deadLetter(letter), at: at)
            dead.append(letter)
        }
        return dead
    }

    func decide(
        _ id: OrderID, _ decision: DeadLetterDecision, by actor: String, reason: String, at: Timestamp
    ) async throws -> OrderRecord {
        let questions = OrderQuestions.all(id, isLocked: true)
        let answers = try await ask(
            questions + [PostgresStatement("SELECT order_id FROM dead_letters WHERE order_id = $1", [.text(id.rawValue)])])
        guard answers[questions.count].first != nil, let snapshot = try OrderQuestions.snapshot(answers[..<questions.count]) else {
            throw StoreError.notFound("dead letter \(id)")
        }
        try await write("DELETE FROM dead_letters WHERE order_id = $1", rows: 1) { $0.add(id) }
        try await write("DELETE FROM order_crashes WHERE order_id = $1") { $0.add(id) }
        try await note(.decided(snapshot.order, decision, by: actor, reason: reason), at: at)
        guard decision == .discard else { return snapshot.order }
        let ended = try DeadLetterRules.discard(snapshot.order, legs: snapshot.legs.map(\.order), by: actor, reason: reason, at: at)
        for order in ended {
            try await replace(order, isPermit: true)
            try await note(.closed(order), at: at)
        }
        if let order = ended.first { try await settleEpisode(after: order, at: at) }
        return ended.first ?? snapshot.order
    }
}

enum DeadLetterQuestions {
    static func crashes(of order: OrderID) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT \(DeadLetter.Crash.columns.map { "crashes.\($0)" }.list) FROM order_crashes JOIN crashes USING (account, epoch, counter)
            WHERE order_id = $1 ORDER BY crashes.at, epoch, counter
            """, [.text(order.rawValue)])
    }

    /// The order with the time since when, and a row for each of its crashes, which follow each other.
    static let all = PostgresStatement(
        """
        SELECT dead_letters.since, \(DeadLetter.Crash.columns.map { "crashes.\($0)" }.list), \(OrderRecord.columns.map { "orders.\($0)" }.list)
        FROM dead_letters JOIN orders ON orders.id = dead_letters.order_id
        JOIN order_crashes ON order_crashes.order_id = orders.id
        JOIN crashes ON (crashes.account, crashes.epoch, crashes.counter) = (order_crashes.account, order_crashes.epoch, order_crashes.counter)
        WHERE orders.is_open ORDER BY dead_letters.since, orders.id COLLATE "C", crashes.at, crashes.epoch, crashes.counter
        """)

    static func letters(_ result: PostgresResult) throws -> [DeadLetter] {
        var letters: [DeadLetter] = []
        for source in result.rows {
            var row = ColumnReader(source)
            let since = try row.time()
            let crash = try DeadLetter.Crash(row: &row)
            let order = try OrderRecord(row: source, from: 1 + DeadLetter.Crash.columns.count)
            if letters.last?.order.id == order.id {
                letters[letters.count - 1].crashes.append(crash)
            } else {
                letters.append(DeadLetter(order: order, since: since, crashes: [crash]))
            }
        }
        return letters
    }
}
