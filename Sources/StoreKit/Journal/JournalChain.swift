import Crypto
import StoreContract
import TradingModel

/// Where a journal stands: numbers and chains the lines after its last one.
public struct JournalChain: Sendable {
    public private(set) var sequence: Int64
    /// The 32 bytes of the last line's hash.
    public private(set) var hash: [UInt8]

    /// An empty journal.
    public init() {
        sequence = 0
        hash = JournalHash.beginning
    }

    public init(sequence: Int64, hash: [UInt8]) {
        self.sequence = sequence
        self.hash = hash
    }

    /// Goes on by one line.
    public mutating func append(_ draft: JournalDraft, at: Timestamp) {
        sequence += 1
        hash = JournalHash.hash(
            previous: hash, sequence: sequence, at: at.microseconds, type: draft.type, signalID: draft.signalID?.rawValue,
            orderID: draft.orderID?.rawValue, account: draft.account?.rawValue, data: draft.data)
    }

    /// Follows stored lines, oldest first. Returns the first number that does not fit, or nil.
    public mutating func verify(_ lines: [JournalEntry]) -> Int64? {
        for line in lines {
            var expected = self
            expected.append(
                JournalDraft(type: line.type, signalID: line.signalID, orderID: line.orderID, account: line.account, data: line.data), at: line.at)
            guard line.sequence == expected.sequence, line.hash == StoredHash.hex(expected.hash) else { return expected.sequence }
            self = expected
        }
        return nil
    }
}

/// The hash of a line: over the previous hash and every field, each with its length in front, so that no two lines read alike.
public enum JournalHash {
    /// What the first line is chained to.
    public static let beginning = [UInt8](repeating: 0, count: StoredHash.byteCount)

    public static func hash(
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
    public static func sha256(_ text: String) -> String { StoredHash.hex(sha256(Array(text.utf8))) }

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
