import Foundation
import GRDB
import Logging
import StoreContract
import TestSupport
import Testing
import TradingModel

@testable import SQLiteStore

@Suite struct SchemaTests {
    /// Each of these writes comes from outside and would make a row incomplete or change history.
    static let forbidden = [
        "UPDATE orders SET state = 'sent'", "UPDATE orders SET version = version + 1, state = 'accepted'",
        "UPDATE orders SET version = version + 1, limit_price = NULL", "UPDATE orders SET version = version + 1, stop_price = '1'",
        "UPDATE orders SET version = version + 1, limit_price = '-1'", "UPDATE orders SET version = version + 1, state = 'skipped'",
        "UPDATE orders SET version = version + 1, state = 'blocked', reason = ''", "UPDATE orders SET detail = 'x'",
        "UPDATE orders SET version = version + 1, attempts = 1, quantity = '0', state = 'permitted'",
        "UPDATE orders SET version = version + 1, attempts = 1, quantity = '1', state = 'filled'",
        "UPDATE orders SET version = version + 1, filled_quantity = '-1'", "UPDATE orders SET version = version + 1, filled_quantity = NULL",
        "UPDATE orders SET version = version + 1, symbol = 'X'", "UPDATE orders SET version = version + 1, side = 'sell'",
        "UPDATE orders SET version = version + 1, client_order_id = 'x'", "DELETE FROM orders",
        "UPDATE signals SET body = 'x'", "UPDATE signals SET copies = -1", "DELETE FROM signals",
        "UPDATE journal SET data = '{}'", "DELETE FROM journal",
        "INSERT INTO journal (sequence, at, type, data, hash) VALUES (99, 1, 't', '{}', zeroblob(32))",
        "INSERT INTO journal (sequence, at, type, data, hash) SELECT max(sequence) + 2, 1, 't', '{}', zeroblob(32) FROM journal",
        "INSERT INTO journal (sequence, at, type, data, hash) SELECT max(sequence), 1, 't', '{}', zeroblob(32) FROM journal",
        "INSERT INTO journal (sequence, at, type, data, hash) VALUES (0, 1, 't', '{}', zeroblob(32))",
        "INSERT OR REPLACE INTO journal (sequence, at, type, data, hash) VALUES (1, 1, 't', '{}', zeroblob(32))",
        "UPDATE tenures SET counter = counter - 1", "UPDATE tenures SET owner = 'other'", "DELETE FROM tenures",
        "INSERT INTO fills SELECT 'a1', 'e', 'no-such-order', 'v', NULL, 'S', 'buy', '1', '1', NULL, NULL, 1",
        "INSERT INTO fills SELECT 'a1', 'e', 'ord-a', 'v', NULL, 'S', 'buy', '0', '1', NULL, NULL, 1",
    ]

    @Test(arguments: forbidden) func `the tables refuse what would break them`(_ sql: String) async throws {
        try await StoreFixture.run { fixture async throws in
            _ = try await fixture.openTenure()
            try await fixture.admitOrder("a")
            await #expect(throws: DatabaseError.self) { try await fixture.sql(sql) }
        }
    }

    @Test(arguments: ["UPDATE fills SET price = '2'", "DELETE FROM fills", "DELETE FROM attempts", "UPDATE attempts SET owner = 'x'",
        "UPDATE attempts SET outcome = 'unknown', ended_at = 2", "UPDATE orders SET version = version + 1, quantity = '9'",
        "UPDATE orders SET version = version + 1, state = 'accepted'"])
    func `fills, attempts and ended orders stay as they are`(_ sql: String) async throws {
        try await StoreFixture.run { fixture async throws in
            let tenure = try await fixture.openTenure()
            let id = try await fixture.admitOrder("a")
            try await fixture.permit(id, under: tenure)
            try await fixture.store.update(id, under: tenure, at: start) { snapshot in
                var order = snapshot.order
                order.state = .filled
                order.filledQuantity = 2
                var attempt = snapshot.attempts[0]
                attempt.outcome = "accepted"
                attempt.endedAt = start
                return OrderChange(order: order, attempts: [attempt], newFills: [aFill("e1", quantity: 2)])
            }
            await #expect(throws: DatabaseError.self) { try await fixture.sql(sql) }
        }
    }

    @Test func `every NOT NULL column of a new order is one`() async throws {
        try await StoreFixture.run { fixture async throws in
            try await fixture.admitOrder("a")
            let optional: Set = ["quantity", "limit_price", "stop_price", "reference_price", "reason", "detail", "average_price",
                "venue_order_id", "venue_status", "filled_at", "stop_loss", "take_profit", "bracket_role", "entry_id", "intent"]
            for column in OrderRecord.columns.split(separator: ", ").map({ $0.trimmingCharacters(in: .whitespaces) }) where !optional.contains(column) {
                let columns = OrderRecord.columns.replacingOccurrences(of: "\n", with: " ")
                let values = columns.split(separator: ", ").map { $0.trimmingCharacters(in: .whitespaces) }.map { name in
                    name == column ? "NULL" : ["id", "client_order_id"].contains(name) ? "'other'" : name == "leg" ? "7" : name
                }
                await #expect(throws: DatabaseError.self, "\(column)") {
                    try await fixture.sql("INSERT INTO orders (\(columns)) SELECT \(values.joined(separator: ", ")) FROM orders")
                }
            }
        }
    }

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
            #expect(try await plan("SELECT id FROM orders WHERE entry_id = 'e' ORDER BY bracket_role").contains("orders_legs"))
        }
    }

    @Test func `a changed line of the journal is located`() async throws {
        try await StoreFixture.run { fixture async throws in
            for name in ["a", "b", "c"] { try await fixture.admitOrder(name) }
            #expect(try await fixture.store.verifyJournal() == nil)
            try await fixture.sql(
                "DROP TRIGGER journal_is_fixed; UPDATE journal SET data = replace(data, '60000', '70000') || ' ' WHERE sequence = 4")
            #expect(try await fixture.store.verifyJournal() == 4)
        }
    }

    @Test func `a removed line of the journal is located`() async throws {
        try await StoreFixture.run { fixture async throws in
            for name in ["a", "b", "c"] { try await fixture.admitOrder(name) }
            try await fixture.sql("DROP TRIGGER journal_is_kept; DELETE FROM journal WHERE sequence = 3")
            #expect(try await fixture.store.verifyJournal() == 3)
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
            newer.registerMigration("later") { try $0.execute(sql: "CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT") }
            let clock = ManualClock()
            let upgraded = try StoreFile.open(path: fixture.path, migrator: newer, clock: clock, logger: Logger(label: "test"))
            try upgraded.close()
            let folder = URL(fileURLWithPath: fixture.path).deletingLastPathComponent().path
            let copy = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first { $0.contains(".before-upgrade-from-4-") })
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
