/// How one run ended.
public struct RunResult: Sendable {
    public let plan: Plan
    public let violation: Violation?
    /// Equal for equal runs.
    public let trace: UInt64
    /// Jobs that were run.
    public let steps: Int
    /// Virtual time in microseconds.
    public let time: Int64
    /// How often each thing happened that a run may try.
    public let facts: [String: Int]
}

public enum Simulation {
    /// Runs one plan on the calling thread.
    ///
    /// - Parameter isVerifying: Also hashes the journal and reads its JSON.
    public static func run(_ plan: Plan, plants: Set<Plant> = [], isVerifying: Bool = false, log: ((String) -> Void)? = nil) -> RunResult {
        World(plan, plants: plants, isVerifying: isVerifying, log: log).run()
    }
}
