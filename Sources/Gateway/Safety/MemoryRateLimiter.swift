import RateLimitContract
import TradingModel

/// Limits within this process, named `memory` in the configuration.
public struct MemoryRateLimiter: RateLimiter {
    private let windows = SlidingWindowLimiter()
    private let clock: any TradingClock

    public init(clock: any TradingClock) { self.clock = clock }

    public let capabilities = RateLimitCapabilities(
        isShared: false, notice: "rate_limit_backend: memory: each gateway limits for itself, and a restart forgets")

    public func take(_ rule: RateRule) async throws(RateLimitError) -> RateDecision {
        switch windows.claim(rule, at: clock.monotonic) {
        case .taken(let number): .taken(RateSlot(rule: rule, id: String(number)))
        case .refused(let wait): .refused(retryAfter: wait)
        }
    }

    public func giveBack(_ slot: RateSlot) async {
        if let number = UInt64(slot.id) { windows.giveBack(number, of: slot.rule) }
    }
}
