import AdapterKit
import BrokerContract
import Synchronization
import Testing
import TradingModel

/// A clock that moves only when somebody sleeps on it.
private final class SleepClock: TradingClock {
    private let now = Mutex(Duration.seconds(1000))
    var wallTime: Timestamp { Timestamp(milliseconds: 0) }
    var monotonic: MonotonicInstant { MonotonicInstant(sinceBoot: now.withLock { $0 }) }
    func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        now.withLock { $0 += duration }
    }
}

@Suite struct LimiterTests {
    private let clock = SleepClock()

    private func window(_ length: Duration) -> SendWindow { SendWindow(notAfter: clock.monotonic + length) }

    @Test func `the limit holds over every interval, and waiting ends when it allows`() async {
        let limiter = OutboundLimiter(
            limits: [VenueRateLimit(scope: "orders", limit: 3, interval: .seconds(10))], clock: clock)
        for _ in 0..<3 { #expect(await limiter.admit(["orders": 1], within: window(.seconds(1))) == .granted) }
        #expect(await limiter.admit(["orders": 1], within: window(.seconds(5))) == .throttled)
        let before = clock.monotonic
        #expect(await limiter.admit(["orders": 1], within: window(.seconds(11))) == .granted)
        #expect(clock.monotonic - before == .seconds(10))
    }

    @Test func `it never sleeps to the end of the window`() async {
        let limiter = OutboundLimiter(
            limits: [VenueRateLimit(scope: "orders", limit: 1, interval: .seconds(10))], clock: clock)
        _ = await limiter.admit(["orders": 1], within: nil)
        let before = clock.monotonic
        #expect(await limiter.admit(["orders": 1], within: window(.seconds(10))) == .throttled)
        #expect(clock.monotonic == before)
    }

    @Test func `the reserve is left for what is urgent`() async {
        let limiter = OutboundLimiter(
            limits: [VenueRateLimit(scope: "w", limit: 10, interval: .seconds(60))], reservePercent: ["w": 20], clock: clock)
        #expect(await limiter.admit(["w": 8], within: window(.seconds(1))) == .granted)
        #expect(await limiter.admit(["w": 1], within: window(.seconds(1))) == .throttled)
        #expect(await limiter.admit(["w": 2], priority: .urgent, within: window(.seconds(1))) == .granted)
        #expect(await limiter.admit(["w": 1], priority: .urgent, within: window(.seconds(1))) == .throttled)
    }

    @Test func `a ban by the venue holds back everything until its end`() async {
        let limiter = OutboundLimiter(limits: [], clock: clock)
        await limiter.blockUntil(clock.monotonic + .seconds(20))
        #expect(await limiter.admit(["w": 1], priority: .urgent, within: window(.seconds(20))) == .throttled)
        let before = clock.monotonic
        #expect(await limiter.admit(["w": 1], within: window(.seconds(21))) == .granted)
        #expect(clock.monotonic - before == .seconds(20))
    }

    @Test func `the venue's higher count is taken over`() async {
        let limiter = OutboundLimiter(
            limits: [VenueRateLimit(scope: "w", limit: 100, interval: .seconds(60))], clock: clock)
        await limiter.observe("w", interval: .seconds(60), used: 99)
        #expect(await limiter.admit(["w": 2], within: window(.seconds(1))) == .throttled)
        #expect(await limiter.admit(["w": 1], within: window(.seconds(1))) == .granted)
    }

    @Test func `a cost above the whole limit is never granted`() async {
        let limiter = OutboundLimiter(limits: [VenueRateLimit(scope: "w", limit: 5, interval: .seconds(1))], clock: clock)
        #expect(await limiter.admit(["w": 6], priority: .urgent, within: nil) == .throttled)
    }

    @Test func `all that ask one endpoint have one limiter, as long as one of them has it`() {
        let limiters = AddressLimiters()
        let make = { OutboundLimiter(limits: [], clock: SystemClock()) }
        var first: OutboundLimiter? = limiters.limiter(of: "a", making: make)
        var second: OutboundLimiter? = limiters.limiter(of: "a", making: make)
        #expect(first === second)
        let other = limiters.limiter(of: "b", making: make)
        #expect(other !== first)
        weak var left = first
        (first, second) = (nil, nil)
        #expect(left == nil)
    }

    @Test func `the wait to reconnect doubles up to its bound and is never nothing`() {
        var backoff = ReconnectBackoff(initial: .seconds(1), maximum: .seconds(8)) { 0.5 }
        let waits = (0..<5).map { _ in (backoff.next() + .microseconds(1)).wholeMilliseconds }
        #expect(waits == [550, 1100, 2200, 4400, 4400])
        backoff.reset()
        #expect(backoff.next() < .seconds(1))
    }

    @Test func `the clock offset is taken from the sample with the shortest round trip`() {
        var estimator = ClockOffsetEstimator()
        let boot = { (ms: Int64) in MonotonicInstant(sinceBoot: .milliseconds(ms)) }
        #expect(estimator.venueTime(at: boot(0)) == nil)
        estimator.add(venueTime: Timestamp(milliseconds: 5_900), sentAt: boot(0), receivedAt: boot(1_000))
        estimator.add(venueTime: Timestamp(milliseconds: 6_010), sentAt: boot(1_000), receivedAt: boot(1_020))
        estimator.add(venueTime: Timestamp(milliseconds: 9_000), sentAt: boot(2_000), receivedAt: boot(2_500))
        #expect(estimator.venueTime(at: boot(1_010)) == Timestamp(milliseconds: 6_010))
        #expect(estimator.uncertainty == .milliseconds(10))
    }
}
