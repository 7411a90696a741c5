import Foundation
import GRDB
import StoreContract
import TradingModel

/// What waits to be sent, as readers see it.
enum WaitingOrders {
    private static let condition = "is_open = 1 AND (state = 'queued' OR state = 'absent') AND entry_id IS NULL"

    static func claim(_ db: Database, of accounts: [AccountID], limit: Int) throws -> [OrderRecord] {
        let names = String(decoding: try JSONEncoder().encode(accounts.map(\.rawValue)), as: UTF8.self)
        let statement = try db.cachedStatement(
            sql: """
                SELECT \(OrderRecord.columns) FROM orders WHERE \(condition) AND account IN (SELECT value FROM json_each(?))
                AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE order_id = orders.id) ORDER BY sequence LIMIT ?
                """)
        return try Row.fetchAll(statement, arguments: [names, limit]).map { try OrderRecord(row: $0) }
    }

    static func queues(_ db: Database) throws -> [AccountQueue] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT account, count(*), count(d.order_id), min(created_at) FROM orders LEFT JOIN dead_letters d ON d.order_id = orders.id
                WHERE \(condition) GROUP BY account ORDER BY account
                """
        ).map { AccountQueue(account: $0.identifier(0), waiting: $0[1], deadLetters: $0[2], oldestCreatedAt: $0.time(3)) }
    }
}
