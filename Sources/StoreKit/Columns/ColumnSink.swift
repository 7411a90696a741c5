import TradingModel

/// Takes the values of one row, in the order of its columns.
public protocol ColumnSink {
    mutating func add(_ text: String)
    mutating func add(_ number: Int64)
    mutating func add(_ flag: Bool)
    mutating func addNull()
}

extension ColumnSink {
    public mutating func add(_ text: String?) {
        if let text { add(text) } else { addNull() }
    }
    public mutating func add(_ number: Int64?) {
        if let number { add(number) } else { addNull() }
    }
    public mutating func add(_ number: Int) { add(Int64(number)) }
    public mutating func add<I: Identifier>(_ id: I) { add(id.rawValue) }
    public mutating func add<I: Identifier>(_ id: I?) { add(id?.rawValue) }
    public mutating func add<D: ExactDecimal>(_ amount: D) { add(amount.description) }
    public mutating func add<D: ExactDecimal>(_ amount: D?) { add(amount?.description) }
    public mutating func add(_ time: Timestamp) { add(time.microseconds) }
    public mutating func add(_ time: Timestamp?) { add(time?.microseconds) }
    public mutating func add(word: some RawRepresentable<String>) { add(word.rawValue) }
}
