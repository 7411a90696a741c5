import ConformanceKit
import StoreContract
import Testing

/// Every guard of the tables is needed: without it, the clause that owns it fails.
@Suite struct TableGuardConformance {
    struct Guard: Sendable, CustomStringConvertible {
        let sql: String
        let owner: String
        var description: String { sql }
        init(_ sql: String, _ owner: String) {
            self.sql = sql
            self.owner = owner
        }
    }

    private static func constraint(_ table: String, _ name: String, _ owner: String) -> Guard {
        Guard("ALTER TABLE \(table) DROP CONSTRAINT \(name) CASCADE", owner)
    }
    private static func trigger(_ table: String, _ name: String, _ owner: String) -> Guard { Guard("DROP TRIGGER \(name) ON \(table)", owner) }

    static let guards: [Guard] =
        [
            constraint("orders", "complete_once_permitted", "SC-07.tables-complete"), constraint("orders", "limit_price_iff_needed", "SC-07.tables-complete"),
            constraint("orders", "stop_price_iff_needed", "SC-07.tables-complete"), constraint("orders", "an_ending_has_its_reason", "SC-07.tables-complete"),
            constraint("orders", "filled_means_a_quantity", "SC-07.tables-complete"), constraint("orders", "orders_limit_price_check", "SC-07.tables-complete"),
            constraint("orders", "orders_state_check", "SC-07.tables-complete"),
            constraint("orders", "orders_signal_id_strategy_account_leg_key", "SC-01.all-or-none"),
            constraint("orders", "orders_account_client_order_id_key", "SC-01.all-or-none"),
            trigger("orders", "orders_are_fixed", "SC-08.tables-intent"), trigger("orders", "orders_only_advance", "SC-08.tables-intent"),
            trigger("attempts", "attempts_end_once", "SC-09.tables-ended"), trigger("attempts", "attempts_are_fixed", "SC-09.tables-ended"),
            trigger("fills", "fills_are_fixed", "SC-09.tables-ended"), constraint("fills", "fills_pkey", "SC-09.fills-once"),
            constraint("fills", "fills_order_id_fkey", "SC-09.tables-ended"), constraint("fills", "fills_quantity_check", "SC-09.tables-ended"),
            trigger("tenures", "tenures_count_up", "SC-05.tables-fence"), trigger("signals", "signals_are_fixed", "SC-02.tables-keys"),
            constraint("signals", "signals_copies_check", "SC-02.tables-keys"),
            trigger("journal", "journal_is_fixed", "SC-11.tables-journal"), trigger("journal", "journal_has_no_holes", "SC-11.tables-journal"),
            constraint("journal", "an_order_is_found_by_its_signal", "SC-11.bad-line"), constraint("journal", "journal_data_check", "SC-11.bad-line"),
            Guard("DROP INDEX attempts_one_at_a_time", "SC-07.again"),
            Guard("DROP INDEX episodes_one_open", "SC-22.tables"),
            // The mistake of a real system: the row of a position whose stop is pending is out of the index.
            Guard(
                """
                DO $$ BEGIN
                  DROP INDEX episodes_one_open;
                  CREATE UNIQUE INDEX episodes_one_open ON episodes (account, symbol) WHERE state = 'active';
                END $$
                """, "SC-22.tables"),
            trigger("episodes", "episodes_end_once", "SC-22.tables"),
            // Signals and orders are also kept by what refers to them.
        ] + ["attempts", "fills", "tenures", "journal"].map { trigger($0, "\($0)_are_kept", "SC-15.tables-kept") }

    @Test(arguments: guards)
    func `without a guard the clause that owns it fails`(_ guarded: Guard) async throws {
        let clause = try #require(StoreConformance.clauses.first { $0.id == guarded.owner })
        let result = await clause.check(WeakenedHarness(sql: guarded.sql))
        #expect(result.isVerdict, "\(guarded): \(result)")
    }
}

/// Takes one guard out of each place once a store has made its tables.
private struct WeakenedHarness: StoreHarness {
    let sql: String

    func withPlace(_ body: @escaping @Sendable (any StorePlace) async throws -> Void) async throws {
        try await PostgresPlace.with { place in
            await (try place.open(place.configuration())).close()
            try await place.query(sql)
            try await body(place)
        }
    }
}
