import TradingModel

/// The venue's clock, estimated against the boot clock, so that setting the wall clock does no harm.
///
/// Of the newest samples the one with the shortest round trip counts: its error is at most half of that.
public struct ClockOffsetEstimator: Sendable {
    private struct Sample {
        /// Venue time in microseconds at the boot clock's zero.
        let origin: Int64
        let roundTrip: Duration
        let takenAt: MonotonicInstant
    }

    private var samples: [Sample] = []
    private let capacity: Int
    private let maximumAge: Duration

    /// - Parameter maximumAge: Older samples are forgotten, because clocks drift apart.
    public init(capacity: Int = 8, maximumAge: Duration = .seconds(1800)) {
        self.capacity = capacity
        self.maximumAge = maximumAge
    }

    public mutating func add(venueTime: Timestamp, sentAt: MonotonicInstant, receivedAt: MonotonicInstant) {
        let roundTrip = receivedAt - sentAt
        let middle = sentAt + roundTrip / 2
        samples.append(
            Sample(
                origin: venueTime.microseconds - middle.sinceBoot.wholeMicroseconds, roundTrip: roundTrip, takenAt: receivedAt))
        samples.removeAll { receivedAt - $0.takenAt > maximumAge }
        if samples.count > capacity { samples.removeFirst(samples.count - capacity) }
    }

    /// Forgets everything, for example when the venue said that our time is wrong.
    public mutating func reset() { samples.removeAll() }

    /// The venue's time at `now`; nil before the first sample.
    public func venueTime(at now: MonotonicInstant) -> Timestamp? {
        samples.min { $0.roundTrip < $1.roundTrip }.map {
            Timestamp(microseconds: $0.origin + now.sinceBoot.wholeMicroseconds)
        }
    }

    /// Half of the best round trip: the estimate is off by no more.
    public var uncertainty: Duration? { samples.map(\.roundTrip).min().map { $0 / 2 } }
}
