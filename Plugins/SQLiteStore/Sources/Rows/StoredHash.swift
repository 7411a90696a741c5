import Foundation
import GRDB
import StoreContract

/// SHA-256 values: 32 bytes in the tables, where many of them lie in one page, and lower-case hex everywhere else.
enum StoredHash {
    static let byteCount = 32

    /// Throws if the text is not 64 digits of lower-case hex: two spellings of one key would be two keys.
    static func bytes(_ hex: String) throws(StoreError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        var high: UInt8?
        for character in hex.utf8 {
            let digit: UInt8
            switch character {
            case 0x30...0x39: digit = character - 0x30
            case 0x61...0x66: digit = character - 0x61 + 10
            default: throw .refused("not a SHA-256 in lower-case hex: \(hex.prefix(80))")
            }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        guard bytes.count == byteCount, high == nil else { throw .refused("not a SHA-256 in lower-case hex: \(hex.prefix(80))") }
        return bytes
    }

    static func hex(_ bytes: [UInt8]) -> String {
        String(unsafeUninitializedCapacity: 2 * bytes.count) { hex in
            for (index, byte) in bytes.enumerated() {
                hex[2 * index] = digits.utf8Start[Int(byte >> 4)]
                hex[2 * index + 1] = digits.utf8Start[Int(byte & 15)]
            }
            return 2 * bytes.count
        }
    }

    private static let digits: StaticString = "0123456789abcdef"
}

extension Row {
    func hash(_ index: Int) -> String { StoredHash.hex(Array(self[index] as Data)) }
}
