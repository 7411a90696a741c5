import Crypto
import StoreContract
import TradingModel

/// Numbers and chains lines from the last one that is stored.
public struct JournalChain: Sendable {
    public private(set) var sequence: Int64
    public private(set) var hash: String

    /// - Parameter last: The last line's number and hash; nil for an empty journal.
    public init(after last: (sequence: Int64, hash: String)?) {
        sequence = last?.sequence ?? 0
        hash = last?.hash ?? JournalHash.beginning
    }

    /// The next line, complete.
    public mutating func append(_ draft: JournalDraft, at: Timestamp) -> JournalEntry {
        sequence += 1
        hash = JournalHash.hash(
            previous: hash, sequence: sequence, at: at.microseconds, type: draft.type, signalID: draft.signalID?.rawValue,
            orderID: draft.orderID?.rawValue, account: draft.account?.rawValue, data: draft.data)
        return JournalEntry(
            sequence: sequence, at: at, type: draft.type, signalID: draft.signalID, orderID: draft.orderID, account: draft.account,
            data: draft.data, hash: hash)
    }

    /// Follows stored lines, oldest first. Returns the first number that does not fit, or nil.
    public mutating func verify(_ lines: [JournalEntry]) -> Int64? {
        for line in lines {
            let draft = JournalDraft(type: line.type, signalID: line.signalID, orderID: line.orderID, account: line.account, data: line.data)
            var expected = self
            guard expected.append(draft, at: line.at) == line else { return sequence + 1 }
            self = expected
        }
        return nil
    }
}

/// The hash of a line: over the previous hash and every field, each with its length in front, so that no two lines read alike.
public enum JournalHash {
    /// What the first line is chained to.
    public static let beginning = String(repeating: "0", count: 64)

    public static func hash(
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
    public static func sha256(_ text: String) -> String { sha256(Array(text.utf8)) }

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
