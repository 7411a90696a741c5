import GRDB
import StoreContract
import StoreKit
import TradingModel

/// Numbers and chains the journal's lines within one transaction.
///
/// It reads the last line once, when the transaction has the write lock, and then counts on; a savepoint that is rolled back
/// sets it back to its mark.
final class JournalWriter {
    private(set) var position: JournalChain
    private var insert: DirectStatement

    init(_ db: Database) throws {
        position = try Self.last(db)
        // OR FAIL refuses a line like ABORT does. As one row has nothing to undo, SQLite need not copy the pages for it.
        insert = try DirectStatement(
            db, sql: insertStatement(into: "journal", JournalEntry.columns).replacing("INSERT INTO", with: "INSERT OR FAIL INTO"))
    }

    func reset(to mark: JournalChain) { position = mark }

    func write(_ draft: JournalDraft, at: Timestamp) throws {
        var next = position
        next.append(draft, at: at).write(to: &insert)
        try insert.run()
        position = next
    }

    static func last(_ db: Database) throws -> JournalChain {
        let row = try Row.fetchOne(db.cachedStatement(sql: "SELECT sequence, hash FROM journal ORDER BY sequence DESC LIMIT 1"))
        return JournalChain(after: row.map { ($0[0], $0[1]) })
    }
}
