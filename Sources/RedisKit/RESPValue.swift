/// One reply in the protocol of Redis, version 2.
public enum RESPValue: Sendable, Hashable {
    case null
    case status(String)
    /// The server refused the command; nothing was done by it, unless a script broke off half-way.
    case error(String)
    case integer(Int64)
    case bytes([UInt8])
    case array([RESPValue])

    /// The text of bytes, a status or a number.
    public var string: String? {
        switch self {
        case .status(let text): text
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .integer(let value): String(value)
        case .null, .error, .array: nil
        }
    }

    /// A whole number, also one written as text.
    public var integer: Int64? {
        switch self {
        case .integer(let value): value
        default: string.flatMap { Int64($0) }
        }
    }

    public var array: [RESPValue]? { if case .array(let values) = self { values } else { nil } }
    public var error: String? { if case .error(let text) = self { text } else { nil } }
}
