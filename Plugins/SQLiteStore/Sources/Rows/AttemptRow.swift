import GRDB
import LockContract
import StoreContract
import StoreKit
import TradingModel

extension AttemptRecord {
    static let columns = """
        order_id, number, epoch, counter, owner, holder_gateway, holder_host, holder_process_id, holder_process_start, holder_boot_id, \
        holder_purpose, permitted_at, not_after, not_after_monotonic, order_hash, outcome, evidence, ended_at
        """

    init(row: Row) throws {
        self.init(
            orderID: row.identifier(0), number: row[1], fence: FencingToken(epoch: row[2], counter: row[3]), owner: row.identifier(4),
            holder: HolderIdentity(
                gateway: row[5], host: row[6], processID: row[7], processStart: UInt64(bitPattern: row[8] as Int64), bootID: row[9],
                purpose: row[10]),
            permittedAt: row.time(11), notAfter: row.time(12),
            notAfterMonotonic: MonotonicInstant(sinceBoot: .nanoseconds(row[13] as Int64)), orderHash: row[14], outcome: row[15],
            evidence: row[16], endedAt: row.optionalTime(17))
    }

    func insert(_ db: Database) throws {
        try db.cachedStatement(
            sql: "INSERT INTO attempts (\(Self.columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ).execute(arguments: [
            orderID.rawValue, number, fence.epoch, fence.counter, owner.rawValue, holder.gateway, holder.host, holder.processID,
            Int64(bitPattern: holder.processStart), holder.bootID, holder.purpose, permittedAt.microseconds, notAfter.microseconds,
            notAfterMonotonic.sinceBoot.wholeNanoseconds, orderHash, outcome, evidence, endedAt?.microseconds,
        ])
    }

    /// Records how the attempt ended. Returns false if there is no such attempt.
    func recordOutcome(_ db: Database) throws -> Bool {
        try db.cachedStatement(sql: "UPDATE attempts SET outcome = ?, evidence = ?, ended_at = ? WHERE order_id = ? AND number = ?")
            .execute(arguments: [outcome, evidence, endedAt?.microseconds, orderID.rawValue, number])
        return db.changesCount == 1
    }

    static func all(_ db: Database, of order: OrderID) throws -> [AttemptRecord] {
        let statement = try db.cachedStatement(sql: "SELECT \(columns) FROM attempts WHERE order_id = ? ORDER BY number")
        return try Row.fetchAll(statement, arguments: [order.rawValue]).map { try AttemptRecord(row: $0) }
    }
}
