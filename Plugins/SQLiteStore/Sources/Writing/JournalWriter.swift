import Foundation
import GRDB
import StoreContract
import StoreKit
import TradingModel

/// Numbers and chains the journal's lines within one transaction.
///
/// It reads the last line once, when the transaction has the write lock, and then counts on; a savepoint that is rolled back
/// sets it back to its mark.
final class JournalWriter {
    typealias Position = JournalChain
    private(set) var position: Position
    private var insert: DirectStatement

    init(_ db: Database) throws {
        position = try Self.last(db)
        // OR FAIL refuses a line like ABORT does. As one row has nothing to undo, SQLite need not copy the pages for it.
        insert = try DirectStatement(
            db, sql: "INSERT OR FAIL INTO journal (sequence, at, type, signal_id, order_id, account, data, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
    }

    func reset(to mark: Position) { position = mark }

    func write(_ draft: JournalDraft, at: Timestamp) throws {
        var next = position
        next.append(draft, at: at)
        insert.add(next.sequence)
        insert.add(at.microseconds)
        insert.add(draft.type)
        insert.add(draft.signalID?.rawValue)
        insert.add(draft.orderID?.rawValue)
        insert.add(draft.account?.rawValue)
        insert.add(draft.data)
        insert.add(blob: next.hash)
        try insert.run()
        position = next
    }

    static func last(_ db: Database) throws -> Position {
        let row = try Row.fetchOne(db.cachedStatement(sql: "SELECT sequence, hash FROM journal ORDER BY sequence DESC LIMIT 1"))
        return row.map { Position(sequence: $0[0], hash: Array($0[1] as Data)) } ?? Position()
    }
}
