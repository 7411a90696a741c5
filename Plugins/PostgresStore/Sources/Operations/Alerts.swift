import PostgresKit
import StoreContract
import StoreKit
import TradingModel

extension WriteTransaction {
    /// Opens the alert or counts it up; its severity never falls while it is open.
    func raise(_ draft: AlertDraft, at: Timestamp) async throws {
        let row = try await ask(
            "SELECT id, severity, count FROM alerts WHERE type = $1 AND subject = $2 AND resolved_at IS NULL FOR UPDATE",
            [.text(draft.type), .text(draft.subject)]
        ).first
        var count: Int64 = 1
        if let row {
            count = try row.integer(2) + 1
            let id = try row.integer(0)
            let severity = max(draft.severity, AlertSeverity(rawValue: try row.text(1)) ?? .critical)
            let newCount = count
            try await write("UPDATE alerts SET severity = $1, message = $2, count = $3, last_at = $4 WHERE id = $5", rows: 1) {
                $0.add(word: severity)
                $0.add(draft.message)
                $0.add(newCount)
                $0.add(at)
                $0.add(id)
            }
        } else {
            try await write(
                "INSERT INTO alerts (type, severity, subject, message, count, first_at, last_at) VALUES ($1, $2, $3, $4, 1, $5, $5)", rows: 1
            ) {
                $0.add(draft.type)
                $0.add(word: draft.severity)
                $0.add(draft.subject)
                $0.add(draft.message)
                $0.add(at)
            }
        }
        try await note(.raised(draft, count: count), at: at)
    }

    func resolveAlert(type: String, subject: String, at: Timestamp) async throws {
        let result = try await ask(
            "UPDATE alerts SET resolved_at = $1 WHERE type = $2 AND subject = $3 AND resolved_at IS NULL",
            [.integer(at.microseconds), .text(type), .text(subject)])
        if result.affected > 0 { try await note(.resolvedAlert(type: type, subject: subject), at: at) }
    }
}
