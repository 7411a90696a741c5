import Foundation
import GRDB
import TradingModel

/// The versions of the schema, in order. A migration that was ever released never changes.
enum Migrations {
    static func current(now: Timestamp) -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            for part in [Schema1.signals, Schema1.orders, Schema1.attempts, Schema1.ledger, Schema1.journal] { try db.execute(sql: part) }
            try db.execute(
                sql: "INSERT INTO meta (id, store_id, epoch, created_at, checked_at) VALUES (1, ?, 1, ?, ?)",
                arguments: [UUID().uuidString.lowercased(), now.microseconds, now.microseconds])
        }
        migrator.registerMigration("2") { db in
            for part in [Schema2.workers, Schema2.deadLetters] { try db.execute(sql: part) }
        }
        migrator.registerMigration("3") { db in
            for part in [Schema3.reconciliation, Schema3.halts] { try db.execute(sql: part) }
        }
        migrator.registerMigration("4") { db in
            for part in [Schema4.intents, Schema4.episodes, Schema4.compensations, Schema4.busts] { try db.execute(sql: part) }
        }
        return migrator
    }
}
