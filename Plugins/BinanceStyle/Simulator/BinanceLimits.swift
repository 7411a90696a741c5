import SimulatorKit
import Synchronization
import TradingModel

/// The venue's request counters: fixed windows, aligned to the clock.
final class BinanceLimits: Sendable {
    struct Settings: Sendable {
        var weightPerMinute = 6000
        var ordersPerTenSeconds = 100
        var ordersPerDay = 200_000
        var isEnforced = false
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
    }

    private struct State {
        var weight = Window(seconds: 60)
        var orders: [String: (short: Window, day: Window)] = [:]
    }

    let settings: Settings
    private let state = Mutex(State())

    init(_ settings: Settings) { self.settings = settings }

    func reset() { state.withLock { $0 = State() } }

    /// Adds weight and returns what the window now holds.
    func addWeight(_ weight: Int, at now: Timestamp) -> Int { state.withLock { $0.weight.add(weight, at: now) } }

    /// Refuses a request beyond the limits, where they are enforced.
    ///
    /// A request is refused if the limit is reached already; one that crosses it is the last that passes.
    func check(_ operation: BinanceOperation, account: String, at now: Timestamp) throws(BinanceError) {
        guard settings.isEnforced else { return }
        guard addWeight(0, at: now) < settings.weightPerMinute else { throw .tooMuchWeight }
        guard operation.newOrders > 0 else { return }
        let counts = addOrders(0, account: account, at: now)
        guard counts.short < settings.ordersPerTenSeconds else {
            throw BinanceError(-1015, "Too many new orders; current limit is \(settings.ordersPerTenSeconds) orders per 10 SECOND.", status: 429)
        }
        guard counts.day < settings.ordersPerDay else {
            throw BinanceError(-1015, "Too many new orders; current limit is \(settings.ordersPerDay) orders per 1 DAY.", status: 429)
        }
    }

    /// Counts accepted orders; a first fill as taker gives one back.
    func addOrders(_ amount: Int, account: String, at now: Timestamp) -> (short: Int, day: Int) {
        state.withLock { state in
            var windows = state.orders[account] ?? (Window(seconds: 10), Window(seconds: 86_400))
            let counts = (windows.short.add(amount, at: now), windows.day.add(amount, at: now))
            state.orders[account] = windows
            return counts
        }
    }

    /// The answer of `rateLimit/order`.
    func orderUsage(account: String, at now: Timestamp) -> JSONValue {
        let counts = addOrders(0, account: account, at: now)
        return .array([
            rule("ORDERS", "SECOND", 10, settings.ordersPerTenSeconds).adding(["count": .integer(counts.short)]),
            rule("ORDERS", "DAY", 1, settings.ordersPerDay).adding(["count": .integer(counts.day)]),
        ])
    }

    /// As `exchangeInfo` lists them.
    var rules: JSONValue {
        .array([
            rule("REQUEST_WEIGHT", "MINUTE", 1, settings.weightPerMinute), rule("ORDERS", "SECOND", 10, settings.ordersPerTenSeconds),
            rule("ORDERS", "DAY", 1, settings.ordersPerDay), rule("RAW_REQUESTS", "MINUTE", 5, 300_000),
        ])
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
