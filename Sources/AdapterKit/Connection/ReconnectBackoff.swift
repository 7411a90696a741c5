/// How long to wait before the next attempt to connect: a random time below a bound that doubles ("full jitter").
public struct ReconnectBackoff: Sendable {
    private let initial: Duration
    private let maximum: Duration
    private let random: @Sendable () -> Double
    private var failures = 0

    /// - Parameter random: From 0 to below 1; passed in so that a test can drive it.
    public init(
        initial: Duration = .milliseconds(250), maximum: Duration = .seconds(30),
        random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
    ) {
        self.initial = initial
        self.maximum = maximum
        self.random = random
    }

    /// The wait before the next attempt; at least a tenth of the bound, so that a venue is never hammered.
    public mutating func next() -> Duration {
        let bound = min(maximum, initial * (1 << min(failures, 20)))
        failures += 1
        return bound * (0.1 + 0.9 * random())
    }

    /// To be called once a connection has proven itself.
    public mutating func reset() { failures = 0 }
}
