import TradingModel

/// One row as a database returned it; columns count from 0.
public protocol ColumnSource {
    /// Nil for NULL.
    func storedText(_ column: Int) throws -> String?
    func storedInteger(_ column: Int) throws -> Int64?
    func storedFlag(_ column: Int) throws -> Bool
}

/// A stored value that this version cannot read: the row is damaged or from another program.
public struct UnreadableValue: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

/// Reads a row's columns one after the other, so that no number of a column stands anywhere.
public struct ColumnReader<Source: ColumnSource> {
    private let source: Source
    private var column: Int

    public init(_ source: Source, from column: Int = 0) {
        self.source = source
        self.column = column
    }

    private mutating func next() -> Int {
        defer { column += 1 }
        return column
    }

    public mutating func optionalText() throws -> String? { try source.storedText(next()) }

    public mutating func text() throws -> String {
        guard let text = try optionalText() else { throw UnreadableValue("column \(column - 1) is NULL") }
        return text
    }

    public mutating func optionalInteger() throws -> Int64? { try source.storedInteger(next()) }

    public mutating func integer() throws -> Int64 {
        guard let number = try optionalInteger() else { throw UnreadableValue("column \(column - 1) is NULL") }
        return number
    }

    public mutating func count() throws -> Int { Int(try integer()) }
    public mutating func flag() throws -> Bool { try source.storedFlag(next()) }
    public mutating func id<I: Identifier>() throws -> I { I(rawValue: try text()) }
    public mutating func optionalID<I: Identifier>() throws -> I? { try optionalText().map { I(rawValue: $0) } }
    public mutating func decimal<D: ExactDecimal>() throws -> D { try D(try text()) }
    public mutating func optionalDecimal<D: ExactDecimal>() throws -> D? { try optionalText().map { try D($0) } }
    public mutating func time() throws -> Timestamp { Timestamp(microseconds: try integer()) }
    public mutating func optionalTime() throws -> Timestamp? { try optionalInteger().map { Timestamp(microseconds: $0) } }

    public mutating func word<W: RawRepresentable<String>>() throws -> W {
        let text = try text()
        guard let word = W(rawValue: text) else { throw UnreadableValue("unknown \(W.self) in the store: \(text.prefix(40))") }
        return word
    }
}

extension Array<String> {
    /// `a, b, c`.
    public var list: String { joined(separator: ", ") }
}
