import ArgumentParser
import Foundation

/// Measures the gateway as users run it: its processes, its wires, its store on this disk.
@main
struct TurnstileBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "turnstile-bench", abstract: "Measure the gateway on this machine.",
        discussion: "Each figure is the median of several runs. Ratios compare figures of the same run; absolute figures are this machine's.")

    enum Part: String, CaseIterable, ExpressibleByArgument {
        case accepts, latency, wire, memory, commits, adapters, locks, cluster
    }

    @Option(name: .long, help: "The gateway's program.")
    var turnstile: String

    @Option(name: .long, help: "A folder on the disk to measure. It gets a folder of its own in there, removed at the end.")
    var folder: String = NSTemporaryDirectory()

    @Option(name: .long, help: "Runs of each measurement.")
    var runs = 3

    @Option(name: .long, help: "Seconds of each run.")
    var seconds = 10

    @Option(name: .long, help: "What to measure: all, unless named.")
    var only: [Part] = []

    @Option(name: .long, help: "The Python that has ccxt, for the adapters.")
    var python = ".venv/bin/python"

    @Option(name: .long, help: "What ccxt does with an order.")
    var ccxt = "Benchmarks/ccxt_orders.py"

    @Option(name: .long, help: "A Markdown file whose figures are replaced, between its two markers.")
    var update: String?

    func validate() throws {
        guard runs > 0, seconds > 0 else { throw ValidationError("--runs and --seconds must be at least 1") }
    }

    func run() async throws {
        let own = "\(folder)/turnstile-bench-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let measurements = Measurements(rig: Rig(turnstile: turnstile, folder: own), runs: runs, seconds: seconds)
        let parts = only.isEmpty ? Part.allCases : only
        var lines: [Measurements.Line] = [
            ("fdatasync of 4 KiB on this disk", "\(rounded(try Disk.syncsPerSecond(in: own)))/s", "")
        ]
        for part in parts {
            FileHandle.standardError.write(Data("measuring \(part.rawValue)…\n".utf8))
            switch part {
            case .accepts: lines += try await measurements.accepts()
            case .latency: lines += try await measurements.acceptLatency()
            case .wire: lines += try await measurements.wireLatency()
            case .memory: lines += try await measurements.memory()
            case .locks: lines += try await LockCosts(folder: own, runs: runs, seconds: seconds).measure()
            case .cluster: lines += try await measurements.cluster()
            case .commits: lines += try await CommitCosts(folder: own, runs: runs, seconds: seconds).measure()
            case .adapters: lines += try AdapterCosts().measure(python: python, script: ccxt)
            }
        }
        lines.append(("fdatasync again, after the runs", "\(rounded(try Disk.syncsPerSecond(in: own)))/s", ""))
        let report = Report(lines: lines, machine: Machine.description(), runs: runs, seconds: seconds)
        print(report.markdown)
        if let update { try report.write(into: update) }
        // Kept after an error: the servers' logs are in there.
        try FileManager.default.removeItem(atPath: own)
    }
}
