import Crypto
import Foundation
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
        /// The 32 bytes of the line's hash.
        var hash: [UInt8]
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
        insert.add(blob: hash)
        try insert.run()
        position = Position(sequence: sequence, hash: hash)
    }

    static func last(_ db: Database) throws -> Position {
        let row = try Row.fetchOne(db.cachedStatement(sql: "SELECT sequence, hash FROM journal ORDER BY sequence DESC LIMIT 1"))
        return row.map { Position(sequence: $0[0], hash: Array($0[1] as Data)) } ?? Position(sequence: 0, hash: JournalHash.beginning)
    }
}

/// The hash of a line: over the previous hash and every field, each with its length in front, so that no two lines read alike.
enum JournalHash {
    /// What the first line is chained to.
    static let beginning = [UInt8](repeating: 0, count: StoredHash.byteCount)

    static func hash(
        previous: [UInt8], sequence: Int64, at: Int64, type: String, signalID: String?, orderID: String?, account: String?, data: String
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(320 + data.utf8.count)
        func field(_ value: some Collection<UInt8>) {
            bytes.append(decimal: Int64(value.count))
            bytes.append(UInt8(ascii: ":"))
            bytes.append(contentsOf: value)
            bytes.append(UInt8(ascii: ";"))
        }
        func field(_ number: Int64) {
            bytes.append(decimal: number.decimalLength)
            bytes.append(UInt8(ascii: ":"))
            bytes.append(decimal: number)
            bytes.append(UInt8(ascii: ";"))
        }
        func field(_ value: String?) {
            // An absent field has a sign of its own: it differs from an empty one.
            if let value { field(value.utf8) } else { bytes.append(contentsOf: "-;".utf8) }
        }
        field(previous)
        field(sequence)
        field(at)
        field(type)
        field(signalID)
        field(orderID)
        field(account)
        field(data)
        return sha256(bytes)
    }

    /// SHA-256 in lower-case hex.
    static func sha256(_ text: String) -> String { StoredHash.hex(sha256(Array(text.utf8))) }

    private static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        let digest = bytes.withUnsafeBytes { buffer in
            var hasher = SHA256()
            hasher.update(bufferPointer: buffer)
            return hasher.finalize()
        }
        return digest.withUnsafeBytes { Array($0) }
    }
}

extension Int64 {
    /// Characters of its decimal text.
    fileprivate var decimalLength: Int64 {
        var length: Int64 = self < 0 ? 2 : 1
        var rest = magnitude / 10
        while rest > 0 {
            length += 1
            rest /= 10
        }
        return length
    }
}

extension [UInt8] {
    /// Appends the number's digits, without a text in between.
    fileprivate mutating func append(decimal number: Int64) {
        if number < 0 { append(UInt8(ascii: "-")) }
        let first = count
        var rest = number.magnitude
        repeat {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        self[first...].reverse()
    }
}
