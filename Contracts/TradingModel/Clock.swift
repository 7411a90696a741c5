import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// A point on the machine's boot clock, which runs through suspends and is never set.
///
/// Comparable only within one boot of one machine.
public struct MonotonicInstant: Sendable, Hashable, Comparable, Codable {
    /// Time since the machine's boot.
    public let sinceBoot: Duration
    public init(sinceBoot: Duration) { self.sinceBoot = sinceBoot }
    public static func < (a: Self, b: Self) -> Bool { a.sinceBoot < b.sinceBoot }
    public static func + (a: Self, b: Duration) -> Self { .init(sinceBoot: a.sinceBoot + b) }
    public static func - (a: Self, b: Duration) -> Self { .init(sinceBoot: a.sinceBoot - b) }
    public static func - (a: Self, b: Self) -> Duration { a.sinceBoot - b.sinceBoot }
}

/// The only way to the time. Passed in, never read from a global, so that a test or a simulation can drive it.
public protocol TradingClock: Sendable {
    /// The wall clock. For records and people; it may be set backwards.
    var wallTime: Timestamp { get }
    /// The boot clock (`CLOCK_BOOTTIME`). For every deadline.
    var monotonic: MonotonicInstant { get }
    /// Returns after `duration`, or throws `CancellationError` when the task is cancelled.
    func sleep(for duration: Duration) async throws
}

/// The machine's own clocks.
public struct SystemClock: TradingClock {
    public init() {}

    public var wallTime: Timestamp {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Timestamp(microseconds: Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000)
    }

    public var monotonic: MonotonicInstant {
        var now = timespec()
        #if os(Linux)
            clock_gettime(CLOCK_BOOTTIME, &now)
        #else
            clock_gettime(CLOCK_MONOTONIC_RAW, &now)
        #endif
        return MonotonicInstant(sinceBoot: .seconds(Int64(now.tv_sec)) + .nanoseconds(Int64(now.tv_nsec)))
    }

    public func sleep(for duration: Duration) async throws {
        try await Task.sleep(for: duration, clock: .continuous)
    }
}
