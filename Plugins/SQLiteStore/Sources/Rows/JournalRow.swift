import GRDB
import StoreContract
import TradingModel

extension JournalEntry {
    static let columns = "sequence, at, type, signal_id, order_id, account, data, hash"

    init(row: Row) {
        self.init(
            sequence: row[0], at: row.time(1), type: row[2], signalID: row.optionalIdentifier(3), orderID: row.optionalIdentifier(4),
            account: row.optionalIdentifier(5), data: row[6], hash: row.hash(7))
    }
}

extension AlertRecord {
    static let columns = "id, type, severity, subject, message, count, first_at, last_at, resolved_at"

    init(row: Row) throws {
        self.init(
            id: row[0], type: row[1], severity: try row.word(2), subject: row[3], message: row[4], count: row[5], firstAt: row.time(6),
            lastAt: row.time(7), resolvedAt: row.optionalTime(8))
    }
}
