import PostgresKit
import StoreContract
import StoreKit
import TradingModel

/// What a piece of work sees: the open transaction, which is the only one that writes to this store now, on any host, and the journal
/// that belongs to it.
///
/// Each write transaction first locks the one row of `meta`. With that, writers of all processes run one after the other, as in the
/// embedded store, and a rule that is checked by reading still holds at the commit.
final class WriteTransaction {
    private let sql: PostgresTransaction
    /// The schema, which also names the channel on which commits are told.
    private let channel: String
    private(set) var epoch: Int64 = 1
    /// Where the journal stands with this transaction's lines.
    private(set) var journal = JournalChain(after: nil)
    private var firstSequence: Int64 = 0

    init(on connection: PostgresConnection, channel: String) {
        sql = PostgresTransaction(on: connection)
        self.channel = channel
    }

    var hasLines: Bool { journal.sequence > firstSequence }

    // MARK: Statements

    /// Runs at the latest before the next question; a rule that it breaks appears there or at the commit.
    func write(_ text: String, rows: Int? = nil, _ fill: (inout ValueList) throws -> Void) async throws {
        try await sql.write(PostgresStatement(text, try ValueList.filled(fill)), rows: rows)
    }

    func ask(_ statements: [PostgresStatement]) async throws -> [PostgresResult] { try await sql.ask(statements) }
    func ask(_ text: String, _ values: [PostgresValue]) async throws -> PostgresResult { try await sql.ask(PostgresStatement(text, values)) }
    func flush() async throws { try await sql.flush() }

    private static let lineInsertion = insertStatement(into: "journal", JournalEntry.columns)

    func note(_ draft: JournalDraft, at: Timestamp) async throws {
        let line = journal.append(draft, at: at)
        try await write(Self.lineInsertion, rows: 1) { line.write(to: &$0) }
    }

    // MARK: Beginning and end

    func begin() async throws {
        let results = try await sql.ask([
            PostgresStatement("SELECT epoch FROM meta WHERE id = 1 FOR UPDATE"),
            PostgresStatement("SELECT sequence, hash FROM journal ORDER BY sequence DESC LIMIT 1"),
        ])
        guard let meta = results.first?.first else { throw PostgresError(.malformed, "the table meta is empty") }
        epoch = try meta.integer(0)
        journal = JournalChain(after: try results.last?.first.map { (try $0.integer(0), try $0.text(1)) })
        firstSequence = journal.sequence
    }

    /// Sends what was put off, so that nothing can fail any more but the commit itself.
    func finish() async throws {
        if hasLines {
            try await sql.write(PostgresStatement("SELECT pg_notify($1, $2)", [.text(channel), .text("\(journal.sequence)")]))
        }
        try await sql.flush()
    }

    func commit() async throws(PostgresError) { try await sql.commit() }
    func rollback() async { await sql.rollback() }

    // MARK: Savepoints

    func savepoint() async throws -> JournalChain {
        _ = try await sql.ask(PostgresStatement("SAVEPOINT work", isPrepared: false))
        return journal
    }

    func release() async throws { _ = try await sql.ask(PostgresStatement("RELEASE SAVEPOINT work", isPrepared: false)) }

    func undo(to mark: JournalChain) async throws {
        sql.discardPending()
        _ = try await sql.ask(PostgresStatement("ROLLBACK TO SAVEPOINT work", isPrepared: false))
        try await release()
        journal = mark
    }
}

/// The values of one statement, gathered column by column.
struct ValueList: ColumnSink {
    private(set) var values: [PostgresValue] = []
    mutating func add(_ text: String) { values.append(.text(text)) }
    mutating func add(_ number: Int64) { values.append(.integer(number)) }
    mutating func add(_ flag: Bool) { values.append(.flag(flag)) }
    mutating func addNull() { values.append(.null) }

    static func filled(_ fill: (inout ValueList) throws -> Void) rethrows -> [PostgresValue] {
        var list = ValueList()
        list.values.reserveCapacity(32)
        try fill(&list)
        return list.values
    }
}

extension PostgresRow: ColumnSource {
    public func storedText(_ column: Int) -> String? { optionalText(column) }
    public func storedInteger(_ column: Int) throws -> Int64? { try optionalInteger(column) }
    public func storedFlag(_ column: Int) throws -> Bool { try flag(column) }
}

/// An insertion of one row with all its columns.
func insertStatement(into table: String, _ columns: [String]) -> String {
    "INSERT INTO \(table) (\(columns.list)) VALUES (\(columns.indices.map { "$\($0 + 1)" }.list))"
}

extension StoreError {
    /// A broken rule of the tables is a refusal; everything else leaves open what is stored.
    init(storing error: any Error) {
        switch error {
        case let error as StoreError: self = error
        case let error as PostgresError where error.state?.isRefusal == true: self = .refused(error.message)
        default: self = .unavailable("\(error)")
        }
    }
}
