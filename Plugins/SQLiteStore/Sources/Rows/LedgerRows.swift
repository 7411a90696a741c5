import GRDB
import StoreContract
import StoreKit
import TradingModel

extension Fill {
    private static let insertion = insertStatement(into: "fills", columns + ["account", "order_id"])

    func insert(_ db: Database, account: AccountID, order: OrderID) throws {
        var insert = try DirectStatement(db, sql: Self.insertion)
        write(to: &insert)
        insert.add(account)
        insert.add(order)
        try insert.run()
    }

    /// In the order in which they became known.
    static func all(_ db: Database, of order: OrderID) throws -> [Fill] {
        let statement = try db.cachedStatement(sql: "SELECT \(columns.list) FROM fills WHERE order_id = ? ORDER BY rowid")
        return try Row.fetchAll(statement, arguments: [order.rawValue]).map { try Fill(columns: $0) }
    }
}

extension PositionRecord {
    private static let saving = insertStatement(into: "positions", columns) + """
         ON CONFLICT (account, symbol) DO UPDATE SET quantity = excluded.quantity, average_price = excluded.average_price, \
        realized_profit = excluded.realized_profit, updated_at = excluded.updated_at
        """

    func save(_ db: Database) throws {
        var save = try DirectStatement(db, sql: Self.saving)
        write(to: &save)
        try save.run()
    }

    static func find(_ db: Database, account: AccountID, symbol: Symbol) throws -> PositionRecord? {
        let statement = try db.cachedStatement(sql: "SELECT \(columns.list) FROM positions WHERE account = ? AND symbol = ?")
        return try Row.fetchOne(statement, arguments: [account.rawValue, symbol.rawValue]).map { try PositionRecord(columns: $0) }
    }
}
