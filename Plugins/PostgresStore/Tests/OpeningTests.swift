import ConformanceKit
import PluginSettings
import StoreContract
import TestSupport
import Testing
import TradingModel

@testable import PostgresStore

@Suite struct OpeningTests {
    @Test func `four processes that start at once make one schema`() async throws {
        try await PostgresPlace.with { place in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<4 {
                    group.addTask {
                        let store = try await place.open(place.configuration())
                        _ = try await store.openTenure(aTenure(AccountID("a\(number)")))
                        await store.close()
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await place.count("tenures") == 4)
            #expect(try await place.count("meta") == 1)
        }
    }

    @Test func `a store of a newer program is refused`() async throws {
        try await PostgresPlace.with { place in
            await (try place.open(place.configuration())).close()
            try await place.query("UPDATE meta SET schema_version = 99")
            await #expect(throws: StoreOpeningError.self) { _ = try await place.open(place.configuration()) }
        }
    }

    @Test func `on another server or timeline the epoch rises, and a critical alert says so once`() async throws {
        try await PostgresPlace.with { place in
            let first = try await place.open(place.configuration())
            let before = try await first.openTenure(aTenure("a1")).tenure
            await first.close()
            // As a restored copy or a promoted standby would look.
            try await place.query("UPDATE meta SET timeline = 0")
            for _ in 0..<2 {
                let store = try await place.open(place.configuration())
                #expect(try await store.alerts(includeResolved: false, limit: 10).map(\.type) == ["store_moved"])
                #expect(try await store.alerts(includeResolved: false, limit: 10).map(\.count) == [1])
                await store.close()
            }
            let store = try await place.open(place.configuration())
            let after = try await store.openTenure(aTenure("a1")).tenure
            #expect(after.fence.epoch == before.fence.epoch + 1 && after.fence > before.fence)
            await store.close()
        }
    }

    @Test func `a standby is refused, and once it is promoted the epoch has risen`() async throws {
        try await PostgresUnderTest.with { server in
            try await PostgresPlace.with(on: server) { place in
                let store = try await place.open(place.configuration())
                let before = try await store.openTenure(aTenure("a1")).tenure
                let standby = try await server.makeStandby(link: server.port)
                let outcome: Result<Void, any Error>
                do {
                    await #expect(throws: (any Error).self) { _ = try await place.open(place.configuration(standby.url())) }
                    try await standby.promote()
                    let promoted = try await place.open(place.configuration(standby.url()))
                    let after = try await promoted.openTenure(aTenure("a1"))
                    #expect(after.tenure.fence.epoch == before.fence.epoch + 1 && after.unclosedPredecessor == before)
                    #expect(try await promoted.alerts(includeResolved: false, limit: 10).map(\.type) == ["store_moved"])
                    #expect(try await promoted.verifyJournal() == nil)
                    await promoted.close()
                    outcome = .success(())
                } catch { outcome = .failure(error) }
                await standby.remove()
                await store.close()
                try outcome.get()
            }
        }
    }

    @Test func `a table that was emptied at once would be noticed, so it is refused`() async throws {
        try await PostgresPlace.with { place in
            await (try place.open(place.configuration())).close()
            for table in ["journal", "tenures", "signals CASCADE"] {
                await #expect(throws: (any Error).self) { try await place.query("TRUNCATE \(table)") }
            }
        }
    }

    @Test func `an unsafe session refuses to start`() async throws {
        try await PostgresPlace.with { place in
            let url = try await PostgresUnderTest.common().url(parameters: "?options=-c%20synchronous_commit%3Doff")
            await #expect(throws: (any Error).self) { _ = try await place.open(place.configuration(url)) }
        }
    }

    @Test func `the lists of terminal states in the tables are the model's`() {
        let list = OrderState.terminal.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        let orders = Schema1.statements.first { $0.contains("CREATE TABLE orders") } ?? ""
        #expect(orders.components(separatedBy: "NOT (state IN (\(list)))").count == 3)
        for state in OrderState.allCases { #expect(orders.contains("'\(state.rawValue)'")) }
    }

    @Test func `settings are read with their limits, and a wrong URL is never repeated`() {
        func read(_ entries: [(String, SettingsNode)]) -> (PostgresStorePlugin.Configuration, [String]) {
            let problems = SettingsProblems()
            let position = SourcePosition(line: 1, column: 1)
            let node = SettingsNode(.block(entries.map { (key: $0.0, position: position, value: $0.1) }), at: position)
            let reader = SettingsReader(node, path: "store", problems: problems, secrets: SecretResolver(environment: ["URL": "postgresql://u:pw@h/d"]) { _ in "" })
            let configuration = PostgresStorePlugin.Configuration(reading: reader)
            reader.finish()
            return (configuration, problems.all.map(\.message))
        }
        func text(_ value: String) -> SettingsNode { SettingsNode(.scalar(value, quoted: false), at: SourcePosition(line: 1, column: 1)) }
        let (good, none) = read([("url", text("env:URL")), ("schema", text("prod_1"))])
        #expect(none.isEmpty && good.url.reveal() == "postgresql://u:pw@h/d" && good.schema == "prod_1" && good.pool.size == 4)
        let (_, bad) = read([("url", text("postgresql://user:hunter2@[")), ("schema", text("pg_x")), ("poool", text("1"))])
        #expect(bad.count == 3 && !bad.contains { $0.contains("hunter2") }, "\(bad)")
        #expect(read([]).1.count == 1)
    }
}
