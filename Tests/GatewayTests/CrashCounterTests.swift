import Foundation
import StoreContract
import TestSupport
import Testing
import TradingModel

@testable import Gateway
@testable import LockContract

/// Whose end counts as a crash at an order. Time is moved by hand.
@Suite struct CrashCounterTests {
    private struct Scene: Sendable {
        let store: any OrderStore
        let clock: ManualClock
        let alerts: AlertDesk
        let own = HolderIdentity.current(gateway: "gw", purpose: "account")

        var counter: CrashCounter { CrashCounter(holder: own, store: store, alerts: alerts, clock: clock, logger: InProcessScene.quiet) }

        func open(_ holder: HolderIdentity) async throws -> (tenure: Tenure, unclosedPredecessor: Tenure?) {
            try await store.openTenure(
                TenureRequest(
                    account: "a", owner: .random(), holder: holder, leaseFence: FencingToken(epoch: 1, counter: 1), configurationHash: "test",
                    at: clock.wallTime))
        }

        /// The holder had the account and did not close it; then `counter` takes it over, on an expired lease or not.
        func succeed(_ holder: HolderIdentity, _ counter: CrashCounter, leaseExpired: Bool = true) async throws -> Tenure {
            _ = try await open(holder)
            let opened = try await open(own)
            await counter.opened(opened.tenure, predecessor: opened.unclosedPredecessor, leaseExpired: leaseExpired)
            return opened.tenure
        }

        func dead(_ number: UInt64 = 1) -> HolderIdentity {
            var holder = own
            holder.processStart += number
            return holder
        }

        /// A process that nobody here can prove dead.
        var remote: HolderIdentity {
            var holder = own
            (holder.gateway, holder.host) = ("gw-far", "far")
            return holder
        }

        func hear(_ holder: HolderIdentity) async throws {
            try await store.heartbeat(WorkerRecord(holder: holder, programVersion: "0", configurationHash: "test", startedAt: clock.wallTime))
        }

        func letters() async throws -> [DeadLetter] { try await store.deadLetters() }
    }

    /// With one order that waits.
    private func with(_ body: (Scene) async throws -> Void) async throws {
        try await TemporaryFolder.with { folder in
            let clock = ManualClock()
            let admitting = try await InProcessScene.make(InProcessScene.settings(accounts: ["a"], maxAge: .seconds(86_400)), folder: folder, clock: clock)
            #expect(await admitting.post(id: "1").status == 202)
            let alerts = AlertDesk(store: admitting.store, clock: clock, logger: InProcessScene.quiet)
            try await body(Scene(store: admitting.store, clock: clock, alerts: alerts))
            await admitting.store.close()
        }
    }

    @Test func `five proven deaths make a dead letter, alerted as critical`() async throws {
        try await with { scene async throws in
            let counter = scene.counter
            for number in 1...4 { _ = try await scene.succeed(scene.dead(UInt64(number)), counter) }
            #expect(try await scene.letters().isEmpty)
            _ = try await scene.succeed(scene.dead(5), counter)
            #expect(try await scene.letters().map(\.crashes.count) == [5])
            let alerts = try await scene.store.alerts(includeResolved: true, limit: 10).filter { $0.type == "dead_letter" }
            #expect(alerts.map(\.severity) == [.critical])
        }
    }

    @Test func `our own lost tenure and an operator's fence are nobody's crash`() async throws {
        try await with { scene async throws in
            let counter = scene.counter
            var unlock = scene.dead()
            unlock.purpose = Unlocking.purpose
            for _ in 0..<6 {
                _ = try await scene.succeed(scene.own, counter)
                _ = try await scene.succeed(unlock, counter)
            }
            #expect(try await scene.letters().isEmpty)
        }
    }

    @Test func `a holder that lives on this machine has not crashed, however long it is silent`() async throws {
        try await with { scene async throws in
            let counter = scene.counter
            var neighbour = scene.own
            neighbour.processID = getppid()
            neighbour.processStart = try #require(ProcessFacts.start(of: neighbour.processID))
            for _ in 0..<6 {
                try await scene.hear(neighbour)
                let tenure = try await scene.succeed(neighbour, counter)
                scene.clock.advance(by: .seconds(60))
                await counter.judge(under: tenure)
            }
            #expect(try await scene.letters().isEmpty)
        }
    }

    @Test func `a holder on another host that is heard has not crashed, one that is silent has`() async throws {
        try await with { scene async throws in
            let counter = scene.counter
            for _ in 0..<6 {
                try await scene.hear(scene.remote)
                let tenure = try await scene.succeed(scene.remote, counter)
                scene.clock.advance(by: .seconds(4))
                try await scene.hear(scene.remote)
                scene.clock.advance(by: .seconds(1))
                await counter.judge(under: tenure)
                // Its silence later on has nothing to do with that tenure.
                scene.clock.advance(by: .seconds(60))
                await counter.judge(under: tenure)
            }
            #expect(try await scene.letters().isEmpty)
            for round in 1...5 {
                try await scene.hear(scene.remote)
                let tenure = try await scene.succeed(scene.remote, counter)
                #expect(try await scene.letters().isEmpty, "round \(round)")
                scene.clock.advance(by: Heartbeats.interval * 2 + .milliseconds(1))
                await counter.judge(under: tenure)
            }
            #expect(try await scene.letters().count == 1)
        }
    }

    @Test func `a holder that released its lease counts only when it is dead for certain`() async throws {
        try await with { scene async throws in
            let counter = scene.counter
            for _ in 0..<5 {
                try await scene.hear(scene.remote)
                let tenure = try await scene.succeed(scene.remote, counter, leaseExpired: false)
                scene.clock.advance(by: .seconds(29))
                await counter.judge(under: tenure)
                #expect(try await scene.letters().isEmpty)
                scene.clock.advance(by: .seconds(1))
                await counter.judge(under: tenure)
            }
            #expect(try await scene.letters().count == 1)
        }
    }
}
