import StoreContract
import TradingModel

/// The rules that hold whoever writes: SC-07 to SC-11 and SC-15 against SQL from outside.
enum StoreTableClauses {
    private static let zeros = String(repeating: "0", count: 64)

    /// Writes that would make a row incomplete.
    private static let incomplete = [
        "state = 'sent'", "state = 'accepted'", "limit_price = NULL", "stop_price = '1'", "limit_price = '-1'", "state = 'skipped'",
        "state = 'blocked', reason = ''", "attempts = 1, quantity = '0', state = 'permitted'", "attempts = 1, quantity = '1', state = 'filled'",
        "attempts = 1, quantity = '1', state = 'sent'",
    ].map { "UPDATE orders SET version = version + 1, \($0) WHERE id = 'ord-a'" }

    /// Writes that would change what an order is.
    private static let intent: [String] = {
        let texts = ["symbol", "client_order_id", "account", "strategy", "signal_id", "id", "request_id", "signal_symbol"].map { "\($0) = 'x'" }
        let others = ["side = 'sell'", "leg = 9", "requested_quantity = '9'", "expires_at = 9", "created_at = 9", "filled_quantity = '-1'"]
        let queued = (texts + others).map { "UPDATE orders SET version = version + 1, \($0) WHERE id = 'ord-a'" }
        let ended = ["filled_quantity = '0.5'", "attempts = 0", "quantity = '9'"].map { "UPDATE orders SET version = version + 1, \($0) WHERE id = 'ord-b'" }
        let versions = ["detail = 'x'", "version = version + 2, detail = 'x'"].map { "UPDATE orders SET \($0) WHERE id = 'ord-a'" }
        return queued + ended + versions
    }()

    private static func fill(_ execution: String, of order: String, quantity: String) -> String {
        """
        INSERT INTO fills (account, execution_id, order_id, venue_order_id, symbol, side, quantity, price, executed_at)
        VALUES ('a1', '\(execution)', '\(order)', 'v', 'S', 'buy', '\(quantity)', '1', 1)
        """
    }

    private static let ended = [
        "UPDATE orders SET version = version + 1, state = 'accepted' WHERE id = 'ord-b'", "UPDATE fills SET price = '2'",
        "UPDATE attempts SET owner = 'x'", "UPDATE attempts SET owner = 'x' WHERE order_id = 'ord-c'", "UPDATE attempts SET outcome = 'unknown', ended_at = 2", fill("e1", of: "ord-b", quantity: "1"),
        fill("e", of: "no-such", quantity: "1"), fill("e", of: "ord-b", quantity: "0"),
    ]

    /// The first order is queued, the second has ended filled, the third has an attempt without outcome.
    private static let forbidden: [(id: String, sql: [String])] = [
        ("SC-07.tables-complete", incomplete), ("SC-08.tables-intent", intent), ("SC-09.tables-ended", ended),
        ("SC-05.tables-fence", ["counter = counter - 1", "owner = 'other'", "epoch = epoch - 1"].map { "UPDATE tenures SET \($0)" }),
        (
            "SC-02.tables-keys",
            ["body = 'x'", "key_hash = 'x'", "copies = -1", "occurrence = 2", "answer_body = 'x'"].map { "UPDATE signals SET \($0) WHERE id = 'sig-a'" }
        ),
        (
            "SC-11.tables-journal",
            [
                "UPDATE journal SET data = '{}'",
                "INSERT INTO journal (sequence, at, type, data, hash) VALUES (99, 1, 't', '{}', '\(zeros)')",
                "INSERT INTO journal (sequence, at, type, data, hash) VALUES (1, 1, 't', '{}', '\(zeros)')",
            ]
        ),
        ("SC-15.tables-kept", ["signals", "orders", "attempts", "fills", "tenures", "journal"].map { "DELETE FROM \($0)" }),
    ]

    static let all: [StoreClause] =
        forbidden.map { entry in
            StoreClause(entry.id, "the tables refuse from outside what would break this rule") { session in
                try await prepare(session)
                for sql in entry.sql {
                    do { try await session.place.execute(sql) } catch is TableRefusal { continue }
                    throw ClauseFailure("the tables took: \(sql)")
                }
                try await session.expectWholeJournal()
            }
        } + [
            StoreClause("SC-07.tables-not-null", "every column of an order that must be there is NOT NULL") { session in
                try await prepare(session)
                let columns = [
                    "id", "signal_id", "strategy", "account", "leg", "client_order_id", "symbol", "signal_symbol", "side", "type", "time_in_force",
                    "requested_quantity", "reduce_only", "policy", "state", "filled_quantity", "attempts", "version", "request_id", "created_at",
                    "updated_at", "expires_at",
                ]
                func copy(_ missing: String?) -> String {
                    let names = columns + ["limit_price"]
                    let values = names.map { $0 == missing ? "NULL" : ["id", "client_order_id"].contains($0) ? "'other'" : $0 == "leg" ? "7" : $0 }
                    return "INSERT INTO orders (\(names.joined(separator: ", "))) SELECT \(values.joined(separator: ", ")) FROM orders WHERE id = 'ord-a'"
                }
                for column in columns {
                    do { try await session.place.execute(copy(column)) } catch is TableRefusal { continue }
                    throw ClauseFailure("the tables took an order without \(column)")
                }
                // The statement itself is right, or the refusals above would mean nothing.
                try await session.place.execute(copy(nil))
            }
        ]

    private static func prepare(_ session: StoreSession) async throws {
        let tenure = try await session.tenure()
        try await session.admit("a")
        let id = try await session.admit("b")
        for order in [id, try await session.admit("c")] { try await session.permit(order, tenure) }
        try await session.store.update(id, under: tenure, at: StoreSession.start) { snapshot in
            var order = snapshot.order
            order.state = .filled
            order.filledQuantity = 2
            var attempts = snapshot.attempts
            attempts[0].outcome = "accepted"
            attempts[0].endedAt = StoreSession.start
            return OrderChange(order: order, attempts: attempts, newFills: [session.fill("e1", quantity: 2)])
        }
    }
}
