import Foundation
import Histogram

/// What is measured. Each measurement has servers of its own and returns lines for the table.
struct Measurements: Sendable {
    let rig: Rig
    let runs: Int
    /// Of one run of wrk.
    let seconds: Int

    typealias Line = (what: String, figure: String, aim: String)

    /// Orders are stored and wait: their venue is down.
    private static let waiting = RigConfiguration(accounts: ["a0": .down], strategies: [["a0"]])

    // MARK: Accepts

    /// Durable accepts per second, and their ratio to a request of the same server that does nothing.
    func accepts() async throws -> [Line] {
        var lines = try await accepts(Self.waiting, "venue down, orders wait", aim: "≥ 0.35")
        lines += try await rig.withVenue { venue in
            try await accepts(RigConfiguration(accounts: ["a0": venue], strategies: [["a0"]]), "one account trading meanwhile", aim: "")
        }
        return lines
    }

    private func accepts(_ configuration: RigConfiguration, _ name: String, aim: String) async throws -> [Line] {
        var gets: [Double] = []
        var posts: [Double] = []
        var accepted: [Double] = []
        /// Processor time of the gateway in microseconds, of the POST and of an accept.
        var postCosts: [Double] = []
        var acceptCosts: [Double] = []
        for run in 0..<runs {
            try await rig.withGateway(configuration) { gateway in
                let signals = Signals(run: "w\(run)", strategies: 1)
                func measure(_ head: String, hasBody: Bool, seconds: Int) async throws -> Wrk {
                    try await Wrk.run(signals.wrkScript(head, hasBody: hasBody), port: gateway.port, seconds: seconds, folder: rig.folder)
                }
                func costing(_ costs: inout [Double], _ measurement: () async throws -> Wrk) async throws -> Wrk {
                    let before = gateway.process.processorSeconds
                    let result = try await measurement()
                    costs.append((gateway.process.processorSeconds - before) / Double(max(result.requests, 1)) * 1e6)
                    return result
                }
                // The first requests of a process are slower.
                _ = try await measure("GET /livez", hasBody: false, seconds: 1)
                let get = try await measure("GET /livez", hasBody: false, seconds: seconds)
                let post = try await costing(&postCosts) { try await measure("POST /hooks/nobody/secret", hasBody: true, seconds: seconds) }
                let durable = try await costing(&acceptCosts) { try await measure("POST \(Signals.path)", hasBody: true, seconds: seconds) }
                guard get.failures == 0, durable.failures == 0 else {
                    throw BenchError("\(get.failures) and \(durable.failures) requests failed; \(gateway.folder)/gateway.log says why")
                }
                let stored = try await StoreReader(gateway.store).orders()
                guard Double(stored) >= durable.perSecond * Double(seconds) * 0.99 else {
                    throw BenchError("accepted \(durable.perSecond)/s for \(seconds) s, but only \(stored) orders are stored")
                }
                gets.append(get.perSecond)
                posts.append(post.perSecond)
                accepted.append(durable.perSecond)
            }
        }
        func ratio(to others: [Double]) -> String {
            let ratios = zip(accepted, others).map { $0 / $1 }
            return "\(decimal(median(ratios))) (\(ratios.map(decimal).joined(separator: ", ")))"
        }
        return [
            ("GET /livez, \(name)", "\(rounded(median(gets)))/s", ""),
            ("the same POST, read and answered at once (404), \(name)", "\(rounded(median(posts)))/s", ""),
            ("durable accepts, \(name)", "\(rounded(median(accepted)))/s", ""),
            ("ratio of accepts to the POST, \(name)", ratio(to: posts), aim),
            ("ratio of accepts to GET /livez, \(name)", ratio(to: gets), aim),
            (
                "processor time of the gateway for an accept, and for the POST, \(name)",
                "\(rounded(median(acceptCosts))) µs, \(rounded(median(postCosts))) µs", ""
            ),
        ]
    }

    // MARK: Latency

    /// Time from when a signal is due to its answer, at a fixed rate.
    func acceptLatency() async throws -> [Line] {
        var results: [Histogram<UInt64>] = []
        for run in 0..<runs {
            try await rig.withGateway(Self.waiting) { gateway in
                _ = try await LoadGenerator.run(
                    Signals(run: "warm\(run)", strategies: 1), total: 1000, perSecond: 1000, connections: 32, port: gateway.port)
                let report = try await LoadGenerator.run(
                    Signals(run: "open\(run)", strategies: 1), total: 1000 * seconds, perSecond: 1000, connections: 32, port: gateway.port)
                guard report.others == 0 else { throw BenchError("\(report.others) signals were not accepted") }
                results.append(report.latency)
            }
        }
        return [("accept at 1,000/s, p50 / p99 / p99.9", percentiles(results, [50, 99, 99.9]), "")]
    }

