import GRDB
import StoreContract
import StoreKit
import TradingModel

extension SignalRecord {
    private static let insertion = insertStatement(into: "signals", columns)

    func insert(_ db: Database) throws {
        var insert = try DirectStatement(db, sql: Self.insertion)
        write(to: &insert)
        try insert.run()
    }
}

extension OrderRecord {
    private static let insertion = insertStatement(into: "orders", columns)

    func insert(_ db: Database) throws {
        var insert = try DirectStatement(db, sql: Self.insertion)
        try write(to: &insert)
        try insert.run()
    }

    private static func replacement(from states: [OrderState]?) -> String {
        let condition = states.map { " AND state IN (\($0.map { "'\($0.rawValue)'" }.list))" } ?? ""
        return "UPDATE orders SET \(changingColumns.map { "\($0) = ?" }.list) WHERE id = ? AND version = ?\(condition)"
    }
    private static let replacement = replacement(from: nil)
    private static let replacementByPermit = replacement(from: PermitRules.permittable)

    /// Writes everything that may change, if the row still has the version before this one's. Returns whether the row was there.
    ///
    /// - Parameter isPermit: The order must also be in a state from which a permit may move it.
    func replace(_ db: Database, isPermit: Bool = false) throws -> Bool {
        var update = try DirectStatement(db, sql: isPermit ? Self.replacementByPermit : Self.replacement)
        writeChanging(to: &update)
        update.add(id)
        update.add(version - 1)
        try update.run()
        return db.changesCount == 1
    }

    static func find(_ db: Database, _ id: OrderID) throws -> OrderRecord? {
        let statement = try db.cachedStatement(sql: "SELECT \(columns.list) FROM orders WHERE id = ?")
        return try Row.fetchOne(statement, arguments: [id.rawValue]).map { try OrderRecord(columns: $0) }
    }
}

extension AttemptRecord {
    private static let insertion = insertStatement(into: "attempts", columns)

    func insert(_ db: Database) throws {
        var insert = try DirectStatement(db, sql: Self.insertion)
        write(to: &insert)
        try insert.run()
    }

    /// Records how the attempt ended. Returns false if there is no such attempt.
    func recordOutcome(_ db: Database) throws -> Bool {
        var update = try DirectStatement(
            db, sql: "UPDATE attempts SET \(Self.outcomeColumns.map { "\($0) = ?" }.list) WHERE order_id = ? AND number = ?")
        writeOutcome(to: &update)
        update.add(orderID)
        update.add(number)
        try update.run()
        return db.changesCount == 1
    }

    static func all(_ db: Database, of order: OrderID) throws -> [AttemptRecord] {
        let statement = try db.cachedStatement(sql: "SELECT \(columns.list) FROM attempts WHERE order_id = ? ORDER BY number")
        return try Row.fetchAll(statement, arguments: [order.rawValue]).map { try AttemptRecord(columns: $0) }
    }
}

/// An insertion of one row with all its columns.
func insertStatement(into table: String, _ columns: [String]) -> String {
    "INSERT INTO \(table) (\(columns.list)) VALUES (\(columns.map { _ in "?" }.list))"
}
