import PostgresKit
import StoreContract
import StoreKit
import TradingModel

/// What a piece of work sees: the open transaction, which is the only one that writes to this store now, on any host, and the journal
/// that belongs to it.
///
/// Each write transaction first locks the one row of `meta`. With that, writers of all processes run one after the other, as in the
/// embedded store, and a rule that is checked by reading still holds at the commit. Writes are put off and travel together.
final class WriteTransaction {
    private let sql: PostgresTransaction
    private(set) var epoch: Int64 = 1
    /// Where the journal stands with this transaction's lines.
    private(set) var journal = JournalChain()
    private var firstSequence: Int64 = 0
    /// The latest signal of each key that was looked for; nil for a key that is new.
    private var known: [SignalKeyID: KnownSignal?] = [:]

    init(on connection: PostgresConnection) { sql = PostgresTransaction(on: connection) }

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
        journal.append(draft, at: at)
        let line = JournalEntry(
            sequence: journal.sequence, at: at, type: draft.type, signalID: draft.signalID, orderID: draft.orderID, account: draft.account,
            data: draft.data, hash: StoredHash.hex(journal.hash))
        try await write(Self.lineInsertion, rows: 1) { line.write(to: &$0) }
    }

    // MARK: Signals

    private static let search =
        "SELECT \(KnownSignal.columns.list) FROM signals WHERE source = $1 AND key_hash = $2 ORDER BY occurrence DESC LIMIT 1"

    private static let searchMany = """
        SELECT wanted.number, \(KnownSignal.columns.map { "found.\($0)" }.list)
        FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (source, key_hash, number)
        CROSS JOIN LATERAL (SELECT * FROM signals WHERE signals.source = wanted.source AND signals.key_hash = wanted.key_hash
          ORDER BY occurrence DESC LIMIT 1) AS found
        """

    /// The stored signal with this key that has the highest occurrence.
    func latestSignal(_ key: SignalKeyID) async throws -> KnownSignal? {
        if let known = known[key] { return known }
        return try await ask(Self.search, [.text(key.source.rawValue), .text(key.hash)]).first.map { try KnownSignal(row: $0) }
    }

    func noteSignal(_ signal: SignalRecord) {
        known[SignalKeyID(signal)] = KnownSignal(
            id: signal.id, occurrence: signal.occurrence, bodyHash: signal.bodyHash, isExplicit: signal.key.isExplicit,
            receivedAt: signal.receivedAt, answer: signal.answer)
    }

    // MARK: Beginning and end

    /// Locks the store. One round trip also brings the journal's end and what is known of the signals that will be asked for.
    func begin(lookingFor keys: [SignalKeyID]) async throws {
        var questions = [
            PostgresStatement("SELECT epoch FROM meta WHERE id = 1 FOR UPDATE"),
            PostgresStatement("SELECT sequence, hash FROM journal ORDER BY sequence DESC LIMIT 1"),
        ]
        if !keys.isEmpty {
            questions.append(PostgresStatement(Self.searchMany, [textArray(keys.map(\.source.rawValue)), textArray(keys.map(\.hash))]))
        }
        let results = try await sql.ask(questions)
        guard let meta = results[0].first else { throw PostgresError(.malformed, "the table meta is empty") }
        epoch = try meta.integer(0)
        journal = try results[1].first.map { JournalChain(sequence: try $0.integer(0), hash: try StoredHash.bytes(try $0.text(1))) } ?? JournalChain()
        firstSequence = journal.sequence
        guard !keys.isEmpty else { return }
        for key in keys { known[key] = .some(nil) }
        for row in results[2].rows {
            let number = Int(try row.integer(0)) - 1
            guard keys.indices.contains(number) else { throw PostgresError(.malformed, "a signal that was not asked for") }
            known[keys[number]] = try KnownSignal(row: row, from: 1)
        }
    }

    /// Sends what was put off, so that nothing can fail any more but the commit itself. `word` is told to listeners with the commit.
    func finish(telling word: String, on channel: String) async throws {
        if hasLines { try await sql.write(PostgresStatement("SELECT pg_notify($1, $2)", [.text(channel), .text(word)])) }
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
        // What was remembered may be of the work that was undone.
        known = [:]
    }
}

/// What signals are recognised by.
struct SignalKeyID: Sendable, Hashable {
    let source: SourceID
    let hash: String
    init(_ signal: SignalRecord) {
        source = signal.source
        hash = signal.key.hash
    }
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
