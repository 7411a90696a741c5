/// A line of JSON in the making. Bytes in one buffer: under load every signal writes a line, and texts put together from texts would
/// cost several allocations for each part.
struct JSONLine {
    private(set) var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(384) }

    /// JSON as it stands.
    mutating func add(_ json: StaticString) { json.withUTF8Buffer { bytes.append(contentsOf: $0) } }

    /// A text that needs no escapes, without quotes.
    mutating func add(plain text: String) { bytes.append(contentsOf: text.utf8) }

    /// A JSON string, with its quotes.
    mutating func add(quoted text: String) {
        add("\"")
        let start = bytes.count
        bytes.append(contentsOf: text.utf8)
        // Nearly every text is plain. It is looked at where it lies in one piece.
        if !bytes[start...].allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }) {
            bytes.removeSubrange(start...)
            for byte in text.utf8 { add(escaping: byte) }
        }
        add("\"")
    }

    private mutating func add(escaping byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): add("\\\"")
        case UInt8(ascii: "\\"): add("\\\\")
        case UInt8(ascii: "\n"): add("\\n")
        case UInt8(ascii: "\r"): add("\\r")
        case UInt8(ascii: "\t"): add("\\t")
        case 0..<0x20:
            add(byte < 0x10 ? "\\u000" : "\\u00")
            add(plain: String(byte, radix: 16))
        default: bytes.append(byte)
        }
    }
}
