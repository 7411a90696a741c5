/// Why a payload was refused: a stable code, a sentence, and where.
public struct PayloadProblem: Error, Sendable, Hashable {
    /// Snake case, stable: `invalid_json`, `placeholder_unresolved`, `wrong_type`, …
    public let code: String
    public let message: String
    /// From 1; nil if the problem has no place.
    public let line: Int?
    public let column: Int?
    /// RFC 6901, for example `/quantity`.
    public let pointer: String?
    /// 400 for what cannot be read, 422 for what reads well and means nothing here.
    public let status: Int

    public init(_ code: String, _ message: String, line: Int? = nil, column: Int? = nil, pointer: String? = nil, status: Int = 400) {
        self.code = code
        self.message = message
        self.line = line
        self.column = column
        self.pointer = pointer
        self.status = status
    }
}

/// A value with the byte offset at which it begins.
public struct JSONNode: Sendable, Hashable {
    public enum Content: Sendable, Hashable {
        case null
        case bool(Bool)
        case number(String)
        case string(String)
        case array([JSONNode])
        case object([Member])
    }
    public struct Member: Sendable, Hashable {
        public let key: String
        public let value: JSONNode
    }
    public let content: Content
    public let offset: Int

    public var value: JSONValue {
        switch content {
        case .null: .null
        case .bool(let value): .bool(value)
        case .number(let text): .number(text)
        case .string(let text): .string(text)
        case .array(let nodes): .array(nodes.map(\.value))
        case .object(let members): .object(members.map { JSONValue.Member($0.key, $0.value.value) })
        }
    }
}

/// Reads JSON (RFC 8259) without any leniency: no duplicate keys, no lone surrogates, no byte order mark, nothing after the value.
///
/// Written here because the payload decides about money: errors must name the position, numbers must keep their text, and depth and
/// size must be bounded before anything is built.
public struct StrictJSON {
    public static let maximumDepth = 32
    public static let maximumMembers = 1000
    private static let fewMembers = 16

    private let bytes: [UInt8]
    private var index = 0
    private var members = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    public static func parse(_ bytes: [UInt8]) throws(PayloadProblem) -> JSONNode {
        var parser = StrictJSON(bytes)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { throw parser.problem("begins with a byte order mark; send plain UTF-8") }
        parser.skipSpace()
        guard parser.index < bytes.count else { throw parser.problem("the body is empty; send a JSON object") }
        let node = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.index == bytes.count else { throw parser.problem("unexpected \(parser.shown) after the end of the value") }
        return node
    }

