import Dispatch
import Synchronization

/// Many seeds, over several threads. Each run lives on one thread.
public struct Campaign: Sendable {
    public struct Report: Sendable {
        public var runs = 0
        public var steps = 0
        /// The lowest seed first.
        public var failures: [RunResult] = []
        public var facts: [String: Int] = [:]
        /// Runs that were made twice and came out different.
        public var different: [UInt64] = []
        /// Different traces among the runs.
        public var traces: Set<UInt64> = []
    }

    public var seeds: Range<UInt64>
    public var jobs: Int
    public var plants: Set<Plant> = []
    /// Stops when so many have failed.
    public var failureLimit: Int
    /// Every so many seeds one runs twice, and the traces are compared; 0 for never.
    public var repeatsEvery: UInt64
    public var timeLimit: Duration?

    public init(seeds: Range<UInt64>, jobs: Int, plants: Set<Plant> = [], failureLimit: Int = 1, repeatsEvery: UInt64 = 0, timeLimit: Duration? = nil) {
        self.seeds = seeds
        self.jobs = jobs
        self.plants = plants
        self.failureLimit = failureLimit
        self.repeatsEvery = repeatsEvery
        self.timeLimit = timeLimit
    }

    public func run() -> Report {
        let next = Atomic<UInt64>(seeds.lowerBound)
        let report = Mutex(Report())
        let start = ContinuousClock.now
        DispatchQueue.concurrentPerform(iterations: max(1, jobs)) { _ in
            while true {
                let seed = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard seed < seeds.upperBound, report.withLock({ $0.failures.count < failureLimit }) else { return }
                if let timeLimit, ContinuousClock.now - start > timeLimit { return }
                let result = Simulation.run(Plan(seed: seed), plants: plants, isVerifying: seed % 16 == 0)
                let again = repeatsEvery > 0 && seed % repeatsEvery == 0 ? Simulation.run(Plan(seed: seed), plants: plants, isVerifying: seed % 16 == 0).trace : result.trace
                report.withLock { report in
                    report.runs += 1
                    report.steps += result.steps
                    if result.violation != nil { report.failures.append(result) }
                    if again != result.trace { report.different.append(seed) }
                    report.traces.insert(result.trace)
                    report.facts.merge(result.facts, uniquingKeysWith: +)
                }
            }
        }
        return report.withLock { report in
            report.failures.sort { $0.plan.seed < $1.plan.seed }
            return report
        }
    }
}
