import PostgresKit
import StoreContract
import TradingModel

/// The values of one row, gathered in the order of its columns.
struct ValueList {
    private(set) var values: [PostgresValue] = []

    mutating func add(_ text: String) { values.append(.text(text)) }
    mutating func add(_ text: String?) { values.append(PostgresValue(text)) }
    mutating func add(_ number: Int64) { values.append(.integer(number)) }
    mutating func add(_ number: Int64?) { values.append(PostgresValue(number)) }
    mutating func add(_ number: Int) { add(Int64(number)) }
    mutating func add(_ flag: Bool) { values.append(.flag(flag)) }
    mutating func add<I: Identifier>(_ id: I) { add(id.rawValue) }
    mutating func add<I: Identifier>(_ id: I?) { add(id?.rawValue) }
    mutating func add<D: ExactDecimal>(_ amount: D) { add(amount.description) }
    mutating func add<D: ExactDecimal>(_ amount: D?) { add(amount?.description) }
    mutating func add(_ time: Timestamp) { add(time.microseconds) }
    mutating func add(_ time: Timestamp?) { add(time?.microseconds) }
    mutating func add(word: some RawRepresentable<String>) { add(word.rawValue) }

    static func filled(_ fill: (inout ValueList) throws -> Void) rethrows -> [PostgresValue] {
        var list = ValueList()
        list.values.reserveCapacity(40)
        try fill(&list)
        return list.values
    }
}

/// An insertion of one row with all its columns.
func insertStatement(into table: String, _ columns: [String]) -> String {
    "INSERT INTO \(table) (\(columns.list)) VALUES (\(columns.indices.map { "$\($0 + 1)" }.list))"
}

/// An array of texts as Postgres reads it; the value is one parameter, `= ANY ($1::text[])`.
func textArray(_ texts: [String]) -> PostgresValue {
    let quoted = texts.map { "\"" + $0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\"" }
    return .text("{\(quoted.joined(separator: ","))}")
}

extension [String] {
    /// `a, b, c`.
    var list: String { joined(separator: ", ") }
}