    /// Line and column, from 1, of a byte offset.
    public static func place(of offset: Int, in bytes: [UInt8]) -> (line: Int, column: Int) {
        var line = 1
        var column = 1
        for byte in bytes.prefix(max(offset, 0)) {
            if byte == 0x0A {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        return (line, column)
    }

    private func problem(_ message: String, at offset: Int? = nil, code: String = "invalid_json") -> PayloadProblem {
        let place = StrictJSON.place(of: offset ?? index, in: bytes)
        return PayloadProblem(code, message, line: place.line, column: place.column)
    }

    private var shown: String {
        guard index < bytes.count else { return "end of the body" }
        let byte = bytes[index]
        if byte >= 0x21, byte < 0x7F { return "'\(Character(UnicodeScalar(byte)))'" }
        return "byte 0x" + String(byte, radix: 16)
    }

    private mutating func skipSpace() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, 0x0A, 0x0D: index += 1
            default: return
            }
        }
    }

    private mutating func value(depth: Int) throws(PayloadProblem) -> JSONNode {
        guard depth < StrictJSON.maximumDepth else {
            throw problem("nested deeper than \(StrictJSON.maximumDepth) levels", code: "too_deep")
        }
        let start = index
        guard index < bytes.count else { throw problem("unexpected end of the body, a value is missing") }
        switch bytes[index] {
        case 0x7B: return JSONNode(content: try object(depth: depth), offset: start)
        case 0x5B: return JSONNode(content: try array(depth: depth), offset: start)
        case 0x22: return JSONNode(content: .string(try string()), offset: start)
        case 0x74: return try word("true", .bool(true), start)
        case 0x66: return try word("false", .bool(false), start)
        case 0x6E: return try word("null", .null, start)
        case 0x2D, 0x30...0x39: return JSONNode(content: .number(try number()), offset: start)
        default:
            if bytes[index...].starts(with: Array("NaN".utf8)) {
                throw problem("NaN is not a number: the placeholder had no value; put it in quotes and send a decimal", code: "not_a_number")
            }
            if bytes[index...].starts(with: Array("{{".utf8)) { throw problem("unresolved placeholder", code: "placeholder_unresolved") }
            throw problem("unexpected \(shown), a value is missing")
        }
    }

    private mutating func word(_ text: StaticString, _ content: JSONNode.Content, _ start: Int) throws(PayloadProblem) -> JSONNode {
        let expected = Array(text.description.utf8)
        guard bytes[index...].starts(with: expected) else { throw problem("unexpected \(shown), a value is missing") }
        index += expected.count
        return JSONNode(content: content, offset: start)
    }

    private mutating func object(depth: Int) throws(PayloadProblem) -> JSONNode.Content {
        index += 1
        var found: [JSONNode.Member] = []
        /// The keys so far, once there are many. A few are compared one by one, which costs less than a set.
        var keys: Set<String> = []
        skipSpace()
        if index < bytes.count, bytes[index] == 0x7D {
            index += 1
            return .object([])
        }
        found.reserveCapacity(8)
        while true {
            skipSpace()
            guard index < bytes.count else { throw problem("unexpected end of the body inside an object") }
            if bytes[index] == 0x7B, depth + 1 < StrictJSON.maximumDepth, index + 1 < bytes.count, bytes[index + 1] != 0x22 {
                throw problem("unresolved placeholder", code: "placeholder_unresolved")
            }
            guard bytes[index] == 0x22 else { throw problem("unexpected \(shown), a key in quotes is missing") }
            let keyOffset = index
            let key = try string()
            if found.count == StrictJSON.fewMembers { keys = Set(found.map(\.key)) }
            let isNew = found.count < StrictJSON.fewMembers ? !found.contains { $0.key == key } : keys.insert(key).inserted
            guard isNew else { throw problem("the key \"\(key.prefix(64))\" occurs twice", at: keyOffset, code: "duplicate_key") }
            members += 1
            guard members <= StrictJSON.maximumMembers else { throw problem("more than \(StrictJSON.maximumMembers) values", code: "too_large") }
            skipSpace()
            guard index < bytes.count, bytes[index] == 0x3A else { throw problem("unexpected \(shown), ':' is missing") }
            index += 1
            skipSpace()
            found.append(JSONNode.Member(key: key, value: try value(depth: depth + 1)))
            skipSpace()
            guard index < bytes.count else { throw problem("unexpected end of the body inside an object") }
            switch bytes[index] {
            case 0x2C: index += 1
            case 0x7D:
                index += 1
                return .object(found)
            default: throw problem("unexpected \(shown), ',' or '}' is missing")
            }
        }
    }

    private mutating func array(depth: Int) throws(PayloadProblem) -> JSONNode.Content {
        index += 1
        var found: [JSONNode] = []
        skipSpace()
        if index < bytes.count, bytes[index] == 0x5D {
            index += 1
            return .array([])
        }
        while true {
            skipSpace()
            found.append(try value(depth: depth + 1))
            members += 1
            guard members <= StrictJSON.maximumMembers else { throw problem("more than \(StrictJSON.maximumMembers) values", code: "too_large") }
            skipSpace()
            guard index < bytes.count else { throw problem("unexpected end of the body inside a list") }
            switch bytes[index] {
            case 0x2C: index += 1
            case 0x5D:
                index += 1
                return .array(found)
            default: throw problem("unexpected \(shown), ',' or ']' is missing")
            }
        }
    }

    private mutating func number() throws(PayloadProblem) -> String {
        let start = index
        func isDigit(_ at: Int) -> Bool { at < bytes.count && (0x30...0x39).contains(bytes[at]) }
        if bytes[index] == 0x2D { index += 1 }
        guard isDigit(index) else { throw problem("unexpected \(shown), a digit is missing") }
        if bytes[index] == 0x30, isDigit(index + 1) { throw problem("a number must not begin with 0") }
        while isDigit(index) { index += 1 }
        if index < bytes.count, bytes[index] == 0x2E {
            index += 1
            guard isDigit(index) else { throw problem("unexpected \(shown), a digit is missing after the point") }
            while isDigit(index) { index += 1 }
        }
        if index < bytes.count, bytes[index] == 0x65 || bytes[index] == 0x45 {
            index += 1
            if index < bytes.count, bytes[index] == 0x2B || bytes[index] == 0x2D { index += 1 }
            guard isDigit(index) else { throw problem("unexpected \(shown), a digit is missing in the exponent") }
            while isDigit(index) { index += 1 }
        }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    private mutating func string() throws(PayloadProblem) -> String {
        let start = index
        index += 1
        // Most texts have no escapes and are read where they stand; what stands before the first escape is copied whole.
        let plain = bytes[index...].prefix { $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }
        index = plain.endIndex
        if index < bytes.count, bytes[index] == 0x22 {
            index += 1
            return try text(plain, from: start)
        }
        var out = Array(plain)
        while true {
            guard index < bytes.count else { throw problem("the text that begins here does not end", at: start) }
            let byte = bytes[index]
            switch byte {
            case 0x22:
                index += 1
                return try text(out[...], from: start)
            case 0x5C:
                index += 1
                try escape(into: &out)
            case 0..<0x20: throw problem("control character in a text; write it as an escape")
            default:
                out.append(byte)
                index += 1
            }
        }
    }

    private func text(_ bytes: ArraySlice<UInt8>, from start: Int) throws(PayloadProblem) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw problem("the text that begins here is not valid UTF-8", at: start, code: "invalid_utf8")
        }
        return text
    }

    private mutating func escape(into out: inout [UInt8]) throws(PayloadProblem) {
        guard index < bytes.count else { throw problem("unexpected end of the body in an escape") }
        let byte = bytes[index]
        index += 1
        switch byte {
        case 0x22, 0x5C, 0x2F: out.append(byte)
        case 0x62: out.append(0x08)
        case 0x66: out.append(0x0C)
        case 0x6E: out.append(0x0A)
        case 0x72: out.append(0x0D)
        case 0x74: out.append(0x09)
        case 0x75:
            let first = try hexadecimal()
            var code = UInt32(first)
            if (0xD800...0xDBFF).contains(first) {
                guard index + 1 < bytes.count, bytes[index] == 0x5C, bytes[index + 1] == 0x75 else { throw problem("half of a surrogate pair") }
                index += 2
                let second = try hexadecimal()
                guard (0xDC00...0xDFFF).contains(second) else { throw problem("half of a surrogate pair") }
                code = 0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00)
            }
            guard let scalar = UnicodeScalar(code) else { throw problem("half of a surrogate pair") }
            out.append(contentsOf: Array(String(Character(scalar)).utf8))
        default:
            index -= 1
            throw problem("unknown escape \(shown)")
        }
    }

    private mutating func hexadecimal() throws(PayloadProblem) -> UInt16 {
        guard index + 4 <= bytes.count else { throw problem("unexpected end of the body in an escape") }
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = Character(UnicodeScalar(bytes[index])).hexDigitValue else { throw problem("unexpected \(shown) in an escape") }
            value = value << 4 | UInt16(digit)
            index += 1
        }
        return value
    }
}
