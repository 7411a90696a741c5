import SimulatorKit
import Synchronization
import TradingModel

/// The venue's request counters: fixed windows, aligned to the clock.
///
/// Source: rest-api.md, "LIMITS", and enums.md, "Rate limiters", read 2026-11-21.
final class BinanceLimits: Sendable {
    struct Settings: Sendable {
        var weightPerMinute = 6000
        /// Of one account's new orders.
        var orders: [OrderWindow] = OrderWindow.spot(perTenSeconds: 100)
        var isEnforced = false
        /// Refused requests of one minute after which the address is banned.
        var refusalsBeforeBan = 10
        /// The first ban; each further one takes twice as long.
        var banTime = Duration.seconds(120)
    }

    /// A limit on new orders.
    struct OrderWindow: Sendable {
        let seconds: Int64
        let limit: Int
        let interval: String
        let number: Int
        var header: String { "X-MBX-ORDER-COUNT-\(number)\(interval.prefix(1))" }

        static func spot(perTenSeconds limit: Int) -> [OrderWindow] {
            [.init(seconds: 10, limit: limit, interval: "SECOND", number: 10), .init(seconds: 86_400, limit: 200_000, interval: "DAY", number: 1)]
        }

        /// Source: USD-M general info, "LIMITS", as documented.
        static func futures(perTenSeconds limit: Int) -> [OrderWindow] {
            [.init(seconds: 10, limit: limit, interval: "SECOND", number: 10), .init(seconds: 60, limit: 1200, interval: "MINUTE", number: 1)]
        }
    }

    private struct Window {
        let seconds: Int64
        var index: Int64 = 0
        var count = 0

        mutating func add(_ amount: Int, at now: Timestamp) -> Int {
            let current = now.milliseconds / 1000 / seconds
            if current != index {
                index = current
                count = 0
            }
            count = max(0, count + amount)
            return count
        }

        func rest(at now: Timestamp) -> Duration { .milliseconds((now.milliseconds / 1000 / seconds + 1) * seconds * 1000 - now.milliseconds) }
    }

    private struct State {
        var weight = Window(seconds: 60)
        /// Requests refused because of the weight.
        var refusals = Window(seconds: 60)
        var orders: [String: [Window]] = [:]
        var bannedUntil: Timestamp?
        var bans = 0
    }

    let settings: Settings
    private let state = Mutex(State())

    init(_ settings: Settings) { self.settings = settings }

    func reset() { state.withLock { $0 = State() } }

    /// Adds weight and returns what the window now holds.
    func addWeight(_ weight: Int, at now: Timestamp) -> Int { state.withLock { $0.weight.add(weight, at: now) } }

    func isBanned(at now: Timestamp) -> Bool { state.withLock { $0.bannedUntil.map { now < $0 } ?? false } }

    /// Refuses a request beyond the limits, where they are enforced. Who goes on asking is banned.
    ///
    /// A request is refused if the limit is reached already; one that crosses it is the last that passes.
    func check(_ operation: BinanceOperation, account: String, at now: Timestamp) throws(BinanceError) {
        guard settings.isEnforced else { return }
        if let refusal = state.withLock({ weightRefusal(&$0, at: now) }) { throw refusal }
        guard operation.newOrders > 0 else { return }
        for (window, count) in zip(settings.orders, addOrders(0, account: account, at: now)) where count >= window.limit {
            var error = BinanceError(
                -1015, "Too many new orders; current limit is \(window.limit) orders per \(window.number) \(window.interval).", status: 429)
            error.retryAfter = Window(seconds: window.seconds).rest(at: now)
            throw error
        }
    }

    private func weightRefusal(_ state: inout State, at now: Timestamp) -> BinanceError? {
        if let end = state.bannedUntil, now < end { return .banned(until: end, at: now) }
        guard state.weight.add(0, at: now) >= settings.weightPerMinute else { return nil }
        guard state.refusals.add(1, at: now) > settings.refusalsBeforeBan else {
            return .tooMuchWeight(settings.weightPerMinute, retryAfter: state.weight.rest(at: now))
        }
        let end = now + settings.banTime * (1 << min(state.bans, 10))
        state.bannedUntil = end
        state.bans += 1
        state.refusals.count = 0
        return .banned(until: end, at: now)
    }

    /// Counts accepted orders, and returns the count of each window; a first fill as taker gives one back.
    @discardableResult
    func addOrders(_ amount: Int, account: String, at now: Timestamp) -> [Int] {
        state.withLock { state in
            var windows = state.orders[account] ?? settings.orders.map { Window(seconds: $0.seconds) }
            let counts = windows.indices.map { windows[$0].add(amount, at: now) }
            state.orders[account] = windows
            return counts
        }
    }

    /// The answer of `rateLimit/order`.
    func orderUsage(account: String, at now: Timestamp) -> JSONValue {
        .array(
            zip(settings.orders, addOrders(0, account: account, at: now)).map { window, count in
                rule("ORDERS", window.interval, window.number, window.limit).adding(["count": .integer(count)])
            })
    }

    /// As `exchangeInfo` lists them.
    var rules: JSONValue {
        .array(
            [rule("REQUEST_WEIGHT", "MINUTE", 1, settings.weightPerMinute)]
                + settings.orders.map { rule("ORDERS", $0.interval, $0.number, $0.limit) } + [rule("RAW_REQUESTS", "MINUTE", 5, 300_000)])
    }

    /// As every answer of the WebSocket API lists them.
    func usage(weight: Int) -> JSONValue {
        .array([rule("REQUEST_WEIGHT", "MINUTE", 1, settings.weightPerMinute).adding(["count": .integer(weight)])])
    }

    private func rule(_ type: String, _ interval: String, _ number: Int, _ limit: Int) -> JSONValue {
        .object([
            "rateLimitType": .string(type), "interval": .string(interval), "intervalNum": .integer(number), "limit": .integer(limit),
        ])
    }
}
