import Foundation
import GRDB
import LockContract
import StoreContract
import StoreKit
import TradingModel

/// Gateways on the same file. They share one machine, so its boot clock tells how long each has been silent, whatever the wall clock does.
extension StoreTransaction {
    static let schemaVersion = 4

    func heartbeat(_ worker: WorkerRecord, clock: any TradingClock) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO workers (key, gateway, holder, boot_id, program_version, schema_version, configuration_hash, started_at, heard_at,
                  heard_since_boot, stopped_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)
                ON CONFLICT (key) DO UPDATE SET heard_at = excluded.heard_at, heard_since_boot = excluded.heard_since_boot, stopped_at = NULL
                """
        ).execute(arguments: [
            worker.holder.processKey, worker.holder.gateway, try HolderText.write(worker.holder), worker.holder.bootID, worker.programVersion,
            Self.schemaVersion, worker.configurationHash, worker.startedAt.microseconds, clock.wallTime.microseconds, clock.monotonic.microseconds,
        ])
    }

    func stopWorker(_ holder: HolderIdentity, at: Timestamp) throws {
        try db.cachedStatement(sql: "UPDATE workers SET stopped_at = ? WHERE key = ? AND stopped_at IS NULL")
            .execute(arguments: [at.microseconds, holder.processKey])
    }

    /// Refuses a tenure beside a live worker that was there before and works by other rules.
    func checkVersions(of request: TenureRequest, clock: any TradingClock) throws {
        let workers = try WorkerRecord.heard(db, clock: clock)
        try WorkerRules.check(request, beside: workers, schemaVersion: Self.schemaVersion)
    }
}

extension WorkerRecord {
    /// Those of the last day, by start. One of another boot is silent since ever.
    static func heard(_ db: Database, clock: any TradingClock) throws -> [WorkerRecord] {
        let boot = HolderIdentity.current(gateway: "", purpose: "").bootID
        let statement = try db.cachedStatement(
            sql: """
                SELECT holder, program_version, schema_version, configuration_hash, started_at, stopped_at, boot_id, heard_since_boot FROM workers
                WHERE heard_at > ? ORDER BY started_at, key
                """)
        return try Row.fetchAll(statement, arguments: [(clock.wallTime - .seconds(86_400)).microseconds]).map { row in
            let silence = max(Duration.zero, .microseconds(clock.monotonic.microseconds - (row[7] as Int64)))
            return WorkerRecord(
                holder: try HolderText.read(row[0]), programVersion: row[1], schemaVersion: row[2], configurationHash: row[3],
                startedAt: row.time(4), stoppedAt: row.optionalTime(5), silence: row[6] as String == boot ? silence : .seconds(86_400))
        }
    }
}

extension MonotonicInstant {
    fileprivate var microseconds: Int64 {
        let parts = sinceBoot.components
        return parts.seconds * 1_000_000 + parts.attoseconds / 1_000_000_000_000
    }
}

/// A holder as it stands in a column.
enum HolderText {
    static func write(_ holder: HolderIdentity) throws -> String { String(decoding: try JSONEncoder().encode(holder), as: UTF8.self) }
    static func read(_ text: String) throws -> HolderIdentity { try JSONDecoder().decode(HolderIdentity.self, from: Data(text.utf8)) }
}
