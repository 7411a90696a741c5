/// One transaction on one connection. Writes are put off and travel with the next question, or with the commit.
///
/// For one task. It begins with the first round trip; whoever made it ends it with ``commit()`` or ``rollback()``.
public final class PostgresTransaction {
    private let connection: PostgresConnection
    private var pending: [(statement: PostgresStatement, rows: Int?)] = []
    private var hasBegun = false
    private var hasEnded = false
    /// Puts off writes up to this number, so that what waits to be sent stays bounded.
    private static let mostPending = 256

    /// - Parameter connection: One on which no transaction is open, for this transaction alone.
    public init(on connection: PostgresConnection) { self.connection = connection }

    /// Runs the statement at the latest before the next question. Its failure appears there or at the commit.
    ///
    /// - Parameter rows: How many rows it must touch; another number fails the transaction.
    public func write(_ statement: PostgresStatement, rows: Int? = nil) async throws(PostgresError) {
        pending.append((statement, rows))
        if pending.count >= Self.mostPending { try await flush() }
    }

    /// Asks, after all that was put off, in one round trip.
    public func ask(_ statements: [PostgresStatement]) async throws(PostgresError) -> [PostgresResult] {
        var batch: [(statement: PostgresStatement, rows: Int?)] = hasBegun ? [] : [(.begin, nil)]
        batch += pending
        pending = []
        let first = batch.count
        batch += statements.map { ($0, nil) }
        guard !batch.isEmpty else { return [] }
        hasBegun = true
        let results = try await connection.run(batch.map(\.statement))
        for (entry, result) in zip(batch, results) {
            if let rows = entry.rows, result.affected != rows {
                throw PostgresError(.malformed, "\(result.affected) rows touched, not \(rows), by: \(entry.statement.sql.prefix(60))")
            }
        }
        return Array(results[first...])
    }

    public func ask(_ statement: PostgresStatement) async throws(PostgresError) -> PostgresResult {
        let results = try await ask([statement])
        guard let result = results.first else { throw PostgresError(.malformed, "no result") }
        return result
    }

    /// Sends what was put off and waits for it.
    public func flush() async throws(PostgresError) {
        if !pending.isEmpty { _ = try await ask([]) }
    }

    /// Throws away what was put off and not sent.
    public func discardPending() { pending = [] }

    /// Makes everything last. `.outcomeUnknown` if the answer was lost; any other error means that nothing was stored.
    public func commit() async throws(PostgresError) {
        try await flush()
        guard hasBegun, !hasEnded else { return }
        hasEnded = true
        let result = try await connection.run([.commit]).first
        // In a transaction that failed before, COMMIT succeeds and undoes it.
        guard result?.command == "COMMIT" else { throw PostgresError(.refused(.serializationFailure), "the transaction had failed and was undone") }
    }

    /// Undoes everything. If that cannot be told to the server, the connection is ended, and the server undoes it by itself.
    public func rollback() async {
        pending = []
        guard hasBegun, !hasEnded else { return }
        hasEnded = true
        do { _ = try await connection.run([.rollback]) } catch { await connection.close() }
    }
}
