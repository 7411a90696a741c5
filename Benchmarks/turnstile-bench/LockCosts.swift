import ConformanceKit
import EtcdLock
import Foundation
import LockContract
import Logging
import MemoryLock
import PostgresLock
import RedisKit
import RedisLock
import SQLiteLock
import TradingModel

/// Acquiring and releasing, by each backend on a server of its own.
struct LockCosts: Sendable {
    let folder: String
    let runs: Int
    let seconds: Int

    /// Workers at once, each with a lock of its own: contention is the business of the conformance suite.
    private static let workers = 50
    private let clock = SystemClock()
    private var context: LockContext {
        LockContext(clock: clock, logger: Logger(label: "locks", factory: { _ in SwiftLogNoOpLogHandler() }), stateDirectory: folder)
    }

    func measure() async throws -> [Measurements.Line] {
        var lines: [Measurements.Line] = []
        lines.append(try await line("memory") { _ in try MemoryLockPlugin.makeBackend(.init(), context: context) })
        lines.append(try await line("SQLite, synchronous FULL") { run in
            try SQLiteLockPlugin.makeBackend(.init(path: "\(folder)/locks-\(run).db"), context: context)
        })
        lines += try await redis()
        try await PostgresUnderTest.with { server in
            lines.append(try await line("Postgres, fsync on, 16 connections") { _ in
                try PostgresLockPlugin.makeBackend(.init(url: Secret(server.url()), connections: 16), context: context)
            })
        }
        let etcd = try await EtcdUnderTest.start()
        let result: Result<Measurements.Line, any Error>
        do {
            result = .success(try await line("etcd, one member") { _ in
                try EtcdLockPlugin.makeBackend(.init(endpoints: ["http://127.0.0.1:\(etcd.port)"]), context: context)
            })
        } catch { result = .failure(error) }
        await etcd.remove()
        lines.append(try result.get())
        return lines
    }

    /// All workers share one handle, as in a gateway.
    private func line(_ name: String, _ make: (Int) throws -> any LockBackend) async throws -> Measurements.Line {
        var one: [Double] = []
        var many: [Double] = []
        for run in 0..<runs {
            let locks = try make(run)
            one.append(try await pairsPerSecond([locks], workers: 1))
            many.append(try await pairsPerSecond([locks], workers: Self.workers))
        }
        return (
            "acquire + release, \(name): 1 worker, \(Self.workers) workers on one handle", "\(rounded(median(one)))/s, \(rounded(median(many)))/s", ""
        )
    }

    // MARK: Redis

    /// Beside `redis-benchmark`, which runs the same two scripts on as many connections, each with one command under way.
    private func redis() async throws -> [Measurements.Line] {
        var ours: [Double] = []
        var theirs: [Double] = []
        var shared: [Double] = []
        for _ in 0..<runs {
            let server = try await RedisUnderTest.start(["--appendonly", "no"])
            let result: Result<Void, any Error>
            do {
                let options = RedisOptions(port: server.port)
                let handles = try (0..<Self.workers).map { _ in try RedisLockPlugin.makeBackend(.init(options: options), context: context) }
                let baseline = try await RedisBaseline.of(server, handles[0], connections: Self.workers, folder: folder)
                theirs.append(try await baseline.pairsPerSecond())
                ours.append(try await pairsPerSecond(handles, workers: Self.workers))
                shared.append(try await pairsPerSecond([handles[0]], workers: Self.workers))
                result = .success(())
            } catch { result = .failure(error) }
            await server.remove()
            try result.get()
        }
        let ratios = zip(ours, theirs).map { $0 / $1 }
        return [
            ("acquire + release, Redis without persistence: \(Self.workers) workers on one connection", "\(rounded(median(shared)))/s", ""),
            ("the same, \(Self.workers) workers on as many connections", "\(rounded(median(ours)))/s", ""),
            ("redis-benchmark with the same two scripts, \(Self.workers) connections", "\(rounded(median(theirs)))/s", ""),
            ("ratio to redis-benchmark", "\(decimal(median(ratios))) (\(ratios.map(decimal).joined(separator: ", ")))", "≥ 0.7"),
        ]
    }

    // MARK: Working

    private func pairsPerSecond(_ handles: [any LockBackend], workers: Int) async throws -> Double {
        let holder = HolderIdentity.current(gateway: "bench", purpose: "bench")
        // The first calls of a handle connect, and make what is missing.
        for handle in handles { try await Self.pair(handle, LockResource(rawValue: "account_lock:warm"), holder) }
        let start = clock.monotonic
        let end = start + .seconds(seconds)
        let done = try await withThrowingTaskGroup(of: Int.self) { group in
            for worker in 0..<workers {
                group.addTask { [clock] in
                    let resource = LockResource(rawValue: "account_lock:bench-\(worker)")
                    var done = 0
                    while clock.monotonic < end {
                        try await Self.pair(handles[worker % handles.count], resource, holder)
                        done += 1
                    }
                    return done
                }
            }
            return try await group.reduce(0, +)
        }
        return Double(done) / (Double((clock.monotonic - start).wholeMicroseconds) / 1e6)
    }

    private static func pair(_ locks: any LockBackend, _ resource: LockResource, _ holder: HolderIdentity) async throws {
        let result = try await locks.acquire(resource, owner: .random(), ttl: .seconds(30), holder: holder)
        guard case .granted(let lease) = result else { throw BenchError("\(resource): \(result)") }
        let released = try await locks.release(lease)
        guard released == .released else { throw BenchError("\(resource): \(released)") }
    }
}
