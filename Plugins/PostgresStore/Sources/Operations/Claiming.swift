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

    /// Of each instrument of an account the first order that waits.
    static func heads(of account: AccountID) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT DISTINCT ON (symbol) \(OrderRecord.columns.list) FROM orders WHERE account = $1 AND \(isWaiting) AND NOT \(isDead)
            ORDER BY symbol, sequence
            """, [.text(account.rawValue)])
    }
}

extension AccountQueue {
    init(row source: PostgresRow) throws {
        var row = ColumnReader(source)
        self.init(account: try row.id(), waiting: try row.count(), deadLetters: try row.count(), oldestCreatedAt: try row.time())
    }
}
