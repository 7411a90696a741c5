import Foundation

/// How much of a proof is shown: the share that every run of the tests shows, or all of it, with `TURNSTILE_TRIALS=long`.
public enum Trials {
    public static let isLong = ProcessInfo.processInfo.environment["TURNSTILE_TRIALS"] == "long"

    public static func pick<Value>(_ short: Value, long: Value) -> Value { isLong ? long : short }

    /// Prints what was measured or counted, for whoever reads the run.
    public static func tell(_ text: String) { print("figure: \(text)") }
}

/// The value that `percent` of all values do not exceed; nil for none.
public func percentile<Value: Comparable>(_ percent: Double, of values: [Value]) -> Value? {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return nil }
    let index = Int((Double(sorted.count) * percent / 100).rounded(.up)) - 1
    return sorted[min(max(index, 0), sorted.count - 1)]
}
