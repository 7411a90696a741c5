import TradingModel

/// What was spent of one limit during the last interval, in at most 65 buckets.
///
/// A bucket is forgotten only when the youngest of its costs has left the interval: the meter errs towards caution.
struct RateMeter: Sendable {
    private struct Bucket {
        let openedAt: MonotonicInstant
        var newest: MonotonicInstant
        var cost: Int
    }

    let limit: Int
    let interval: Duration
    private var buckets: [Bucket] = []

    init(limit: Int, interval: Duration) {
        self.limit = limit
        self.interval = interval
    }

    func spent(at now: MonotonicInstant) -> Int {
        buckets.reduce(0) { now - $1.newest < interval ? $0 + $1.cost : $0 }
    }

    mutating func spend(_ cost: Int, at now: MonotonicInstant) {
        buckets.removeAll { now - $0.newest >= interval }
        if let last = buckets.last, now - last.openedAt < interval / 64 {
            buckets[buckets.count - 1].cost += cost
            buckets[buckets.count - 1].newest = now
        } else {
            buckets.append(Bucket(openedAt: now, newest: now, cost: cost))
        }
    }

    mutating func raise(to total: Int, at now: MonotonicInstant) {
        let missing = total - spent(at: now)
        if missing > 0 { spend(missing, at: now) }
    }

    /// When `cost` fits under `ceiling`; nil if it is greater than the ceiling itself.
    func ready(for cost: Int, below ceiling: Int, at now: MonotonicInstant) -> MonotonicInstant? {
        guard cost <= ceiling else { return nil }
        var total = spent(at: now)
        if total + cost <= ceiling { return now }
        for bucket in buckets where now - bucket.newest < interval {
            total -= bucket.cost
            if total + cost <= ceiling { return bucket.newest + interval }
        }
        return now
    }
}
