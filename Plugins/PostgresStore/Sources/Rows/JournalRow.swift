import PostgresKit
import StoreContract
import StoreKit
import TradingModel

extension JournalEntry {
    static let columns = ["sequence", "at", "type", "signal_id", "order_id", "account", "data", "hash"]

    func write(to sink: inout ValueList) {
        sink.add(sequence)
        sink.add(at)
        sink.add(type)
        sink.add(signalID)
        sink.add(orderID)
        sink.add(account)
        sink.add(data)
        sink.add(hash)
    }

    init(row source: PostgresRow) throws {
        var row = ColumnReader(source)
        self.init(
            sequence: try row.integer(), at: try row.time(), type: try row.text(), signalID: row.optionalID(),
            orderID: row.optionalID(), account: row.optionalID(), data: try row.text(), hash: try row.text())
    }
}

extension AlertRecord {
    static let columns = ["id", "type", "severity", "subject", "message", "count", "first_at", "last_at", "resolved_at"]

    init(row source: PostgresRow) throws {
        var row = ColumnReader(source)
        self.init(
            id: try row.integer(), type: try row.text(), severity: try row.word(), subject: try row.text(), message: try row.text(),
            count: try row.count(), firstAt: try row.time(), lastAt: try row.time(), resolvedAt: try row.optionalTime())
    }
}
