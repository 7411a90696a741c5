import GRDB
import StoreContract
import TradingModel

extension Fill {
    static let columns = "execution_id, venue_order_id, client_order_id, symbol, side, quantity, price, fee, fee_asset, executed_at"

    init(row: Row) throws {
        self.init(
            executionID: row.identifier(0), venueOrderID: row.identifier(1), clientOrderID: row.optionalIdentifier(2),
            symbol: row.identifier(3), side: try row.word(4), quantity: try row.decimal(5), price: try row.decimal(6),
            fee: try row.optionalDecimal(7), feeAsset: row.optionalIdentifier(8), executedAt: row.time(9))
    }

    func insert(_ db: Database, account: AccountID, order: OrderID) throws {
        try db.cachedStatement(
            sql: "INSERT INTO fills (\(Self.columns), account, order_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ).execute(arguments: [
            executionID.rawValue, venueOrderID.rawValue, clientOrderID?.rawValue, symbol.rawValue, side.rawValue, quantity.description,
            price.description, fee?.description, feeAsset?.rawValue, executedAt.microseconds, account.rawValue, order.rawValue,
        ])
    }

    /// In the order in which they became known.
    static func all(_ db: Database, of order: OrderID) throws -> [Fill] {
        let statement = try db.cachedStatement(sql: "SELECT \(columns) FROM fills WHERE order_id = ? ORDER BY rowid")
        return try Row.fetchAll(statement, arguments: [order.rawValue]).map { try Fill(row: $0) }
    }
}

extension PositionRecord {
    static let columns = "account, symbol, quantity, average_price, realized_profit, updated_at"

    init(row: Row) throws {
        self.init(
            account: row.identifier(0), symbol: row.identifier(1), quantity: try row.decimal(2), averagePrice: try row.optionalDecimal(3),
            realizedProfit: try row.decimal(4), updatedAt: row.time(5))
    }

    func save(_ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO positions (\(Self.columns)) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (account, symbol) DO UPDATE SET quantity = excluded.quantity, average_price = excluded.average_price,
                realized_profit = excluded.realized_profit, updated_at = excluded.updated_at
                """
        ).execute(arguments: [
            account.rawValue, symbol.rawValue, quantity.description, averagePrice?.description, realizedProfit.description,
            updatedAt.microseconds,
        ])
    }

    static func find(_ db: Database, account: AccountID, symbol: Symbol) throws -> PositionRecord? {
        let statement = try db.cachedStatement(sql: "SELECT \(columns) FROM positions WHERE account = ? AND symbol = ?")
        return try Row.fetchOne(statement, arguments: [account.rawValue, symbol.rawValue]).map { try PositionRecord(row: $0) }
    }
}
