/// A JSON value whose numbers keep their text, so that no amount passes through binary floating point.
public enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    /// The number exactly as written.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([Member])

    public struct Member: Sendable, Hashable {
        public let key: String
        public let value: JSONValue
        public init(_ key: String, _ value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    /// Compact text, members in their own order.
    public var text: String { text(sorted: false) }

    /// Compact text with members sorted by key: equal values give equal text.
    public var canonicalText: String { text(sorted: true) }

    private func text(sorted: Bool) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(512)
        write(to: &out, sorted: sorted)
        return String(decoding: out, as: UTF8.self)
    }

    func write(to out: inout [UInt8], sorted: Bool) {
        switch self {
        case .null: out.append(contentsOf: "null".utf8)
        case .bool(let value): out.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let text): out.append(contentsOf: text.utf8)
        case .string(let text): JSONValue.quote(text, to: &out)
        case .array(let values):
            out.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                value.write(to: &out, sorted: sorted)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let members):
            out.append(UInt8(ascii: "{"))
            for (index, member) in (sorted ? members.sorted { $0.key < $1.key } : members).enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                JSONValue.quote(member.key, to: &out)
                out.append(UInt8(ascii: ":"))
                member.value.write(to: &out, sorted: sorted)
            }
            out.append(UInt8(ascii: "}"))
        }
    }

    static func quote(_ text: String, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        // Nearly every text is plain; then it is copied whole, and looked at where it lies in one piece.
        let start = out.count
        out.append(contentsOf: text.utf8)
        if out[start...].allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C && $0 != 0x7F }) { return out.append(UInt8(ascii: "\"")) }
        out.removeSubrange(start...)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): out.append(contentsOf: [UInt8(ascii: "\\"), byte])
            case UInt8(ascii: "\n"): out.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\r"): out.append(contentsOf: "\\r".utf8)
            case UInt8(ascii: "\t"): out.append(contentsOf: "\\t".utf8)
            case 0..<0x20, 0x7F: out.append(contentsOf: ((byte < 0x10 ? "\\u000" : "\\u00") + String(byte, radix: 16)).utf8)
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }

    /// An object of texts; nil values are left out. For journal lines and answers.
    public static func fields(_ pairs: KeyValuePairs<String, String?>) -> JSONValue {
        .object(pairs.compactMap { pair in pair.value.map { Member(pair.key, .string($0)) } })
    }
}
