import FailPoints
import Foundation
import GRDB
import StoreContract
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
            if let first = try latest(source: signal.source, keyHash) {
                if let result = try copy(signal, of: first, window: admission.window) { return result }
                signal.occurrence = first.occurrence + 1
            }
            if let rate = admission.rate, let wait = try claimSlot(rate, at: signal.receivedAt) { return .rateLimited(retryAfter: wait) }
            try signal.insert(with: &statements.signal, keyHash: keyHash)
        }
        try journal.write(signal.receivedLine, at: signal.receivedAt)
        failPoint("store.admit.before_orders")
        for order in admission.orders {
            try check(order, of: signal, among: admission.orders)
            let requestedQuantity = order.requestedQuantity.description
            try order.insert(with: &statements.order, requestedQuantity: requestedQuantity)
            try journal.write(order.admittedLine(requestedQuantity), at: signal.receivedAt)
        }
        failPoint("store.admit.before_commit")
        return .admitted
    }

    func recall(_ signal: SignalRecord, window: Duration) throws -> AdmissionResult? {
        guard let first = try latest(source: signal.source, try StoredHash.bytes(signal.key.hash)) else { return nil }
        return try copy(signal, of: first, window: window)
    }

    /// What the signal is to the last one with its key; nil if it acts anew.
    private func copy(_ signal: SignalRecord, of first: First, window: Duration) throws -> AdmissionResult? {
        guard signal.key.isExplicit || first.isExplicit || signal.receivedAt - first.receivedAt < window else { return nil }
        guard !signal.key.isExplicit || first.bodyHash == signal.bodyHash else { return .conflict(first: first.id) }
        return try countCopy(of: first, at: signal.receivedAt, requestID: signal.requestID)
    }

    /// Stores the first occurrence of a key; false if the key is known.
    private func insertIfNew(_ signal: SignalRecord, _ keyHash: [UInt8]) throws -> Bool {
        try signal.insert(with: &statements.newSignal, keyHash: keyHash)
        return db.changesCount == 1
    }

    private struct First {
        let id: SignalID
        let occurrence: Int
        let bodyHash: String
        let isExplicit: Bool
        let receivedAt: Timestamp
        let answer: StoredAnswer
    }

    private func latest(source: SourceID, _ keyHash: [UInt8]) throws -> First? {
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
            First(
                id: row.identifier(0), occurrence: row[1], bodyHash: row.hash(2), isExplicit: row[3], receivedAt: row.time(4),
                answer: StoredAnswer(status: row[5], body: row[6]))
        }
    }

    private func countCopy(of first: First, at: Timestamp, requestID: String) throws -> AdmissionResult {
        try db.cachedStatement(sql: "UPDATE signals SET copies = copies + 1 WHERE id = ?").execute(arguments: [first.id.rawValue])
        var data = JournalData()
        data.add("request_id", requestID)
        try journal.write(JournalDraft(type: "signal.duplicate", signalID: first.id, data: data.json()), at: at)
        return .duplicate(first: first.id, first.answer)
    }

    /// Takes a slot of the sliding window, or says when the next becomes free.
    ///
    /// A wall clock that was set back further than the interval leaves events in the far future; they are dropped, or they would
    /// block for as long as the clock was set back.
    private func claimSlot(_ rule: RateRule, at now: Timestamp) throws -> Duration? {
        do {
            let oldest = (now - rule.interval).microseconds
            try db.cachedStatement(sql: "DELETE FROM rate_events WHERE key = ? AND (at <= ? OR at > ?)")
                .execute(arguments: [rule.key, oldest, (now + rule.interval).microseconds])
            let count =
                try Int.fetchOne(db.cachedStatement(sql: "SELECT count(*) FROM rate_events WHERE key = ?"), arguments: [rule.key]) ?? 0
            guard count >= rule.limit else {
                try db.cachedStatement(sql: "INSERT INTO rate_events (key, at) VALUES (?, ?)").execute(arguments: [rule.key, now.microseconds])
                return nil
            }
            // The event whose leaving brings the count below the limit.
            let leaving = try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT at FROM rate_events WHERE key = ? ORDER BY at LIMIT 1 OFFSET ?"),
                arguments: [rule.key, count - max(rule.limit, 1)])
            guard rule.limit > 0, let leaving else { return rule.interval }
            return min(rule.interval, Timestamp(microseconds: leaving) + rule.interval - now)
        } catch { throw StoreError.limiterUnavailable("\(StoreError(storing: error))") }
    }

    private func check(_ order: OrderRecord, of signal: SignalRecord, among orders: [OrderRecord]) throws(StoreError) {
        try checkBracket(order, among: orders)
        guard order.signalID == signal.id else { throw .refused("order \(order.id) names another signal") }
        guard order.attempts == 0, order.version == 1, order.filledQuantity.isZero else { throw .refused("order \(order.id) is not new") }
        switch order.state {
        case .queued, .skipped, .blocked, .stale: break
        default: throw .refused("a new order cannot be \(order.state.rawValue)")
        }
    }

    /// An entry comes with exactly the legs that its bracket names, and a leg with its entry.
    private func checkBracket(_ order: OrderRecord, among orders: [OrderRecord]) throws(StoreError) {
        if let bracket = order.bracket {
            let legs = orders.filter { $0.entryID == order.id }
            guard legs.compactMap(\.bracketRole).sorted(by: { $0.rawValue < $1.rawValue }) == bracket.roles else {
                throw .refused("the legs of order \(order.id) are not those of its bracket")
            }
        }
        guard let role = order.bracketRole else { return }
        guard let entry = orders.first(where: { $0.id == order.entryID }), entry.account == order.account, entry.symbol == order.symbol,
            entry.side == order.side.opposite, entry.state == order.state, entry.clientOrderID.leg(role) == order.clientOrderID,
            entry.bracket?.price(role) == (role == .stopLoss ? order.stopPrice : order.limitPrice)
        else { throw .refused("order \(order.id) is no leg of an entry that is admitted with it") }
    }
}

extension SignalRecord {
    fileprivate var receivedLine: JournalDraft {
        var data = JournalData()
        data.add("source", source.rawValue)
        data.add("verdict", verdict.rawValue)
        data.add("strategy", strategy?.rawValue)
        data.add("occurrence", Int64(occurrence))
        data.add("request_id", requestID)
        return JournalDraft(type: "signal.received", signalID: id, data: data.json())
    }
}

extension OrderRecord {
    fileprivate func admittedLine(_ requestedQuantity: String) -> JournalDraft {
        var data = JournalData()
        data.add("strategy", strategy.rawValue)
        data.add("symbol", symbol.rawValue)
        data.add("side", side.rawValue)
        data.add("type", type.rawValue)
        data.add("requested_quantity", requestedQuantity)
        data.add("client_order_id", clientOrderID.rawValue)
        data.add("role", bracketRole?.rawValue)
        data.add("entry_id", entryID?.rawValue)
        data.add("stop_loss", bracket?.stopLoss?.description)
        data.add("take_profit", bracket?.takeProfit?.description)
        data.add("reason", reason)
        return JournalDraft(type: "order.\(state.rawValue)", signalID: signalID, orderID: id, account: account, data: data.json())
    }
}
