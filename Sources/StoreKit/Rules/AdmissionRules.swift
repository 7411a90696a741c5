import StoreContract
import TradingModel

/// What an admission is, beside the signals that are stored.
public enum AdmissionRules {
    public enum Judgement: Sendable {
        /// To be stored, as this occurrence of its key.
        case new(occurrence: Int)
        case copy(of: KnownSignal)
        case conflict(with: KnownSignal)
    }

    /// - Parameter latest: The stored signal with the key that has the highest occurrence.
    public static func judge(_ admission: Admission, latest: KnownSignal?) -> Judgement {
        guard let latest else { return .new(occurrence: 1) }
        let signal = admission.signal
        let isSame = signal.key.isExplicit || latest.isExplicit || signal.receivedAt - latest.receivedAt < admission.window
        guard isSame else { return .new(occurrence: latest.occurrence + 1) }
        return !signal.key.isExplicit || latest.bodyHash == signal.bodyHash ? .copy(of: latest) : .conflict(with: latest)
    }

    public static func check(_ order: OrderRecord, of signal: SignalRecord) throws(StoreError) {
        guard order.signalID == signal.id else { throw .refused("order \(order.id) names another signal") }
        guard order.attempts == 0, order.version == 1, order.filledQuantity.isZero else { throw .refused("order \(order.id) is not new") }
        switch order.state {
        case .queued, .skipped, .blocked, .stale: break
        default: throw .refused("a new order cannot be \(order.state.rawValue)")
        }
    }
}

/// The sliding window of a rate rule over stored events.
public struct RateWindow: Sendable {
    private let rule: RateRule
    private let now: Timestamp
    public init(_ rule: RateRule, at now: Timestamp) {
        self.rule = rule
        self.now = now
    }

    /// Events up to this time are out of the window.
    public var start: Timestamp { now - rule.interval }

    /// Events after this time are of a wall clock that was set back since. They are dropped, or they would block for as long as the
    /// clock was set back.
    public var end: Timestamp { now + rule.interval }

    /// Which event of the window, oldest first, must leave before the next fits; nil if it fits now.
    public func leaving(of count: Int) -> Int? { count >= rule.limit ? count - max(rule.limit, 1) : nil }

    public func wait(leaving: Timestamp?) -> Duration {
        guard rule.limit > 0, let leaving else { return rule.interval }
        return min(rule.interval, leaving + rule.interval - now)
    }
}
