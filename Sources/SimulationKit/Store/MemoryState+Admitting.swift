import StoreContract
import StoreKit
import TradingModel

extension MemoryState {
    mutating func admit(_ admission: Admission) throws(StoreError) -> AdmissionResult {
        var signal = admission.signal
        signal.occurrence = 1
        signal.copies = 0
        _ = try StoredHash.bytes(signal.key.hash)
        _ = try StoredHash.bytes(signal.bodyHash)
        if !plants.contains(.duplicateCheckOff) {
            switch AdmissionRules.judge(signal, window: admission.window, latest: latest(of: signal)) {
            case .conflict(let first): return .conflict(first: first.id)
            case .copy(let first): return try countCopy(of: first, at: signal.receivedAt, requestID: signal.requestID)
            case .new(let occurrence): signal.occurrence = occurrence
            }
        }
        if let rate = admission.rate, let wait = try claimSlot(rate, at: signal.receivedAt) { return .rateLimited(retryAfter: wait) }
        guard signalIndex[signal.id] == nil else { throw .refused("signal \(signal.id) is there already") }
        signalIndex[signal.id] = signals.count
        latestOfKey[Key(source: signal.source, hash: signal.key.hash)] = signals.count
        signals.append(signal)
        try write(.received(signal), at: signal.receivedAt)
        for order in admission.orders {
            try AdmissionRules.check(order, of: signal, among: admission.orders)
            try insert(order)
            try write(.admitted(order, requestedQuantity: order.requestedQuantity.description), at: signal.receivedAt)
        }
        return .admitted
    }

    mutating func recall(_ signal: SignalRecord, window: Duration) throws(StoreError) -> AdmissionResult? {
        _ = try StoredHash.bytes(signal.key.hash)
        switch AdmissionRules.judge(signal, window: window, latest: latest(of: signal)) {
        case .new: return nil
        case .conflict(let first): return .conflict(first: first.id)
        case .copy(let first): return try countCopy(of: first, at: signal.receivedAt, requestID: signal.requestID)
        }
    }

    private func latest(of signal: SignalRecord) -> KnownSignal? {
        latestOfKey[Key(source: signal.source, hash: signal.key.hash)].map { index in
            let known = signals[index]
            return KnownSignal(
                id: known.id, occurrence: known.occurrence, bodyHash: known.bodyHash, isExplicit: known.key.isExplicit, receivedAt: known.receivedAt,
                answer: known.answer)
        }
    }

    private mutating func countCopy(of first: KnownSignal, at: Timestamp, requestID: String) throws(StoreError) -> AdmissionResult {
        if let index = signalIndex[first.id] { signals[index].copies += 1 }
        try write(.copy(of: first.id, requestID: requestID), at: at)
        return .duplicate(first: first.id, first.answer)
    }

    private mutating func claimSlot(_ rule: RateRule, at now: Timestamp) throws(StoreError) -> Duration? {
        guard !isRateTableGone else { throw .limiterUnavailable("no such table: rate_events") }
        let window = RateWindow(rule, at: now)
        var events = (rateEvents[Array(rule.key.utf8)] ?? []).filter { $0 > window.start && $0 <= window.end }.sorted()
        if let leaving = window.leaving(of: events.count) { return window.wait(leaving: leaving < events.count ? events[leaving] : nil) }
        events.append(now)
        rateEvents[Array(rule.key.utf8)] = events
        return nil
    }
}
