import Foundation
import GRDB
import PluginSettings
import TradingModel

/// Why a lock file cannot be used safely.
public struct LockOpeningError: Error, Sendable, CustomStringConvertible {
    public let description: String
}

/// The file behind the locks: one row per resource, which is never deleted, so that its counter never starts again.
enum LeaseTable {
    /// Longest wait for another process' transaction; transactions here take a few milliseconds.
    private static let busyTimeout: TimeInterval = 5

    static func open(path: String, now: Timestamp) throws -> DatabaseQueue {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        if let type = LocalDisk.networkFileSystem(holding: folder) {
            throw LockOpeningError(description: "\(folder) is on a \(type) file system; shared locks need a local disk")
        }
        var configuration = Configuration()
        configuration.label = "turnstile.locks"
        configuration.busyMode = .timeout(busyTimeout)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.writeWithoutTransaction { db in
            let journalMode = try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL")
            try db.execute(sql: "PRAGMA synchronous = FULL")
            guard journalMode == "wal", try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2 else {
                throw LockOpeningError(description: "\(path): SQLite did not take journal_mode wal and synchronous FULL")
            }
            try db.inTransaction(.immediate) {
                try create(db, now: now)
                return .commit
            }
        }
        return queue
    }

    /// The epoch is the time at which the file was made: a file that is lost and made again has a greater one, unless the wall
    /// clock was set back in between.
    private static func create(_ db: Database, now: Timestamp) throws {
        try db.execute(
            sql: """
                CREATE TABLE IF NOT EXISTS lock_file (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL) STRICT;
                CREATE TABLE IF NOT EXISTS leases (
                  resource TEXT NOT NULL PRIMARY KEY CHECK (resource <> ''),
                  counter INTEGER NOT NULL CHECK (counter >= 1),
                  state TEXT NOT NULL CHECK (state IN ('held', 'released', 'forced')),
                  owner TEXT NOT NULL CHECK (owner <> ''),
                  predecessor_expired INTEGER NOT NULL CHECK (predecessor_expired IN (0, 1)),
                  boot_id TEXT NOT NULL,
                  granted_at INTEGER NOT NULL,
                  expires_at INTEGER NOT NULL,
                  gateway TEXT NOT NULL,
                  host TEXT NOT NULL,
                  process_id INTEGER NOT NULL,
                  process_start INTEGER NOT NULL,
                  process_boot_id TEXT NOT NULL,
                  purpose TEXT NOT NULL
                ) STRICT, WITHOUT ROWID;
                CREATE TRIGGER IF NOT EXISTS leases_are_kept BEFORE DELETE ON leases
                BEGIN SELECT RAISE(ABORT, 'a counter is never deleted'); END;
                CREATE TRIGGER IF NOT EXISTS leases_count_up BEFORE UPDATE ON leases
                WHEN NEW.counter < OLD.counter OR (NEW.counter = OLD.counter AND NEW.owner <> OLD.owner)
                BEGIN SELECT RAISE(ABORT, 'a fence only rises and has one owner'); END;
                CREATE TABLE IF NOT EXISTS forced_releases (
                  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, resource TEXT NOT NULL, counter INTEGER NOT NULL, actor TEXT NOT NULL,
                  reason TEXT NOT NULL
                ) STRICT;
                """)
        try db.execute(
            sql: "INSERT INTO lock_file (id, epoch) VALUES (1, ?) ON CONFLICT (id) DO NOTHING", arguments: [max(now.milliseconds, 1)])
    }
}
