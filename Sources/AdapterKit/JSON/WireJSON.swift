/// JSON as a venue writes it: numbers keep their text, so that a price never passes through binary floating point.
public enum WireJSON: Sendable, Hashable {
    case null
    case boolean(Bool)
    /// The number's own text, for example `21250.25` or `1e-7`.
    case number(String)
    case string(String)
    case array([WireJSON])
    /// In the order of the text.
    case object([Member])

    public struct Member: Sendable, Hashable {
        public let name: String
        public let value: WireJSON
        public init(_ name: String, _ value: WireJSON) {
            self.name = name
            self.value = value
        }
    }

    public static func object(_ members: KeyValuePairs<String, WireJSON>) -> WireJSON {
        .object(members.map { Member($0.key, $0.value) })
    }

    /// The member of an object; nil for any other value. `null` reads as absent.
    public subscript(name: String) -> WireJSON? {
        guard case .object(let members) = self, let value = members.last(where: { $0.name == name })?.value, value != .null else { return nil }
        return value
    }

    public var string: String? { if case .string(let text) = self { text } else { nil } }
    public var boolean: Bool? { if case .boolean(let value) = self { value } else { nil } }
    public var array: [WireJSON]? { if case .array(let values) = self { values } else { nil } }
    public var members: [Member]? { if case .object(let members) = self { members } else { nil } }

    /// A whole number that fits, written without fraction and exponent.
    public var integer: Int64? { if case .number(let text) = self { Int64(text) } else { nil } }

    /// The text of a number, or of a string: venues differ in how they write amounts.
    public var decimalText: String? {
        switch self {
        case .number(let text), .string(let text): text
        default: nil
        }
    }

    /// The object with a member added at its end.
    public func adding(_ name: String, _ value: WireJSON) -> WireJSON {
        guard case .object(let members) = self else { return self }
        return .object(members + [Member(name, value)])
    }

    // MARK: Writing

    /// Compact JSON text.
    public var text: String {
        var output = ""
        write(to: &output)
        return output
    }

    private func write(to output: inout String) {
        switch self {
        case .null: output += "null"
        case .boolean(let value): output += value ? "true" : "false"
        case .number(let text): output += text
        case .string(let text): Self.write(text, to: &output)
        case .array(let values):
            output += "["
            for (index, value) in values.enumerated() {
                if index > 0 { output += "," }
                value.write(to: &output)
            }
            output += "]"
        case .object(let members):
            output += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { output += "," }
                Self.write(member.name, to: &output)
                output += ":"
                member.value.write(to: &output)
            }
            output += "}"
        }
    }

    private static func write(_ text: String, to output: inout String) {
        output += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                output += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: output.unicodeScalars.append(scalar)
            }
        }
        output += "\""
    }
}

extension WireJSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .number(String(value)) }
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
    public static func integer(_ value: some BinaryInteger) -> WireJSON { .number(String(value)) }
}
