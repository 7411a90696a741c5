import ConformanceKit
import Foundation
import RateLimitContract
import RedisKit
import TestSupport
import Testing
import TradingModel

@testable import RedisRateLimit

@Suite struct RedisRateLimitServerTests {
    private let rule = RateRule(key: "rate_limit:tv:203.0.113.7", limit: 3, interval: .seconds(100))

    private func isTaken(_ limiter: RedisRateLimit, _ rule: RateRule) async throws -> Bool {
        if case .taken = try await limiter.take(rule) { true } else { false }
    }

    @Test func `keys stay readable, hold as much as the limit, and end with the interval`() async throws {
        try await withServer { server in
            let limiter = open(server.port)
            for _ in 0..<10 { _ = try await limiter.take(rule) }
            #expect(try await server.command("ZCARD", rule.key).hasPrefix(":3"))
            let left = try #require(Int(try await server.command("PTTL", rule.key).dropFirst().prefix { $0.isNumber }))
            #expect(left > 0 && left <= 100_001)
            let short = RateRule(key: "rate_limit:tv:short", limit: 3, interval: .milliseconds(100))
            #expect(try await isTaken(limiter, short))
            try await waitUntil("nothing is left of it", within: .seconds(30)) { try await server.command("EXISTS", short.key).hasPrefix(":0") }
        }
    }

    @Test func `the server may forget its scripts, and a lower limit counts what is there`() async throws {
        try await withServer { server in
            let limiter = open(server.port)
            for _ in 0..<3 { #expect(try await isTaken(limiter, rule)) }
            _ = try await server.command("SCRIPT", "FLUSH")
            #expect(try await !isTaken(limiter, rule))
            #expect(try await !isTaken(limiter, RateRule(key: rule.key, limit: 1, interval: rule.interval)))
            #expect(try await isTaken(limiter, RateRule(key: rule.key, limit: 4, interval: rule.interval)))
        }
    }

    @Test func `the server's clock an hour behind does not block for an hour`() async throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let shim = try ClockShim.make(source: root.appending(path: "Tests/Shims/clockshim.c").path())
        defer { shim.remove() }
        try await withServer(environment: shim.environment) { server in
            let limiter = open(server.port)
            for _ in 0..<3 { #expect(try await isTaken(limiter, rule)) }
            #expect(try await !isTaken(limiter, rule))
            try shim.jump(to: .seconds(-3600))
            try await waitUntil("what lies in the future is dropped", within: .seconds(30)) { try await isTaken(limiter, rule) }
        }
    }

    @Test func `a replica is not counted on, and a value of another kind is no answer`() async throws {
        try await withServer { server in
            let limiter = open(server.port)
            _ = try await server.command("SET", rule.key, "text")
            await #expect(throws: RateLimitError.self) { try await limiter.take(rule) }
            _ = try await server.command("DEL", rule.key)
            _ = try await server.command("REPLICAOF", "127.0.0.1", "1")
            await #expect(throws: RateLimitError.self) { try await limiter.take(rule) }
            _ = try await server.command("REPLICAOF", "NO", "ONE")
            try await waitUntil("works again", within: .seconds(30)) { (try? await isTaken(limiter, rule)) == true }
        }
    }
}
