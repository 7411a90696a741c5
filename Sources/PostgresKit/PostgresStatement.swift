/// One SQL statement with its values, which travel beside it as text.
public struct PostgresStatement: Sendable {
    public let sql: String
    public private(set) var values: [PostgresValue]
    /// Whether the connection keeps it prepared. Only for texts of which a program has few.
    let isPrepared: Bool
    /// Whether its success ends a transaction for good.
    let isCommit: Bool

    public init(_ sql: String, _ values: [PostgresValue] = [], isPrepared: Bool = true) {
        self.init(sql, values, isPrepared: isPrepared, isCommit: false)
    }

    init(_ sql: String, _ values: [PostgresValue], isPrepared: Bool, isCommit: Bool) {
        self.sql = sql
        self.values = values
        self.isPrepared = isPrepared
        self.isCommit = isCommit
    }

    static let begin = PostgresStatement("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", [], isPrepared: false, isCommit: false)
    static let commit = PostgresStatement("COMMIT", [], isPrepared: false, isCommit: true)
    static let rollback = PostgresStatement("ROLLBACK", [], isPrepared: false, isCommit: false)
}

/// A value of a statement. Decimals and times travel as their text.
public enum PostgresValue: Sendable, Hashable, ExpressibleByStringLiteral, ExpressibleByNilLiteral {
    case null
    case text(String)
    case integer(Int64)
    case flag(Bool)

    public init(stringLiteral value: String) { self = .text(value) }
    public init(nilLiteral: ()) { self = .null }
    public init(_ text: String?) { self = text.map { .text($0) } ?? .null }
    public init(_ number: Int64?) { self = number.map { .integer($0) } ?? .null }
}

/// The values of one statement as C strings in one buffer.
struct ValueBuffer {
    private var bytes: [UInt8] = []
    private var offsets: [Int?] = []

    /// Nil if a text holds the character NUL, at which C would cut it off.
    init?(_ values: [PostgresValue]) {
        offsets.reserveCapacity(values.count)
        bytes.reserveCapacity(values.count * 24)
        for value in values {
            switch value {
            case .null: offsets.append(nil)
            case .text(let text):
                offsets.append(bytes.count)
                bytes.append(contentsOf: text.utf8)
                if let start = offsets.last ?? nil, bytes[start...].contains(0) { return nil }
                bytes.append(0)
            case .integer(let number):
                offsets.append(bytes.count)
                bytes.append(contentsOf: String(number).utf8)
                bytes.append(0)
            case .flag(let flag):
                offsets.append(bytes.count)
                bytes.append(contentsOf: [flag ? UInt8(ascii: "t") : UInt8(ascii: "f"), 0])
            }
        }
    }

    func withPointers<R>(_ body: (CInt, UnsafePointer<UnsafePointer<CChar>?>?) -> R) -> R {
        bytes.withUnsafeBytes { buffer in
            let base = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            let pointers = offsets.map { offset in offset.flatMap { base?.advanced(by: $0) } }
            return pointers.withUnsafeBufferPointer { body(CInt(pointers.count), $0.baseAddress) }
        }
    }
}
