import StoreContract

/// SHA-256 values: 32 bytes in the tables, where many of them lie in one page, and lower-case hex everywhere else.
public enum StoredHash {
    public static let byteCount = 32

    /// Throws if the text is not 64 digits of lower-case hex: two spellings of one key would be two keys.
    public static func bytes(_ hex: String) throws(StoreError) -> [UInt8] {
        var hex = hex
        var isHex = true
        let bytes = hex.withUTF8 { digits in
            guard digits.count == 2 * byteCount else {
                isHex = false
                return [UInt8]()
            }
            return [UInt8](unsafeUninitializedCapacity: byteCount) { bytes, count in
                for index in 0..<byteCount {
                    let (high, low) = (value(of: digits[2 * index]), value(of: digits[2 * index + 1]))
                    // What is no digit has a value with bits that no digit has.
                    isHex = isHex && (high | low) < 16
                    bytes[index] = high << 4 | low & 15
                }
                count = byteCount
            }
        }
        guard isHex else { throw .refused("not a SHA-256 in lower-case hex: \(hex.prefix(80))") }
        return bytes
    }

    private static func value(of digit: UInt8) -> UInt8 {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x61...0x66: digit - 0x61 + 10
        default: 0xFF
        }
    }

    public static func hex(_ bytes: [UInt8]) -> String {
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
