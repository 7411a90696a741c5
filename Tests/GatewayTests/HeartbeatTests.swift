import LockContract
import StoreContract
import TestSupport
import Testing
import TradingModel

@testable import Gateway

/// Gateways that tell each other through the store that they live. Time is moved by hand.
@Suite struct HeartbeatTests {
    private struct Scene: Sendable {
        let store: any OrderStore
        let clock: ManualClock
        let alerts: AlertDesk

        /// A gateway of this machine and boot; `isDead` gives it the name of a process that is gone.
        func gateway(_ id: String, hash: String = "same", isDead: Bool = false) -> Heartbeats {
            var holder = HolderIdentity.current(gateway: id, purpose: "account")
            // The process number is ours, with another start: that process is gone for certain.
            if isDead { holder.processStart += 1 }
            return Heartbeats(
                worker: WorkerRecord(holder: holder, programVersion: "1", configurationHash: hash, startedAt: clock.wallTime), store: store,
                gate: VersionGate(), alerts: alerts, clock: clock, logger: InProcessScene.quiet)
        }

        func alert(_ type: String) async throws -> [AlertRecord] { try await store.alerts(includeResolved: true, limit: 100).filter { $0.type == type } }
    }

    private func with(_ body: (Scene) async throws -> Void) async throws {
        try await TemporaryFolder.with { folder in
            let clock = ManualClock()
            let store = try await InProcessScene.openStore(folder, clock: clock)
            try await body(Scene(store: store, clock: clock, alerts: AlertDesk(store: store, clock: clock, logger: InProcessScene.quiet)))
            await store.close()
        }
    }

    @Test func `a gateway that is silent for 30 s is told once, and resolved when it is back`() async throws {
        try await with { scene async throws in
            let (a, b) = (scene.gateway("gw-a"), scene.gateway("gw-b"))
            await a.beat()
            await b.beat()
            scene.clock.advance(by: .milliseconds(29_999))
            await a.beat()
            #expect(try await scene.alert("worker_dead").isEmpty)
            scene.clock.advance(by: .milliseconds(1))
            for _ in 0..<3 {
                await a.beat()
                scene.clock.advance(by: Heartbeats.interval)
            }
            let told = try await scene.alert("worker_dead")
            #expect(told.map(\.subject) == ["worker:gw-b"])
            #expect(told.first?.count == 1 && told.first?.resolvedAt == nil && told.first?.severity == .high)
            await b.beat()
            #expect(try await scene.alert("worker_dead").allSatisfy { $0.resolvedAt != nil })
        }
    }

    @Test func `of several that live, one tells of the dead`() async throws {
        try await with { scene async throws in
            let gateways = ["gw-a", "gw-b", "gw-c"].map { scene.gateway($0) }
            for gateway in gateways { await gateway.beat() }
            scene.clock.advance(by: .seconds(31))
            // The first look finds the other one silent too; what counts is the look after both have been heard.
            for _ in 0..<2 { for gateway in gateways.dropLast() { await gateway.beat() } }
            scene.clock.advance(by: .seconds(5))
            for gateway in gateways.dropLast() { await gateway.beat() }
            let open = try await scene.alert("worker_dead").filter { $0.resolvedAt == nil }
            #expect(open.map(\.subject) == ["worker:gw-c"])
            #expect(open.first?.count == 1)
        }
    }

    @Test func `a process that is proven dead is stopped in the store at once`() async throws {
        try await with { scene async throws in
            try await scene.store.heartbeat(scene.gateway("gw-b", isDead: true).worker)
            scene.clock.advance(by: .seconds(1))
            let a = scene.gateway("gw-a")
            await a.beat()
            let dead = try #require(try await scene.store.workers().first { $0.holder.gateway == "gw-b" })
            #expect(dead.stoppedAt == scene.clock.wallTime && !dead.isLive)
            #expect(try await scene.alert("worker_dead").map(\.count) == [1])
            // It stays told until a gateway of its name is back.
            await a.beat()
            #expect(try await scene.alert("worker_dead").allSatisfy { $0.resolvedAt == nil && $0.count == 1 })
            await scene.gateway("gw-b").beat()
            #expect(try await scene.alert("worker_dead").allSatisfy { $0.resolvedAt != nil })
        }
    }

    @Test func `a restarted gateway clears away its own dead process without an alarm`() async throws {
        try await with { scene async throws in
            try await scene.store.heartbeat(scene.gateway("gw", isDead: true).worker)
            await scene.gateway("gw").beat()
            #expect(try await scene.store.workers().count { $0.stoppedAt != nil } == 1)
            #expect(try await scene.store.workers().count(where: \.isLive) == 1)
            #expect(try await scene.alert("worker_dead").isEmpty)
        }
    }

    @Test func `the gate closes for an older gateway with other rules, not for a newer, a stopped or a dead one`() async throws {
        try await with { scene async throws in
            let older = scene.gateway("gw-old", hash: "other")
            scene.clock.advance(by: .seconds(1))
            let own = scene.gateway("gw")
            scene.clock.advance(by: .seconds(1))
            let newer = scene.gateway("gw-new", hash: "other")
            await own.beat()
            await newer.beat()
            await own.beat()
            #expect(!own.gate.isClosed && newer.gate.isClosed)
            await older.beat()
            await own.beat()
            #expect(own.gate.why?.contains("gw-old") == true && own.gate.why?.contains("configuration") == true)
            await own.beat()
            #expect(try await scene.alert("mixed_versions").filter { $0.subject == "gateway:gw" }.map(\.count) == [1])
            await older.stop()
            await own.beat()
            #expect(!own.gate.isClosed)
            #expect(try await scene.alert("mixed_versions").filter { $0.subject == "gateway:gw" }.allSatisfy { $0.resolvedAt != nil })
            // Back, and then silent.
            await older.beat()
            await own.beat()
            #expect(own.gate.isClosed)
            scene.clock.advance(by: WorkerRecord.deadAfter)
            await own.beat()
            #expect(!own.gate.isClosed)
        }
    }
}
