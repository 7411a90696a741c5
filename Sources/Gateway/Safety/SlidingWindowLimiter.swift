import StoreContract
import Synchronization
import TradingModel

/// An exact sliding window in memory, bounded in keys. Used before anything is known about a request, and when the store's limiter fails.
final class SlidingWindowLimiter: Sendable {
    private let windows = Mutex<[String: Window]>([:])
    private let maximumKeys: Int

    init(maximumKeys: Int = 10_000) { self.maximumKeys = maximumKeys }

    /// Takes a slot, or tells when the next one is free. A refused request takes none.
    func take(_ rule: RateRule, at now: MonotonicInstant) -> Duration? {
        windows.withLock { windows in
            // With too many keys the oldest knowledge goes; a flood of addresses must not eat the memory.
            if windows[rule.key] == nil, windows.count >= maximumKeys {
                windows = windows.filter { $0.value.last.map { now - $0 < rule.interval } ?? false }
                if windows.count >= maximumKeys { windows.removeAll(keepingCapacity: true) }
            }
            return windows[rule.key, default: Window()].take(rule, at: now)
        }
    }

    /// The times of one key's requests, oldest first. A request costs the same however many lie in the interval.
    private struct Window {
        private var times: [MonotonicInstant] = []
        /// Before it are times that have left the interval. They are thrown away in bulk.
        private var first = 0

        var last: MonotonicInstant? { times.last }

        mutating func take(_ rule: RateRule, at now: MonotonicInstant) -> Duration? {
            while first < times.count, now - times[first] >= rule.interval { first += 1 }
            if first > times.count / 2 {
                times.removeFirst(first)
                first = 0
            }
            guard times.count - first < rule.limit else {
                return first < times.count ? times[first] + rule.interval - now : rule.interval
            }
            times.append(now)
            return nil
        }
    }
}
