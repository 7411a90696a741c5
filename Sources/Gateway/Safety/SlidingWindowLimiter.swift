import RateLimitContract
import Synchronization
import TradingModel

/// An exact sliding window in memory, bounded in keys. Used before anything is known about a request, and when the store's limiter fails.
final class SlidingWindowLimiter: Sendable {
    private let windows = Mutex<[String: Window]>([:])
    private let maximumKeys: Int

    init(maximumKeys: Int = 10_000) { self.maximumKeys = maximumKeys }

    /// Takes a slot, or tells when the next one is free. A refused request takes none.
    func take(_ rule: RateRule, at now: MonotonicInstant) -> Duration? {
        if case .refused(let wait) = claim(rule, at: now) { wait } else { nil }
    }

    enum Claim {
        /// With a number that no other slot of the key has.
        case taken(UInt64)
        case refused(Duration)
    }

    /// As ``take(_:at:)``, for a slot that may be given back.
    func claim(_ rule: RateRule, at now: MonotonicInstant) -> Claim {
        windows.withLock { windows in
            // With too many keys the oldest knowledge goes; a flood of addresses must not eat the memory.
            if windows[rule.key] == nil, windows.count >= maximumKeys {
                windows = windows.filter { $0.value.last.map { now - $0 < rule.interval } ?? false }
                if windows.count >= maximumKeys { windows.removeAll(keepingCapacity: true) }
            }
            return windows[rule.key, default: Window()].take(rule, at: now)
        }
    }

    /// Frees this slot; does nothing if it is free.
    func giveBack(_ number: UInt64, of rule: RateRule) { windows.withLock { $0[rule.key]?.giveBack(number) } }

    /// The times of one key's requests, oldest first. A request costs the same however many lie in the interval.
    private struct Window {
        private var slots: [(at: MonotonicInstant, number: UInt64)] = []
        /// Before it are times that have left the interval. They are thrown away in bulk.
        private var first = 0
        private var next: UInt64 = 0

        var last: MonotonicInstant? { slots.last?.at }

        mutating func take(_ rule: RateRule, at now: MonotonicInstant) -> Claim {
            while first < slots.count, now - slots[first].at >= rule.interval { first += 1 }
            if first > slots.count / 2 {
                slots.removeFirst(first)
                first = 0
            }
            guard slots.count - first < rule.limit else {
                return .refused(first < slots.count ? slots[first].at + rule.interval - now : rule.interval)
            }
            next += 1
            slots.append((now, next))
            return .taken(next)
        }

        mutating func giveBack(_ number: UInt64) {
            if let index = slots[first...].firstIndex(where: { $0.number == number }) { slots.remove(at: index) }
        }
    }
}
