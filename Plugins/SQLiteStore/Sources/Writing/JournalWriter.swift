import Crypto
import GRDB
import StoreContract
import TradingModel

/// Numbers and chains the journal's lines within one transaction.
///
/// It reads the last line once, when the transaction has the write lock, and then counts on; a savepoint that is rolled back
/// sets it back to its mark.
final class JournalWriter {
    struct Position {
        var sequence: Int64
        var hash: String
    }
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
        let sequence = position.sequence + 1
        let hash = JournalHash.hash(
            previous: position.hash, sequence: sequence, at: at.microseconds, type: draft.type, signalID: draft.signalID?.rawValue,
            orderID: draft.orderID?.rawValue, account: draft.account?.rawValue, data: draft.data)
        insert.add(sequence)
        insert.add(at.microseconds)
        insert.add(draft.type)
        insert.add(draft.signalID?.rawValue)
        insert.add(draft.orderID?.rawValue)
        insert.add(draft.account?.rawValue)
        insert.add(draft.data)
        insert.add(hash)
        try insert.run()
        position = Position(sequence: sequence, hash: hash)
    }

    static func last(_ db: Database) throws -> Position {
        let row = try Row.fetchOne(db.cachedStatement(sql: "SELECT sequence, hash FROM journal ORDER BY sequence DESC LIMIT 1"))
        return row.map { Position(sequence: $0[0], hash: $0[1]) } ?? Position(sequence: 0, hash: JournalHash.beginning)
    }
}

/// The hash of a line: over the previous hash and every field, each with its length in front, so that no two lines read alike.
enum JournalHash {
    /// What the first line is chained to.
    static let beginning = String(repeating: "0", count: 64)

    static func hash(
        previous: String, sequence: Int64, at: Int64, type: String, signalID: String?, orderID: String?, account: String?, data: String
    ) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(320 + data.utf8.count)
        func field(_ value: String?) {
            // An absent field has a sign of its own: it differs from an empty one.
            guard let value else { return bytes.append(contentsOf: "-;".utf8) }
            bytes.append(contentsOf: String(value.utf8.count).utf8)
            bytes.append(UInt8(ascii: ":"))
            bytes.append(contentsOf: value.utf8)
            bytes.append(UInt8(ascii: ";"))
        }
        field(previous)
        field(String(sequence))
        field(String(at))
        field(type)
        field(signalID)
        field(orderID)
        field(account)
        field(data)
        return sha256(bytes)
    }

    private static let digits: StaticString = "0123456789abcdef"

    /// SHA-256 in lower-case hex.
    static func sha256(_ text: String) -> String { sha256(Array(text.utf8)) }

    private static func sha256(_ bytes: [UInt8]) -> String {
        let digest = bytes.withUnsafeBytes { buffer in
            var hasher = SHA256()
            hasher.update(bufferPointer: buffer)
            return hasher.finalize()
        }
        return digest.withUnsafeBytes { digest in
            String(unsafeUninitializedCapacity: 2 * digest.count) { hex in
                for (index, byte) in digest.enumerated() {
                    hex[2 * index] = digits.utf8Start[Int(byte >> 4)]
                    hex[2 * index + 1] = digits.utf8Start[Int(byte & 15)]
                }
                return 2 * digest.count
            }
        }
    }
}
