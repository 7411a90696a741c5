import GRDB
import StoreContract
import StoreKit
import TradingModel

extension OrderRecord {
    static let columns = """
        id, signal_id, strategy, account, leg, client_order_id, symbol, signal_symbol, side, type, time_in_force, requested_quantity, \
        quantity, limit_price, stop_price, reduce_only, reference_price, policy, state, reason, detail, filled_quantity, average_price, \
        venue_order_id, venue_status, attempts, version, request_id, created_at, updated_at, filled_at, expires_at, \
        stop_loss, take_profit, bracket_role, entry_id, intent
        """

    static let insertion =
        "INSERT INTO orders (\(columns)) VALUES (\(Array(repeating: "?", count: 37).joined(separator: ", ")))"

    init(row: Row) throws {
        self.init(
            id: row.identifier(0), signalID: row.identifier(1), strategy: row.identifier(2), account: row.identifier(3), leg: row[4],
            clientOrderID: row.identifier(5), symbol: row.identifier(6), signalSymbol: row[7], side: try row.word(8),
            type: try row.word(9), timeInForce: try row.word(10), requestedQuantity: try row.decimal(11),
            quantity: try row.optionalDecimal(12), limitPrice: try row.optionalDecimal(13), stopPrice: try row.optionalDecimal(14),
            reduceOnly: row[15],
            bracket: try Bracket(stopLoss: row.optionalDecimal(32), takeProfit: row.optionalDecimal(33)).unlessEmpty,
            bracketRole: try row.optionalWord(34), entryID: row.optionalIdentifier(35), referencePrice: try row.optionalDecimal(16), policy: try PolicyCodec.shared.policy(row[17]),
            state: try row.word(18), reason: row[19], detail: row[20], filledQuantity: try row.decimal(21),
            averagePrice: try row.optionalDecimal(22), venueOrderID: row.optionalIdentifier(23), venueStatus: row[24],
            attempts: row[25], version: row[26], requestID: row[27], createdAt: row.time(28), updatedAt: row.time(29),
            filledAt: row.optionalTime(30), expiresAt: row.time(31), intent: try (row[36] as String?).map { try RecordText.read($0) })
    }

    /// `insert` is a statement of ``insertion``; `requestedQuantity` is the quantity's text, which is not cheap to make.
    func insert(with insert: inout DirectStatement, requestedQuantity: String) throws {
        insert.start()
        insert.add(id.rawValue)
        insert.add(signalID.rawValue)
        insert.add(strategy.rawValue)
        insert.add(account.rawValue)
        insert.add(leg)
        insert.add(clientOrderID.rawValue)
        insert.add(symbol.rawValue)
        insert.add(signalSymbol)
        insert.add(side.rawValue)
        insert.add(type.rawValue)
        insert.add(timeInForce.rawValue)
        insert.add(requestedQuantity)
        insert.add(quantity?.description)
        insert.add(limitPrice?.description)
        insert.add(stopPrice?.description)
        insert.add(reduceOnly)
        insert.add(referencePrice?.description)
        try insert.add(PolicyCodec.shared.text(policy))
        insert.add(state.rawValue)
        insert.add(reason)
        insert.add(detail)
        insert.add(filledQuantity.isZero ? "0" : filledQuantity.description)
        insert.add(averagePrice?.description)
        insert.add(venueOrderID?.rawValue)
        insert.add(venueStatus)
        insert.add(attempts)
        insert.add(version)
        insert.add(requestID)
        insert.add(createdAt.microseconds)
        insert.add(updatedAt.microseconds)
        insert.add(filledAt?.microseconds)
        insert.add(expiresAt.microseconds)
        insert.add(bracket?.stopLoss?.description)
        insert.add(bracket?.takeProfit?.description)
        insert.add(bracketRole?.rawValue)
        insert.add(entryID?.rawValue)
        insert.add(try intent.map { try RecordText.write($0) })
        try insert.run()
    }

    /// Writes everything that may change, if the row still has the version before this one's.
    ///
    /// `expected` names the states from which the step is allowed; nil for any. Returns whether the row was there.
    func replace(_ db: Database, onlyFrom expected: [OrderState]? = nil) throws -> Bool {
        let condition = expected.map { " AND state IN (\($0.map { "'\($0.rawValue)'" }.joined(separator: ", ")))" } ?? ""
        try db.cachedStatement(
            sql: """
                UPDATE orders SET side = ?, quantity = ?, limit_price = ?, stop_price = ?, state = ?, reason = ?, detail = ?, filled_quantity = ?,
                average_price = ?, venue_order_id = ?, venue_status = ?, attempts = ?, version = ?, updated_at = ?, filled_at = ?
                WHERE id = ? AND version = ?\(condition)
                """
        ).execute(arguments: [
            side.rawValue, quantity?.description, limitPrice?.description, stopPrice?.description, state.rawValue, reason, detail,
            filledQuantity.description, averagePrice?.description, venueOrderID?.rawValue, venueStatus, attempts, version,
            updatedAt.microseconds, filledAt?.microseconds, id.rawValue, version - 1,
        ])
        return db.changesCount == 1
    }

    static func find(_ db: Database, _ id: OrderID) throws -> OrderRecord? {
        let statement = try db.cachedStatement(sql: "SELECT \(columns) FROM orders WHERE id = ?")
        return try Row.fetchOne(statement, arguments: [id.rawValue]).map { try OrderRecord(row: $0) }
    }

    /// The legs of an entry, the stop first.
    static func legs(_ db: Database, of entry: OrderID) throws -> [OrderRecord] {
        let statement = try db.cachedStatement(sql: "SELECT \(columns) FROM orders WHERE entry_id = ? ORDER BY bracket_role")
        return try Row.fetchAll(statement, arguments: [entry.rawValue]).map { try OrderRecord(row: $0) }
    }
}

extension Bracket {
    /// Nil if it has no leg.
    fileprivate var unlessEmpty: Bracket? { roles.isEmpty ? nil : self }
}
