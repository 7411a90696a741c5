import ConformanceKit
import Testing

/// The index over open episodes is needed as it is: with another one, the clause that owns it fails.
@Suite struct EpisodeIndexTests {
    @Test(arguments: [
        "DROP INDEX episodes_one_open",
        // The mistake of a real system: the row of a position whose stop is pending is out of the index.
        "DROP INDEX episodes_one_open; CREATE UNIQUE INDEX episodes_one_open ON episodes (account, symbol) WHERE state = 'active'",
        "DROP INDEX episodes_one_open; CREATE UNIQUE INDEX episodes_one_open ON episodes (account, symbol) WHERE state <> 'pending_stop' AND is_open = 1",
        "DROP TRIGGER episodes_end_once", "DROP TRIGGER episodes_are_kept",
    ])
    func `without it a second open episode or a change of an ended one is taken`(_ sql: String) async throws {
        let clause = try #require(StoreConformance.clauses.first { $0.id == "SC-22.tables" })
        let result = await clause.check(Weakened(sql: sql))
        #expect(result.isVerdict, "\(sql): \(result)")
    }

    private struct Weakened: StoreHarness {
        let sql: String
        func withPlace(_ body: @escaping @Sendable (any StorePlace) async throws -> Void) async throws {
            try await SQLiteHarness().withPlace { place in
                await (try place.open()).close()
                try await place.execute(sql)
                try await body(place)
            }
        }
    }
}
