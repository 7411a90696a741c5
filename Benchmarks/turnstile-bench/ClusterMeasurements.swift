import AsyncHTTPClient
import ConformanceKit
import Foundation
import NIOCore

/// A store and locks that several gateways share, as they stand behind `store:` and `locks:` in their files.
struct SharedBackends: Sendable {
    var store: String
    var locks: String

    /// A store and locks of each run's own: what an earlier one has left behind is nobody's work in a later one.
    typealias Making = @Sendable (_ folder: String) -> SharedBackends

    static func sqlite(in folder: String) -> SharedBackends {
        SharedBackends(store: "{ type: sqlite, path: '\(folder)/turnstile.db' }", locks: "{ type: sqlite, path: '\(folder)/locks.db', ttl: 30s }")
    }

    static func postgres(_ url: String) -> SharedBackends {
        let schema = "run_" + UUID().uuidString.prefix(8).lowercased()
        return SharedBackends(
            store: "{ type: postgres, url: '\(url)', schema: \(schema) }", locks: "{ type: postgres, url: '\(url)', schema: \(schema)_locks, ttl: 30s }")
    }
}

extension Measurements {
    /// Accepts and orders per second of one, two and three gateways on one store, behind a balancer that knows nothing of accounts: on a SQLite
    /// file, and on a Postgres server that is started for it.
    func cluster() async throws -> [Line] {
        var lines = try await cluster("SQLite file") { SharedBackends.sqlite(in: $0) }
        try await PostgresUnderTest.with { server in
            let url = server.url()
            lines += try await cluster("Postgres") { _ in SharedBackends.postgres(url) }
        }
        return lines
    }

    private func cluster(_ name: String, _ making: @escaping SharedBackends.Making) async throws -> [Line] {
        var accepts: [Int: [Double]] = [:]
        var orders: [Int: [Double]] = [:]
        for run in 0..<runs {
            for count in 1...3 {
                accepts[count, default: []].append(try await clusterAccepts(count, making, run: run))
                orders[count, default: []].append(try await clusterOrders(count, making, run: run))
            }
        }
        func lines(_ what: String, _ figures: [Int: [Double]]) -> [Line] {
            (1...3).map { count in
                let own = figures[count] ?? []
                let ratios = zip(own, figures[1] ?? []).map { $0 / $1 }
                return ("\(what), \(count) gateway\(count == 1 ? "" : "s") on one \(name)", "\(rounded(median(own)))/s, \(decimal(median(ratios))) of one gateway's", "")
            }
        }
        return lines("durable accepts", accepts) + lines("orders from their signals to their ends, 12 accounts", orders)
    }

    private func clusterAccepts(_ count: Int, _ making: @escaping SharedBackends.Making, run: Int) async throws -> Double {
        let total = 1000 * seconds
        return try await withCluster(count, RigConfiguration(accounts: ["a0": .down], strategies: [["a0"]]), making) { gateways in
            _ = try await flood(gateways, "warm-\(run)-\(count)", strategies: 1, total: 600)
            return Double(total) / (try await flood(gateways, "accept-\(run)-\(count)", strategies: 1, total: total))
        }
    }

    private func clusterOrders(_ count: Int, _ making: @escaping SharedBackends.Making, run: Int) async throws -> Double {
        let total = 200 * seconds
        let names = (0..<12).map { "a\($0)" }
        return try await rig.withVenue { venue in
            let configuration = RigConfiguration(
                accounts: Dictionary(uniqueKeysWithValues: names.map { ($0, venue) }), strategies: names.map { [$0] })
            return try await withCluster(count, configuration, making) { gateways in
                _ = try await flood(gateways, "warmup-\(run)-\(count)", strategies: names.count, total: 240)
                try await waitForEnds(gateways[0])
                let start = ContinuousClock.now
                _ = try await flood(gateways, "order-\(run)-\(count)", strategies: names.count, total: total)
                try await waitForEnds(gateways[0])
                let elapsed = ContinuousClock.now - start
                return Double(total) / (Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18)
            }
        }
    }

    /// Sends signals to all gateways alike, as fast as 192 connections take them; returns the seconds until the last answer.
    private func flood(_ gateways: [Rig.Gateway], _ name: String, strategies: Int, total: Int) async throws -> Double {
        try await withThrowingTaskGroup(of: LoadGenerator.Report.self) { group in
            for (index, gateway) in gateways.enumerated() {
                group.addTask {
                    try await LoadGenerator.run(
                        Signals(run: "\(name)-\(index)", strategies: strategies), total: total / gateways.count, perSecond: nil,
                        connections: 192 / gateways.count, port: gateway.port)
                }
            }
            var longest = 0.0
            for try await report in group {
                guard report.others == 0 else { throw BenchError("\(report.others) signals were not accepted") }
                longest = max(longest, Double(report.elapsed.nanoseconds) / 1e9)
            }
            return longest
        }
    }

    /// Asked of the gateway, because not every store is a file.
    private func waitForEnds(_ gateway: Rig.Gateway) async throws {
        let open = "queued,permitted,unknown,resolving,parked,absent,accepted,partially_filled,cancel_pending,replace_pending"
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(gateway.port)/api/v1/orders?limit=1&status=\(open)")
        request.headers.add(name: "Authorization", value: "Bearer bench-reader")
        for _ in 0..<3000 {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
            let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
            guard response.status == .ok else { throw BenchError("orders answered \(response.status): \(text)") }
            if text.contains(#/"data":\s*\[\s*\]/#) { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw BenchError("orders did not come to an end within 300 s")
    }

    private func withCluster<T>(
        _ count: Int, _ configuration: RigConfiguration, _ making: SharedBackends.Making, _ body: ([Rig.Gateway]) async throws -> T
    ) async throws -> T {
        let folder = "\(rig.folder)/\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return try await withGateways(count, configuration, making(folder), [], body)
    }

    private func withGateways<T>(
        _ count: Int, _ configuration: RigConfiguration, _ shared: SharedBackends, _ started: [Rig.Gateway], _ body: ([Rig.Gateway]) async throws -> T
    ) async throws -> T {
        guard started.count < count else { return try await body(started) }
        var own = configuration
        own.shared = shared
        own.id = "bench-\(started.count)"
        return try await rig.withGateway(own) { try await withGateways(count, configuration, shared, started + [$0], body) }
    }
}
