import Foundation
import GRDB
import Logging
import StoreContract
import TestSupport
import Testing
import TradingModel

@testable import SQLiteStore

@Suite struct SchemaTests {
    @Test func `the lists of terminal states in the tables are the model's`() async throws {
        try await StoreFixture.run { fixture async throws in
            let list = OrderState.terminal.map { "state = '\($0.rawValue)'" }.joined(separator: " OR ")
            let states = OrderState.allCases.map { "'\($0.rawValue)'" }
            #expect(Schema1.orders.components(separatedBy: "NOT (\(list))").count == 3)
            for state in states { #expect(Schema1.orders.contains(state)) }
        }
    }

    @Test func `the queries of the permit use their indexes`() async throws {
        try await StoreFixture.run { fixture async throws in
            func plan(_ sql: String) async throws -> String {
                try await fixture.pool.read { db in
                    try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN " + sql).map { $0["detail"] as String }.joined(separator: "; ")
                }
            }
            #expect(try await plan("SELECT id FROM orders WHERE is_open = 1 AND account = 'a' ORDER BY sequence").contains("orders_open"))
            #expect(try await plan("SELECT id FROM orders WHERE is_open = 1 AND attempts >= 1 AND account = 'a' AND symbol = 's'").contains("orders_working"))
            let trade = "SELECT id FROM orders WHERE traded_at IS NOT NULL AND strategy = 's' AND account = 'a' ORDER BY traded_at DESC LIMIT 1"
            #expect(try await plan(trade).contains("orders_traded_by_account"))
        }
    }
}

@Suite struct OpeningTests {
    @Test func `a store keeps everything over closing and opening`() async throws {
        try await StoreFixture.run { fixture async throws in
            let tenure = try await fixture.openTenure()
            let id = try await fixture.admitOrder("a")
            try await fixture.permit(id, under: tenure)
            let before = try await fixture.store.order(id)
            await fixture.store.close()
            let again = try StoreFixture.open(fixture.path)
            #expect(try await again.store.order(id)?.attempts == before?.attempts)
            #expect(try await again.store.order(id)?.order == before?.order)
            #expect(try await again.openTenure().fence > tenure.fence)
            #expect(try await again.store.verifyJournal() == nil)
            try await again.store.checkHealth(at: start)
            await again.store.close()
        }
    }

    @Test func `commits wait for the disk`() async throws {
        try await StoreFixture.run { fixture async throws in
            let settings = try await fixture.pool.writeWithoutTransaction { db in
                (try Int.fetchOne(db, sql: "PRAGMA synchronous"), try String.fetchOne(db, sql: "PRAGMA journal_mode"))
            }
            #expect(settings.0 == 2 && settings.1 == "wal")
        }
    }

    @Test func `a store of a newer program is refused, and an upgrade copies the store first`() async throws {
        try await StoreFixture.run { fixture async throws in
            try await fixture.admitOrder("a")
            await fixture.store.close()
            var newer = Migrations.current(now: start)
            newer.registerMigration("2") { try $0.execute(sql: "CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT") }
            let clock = ManualClock()
            let upgraded = try StoreFile.open(path: fixture.path, migrator: newer, clock: clock, logger: Logger(label: "test"))
            try upgraded.close()
            let folder = URL(fileURLWithPath: fixture.path).deletingLastPathComponent().path
            let copy = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first { $0.contains(".before-upgrade-from-1-") })
            let restored = try StoreFixture.open(folder + "/" + copy)
            #expect(try await restored.store.order("ord-a") != nil)
            await restored.store.close()
            #expect(throws: StoreOpeningError.self) { try StoreFixture.open(fixture.path) }
        }
    }

    @Test func `a damaged file is refused`() async throws {
        try await StoreFixture.run { fixture async throws in
            for name in 0..<200 { try await fixture.admitOrder("\(name)") }
            await fixture.store.close()
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: fixture.path))
            try file.seek(toOffset: 4096 * 6)
            try file.write(contentsOf: Data(repeating: 0xA5, count: 4096 * 20))
            try file.close()
            #expect(throws: (any Error).self) { try StoreFixture.open(fixture.path) }
        }
    }
}