    /// Time from a signal's receipt to the order at the venue, both by this machine's clock.
    func wireLatency() async throws -> [Line] {
        try await wireLatency(accounts: 8, aim: "3 / 10 ms") + wireLatency(accounts: 1, aim: "")
    }

    private func wireLatency(accounts: Int, aim: String) async throws -> [Line] {
        var results: [Histogram<UInt64>] = []
        for run in 0..<runs {
            try await rig.withVenue { venue in
                let names = (0..<accounts).map { "a\($0)" }
                let configuration = RigConfiguration(
                    accounts: Dictionary(uniqueKeysWithValues: names.map { ($0, venue) }), strategies: names.map { [$0] })
                try await rig.withGateway(configuration) { gateway in
                    let store = try StoreReader(gateway.store)
                    func trade(_ name: String, _ total: Int) async throws {
                        let report = try await LoadGenerator.run(
                            Signals(run: "\(name)\(run)", strategies: accounts), total: total, perSecond: 200, connections: 16,
                            port: gateway.port)
                        guard report.others == 0 else { throw BenchError("\(report.others) signals were not accepted") }
                        try await eventually(within: 60) { try await store.openOrders() == 0 }
                    }
                    try await trade("warm", 400)
                    let before = Set(try await store.receivedAt().keys)
                    try await trade("wire", 200 * seconds)
                    let arrivals = try await Venue(port: venue.port).acceptedAt()
                    var latency = Histogram<UInt64>(highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: .three)
                    for (id, received) in try await store.receivedAt() where !before.contains(id) {
                        guard let arrived = arrivals[id] else { throw BenchError("order \(id) never reached the venue") }
                        latency.record(UInt64(max(0, arrived - received)))
                    }
                    results.append(latency)
                }
            }
        }
        let name = accounts == 1 ? "1 account" : "\(accounts) accounts"
        return [("received → on the venue's wire at 200/s, \(name), p50 / p99", percentiles(results, [50, 99]), aim)]
    }

    // MARK: Memory

    func memory() async throws -> [Line] {
        let orders = 100_000
        var configuration = Self.waiting
        configuration.maximumAge = "20s"
        let (idle, loaded, ended, folder) = try await rig.withGateway(configuration) { gateway in
            try await Task.sleep(for: .seconds(3))
            let idle = gateway.process.residentMegabytes
            let report = try await LoadGenerator.run(
                Signals(run: "fill", strategies: 1), total: orders, perSecond: nil, connections: 64, port: gateway.port)
            guard report.accepted == orders else { throw BenchError("\(report.others) signals were not accepted") }
            let loaded = gateway.process.residentMegabytes
            let store = try StoreReader(gateway.store)
            try await eventually(within: 300) { try await store.openOrders() == 0 }
            try await Task.sleep(for: .seconds(3))
            return (idle, loaded, gateway.process.residentMegabytes, gateway.folder)
        }
        let restarted = try await rig.withGateway(configuration, reusing: folder) { gateway in
            try await Task.sleep(for: .seconds(5))
            guard try await StoreReader(gateway.store).orders() == orders else { throw BenchError("orders are missing after a restart") }
            return gateway.process.residentMegabytes
        }
        return [
            ("resident memory, idle", "\(rounded(idle)) MB", "< 80 MB"),
            ("resident memory, 100,000 orders just stored, all waiting", "\(rounded(loaded)) MB", ""),
            ("resident memory, 100,000 orders stored, all ended", "\(rounded(ended)) MB", ""),
            ("resident memory, 100,000 orders stored, after a restart", "\(rounded(restarted)) MB", ""),
        ]
    }

    // MARK: Helpers

    private func eventually(within seconds: Int, _ condition: () async throws -> Bool) async throws {
        for _ in 0..<(seconds * 10) {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw BenchError("orders did not come to an end within \(seconds) s")
    }

    /// The median over the runs of each percentile, in milliseconds.
    private func percentiles(_ runs: [Histogram<UInt64>], _ percents: [Double]) -> String {
        percents.map { percent in
            decimal(median(runs.map { Double($0.valueAtPercentile(percent)) / 1000 }))
        }.joined(separator: " / ") + " ms"
    }
}

func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return .nan }
    return sorted.count % 2 == 1 ? sorted[sorted.count / 2] : (sorted[sorted.count / 2 - 1] + sorted[sorted.count / 2]) / 2
}

func decimal(_ value: Double) -> String { String(format: "%.2f", value) }
func rounded(_ value: Double) -> String { value.isFinite ? String(Int(value.rounded())) : "?" }
