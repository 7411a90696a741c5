import GRDB
import StoreContract
import StoreKit
import TradingModel

extension StoreTransaction {
    /// Opens the alert or counts it up; its severity never falls while it is open.
    func raise(_ draft: AlertDraft, at: Timestamp) throws {
        let statement = try db.cachedStatement(
            sql: "SELECT id, severity, count FROM alerts WHERE type = ? AND subject = ? AND resolved_at IS NULL")
        var count: Int64 = 1
        if let row = try Row.fetchOne(statement, arguments: [draft.type, draft.subject]) {
            count = (row[2] as Int64) + 1
            let severity = max(draft.severity, try row.word(1, as: AlertSeverity.self))
            try db.cachedStatement(sql: "UPDATE alerts SET severity = ?, message = ?, count = ?, last_at = ? WHERE id = ?")
                .execute(arguments: [severity.rawValue, draft.message, count, at.microseconds, row[0] as Int64])
        } else {
            try db.cachedStatement(
                sql: "INSERT INTO alerts (type, severity, subject, message, count, first_at, last_at) VALUES (?, ?, ?, ?, 1, ?, ?)"
            ).execute(arguments: [draft.type, draft.severity.rawValue, draft.subject, draft.message, at.microseconds, at.microseconds])
        }
        try journal.write(.raised(draft, count: count), at: at)
    }

    func resolveAlert(type: String, subject: String, at: Timestamp) throws {
        try db.cachedStatement(sql: "UPDATE alerts SET resolved_at = ? WHERE type = ? AND subject = ? AND resolved_at IS NULL")
            .execute(arguments: [at.microseconds, type, subject])
        guard db.changesCount > 0 else { return }
        try journal.write(.resolvedAlert(type: type, subject: subject), at: at)
    }
}
