import ConformanceKit
import Foundation
import GRDB
import Gateway
import OrderFlow
import RateLimitContract
import RedisKit
import RedisRateLimit
import StoreContract
import Synchronization
import TestSupport
import Testing
import TradingModel

/// A limiter that a test scripts, and that counts what it is asked.
private final class ScriptedLimiter: RateLimiter {
    struct State {
        var isDown = false
        var taken = 0
        var givenBack = 0
        /// Run once, when the next slot is asked for.
        var onTake: (@Sendable () async -> Void)?
    }
    let state = Mutex(State())
    let capabilities = RateLimitCapabilities(isShared: true, notice: "scripted")

    func take(_ rule: RateRule) async throws(RateLimitError) -> RateDecision {
        let hook = state.withLock { state in
            defer { state.onTake = nil }
            return state.onTake
        }
        await hook?()
        let number = state.withLock { state -> Int? in
            guard !state.isDown else { return nil }
            state.taken += 1
            return state.taken
        }
        guard let number else { throw .unavailable("scripted") }
        return .taken(RateSlot(rule: rule, id: "\(number)"))
    }

    func giveBack(_ slot: RateSlot) async { state.withLock { $0.givenBack += 1 } }
}

@Suite struct MemoryRateLimiterConformance {
    @Test(arguments: RateLimitConformance.clauses)
    func `keeps the rate limit contract`(_ clause: RateLimitClause) async {
        let limiter = MemoryRateLimiter(clock: SystemClock())
        let result = await clause.check { body in try await body(RateLimitSite(open: { limiter })) }
        #expect(!result.isFailure, "\(clause.id): \(result)")
    }
}

@Suite struct RateLimitTests {
    private func scene(
        limit: Int, per interval: Duration = .seconds(600), _ limiter: any RateLimiter, _ body: (InProcessScene) async throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            let settings = InProcessScene.settings(accounts: ["a"], source: { $0.rateLimit = .init(requests: limit, per: interval) })
            let scene = try await InProcessScene.make(settings, folder: folder, limiter: limiter)
            let result: Result<Void, any Error>
            do { result = .success(try await body(scene)) } catch { result = .failure(error) }
            await scene.store.close()
            try result.get()
        }
    }

    private func openAlerts(_ scene: InProcessScene) async throws -> Set<String> {
        Set(try await scene.store.alerts(includeResolved: false, limit: 100).map(\.type))
    }

    @Test func `a copy costs no slot of a limiter outside the store`() async throws {
        let limiter = ScriptedLimiter()
        try await scene(limit: 100, limiter) { scene async throws in
            #expect(await scene.post(id: "1").status == 202)
            for _ in 0..<5 { #expect(await scene.post(id: "1").headers["Idempotency-Replayed"] == "true") }
            #expect(await scene.post(quantity: "0.02", id: "1").status == 422)
            #expect(limiter.state.withLock { $0.taken } == 1)
        }
    }

    @Test func `a slot that was taken beside the first of a copy is given back`() async throws {
        let limiter = ScriptedLimiter()
        try await scene(limit: 100, limiter) { scene async throws in
            // Its first arrives while the copy asks for its slot.
            limiter.state.withLock { $0.onTake = { _ = await scene.post(id: "1") } }
            #expect(await scene.post(id: "1").headers["Idempotency-Replayed"] == "true")
            #expect(limiter.state.withLock { $0.taken } == 2 && limiter.state.withLock { $0.givenBack } == 1)
            #expect(try await scene.orders().count == 1)
        }
    }

    @Test func `a slot for what could not be stored is given back`() async throws {
        let limiter = ScriptedLimiter()
        try await scene(limit: 100, limiter) { scene async throws in
            limiter.state.withLock { $0.onTake = { await scene.store.close() } }
            #expect(await scene.post(id: "1").status == 503)
            #expect(limiter.state.withLock { $0.taken } == 1 && limiter.state.withLock { $0.givenBack } == 1)
        }
    }

    @Test func `without the configured limiter the store limits, with an alert that the limiter's return resolves`() async throws {
        let limiter = ScriptedLimiter()
        try await scene(limit: 2, limiter) { scene async throws in
            limiter.state.withLock { $0.isDown = true }
            #expect(await scene.post(id: "1").status == 202)
            #expect(try await openAlerts(scene) == ["rate_limiter_fallback"])
            #expect(await scene.post(id: "2").status == 202)
            #expect(await scene.post(id: "3").status == 429)
            // A copy still costs nothing.
            #expect(await scene.post(id: "1").headers["Idempotency-Replayed"] == "true")
            limiter.state.withLock { $0.isDown = false }
            try await waitUntil("the limiter is asked again", within: .seconds(60)) { await scene.post(id: "4").status == 202 }
            #expect(try await openAlerts(scene).isEmpty)
        }
    }

    @Test func `without the store's own limiter memory limits, and the alert is resolved when the store counts again`() async throws {
        try await TemporaryFolder.with { folder in
            let settings = InProcessScene.settings(accounts: ["a"], source: { $0.rateLimit = .init(requests: 2, per: .seconds(600)) })
            let scene = try await InProcessScene.make(settings, folder: folder)
            let result: Result<Void, any Error>
            do {
                let database = try DatabaseQueue(path: folder.file("store.db"))
                try await database.write { try $0.execute(sql: "ALTER TABLE rate_events RENAME TO gone") }
                #expect(await scene.post(id: "1").status == 202)
                #expect(try await openAlerts(scene) == ["rate_limiter_fallback"])
                #expect(await scene.post(id: "2").status == 202)
                #expect(await scene.post(id: "3").status == 429)
                try await database.write { try $0.execute(sql: "ALTER TABLE gone RENAME TO rate_events") }
                #expect(await scene.post(id: "4").status == 202)
                #expect(try await openAlerts(scene).isEmpty)
                result = .success(())
            } catch { result = .failure(error) }
            await scene.store.close()
            try result.get()
        }
    }

    @Test func `gateways and their copies share one window on a Redis server, and a killed one stops nothing`() async throws {
        let server = try await RedisUnderTest.start()
        let result: Result<Void, any Error>
        do {
            let configuration = RedisRateLimitPlugin.Configuration(
                options: RedisOptions(port: server.port), connectTimeout: .seconds(5), requestTimeout: .seconds(5))
            func open() throws -> any RateLimiter {
                try RedisRateLimitPlugin.makeLimiter(configuration, context: RateLimitContext(clock: SystemClock(), logger: InProcessScene.quiet))
            }
            try await scene(limit: 10, try open()) { first async throws in
                try await scene(limit: 10, try open()) { second async throws in
                    // Two gateways with a store each, so that only Redis can count them together.
                    let answers = await withTaskGroup(of: Int.self) { group in
                        for number in 0..<40 { group.addTask { await (number % 2 == 0 ? first : second).post(id: "\(number)").status } }
                        return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
                    }
                    #expect(answers == [202: 10, 429: 30])
                    #expect(try await server.command("EXISTS", "rate_limit:tv:203.0.113.7").hasPrefix(":1"))
                    try await server.stop()
                    #expect(await first.post(id: "down").status == 202)
                    #expect(try await openAlerts(first) == ["rate_limiter_fallback"])
                    try await server.start()
                    try await waitUntil("the alert is resolved", within: .seconds(60)) {
                        _ = await first.post(id: "up \(UInt64.random(in: 0 ... .max))")
                        return try await openAlerts(first).isEmpty
                    }
                }
            }
            result = .success(())
        } catch { result = .failure(error) }
        await server.remove()
        try result.get()
    }
}
