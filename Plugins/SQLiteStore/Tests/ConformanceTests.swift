import ConformanceKit
import Foundation
import GRDB
import Logging
import StoreContract
import TestSupport
import Testing
import TradingModel

@testable import SQLiteStore

@Suite struct SQLiteStoreConformance {
    @Test(arguments: StoreConformance.clauses)
    func `keeps the contract`(_ clause: StoreClause) async {
        let result = await clause.check(SQLiteHarness())
        #expect(!result.isFailure, "\(clause.id): \(clause.title): \(result)")
    }
}

/// A file in a folder of its own for each clause.
struct SQLiteHarness: StoreHarness {
    func withPlace(_ body: @escaping @Sendable (any StorePlace) async throws -> Void) async throws {
        try await TemporaryFolder.with { folder in try await body(SQLitePlace(path: folder.file("turnstile.db"))) }
    }
}

private struct SQLitePlace: StorePlace {
    let path: String

    func open() async throws -> any OrderStore {
        try await SQLiteStorePlugin.openStore(
            .init(path: path), context: StoreContext(clock: SystemClock(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    func execute(_ sql: String) async throws {
        do { try await access { try $0.execute(sql: sql) } } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            throw TableRefusal("\(error)")
        }
    }

    func executeUnguarded(_ sql: String) async throws {
        try await access { db in
            for trigger in try String.fetchAll(db, sql: "SELECT name FROM sqlite_schema WHERE type = 'trigger'") {
                try db.execute(sql: "DROP TRIGGER \(trigger)")
            }
            try db.execute(sql: sql)
        }
    }

    func count(_ table: String) async throws -> Int {
        try await access { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") ?? -1 }
    }

    private func access<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        var configuration = Configuration()
        configuration.busyMode = .timeout(30)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        let result: Result<T, any Error>
        do { result = .success(try await queue.write(body)) } catch { result = .failure(error) }
        try queue.close()
        return try result.get()
    }
}
