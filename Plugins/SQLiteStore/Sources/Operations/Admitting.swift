import FailPoints
import Foundation
import GRDB
import StoreContract
import StoreKit
import TradingModel

extension StoreTransaction {
    func admit(_ admission: Admission) throws -> AdmissionResult {
        var signal = admission.signal
        signal.occurrence = 1
        signal.copies = 0
        let keyHash = try StoredHash.bytes(signal.key.hash)
        // Nearly every signal is new. Where no slot has to be claimed before it is stored, storing it finds that out.
        let isStored = admission.rate == nil ? try insertIfNew(signal, keyHash) : false
        if !isStored {
            let known = try latest(source: signal.source, keyHash)
            switch AdmissionRules.judge(signal, window: admission.window, latest: known) {
            case .conflict(let first): return .conflict(first: first.id)
            case .copy(let first): return try countCopy(of: first, at: signal.receivedAt, requestID: signal.requestID)
            case .new(let occurrence): signal.occurrence = occurrence
            }
            if let rate = admission.rate, let wait = try claimSlot(rate, at: signal.receivedAt) { return .rateLimited(retryAfter: wait) }
            try signal.insert(with: &statements.signal, keyHash: keyHash)
        }
        try journal.write(.received(signal), at: signal.receivedAt)
        failPoint("store.admit.before_orders")
        for order in admission.orders {
            try AdmissionRules.check(order, of: signal, among: admission.orders)
            let requestedQuantity = order.requestedQuantity.description
            try order.insert(with: &statements.order, requestedQuantity: requestedQuantity)
            try journal.write(.admitted(order, requestedQuantity: requestedQuantity), at: signal.receivedAt)
        }
        failPoint("store.admit.before_commit")
        return .admitted
    }

    func recall(_ signal: SignalRecord, window: Duration) throws -> AdmissionResult? {
        let known = try latest(source: signal.source, try StoredHash.bytes(signal.key.hash))
        switch AdmissionRules.judge(signal, window: window, latest: known) {
        case .new: return nil
        case .conflict(let first): return .conflict(first: first.id)
        case .copy(let first): return try countCopy(of: first, at: signal.receivedAt, requestID: signal.requestID)
        }
    }

    /// Stores the first occurrence of a key; false if the key is known.
    private func insertIfNew(_ signal: SignalRecord, _ keyHash: [UInt8]) throws -> Bool {
        try signal.insert(with: &statements.newSignal, keyHash: keyHash)
        return db.changesCount == 1
    }

    private func latest(source: SourceID, _ keyHash: [UInt8]) throws -> KnownSignal? {
        // Nearly every signal is new; then nothing is read but the index.
        statements.key.add(source.rawValue)
        statements.key.add(blob: keyHash)
        guard try statements.key.run() else { return nil }
        let statement = try db.cachedStatement(
            sql: """
                SELECT id, occurrence, body_hash, key_is_explicit, received_at, answer_status, answer_body FROM signals
                WHERE source = ? AND key_hash = ? ORDER BY occurrence DESC LIMIT 1
                """)
        return try Row.fetchOne(statement, arguments: [source.rawValue, Data(keyHash)]).map { row in
            KnownSignal(
                id: row.identifier(0), occurrence: row[1], bodyHash: row.hash(2), isExplicit: row[3], receivedAt: row.time(4),
                answer: StoredAnswer(status: row[5], body: row[6]))
        }
    }

    private func countCopy(of first: KnownSignal, at: Timestamp, requestID: String) throws -> AdmissionResult {
        try db.cachedStatement(sql: "UPDATE signals SET copies = copies + 1 WHERE id = ?").execute(arguments: [first.id.rawValue])
        try journal.write(.copy(of: first.id, requestID: requestID), at: at)
        return .duplicate(first: first.id, first.answer)
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
            let at = try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT at FROM rate_events WHERE key = ? ORDER BY at LIMIT 1 OFFSET ?"), arguments: [rule.key, leaving])
            return window.wait(leaving: at.map { Timestamp(microseconds: $0) })
        } catch { throw StoreError.limiterUnavailable("\(StoreError(storing: error))") }
    }
}
