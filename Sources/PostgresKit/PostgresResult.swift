import CLibpq

/// What one statement gave.
public final class PostgresResult: Sendable {
    // libpq never changes a result that it has handed out, and reading one from several threads is safe.
    // Source: PostgreSQL 15, "34.20. Behavior in Threaded Programs".
    private nonisolated(unsafe) let handle: OpaquePointer
    /// Rows that it returned.
    public let count: Int
    /// Rows that it inserted, changed or deleted; for a query the rows that it returned.
    public let affected: Int
    /// The command's own word, for example `COMMIT`.
    let command: String

    init(_ handle: OpaquePointer) {
        self.handle = handle
        count = Int(PQntuples(handle))
        affected = PQcmdTuples(handle).flatMap { Int(String(cString: $0)) } ?? 0
        command = PQcmdStatus(handle).map { String(cString: $0) } ?? ""
    }

    deinit { PQclear(handle) }

    public subscript(row: Int) -> PostgresRow { PostgresRow(result: self, row: row) }
    public var first: PostgresRow? { count > 0 ? self[0] : nil }
    public var rows: [PostgresRow] { (0..<count).map { self[$0] } }

    fileprivate func text(_ row: Int, _ column: Int) -> String? {
        guard row < count, column < Int(PQnfields(handle)), PQgetisnull(handle, CInt(row), CInt(column)) == 0,
            let value = PQgetvalue(handle, CInt(row), CInt(column))
        else { return nil }
        let length = Int(PQgetlength(handle, CInt(row), CInt(column)))
        return value.withMemoryRebound(to: UInt8.self, capacity: length) {
            String(decoding: UnsafeBufferPointer(start: $0, count: length), as: UTF8.self)
        }
    }
}

/// One row; columns count from 0.
public struct PostgresRow: Sendable {
    private let result: PostgresResult
    private let row: Int

    init(result: PostgresResult, row: Int) {
        self.result = result
        self.row = row
    }

    /// Nil for NULL.
    public func optionalText(_ column: Int) -> String? { result.text(row, column) }

    public func text(_ column: Int) throws(PostgresError) -> String {
        guard let text = result.text(row, column) else { throw PostgresError(.malformed, "column \(column) is NULL or missing") }
        return text
    }

    public func optionalInteger(_ column: Int) throws(PostgresError) -> Int64? {
        guard let text = result.text(row, column) else { return nil }
        guard let number = Int64(text) else { throw PostgresError(.malformed, "column \(column) is no whole number: \(text.prefix(40))") }
        return number
    }

    public func integer(_ column: Int) throws(PostgresError) -> Int64 {
        guard let number = try optionalInteger(column) else { throw PostgresError(.malformed, "column \(column) is NULL or missing") }
        return number
    }

    public func flag(_ column: Int) throws(PostgresError) -> Bool { try text(column) == "t" }
}

/// What another session told with NOTIFY.
public struct PostgresNotification: Sendable, Hashable {
    public let channel: String
    public let payload: String
}
