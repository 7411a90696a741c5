import LockContract
import PostgresKit
import StoreContract
import StoreKit
import TradingModel

/// What gateways tell each other of themselves. Times of hearing are the server's alone.
enum WorkerQuestions {
    /// Those that were heard within the last day, by start.
    static let known = PostgresStatement(
        """
        SELECT \(WorkerRecord.columns.list), \(WorkerRecord.silence) FROM workers
        WHERE heard_at > clock_timestamp() - interval '1 day' ORDER BY started_at, gateway COLLATE "C"
        """)

    private static let hearing = """
        INSERT INTO workers (\(WorkerRecord.columns.list), heard_at)
        VALUES (\(WorkerRecord.columns.indices.map { "$\($0 + 1)" }.list), clock_timestamp())
        ON CONFLICT (\(WorkerRecord.keyColumns.list)) DO UPDATE SET stopped_at = NULL, heard_at = clock_timestamp()
        """

    static func hear(_ worker: WorkerRecord) -> PostgresStatement {
        var live = worker
        live.stoppedAt = nil
        // A gateway does not know its store's tables; the store does.
        live.schemaVersion = StoreServer.schemaVersion
        return PostgresStatement(hearing, ValueList.filled { live.write(to: &$0) })
    }

    static func stop(_ holder: HolderIdentity, at: Timestamp) -> PostgresStatement {
        let key = WorkerRecord.keyColumns.enumerated().map { "\($1) = $\($0 + 1)" }.joined(separator: " AND ")
        return PostgresStatement(
            "UPDATE workers SET stopped_at = $\(WorkerRecord.keyColumns.count + 1) WHERE \(key) AND stopped_at IS NULL",
            ValueList.filled {
                WorkerRecord.writeKey(holder, to: &$0)
                $0.add(at)
            })
    }
}
