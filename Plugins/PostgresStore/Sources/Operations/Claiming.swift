import PostgresKit
import StoreContract
import StoreKit
import TradingModel

/// What waits to be sent.
enum QueueQuestions {
    /// Queued or absent, and no leg.
    private static let isWaiting = "state IN ('queued', 'absent') AND entry_id IS NULL"
    static let isDead = "EXISTS (SELECT FROM dead_letters WHERE order_id = orders.id)"

    /// Passes over rows that another transaction is changing now: they would be something else a moment later. A lock of the shared
    /// kind, so that two who ask at once hide nothing from each other; the transaction is undone, so that it costs no sync.
    static func claim(of accounts: [AccountID], limit: PostgresValue) -> [PostgresStatement] {
        [
            PostgresStatement("BEGIN ISOLATION LEVEL READ COMMITTED", isPrepared: false),
            PostgresStatement(
                """
                SELECT \(OrderRecord.columns.list) FROM orders WHERE account = ANY ($1::text[]) AND \(isWaiting) AND NOT \(isDead)
                ORDER BY sequence LIMIT $2 FOR SHARE SKIP LOCKED
                """, [textArray(accounts.map(\.rawValue)), limit]),
            PostgresStatement("ROLLBACK", isPrepared: false),
        ]
    }

    static let queues = PostgresStatement(
        """
        SELECT account, count(*), count(*) FILTER (WHERE \(isDead)), min(created_at) FROM orders WHERE \(isWaiting)
        GROUP BY account ORDER BY account COLLATE "C"
        """)

    /// The order whose turn it is in an account: one that was tried before, else the oldest that waits.
    static func turn(of account: AccountID) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT \(OrderRecord.columns.list) FROM orders WHERE account = $1 AND \(isWaiting) AND NOT \(isDead)
            ORDER BY attempts = 0, sequence LIMIT 1
            """, [.text(account.rawValue)])
    }

    /// What a tenure had permitted and not settled.
    static func unsettled(of tenure: Tenure) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT \(OrderRecord.columns.map { "orders.\($0)" }.list) FROM orders
            JOIN attempts ON attempts.order_id = orders.id AND attempts.number = orders.attempts
            WHERE is_open AND account = $1 AND entry_id IS NULL AND state IN ('permitted', 'unknown', 'resolving', 'absent')
              AND attempts.epoch = $2 AND attempts.counter = $3 ORDER BY orders.sequence
            """, [.text(tenure.account.rawValue), .integer(tenure.fence.epoch), .integer(tenure.fence.counter)])
    }
}

extension AccountQueue {
    init(row source: PostgresRow) throws {
        var row = ColumnReader(source)
        self.init(account: try row.id(), waiting: try row.count(), deadLetters: try row.count(), oldestCreatedAt: try row.time())
    }
}
