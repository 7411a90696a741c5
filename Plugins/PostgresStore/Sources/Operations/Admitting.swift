import FailPoints
import PostgresKit
import StoreContract
import StoreKit
import TradingModel

extension SignalRecord {
    fileprivate static let insertion = insertStatement(into: "signals", columns)
}

extension OrderRecord {
    static let insertion = insertStatement(into: "orders", columns)
}

extension WriteTransaction {
    func admit(_ admission: Admission) async throws -> AdmissionResult {
        var signal = admission.signal
        signal.copies = 0
        switch AdmissionRules.judge(signal, window: admission.window, latest: try await latestSignal(SignalKeyID(signal))) {
        case .conflict(let first): return .conflict(first: first.id)
        case .copy(let first): return try await countCopy(of: first, signal)
        case .new(let occurrence): signal.occurrence = occurrence
        }
        if let rate = admission.rate, let wait = try await claimSlot(rate, at: signal.receivedAt) { return .rateLimited(retryAfter: wait) }

        try await write(SignalRecord.insertion, rows: 1) { signal.write(to: &$0) }
        noteSignal(signal)
        try await note(.received(signal), at: signal.receivedAt)
        failPoint("store.admit.before_orders")
        for order in admission.orders {
            try AdmissionRules.check(order, of: signal, among: admission.orders)
            try await write(OrderRecord.insertion, rows: 1) { try order.write(to: &$0) }
            try await note(.admitted(order, requestedQuantity: order.requestedQuantity.description), at: signal.receivedAt)
        }
        failPoint("store.admit.before_commit")
        return .admitted
    }

    func recall(_ signal: SignalRecord, window: Duration) async throws -> AdmissionResult? {
        switch AdmissionRules.judge(signal, window: window, latest: try await latestSignal(SignalKeyID(signal))) {
        case .new: return nil
        case .conflict(let first): return .conflict(first: first.id)
        case .copy(let first): return try await countCopy(of: first, signal)
        }
    }

    private func countCopy(of first: KnownSignal, _ signal: SignalRecord) async throws -> AdmissionResult {
        try await write("UPDATE signals SET copies = copies + 1 WHERE id = $1", rows: 1) { $0.add(first.id) }
        try await note(.copy(of: first.id, requestID: signal.requestID), at: signal.receivedAt)
        return .duplicate(first: first.id, first.answer)
    }

    /// Takes a slot of the sliding window, or says when the next becomes free.
    private func claimSlot(_ rule: RateRule, at now: Timestamp) async throws -> Duration? {
        // What others put off must not fail here, or it would be taken for the limiter's failure.
        try await flush()
        let window = RateWindow(rule, at: now)
        do {
            let results = try await ask([
                PostgresStatement(
                    "DELETE FROM rate_events WHERE key = $1 AND (at <= $2 OR at > $3)",
                    [.text(rule.key), .integer(window.start.microseconds), .integer(window.end.microseconds)]),
                PostgresStatement("SELECT count(*) FROM rate_events WHERE key = $1", [.text(rule.key)]),
            ])
            let count = Int(try results.last?.first?.integer(0) ?? 0)
            guard let leaving = window.leaving(of: count) else {
                _ = try await ask("INSERT INTO rate_events (key, at) VALUES ($1, $2)", [.text(rule.key), .integer(now.microseconds)])
                return nil
            }
            let row = try await ask(
                "SELECT at FROM rate_events WHERE key = $1 ORDER BY at LIMIT 1 OFFSET $2", [.text(rule.key), .integer(Int64(leaving))]
            ).first
            return window.wait(leaving: try row.map { Timestamp(microseconds: try $0.integer(0)) })
        } catch let error as PostgresError where error.state?.isRepeatable == false {
            throw StoreError.limiterUnavailable("\(error)")
        }
    }
}
