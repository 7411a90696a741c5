import FailPoints
import GRDB
import StoreContract
import StoreKit
import TradingModel

extension StoreTransaction {
    func admit(_ admission: Admission) throws -> AdmissionResult {
        var signal = admission.signal
        signal.copies = 0
        switch AdmissionRules.judge(admission, latest: try latest(source: signal.source, hash: signal.key.hash)) {
        case .conflict(let first): return .conflict(first: first.id)
        case .copy(let first):
            try db.cachedStatement(sql: "UPDATE signals SET copies = copies + 1 WHERE id = ?").execute(arguments: [first.id.rawValue])
            try journal.write(.copy(of: first.id, requestID: signal.requestID), at: signal.receivedAt)
            return .duplicate(first: first.id, first.answer)
        case .new(let occurrence): signal.occurrence = occurrence
        }
        if let rate = admission.rate, let wait = try claimSlot(rate, at: signal.receivedAt) { return .rateLimited(retryAfter: wait) }

        try signal.insert(db)
        try journal.write(.received(signal), at: signal.receivedAt)
        failPoint("store.admit.before_orders")
        for order in admission.orders {
            try AdmissionRules.check(order, of: signal)
            try order.insert(db)
            try journal.write(.admitted(order), at: signal.receivedAt)
        }
        failPoint("store.admit.before_commit")
        return .admitted
    }

    private func latest(source: SourceID, hash: String) throws -> KnownSignal? {
        // Nearly every signal is new; then nothing is read but the index.
        var search = try DirectStatement(db, sql: "SELECT 1 FROM signals WHERE source = ? AND key_hash = ? LIMIT 1")
        search.add(source.rawValue)
        search.add(hash)
        guard try search.run() else { return nil }
        let statement = try db.cachedStatement(
            sql: "SELECT \(KnownSignal.columns.list) FROM signals WHERE source = ? AND key_hash = ? ORDER BY occurrence DESC LIMIT 1")
        return try Row.fetchOne(statement, arguments: [source.rawValue, hash]).map { try KnownSignal(columns: $0) }
    }

    /// Takes a slot of the sliding window, or says when the next becomes free.
    private func claimSlot(_ rule: RateRule, at now: Timestamp) throws -> Duration? {
        do {
            let window = RateWindow(rule, at: now)
            try db.cachedStatement(sql: "DELETE FROM rate_events WHERE key = ? AND (at <= ? OR at > ?)")
                .execute(arguments: [rule.key, window.start.microseconds, window.end.microseconds])
            let count =
                try Int.fetchOne(db.cachedStatement(sql: "SELECT count(*) FROM rate_events WHERE key = ?"), arguments: [rule.key]) ?? 0
            guard let leaving = window.leaving(of: count) else {
                try db.cachedStatement(sql: "INSERT INTO rate_events (key, at) VALUES (?, ?)").execute(arguments: [rule.key, now.microseconds])
                return nil
            }
            let time = try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT at FROM rate_events WHERE key = ? ORDER BY at LIMIT 1 OFFSET ?"), arguments: [rule.key, leaving])
            return window.wait(leaving: time.map { Timestamp(microseconds: $0) })
        } catch { throw StoreError.limiterUnavailable("\(StoreError(storing: error))") }
    }
}
