import BrokerContract
import TradingModel

/// Keeps an account below its venue's request limits.
///
/// Each scope counts what was spent during the last interval, in whatever phase the venue counts its own windows, so a venue
/// with fixed windows sees no more than its limit either. A part of a limit can be kept for what is urgent, so that a cancel still goes
/// out when queries have used up the rest.
public actor OutboundLimiter {
    public enum Priority: Sendable {
        /// May use everything but the reserve.
        case normal
        /// Cancels, exits and lookups: may use the reserve as well.
        case urgent
    }

    public enum Admission: Sendable, Equatable {
        case granted
        /// It would have to wait beyond the end of its send window, or too long.
        case throttled
        case cancelled
    }

    private var meters: [String: [RateMeter]]
    private var blockedUntil: MonotonicInstant?
    private let reservePercent: [String: Int]
    private let clock: any TradingClock

    /// - Parameter reservePercent: By scope, the share of the limit that only urgent requests may use.
    public init(limits: [VenueRateLimit], reservePercent: [String: Int] = [:], clock: any TradingClock) {
        meters = Self.makeMeters(limits)
        self.reservePercent = reservePercent
        self.clock = clock
    }

    /// Waits until the costs fit, and books them.
    ///
    /// - Parameters:
    ///   - costs: By scope; a scope without a limit is free.
    ///   - window: It never sleeps to or beyond its end.
    ///   - patience: The longest wait of a request without a window.
    public func admit(
        _ costs: [String: Int], priority: Priority = .normal, within window: SendWindow?, patience: Duration = .seconds(30)
    ) async -> Admission {
        let giveUp = window?.notAfter ?? clock.monotonic + patience
        while !Task.isCancelled {
            let now = clock.monotonic
            guard let ready = readyInstant(costs, priority: priority, now: now) else { return .throttled }
            if ready <= now {
                book(costs, at: now)
                return .granted
            }
            guard ready < giveUp else { return .throttled }
            do { try await clock.sleep(for: ready - now) } catch { return .cancelled }
        }
        return .cancelled
    }

    /// Lets nothing out before `instant`, because the venue said so (429, 418 with `Retry-After`).
    public func blockUntil(_ instant: MonotonicInstant) {
        blockedUntil = max(blockedUntil ?? instant, instant)
    }

    /// Takes over the venue's own count, if it is higher than ours: other processes may share the limit.
    public func observe(_ scope: String, interval: Duration, used: Int) {
        let now = clock.monotonic
        for index in meters[scope, default: []].indices where meters[scope]?[index].interval == interval {
            meters[scope]?[index].raise(to: used, at: now)
        }
    }

    /// Replaces the limits by those that the venue tells. What was spent stays booked where the interval is the same.
    public func replaceLimits(_ limits: [VenueRateLimit]) {
        let now = clock.monotonic
        var fresh = Self.makeMeters(limits)
        for (scope, list) in fresh {
            for index in list.indices {
                let old = meters[scope]?.first { $0.interval == list[index].interval }
                fresh[scope]?[index].raise(to: old?.spent(at: now) ?? 0, at: now)
            }
        }
        meters = fresh
    }

    private static func makeMeters(_ limits: [VenueRateLimit]) -> [String: [RateMeter]] {
        Dictionary(grouping: limits, by: \.scope).mapValues { $0.map { RateMeter(limit: $0.limit, interval: $0.interval) } }
    }

    /// The instant at which the costs fit; nil if they never will.
    private func readyInstant(_ costs: [String: Int], priority: Priority, now: MonotonicInstant) -> MonotonicInstant? {
        var ready = max(now, blockedUntil ?? now)
        for (scope, cost) in costs where cost > 0 {
            for meter in meters[scope, default: []] {
                let reserve = priority == .urgent ? 0 : meter.limit * reservePercent[scope, default: 0] / 100
                guard let instant = meter.ready(for: cost, below: meter.limit - reserve, at: now) else { return nil }
                ready = max(ready, instant)
            }
        }
        return ready
    }

    private func book(_ costs: [String: Int], at now: MonotonicInstant) {
        for (scope, cost) in costs where cost > 0 {
            for index in meters[scope, default: []].indices { meters[scope]?[index].spend(cost, at: now) }
        }
    }
}
