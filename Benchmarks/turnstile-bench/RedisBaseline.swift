import ConformanceKit
import Foundation
import LockContract
import RedisKit
import TradingModel

/// The two commands of the Redis lock, run by `redis-benchmark`.
///
/// They are taken from the wire, by MONITOR, so that they are the lock's own with all their arguments. Each call draws a lock and a
/// counter at random; since all of them have one owner and one fence, they fit each other.
struct RedisBaseline: Sendable {
    private let port: Int
    private let connections: Int
    private let acquire: [String]
    private let release: [String]

    /// What `redis-benchmark` replaces by twelve digits.
    private static let random = "__rand_int__"
    /// Locks that are held before their release is measured, and how many of them are released, at random: one in twenty twice,
    /// which is a little cheaper for the server.
    private static let held = 200_000
    private static let released = 20_000

    static func of(_ server: RedisUnderTest, _ locks: any LockBackend, connections: Int, folder: String) async throws -> RedisBaseline {
        let log = "\(folder)/monitor-\(UUID().uuidString).log"
        let monitor = try await MonitoredCommands(port: server.port, log: log)
        let resource = LockResource(rawValue: "account_lock:\(random)")
        let holder = HolderIdentity.current(gateway: "bench", purpose: "bench")
        let result = try await locks.acquire(resource, owner: .random(), ttl: .seconds(300), holder: holder)
        guard case .granted(let lease) = result, try await locks.release(lease) == .released else { throw BenchError("no lock: \(result)") }
        let commands = try await monitor.commands(2, naming: resource.rawValue)
        return RedisBaseline(port: server.port, connections: connections, acquire: commands[0], release: commands[1])
    }

    /// How many pairs a second the two rates amount to.
    func pairsPerSecond() async throws -> Double {
        let acquired = try await rate(acquire, requests: Self.released * 5, of: 1_000_000_000)
        try await hold()
        let released = try await rate(release, requests: Self.released, of: Self.held)
        return 1 / (1 / acquired + 1 / released)
    }

    private func rate(_ command: [String], requests: Int, of names: Int) async throws -> Double {
        let text = try await output(
            of: "redis-benchmark",
            ["-p", "\(port)", "-c", "\(connections)", "-n", "\(requests)", "-r", "\(names)", "-P", "1", "--csv"] + command)
        guard let match = text.firstMatch(of: #/,"([0-9.]+)","[0-9.]+","[0-9.]+"/#), let rate = Double(match.1) else {
            throw BenchError("redis-benchmark said something else: \(text.suffix(500))")
        }
        return rate
    }

    /// Takes every lock that the release may name.
    private func hold() async throws {
        let client = RedisClient(RedisOptions(port: port), connectTimeout: .seconds(10), clock: SystemClock()) { _, _ in }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<100 {
                group.addTask { [acquire] in
                    for number in stride(from: part, to: Self.held, by: 100) {
                        let digits = String(number)
                        let name = String(repeating: "0", count: 12 - digits.count) + digits
                        let outcome = await client.send(acquire.map { $0.replacing(Self.random, with: name) }, within: .seconds(60))
                        // A few were taken by the measurement before.
                        guard case .reply(.array(let fields)) = outcome, ["granted", "own"].contains(fields.first?.string) else { throw BenchError("\(outcome)") }
                    }
                }
            }
            for try await _ in group {}
        }
    }
}

/// What a server is told, as its MONITOR shows it.
private struct MonitoredCommands {
    private let process: ChildProcess
    private let log: String

    /// Returns once the server shows what it is told.
    init(port: Int, log: String) async throws {
        process = try ChildProcess("/usr/bin/redis-cli", ["-p", "\(port)", "monitor"], log: log)
        self.log = log
        for _ in 0..<600 {
            if (try? String(contentsOfFile: log, encoding: .utf8))?.hasPrefix("OK") == true { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        await process.stop()
        throw BenchError("redis-cli did not begin to monitor; its log is \(log)")
    }

    /// The first commands that name this lock; ends the monitor.
    func commands(_ number: Int, naming name: String) async throws -> [[String]] {
        for _ in 0..<600 {
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            let lines = text.split(separator: "\n").filter { $0.contains("\"EVALSHA\"") && $0.contains("\"\(name)\"") }.map(Self.words)
            if lines.count >= number {
                await process.stop()
                return Array(lines.prefix(number))
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        await process.stop()
        throw BenchError("MONITOR did not show the lock's commands; its log is \(log)")
    }

    /// `1700000000.123456 [0 127.0.0.1:1234] "EVALSHA" "…"`, with backslashes before quotes and backslashes.
    private static func words(_ line: Substring) -> [String] {
        var words: [String] = []
        var word: String?
        var isEscaped = false
        for character in line {
            if isEscaped {
                word?.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                if let done = word {
                    words.append(done)
                    word = nil
                } else {
                    word = ""
                }
            } else {
                word?.append(character)
            }
        }
        return words
    }
}
