import PostgresKit
import StoreKit
import TradingModel

/// Reads a row's columns one after the other, so that no number of a column stands anywhere.
struct ColumnReader {
    private let row: PostgresRow
    private var column: Int

    init(_ row: PostgresRow, from column: Int = 0) {
        self.row = row
        self.column = column
    }

    private mutating func next() -> Int {
        defer { column += 1 }
        return column
    }

    mutating func optionalText() -> String? { row.optionalText(next()) }
    mutating func text() throws -> String { try row.text(next()) }
    mutating func optionalInteger() throws -> Int64? { try row.optionalInteger(next()) }
    mutating func integer() throws -> Int64 { try row.integer(next()) }
    mutating func count() throws -> Int { Int(try integer()) }
    mutating func flag() throws -> Bool { try row.flag(next()) }
    mutating func id<I: Identifier>() throws -> I { I(rawValue: try text()) }
    mutating func optionalID<I: Identifier>() -> I? { optionalText().map { I(rawValue: $0) } }
    mutating func decimal<D: ExactDecimal>() throws -> D { try D(try text()) }
    mutating func optionalDecimal<D: ExactDecimal>() throws -> D? { try optionalText().map { try D($0) } }
    mutating func time() throws -> Timestamp { Timestamp(microseconds: try integer()) }
    mutating func optionalTime() throws -> Timestamp? { try optionalInteger().map { Timestamp(microseconds: $0) } }

    mutating func word<W: RawRepresentable<String>>() throws -> W { try Self.word(try text()) }
    mutating func optionalWord<W: RawRepresentable<String>>() throws -> W? { try optionalText().map { try Self.word($0) } }

    private static func word<W: RawRepresentable<String>>(_ text: String) throws -> W {
        guard let word = W(rawValue: text) else { throw UnreadableValue("unknown \(W.self) in the store: \(text.prefix(40))") }
        return word
    }
}
