import GRDB
import GRDBSQLite
import StoreKit

/// A prepared statement whose values go to SQLite as they are. GRDB boxes and checks each value, which costs more than the insertion.
///
/// Values are added in the order of the question marks; texts lie in one buffer, which SQLite reads while the statement runs.
struct DirectStatement: ColumnSink {
    private enum Value {
        case null
        case integer(Int64)
        case text(offset: Int, count: Int)
    }

    private let db: Database
    private let statement: Statement
    private var values: [Value] = []
    /// Never empty, so that an empty text has an address too: without one it would be NULL.
    private var bytes: [UInt8] = [0]

    init(_ db: Database, sql: String) throws {
        self.db = db
        statement = try db.cachedStatement(sql: sql)
        values.reserveCapacity(32)
        bytes.reserveCapacity(1024)
    }

    mutating func add(_ text: String) {
        values.append(.text(offset: bytes.count, count: text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func add(_ number: Int64) { values.append(.integer(number)) }
    mutating func add(_ flag: Bool) { add(flag ? Int64(1) : 0) }
    mutating func addNull() { values.append(.null) }

    /// Runs the statement with the added values, which are gone afterwards. Returns whether it gave a row.
    @discardableResult
    mutating func run() throws -> Bool {
        defer {
            values.removeAll(keepingCapacity: true)
            bytes.removeSubrange(1...)
        }
        let handle = statement.sqliteStatement
        return try bytes.withUnsafeBytes { buffer in
            // A failed step tells its error once more when it is reset.
            sqlite3_reset(handle)
            defer {
                sqlite3_reset(handle)
                sqlite3_clear_bindings(handle)
            }
            for (index, value) in zip(CInt(1)..., values) {
                let code =
                    switch value {
                    case .null: sqlite3_bind_null(handle, index)
                    case .integer(let number): sqlite3_bind_int64(handle, index, number)
                    case .text(let offset, let count):
                        // Without a destructor SQLite copies nothing; the buffer outlives the step.
                        sqlite3_bind_text(handle, index, buffer.baseAddress?.advanced(by: offset).assumingMemoryBound(to: CChar.self), CInt(count), nil)
                    }
                guard code == SQLITE_OK else { throw failure(code) }
            }
            switch sqlite3_step(handle) {
            case SQLITE_DONE: return false
            case SQLITE_ROW: return true
            case let code: throw failure(code)
            }
        }
    }

    private func failure(_ code: CInt) -> DatabaseError {
        let connection = db.sqliteConnection
        return DatabaseError(
            resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
            message: connection.map { String(cString: sqlite3_errmsg($0)) } ?? "SQLite error \(code)", sql: statement.sql)
    }
}
