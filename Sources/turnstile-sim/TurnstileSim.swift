import ArgumentParser
import Foundation
import SimulationKit

#if canImport(Glibc)
    import Glibc
#endif

/// Runs the gateway in a simulation, seed after seed, and tells what does not hold.
@main
struct TurnstileSim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "turnstile-sim", abstract: "Runs real gateways against simulated venues, stores, locks and clocks, one seed after the other.")

    @Option(help: "How many seeds to run.") var seeds: UInt64 = 1000
    @Option(help: "The first seed.") var from: UInt64 = 1
    @Option(help: "Threads; each run lives on one.") var jobs = max(1, ProcessInfo.processInfo.activeProcessorCount)
    @Option(help: "Run this seed alone.") var seed: UInt64?
    @Option(help: "Run the plan in this file alone.") var plan: String?
    @Flag(help: "Print what happens, of a single run.") var trace = false
    @Option(help: "Put a defect in; `all` puts each in by itself and tells after how many seeds it is found.") var plant: String?
    @Option(help: "Seconds after which no further run begins.") var timeLimit: Int?
    @Flag(help: "Make a failing plan small and print it.") var shrink = false
    @Option(help: "Run every n-th seed twice and compare the traces.") var repeatEvery: UInt64 = 20
    @Option(help: "Stop after so many failing seeds.") var failures = 1
    @Flag(help: "Print how often each thing happened.") var facts = false

    func run() throws {
        try Self.hashDeterministically()
        if plant == "all" { return try runAllPlants() }
        let plants = try plant.map { Set([try Self.plant($0)]) } ?? []
        if seed != nil || plan != nil { return try runOne(plants) }
        let start = ContinuousClock.now
        let campaign = Campaign(
            seeds: from..<(from + seeds), jobs: jobs, plants: plants, failureLimit: failures, repeatsEvery: repeatEvery, timeLimit: timeLimit.map { .seconds($0) })
        let report = campaign.run()
        let seconds = (ContinuousClock.now - start).seconds
        print(
            "\(report.runs) schedules in \(tenths(seconds)) s (\(tenths(Double(report.runs) / seconds))/s, \(report.steps / max(1, report.runs)) steps each), "
                + "\(report.traces.count) different, \(report.failures.count) violations, \(report.different.count) not reproducible")
        if facts { for (fact, count) in report.facts.sorted(by: { $0.key < $1.key }) { print("  \(fact): \(count)") } }
        for failure in report.failures { tell(failure) }
        if let first = report.failures.first, shrink { try showSmall(first, plants) }
        for seed in report.different { print("seed \(seed): two runs differ") }
        guard report.failures.isEmpty, report.different.isEmpty else { throw ExitCode(1) }
    }

    private func runOne(_ plants: Set<Plant>) throws {
        var chosen = Plan(seed: seed ?? 1)
        if let path = plan { chosen = try JSONDecoder().decode(Plan.self, from: Data(contentsOf: URL(fileURLWithPath: path))) }
        let result = Simulation.run(chosen, plants: plants, isVerifying: true, log: trace ? { print($0) } : nil)
        print("seed \(chosen.seed): \(result.steps) steps, \(result.time / 1000) ms of virtual time, trace \(String(result.trace, radix: 16))")
        if facts { for (fact, count) in result.facts.sorted(by: { $0.key < $1.key }) { print("  \(fact): \(count)") } }
        guard result.violation != nil else { return }
        tell(result)
        if shrink { try showSmall(result, plants) }
        throw ExitCode(1)
    }

    /// Each defect must be found within the seeds.
    private func runAllPlants() throws {
        var missed: [String] = []
        for plant in Plant.allCases {
            let start = ContinuousClock.now
            let report = Campaign(seeds: from..<(from + seeds), jobs: jobs, plants: [plant], timeLimit: timeLimit.map { .seconds($0) }).run()
            let found = report.failures.first
            let what = found.map { "found after \($0.plan.seed - from + 1) seeds by \($0.violation?.invariant ?? "?"): \($0.violation?.text ?? "")" } ?? "NOT FOUND in \(report.runs) seeds"
            print("\(plant.rawValue) (\(plant.sentence)): \(what) [\(tenths((ContinuousClock.now - start).seconds)) s]")
            if found == nil { missed.append(plant.rawValue) }
        }
        guard missed.isEmpty else {
            print("not found: \(missed.joined(separator: ", "))")
            throw ExitCode(1)
        }
        print("all \(Plant.allCases.count) planted defects are found")
    }

    private func tell(_ result: RunResult) {
        guard let violation = result.violation else { return }
        print("seed \(result.plan.seed): \(violation.invariant) after \(violation.at / 1000) ms: \(violation.text)")
    }

    private func showSmall(_ failing: RunResult, _ plants: Set<Plant>) throws {
        let small = Shrinking(plants: plants).shrink(failing)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        print("made small: \(small.plan.faults.count) faults, \(small.plan.signals.count) signals: \(small.violation?.invariant ?? ""): \(small.violation?.text ?? "")")
        print(String(decoding: try encoder.encode(small.plan), as: UTF8.self))
    }

    private static func plant(_ name: String) throws -> Plant {
        guard let plant = Plant(rawValue: name) else {
            throw ValidationError("no defect \(name); there are: \(Plant.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return plant
    }

    /// Sets and dictionaries are in another order in each process, unless this is set before the start: so the tool starts itself again.
    private static func hashDeterministically() throws {
        guard getenv("SWIFT_DETERMINISTIC_HASHING") == nil else { return }
        setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
        var arguments = CommandLine.arguments.map { strdup($0) }
        arguments.append(nil)
        execv("/proc/self/exe", arguments)
        throw ValidationError("the tool could not start itself again: errno \(errno)")
    }
}

private func tenths(_ value: Double) -> String { String(format: "%.1f", value) }

extension Duration {
    fileprivate var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
