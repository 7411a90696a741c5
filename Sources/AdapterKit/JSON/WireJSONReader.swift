/// Why bytes are not JSON.
public struct WireJSONError: Error, Sendable, CustomStringConvertible {
    public let message: String
    /// In bytes from the beginning.
    public let offset: Int
    public var description: String { "\(message) at byte \(offset)" }
}

extension WireJSON {
    /// Reads one value, to the end of the bytes. Nesting beyond 64 is refused.
    public init(parsing bytes: some Sequence<UInt8>) throws(WireJSONError) {
        var reader = WireJSONReader(bytes: Array(bytes))
        self = try reader.document()
    }

    public init(parsing text: String) throws(WireJSONError) { self = try WireJSON(parsing: text.utf8) }
}

/// A strict reader of RFC 8259 that keeps the text of numbers.
private struct WireJSONReader {
    private static let maximumDepth = 64
    private let bytes: [UInt8]
    private var offset = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(WireJSONError) -> WireJSON {
        let value = try value(depth: 0)
        skipSpace()
        guard offset == bytes.count else { throw failure("unexpected bytes after the value") }
        return value
    }

    private mutating func value(depth: Int) throws(WireJSONError) -> WireJSON {
        guard depth <= Self.maximumDepth else { throw failure("nested too deeply") }
        skipSpace()
        guard let byte = peek else { throw failure("unexpected end") }
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .boolean(true))
        case UInt8(ascii: "f"): return try word("false", .boolean(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func object(depth: Int) throws(WireJSONError) -> WireJSON {
        offset += 1
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object([WireJSON.Member]()) }
        var members: [WireJSON.Member] = []
        while true {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw failure("expected a name") }
            let name = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw failure("expected a colon") }
            members.append(.init(name, try value(depth: depth + 1)))
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(members) }
            guard take(UInt8(ascii: ",")) else { throw failure("expected a comma or the end of the object") }
        }
    }

    private mutating func array(depth: Int) throws(WireJSONError) -> WireJSON {
        offset += 1
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array([]) }
        var values: [WireJSON] = []
        while true {
            values.append(try value(depth: depth + 1))
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(values) }
            guard take(UInt8(ascii: ",")) else { throw failure("expected a comma or the end of the array") }
        }
    }

    private mutating func string() throws(WireJSONError) -> String {
        offset += 1
        var units: [UInt8] = []
        while let byte = peek {
            offset += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: units, as: UTF8.self) else { throw failure("invalid UTF-8") }
                return text
            case UInt8(ascii: "\\"): units += Array(String(Character(try escaped())).utf8)
            case 0..<0x20: throw failure("control character in a string")
            default: units.append(byte)
            }
        }
        throw failure("unterminated string")
    }

    private static let escapes: [UInt8: Unicode.Scalar] = [
        UInt8(ascii: "\""): "\"", UInt8(ascii: "\\"): "\\", UInt8(ascii: "/"): "/", UInt8(ascii: "b"): "\u{8}", UInt8(ascii: "f"): "\u{c}",
        UInt8(ascii: "n"): "\n", UInt8(ascii: "r"): "\r", UInt8(ascii: "t"): "\t",
    ]

    private mutating func escaped() throws(WireJSONError) -> Unicode.Scalar {
        guard let byte = peek else { throw failure("unterminated string") }
        offset += 1
        if let plain = Self.escapes[byte] { return plain }
        guard byte == UInt8(ascii: "u") else { throw failure("unknown escape") }
        let high = try unit()
        guard (0xD800..<0xDC00).contains(high) else {
            guard let scalar = Unicode.Scalar(UInt32(high)) else { throw failure("half a surrogate pair") }
            return scalar
        }
        guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw failure("half a surrogate pair") }
        let low = try unit()
        guard (0xDC00..<0xE000).contains(low),
            let scalar = Unicode.Scalar(0x10000 + ((UInt32(high) - 0xD800) << 10) + (UInt32(low) - 0xDC00))
        else { throw failure("half a surrogate pair") }
        return scalar
    }

    private mutating func unit() throws(WireJSONError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw failure("bad \\u escape") }
            value = value << 4 | UInt16(digit)
            offset += 1
        }
        return value
    }

    private mutating func number() throws(WireJSONError) -> WireJSON {
        let start = offset
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        return .number(String(decoding: bytes[start..<offset], as: UTF8.self))
    }

    private mutating func digits() throws(WireJSONError) {
        let start = offset
        while let byte = peek, (0x30...0x39).contains(byte) { offset += 1 }
        guard offset > start else { throw failure("unexpected character") }
    }

    private mutating func word(_ text: StaticString, _ value: WireJSON) throws(WireJSONError) -> WireJSON {
        let expected = Array(text.description.utf8)
        guard bytes[offset...].starts(with: expected) else { throw failure("unexpected character") }
        offset += expected.count
        return value
    }

    private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        offset += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
    }

    private func failure(_ message: String) -> WireJSONError { WireJSONError(message: message, offset: offset) }
}
