import StoreContract
import TradingModel

extension JournalEntry {
    public static let columns = ["sequence", "at", "type", "signal_id", "order_id", "account", "data", "hash"]

    public func write(to sink: inout some ColumnSink) {
        sink.add(sequence)
        sink.add(at)
        sink.add(type)
        sink.add(signalID)
        sink.add(orderID)
        sink.add(account)
        sink.add(data)
        sink.add(hash)
    }

    public init(columns source: some ColumnSource) throws {
        var row = ColumnReader(source)
        self.init(
            sequence: try row.integer(), at: try row.time(), type: try row.text(), signalID: try row.optionalID(),
            orderID: try row.optionalID(), account: try row.optionalID(), data: try row.text(), hash: try row.text())
    }
}

extension AlertRecord {
    public static let columns = ["id", "type", "severity", "subject", "message", "count", "first_at", "last_at", "resolved_at"]

    public init(columns source: some ColumnSource) throws {
        var row = ColumnReader(source)
        self.init(
            id: try row.integer(), type: try row.text(), severity: try row.word(), subject: try row.text(), message: try row.text(),
            count: try row.count(), firstAt: try row.time(), lastAt: try row.time(), resolvedAt: try row.optionalTime())
    }
}
