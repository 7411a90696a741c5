import AdapterKit
import BrokerContract
import TradingModel

/// What the venue limits: weight by address, orders by account. Source: rest-api, "LIMITS".
struct BinanceLimits: Sendable {
    private typealias Scope = BinanceDialect.Scope
    private let address: OutboundLimiter
    private let account: OutboundLimiter
    private let clock: any TradingClock

    init(_ limits: [VenueRateLimit], endpoint: String, clock: any TradingClock) {
        let (weight, others) = Self.parted(limits)
        address = AddressLimiters.shared.limiter(of: endpoint) { OutboundLimiter(limits: weight, reservePercent: [Scope.weight: 20], clock: clock) }
        account = OutboundLimiter(limits: others, clock: clock)
        self.clock = clock
    }

    /// As ``OutboundLimiter/admit(_:priority:within:patience:)``, of both.
    func admit(_ costs: [String: Int], priority: OutboundLimiter.Priority, within window: SendWindow?) async -> OutboundLimiter.Admission {
        // What the account then holds back has cost a little weight, which is plenty; the count of orders is not.
        let weight = await address.admit(costs.filter { $0.key == Scope.weight }, priority: priority, within: window)
        guard weight == .granted else { return weight }
        return await account.admit(costs.filter { $0.key != Scope.weight }, priority: priority, within: window)
    }

    /// The limits that the venue tells, in place of those that it publishes.
    func replace(_ limits: [VenueRateLimit]) async {
        let (weight, others) = Self.parted(limits)
        await address.replaceLimits(weight)
        await account.replaceLimits(others)
    }

    /// Learns from a reply: what the venue has counted, and until when it takes nothing more.
    func observe(_ reply: VenueReply) async {
        for (header, scope, interval) in Self.counters {
            guard let used = reply.header(header).flatMap(Int.init) else { continue }
            await (scope == Scope.weight ? address : account).observe(scope, interval: interval, used: used)
        }
        guard reply.status == 429 || reply.status == 418 else { return }
        // Without Retry-After: to the end of the longest short window, or the shortest ban. Source: rest-api, "IP Limits".
        let pause = BinanceOutcomes.retryAfter(reply) ?? (reply.status == 418 ? .seconds(120) : .seconds(60))
        let isOfAccount = reply.status == 429 && BinanceOutcomes.errorBody(reply)?.code == -1015
        await (isOfAccount ? account : address).blockUntil(clock.monotonic + pause)
    }

    private static func parted(_ limits: [VenueRateLimit]) -> (weight: [VenueRateLimit], others: [VenueRateLimit]) {
        (limits.filter { $0.scope == Scope.weight }, limits.filter { $0.scope != Scope.weight })
    }

    private static let counters: [(String, String, Duration)] = [
        ("X-MBX-USED-WEIGHT-1M", Scope.weight, .seconds(60)),
        ("X-MBX-ORDER-COUNT-10S", Scope.orders, .seconds(10)),
        ("X-MBX-ORDER-COUNT-1M", Scope.orders, .seconds(60)),
        ("X-MBX-ORDER-COUNT-1D", Scope.orders, .seconds(86400)),
    ]
}
