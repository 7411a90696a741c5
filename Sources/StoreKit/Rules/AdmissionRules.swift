import StoreContract
import TradingModel

/// The latest stored signal with a key: what the decision about the next one rests on.
public struct KnownSignal: Sendable {
    public let id: SignalID
    public let occurrence: Int
    public let bodyHash: String
    public let isExplicit: Bool
    public let receivedAt: Timestamp
    public let answer: StoredAnswer
    public init(id: SignalID, occurrence: Int, bodyHash: String, isExplicit: Bool, receivedAt: Timestamp, answer: StoredAnswer) {
        self.id = id
        self.occurrence = occurrence
        self.bodyHash = bodyHash
        self.isExplicit = isExplicit
        self.receivedAt = receivedAt
        self.answer = answer
    }
}

/// What an admission is, beside the signals that are stored.
public enum AdmissionRules {
    public enum Judgement: Sendable {
        /// To be stored, as this occurrence of its key.
        case new(occurrence: Int)
        case copy(of: KnownSignal)
        case conflict(with: KnownSignal)
    }

    /// - Parameter latest: The stored signal with the key that has the highest occurrence.
    public static func judge(_ signal: SignalRecord, window: Duration, latest: KnownSignal?) -> Judgement {
        guard let latest else { return .new(occurrence: 1) }
        let isSame = signal.key.isExplicit || latest.isExplicit || signal.receivedAt - latest.receivedAt < window
        guard isSame else { return .new(occurrence: latest.occurrence + 1) }
        return !signal.key.isExplicit || latest.bodyHash == signal.bodyHash ? .copy(of: latest) : .conflict(with: latest)
    }

    public static func check(_ order: OrderRecord, of signal: SignalRecord, among orders: [OrderRecord]) throws(StoreError) {
        try checkBracket(order, among: orders)
        guard order.signalID == signal.id else { throw .refused("order \(order.id) names another signal") }
        guard order.attempts == 0, order.version == 1, order.filledQuantity.isZero else { throw .refused("order \(order.id) is not new") }
        switch order.state {
        case .queued, .skipped, .blocked, .stale: break
        default: throw .refused("a new order cannot be \(order.state.rawValue)")
        }
    }

    /// An entry comes with exactly the legs that its bracket names, and a leg with its entry.
    private static func checkBracket(_ order: OrderRecord, among orders: [OrderRecord]) throws(StoreError) {
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
    public func leaving(of count: Int) -> Int? { count >= rule.limit ? max(count - max(rule.limit, 1), 0) : nil }

    public func wait(leaving: Timestamp?) -> Duration {
        guard rule.limit > 0, let leaving else { return rule.interval }
        return min(rule.interval, leaving + rule.interval - now)
    }
}
