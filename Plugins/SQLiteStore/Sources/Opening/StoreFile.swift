import CSQLiteSettings
import Foundation
import GRDB
import Logging
import PluginSettings
import TradingModel

#if canImport(Glibc)
    import Glibc
#endif

/// Why a store cannot be used safely.
public struct StoreOpeningError: Error, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// Opens the database file so that a commit means "on the disk", or refuses.
enum StoreFile {
    /// Longest wait for another process' transaction.
    private static let busyTimeout: TimeInterval = 5
    private static let writerCacheKibibytes = 16_384
    /// Once per process, before the first database is opened. If another part opened one earlier, the count stays: it only costs time.
    private static let countsNoMemory = turnstile_sqlite_count_no_memory() == 0

    static func open(path: String, migrator: DatabaseMigrator? = nil, clock: any TradingClock, logger: Logger) throws -> DatabasePool {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try refuseNetworkFileSystem(folder)
        if !countsNoMemory { logger.debug("SQLite goes on counting its memory") }
        return try withOpeningLock(path) {
            let pool = try DatabasePool(path: path, configuration: configuration)
            do {
                try makeDurable(pool, path: path)
                try check(pool, path: path)
                let now = clock.wallTime
                try migrate(pool, path: path, with: migrator ?? Migrations.current(now: now), now: now, logger: logger)
                return pool
            } catch {
                try? pool.close()
                throw error
            }
        }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "turnstile.store"
        configuration.busyMode = .timeout(busyTimeout)
        configuration.foreignKeysEnabled = true
        configuration.maximumReaderCount = 4
        return configuration
    }

    /// GRDB opens a pool with `synchronous = NORMAL`, with which a power loss takes the last commits.
    private static func makeDurable(_ pool: DatabasePool, path: String) throws {
        try pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            // What savepoints need to be undone stays in memory; by default it is written to a temporary file with every batch.
            try db.execute(sql: "PRAGMA temp_store = MEMORY")
            // In KiB. The keys of signals are spread over their whole index; with SQLite's 2 MB most of it is read anew all the time.
            try db.execute(sql: "PRAGMA cache_size = -\(writerCacheKibibytes)")
            try db.execute(sql: "PRAGMA wal_autocheckpoint = \(Checkpointer.largestLog)")
            let synchronous = try Int.fetchOne(db, sql: "PRAGMA synchronous")
            let journalMode = try String.fetchOne(db, sql: "PRAGMA journal_mode")
            let foreignKeys = try Int.fetchOne(db, sql: "PRAGMA foreign_keys")
            guard synchronous == 2, journalMode == "wal", foreignKeys == 1 else {
                throw StoreOpeningError(
                    "\(path): SQLite did not take the settings that the store needs (journal_mode wal, synchronous FULL, foreign_keys on)")
            }
        }
    }

    private static func check(_ pool: DatabasePool, path: String) throws {
        let result = try pool.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
        guard result == "ok" else {
            throw StoreOpeningError("\(path) is damaged (\(result ?? "no answer")); restore a backup and reconcile before trading")
        }
    }

    static func migrate(_ pool: DatabasePool, path: String, with migrator: DatabaseMigrator, now: Timestamp, logger: Logger) throws {
        let (isNewer, isComplete, isEmpty) = try pool.read { db in
            (
                try migrator.hasBeenSuperseded(db), try migrator.hasCompletedMigrations(db),
                try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema WHERE name = 'meta'") == 0
            )
        }
        guard !isNewer else {
            throw StoreOpeningError(
                "\(path) was written by a newer turnstile; start that version, or restore the backup made before the upgrade (\(path).before-*)")
        }
        guard !isComplete else { return }
        if !isEmpty {
            let version = try pool.read { try migrator.appliedMigrations($0).last ?? "0" }
            let backup = "\(path).before-upgrade-from-\(version)-\(now.milliseconds / 1000)"
            try pool.writeWithoutTransaction { try $0.execute(sql: "VACUUM INTO ?", arguments: [backup]) }
            // SQLite does not sync the copy itself.
            let copy = try FileHandle(forUpdating: URL(fileURLWithPath: backup))
            try copy.synchronize()
            try copy.close()
            logger.notice("order store copied before its upgrade", metadata: ["copy": "\(backup)"])
        }
        try migrator.migrate(pool)
    }

    /// Two processes that start at once must not both migrate. The kernel drops the lock when the process ends.
    private static func withOpeningLock<T>(_ path: String, _ body: () throws -> T) throws -> T {
        let file = Glibc.open(path + ".opening", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw StoreOpeningError("\(path).opening cannot be created: \(String(cString: strerror(errno)))") }
        defer { close(file) }
        while flock(file, LOCK_EX) != 0 {
            guard errno == EINTR else { throw StoreOpeningError("\(path).opening cannot be locked: \(String(cString: strerror(errno)))") }
        }
        return try body()
    }

    /// WAL needs shared memory between processes, and a network file system may acknowledge what it has not written.
    private static func refuseNetworkFileSystem(_ folder: String) throws {
        if let type = LocalDisk.networkFileSystem(holding: folder) {
            throw StoreOpeningError("\(folder) is on a \(type) file system; the order store needs a local disk")
        }
    }
}
