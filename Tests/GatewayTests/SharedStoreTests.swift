import LockContract
import MemoryLock
import StoreContract
import TestSupport
import Testing
import TradingModel

@testable import Gateway

/// Gateways on one store and one lock backend.
@Suite struct SharedStoreTests {
    private static func settings(_ id: String, _ accounts: [AccountID], maxAge: Duration = .seconds(600), hash: String = "same") -> GatewaySettings {
        InProcessScene.settings(
            accounts: accounts, maxAge: maxAge,
            change: {
                $0.gatewayID = id
                $0.configurationHash = hash
            })
    }

    /// Runs two gateways with their own venues, the second after the first.
    private func pair(
        _ first: GatewaySettings, _ second: GatewaySettings, _ body: @escaping @Sendable (InProcessScene, InProcessScene) async throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            let locks = MemoryLock(clock: SystemClock())
            let one = try await InProcessScene.make(first, folder: folder, locks: locks)
            let two = try await InProcessScene.make(second, folder: folder, locks: locks)
            try await one.running {
                try await waitUntil("the first gateway is known") { try await one.store.workers().count == 1 }
                try await two.running {
                    try await waitUntil("both gateways are known") { try await one.store.workers().count == 2 || first.gatewayID == second.gatewayID }
                    try await body(one, two)
                }
            }
            await one.store.close()
            await two.store.close()
        }
    }

    private func placed(_ scene: InProcessScene, _ account: AccountID = "a") -> Int {
        scene.brokers[account]?.venue.state.withLock { $0.placed.count } ?? 0
    }

    @Test func `what one gateway admits is sent by the one that has the account`() async throws {
        try await pair(Self.settings("gw-a", ["a"]), Self.settings("gw-b", ["a"])) { a, b async throws in
            // A resting order keeps the account with the first.
            a.brokers["a"]?.venue.state.withLock { $0.script = [.rest] }
            #expect(await a.post(id: "rests").status == 202)
            try await waitUntil("the first order rests") { try await a.orders().first?.state == .accepted }
            for number in 0..<20 { #expect(await b.post(id: "\(number)").status == 202) }
            try await waitUntil("all are filled") { try await a.orders().count { $0.state == .filled } == 20 }
            #expect(placed(a) == 21)
            #expect(placed(b) == 0)
            let sent = try await a.orders().filter { $0.state == .filled }.sorted { $0.id < $1.id }.compactMap(\.venueOrderID)
            #expect(sent == (2...21).map { VenueOrderID("v\($0)") })
        }
    }

    @Test func `a gateway without the account keeps nothing in memory, and takes over what waits when it is given back`() async throws {
        try await TemporaryFolder.with { folder in
            let locks = MemoryLock(clock: SystemClock())
            let a = try await InProcessScene.make(Self.settings("gw-a", ["a"]), folder: folder, locks: locks)
            let b = try await InProcessScene.make(Self.settings("gw-b", ["a"]), folder: folder, locks: locks)
            try await b.running {
                try await a.running {
                    a.brokers["a"]?.venue.state.withLock { $0.health.isConnected = false }
                    // It takes the account before there is work that the other one could be faster at.
                    try await waitUntil("the first gateway takes the account") { await a.gateway.worker(of: "a")?.keeper.grant() != nil }
                    #expect(await a.post(id: "first").status == 202)
                    try await waitUntil("the first gateway has the account") { await a.gateway.worker(of: "a")?.keeper.isHeld == true }
                    for number in 0..<30 { #expect(await b.post(id: "\(number)").status == 202) }
                    try await waitUntil("all are on the holder's desk") { await a.gateway.worker(of: "a")?.desk.queued == 31 }
                    try await waitUntil("none is on the other's") { await b.gateway.worker(of: "a")?.desk.queued == 0 }
                    #expect(placed(b) == 0)
                }
                // The first has stopped in good order; nobody posts anything.
                _ = try await b.settled(31)
                #expect(placed(b) == 31)
            }
            #expect(placed(a) == 0)
            await a.store.close()
            await b.store.close()
        }
    }

    @Test func `an order whose hand-over was dropped is found`() async throws {
        try await InProcessScene.with(Self.settings("gw", ["a"])) { scene async throws in
            // A gateway that admits on the same store and never runs: nobody is told, and its commits are those of this process.
            let silent = TradingGateway(
                settings: Self.settings("gw", ["a"]), store: scene.store, locks: MemoryLock(clock: SystemClock()),
                brokers: scene.brokers.mapValues { $0 }, clock: SystemClock(), logger: InProcessScene.quiet)
            let other = InProcessScene(store: scene.store, brokers: scene.brokers, gateway: silent, clock: scene.clock)
            for number in 0..<5 { #expect(await other.post(id: "\(number)").status == 202) }
            _ = try await scene.settled(5)
            #expect(placed(scene) == 5)
        }
    }

    @Test func `many accounts are shared, each order is sent once`() async throws {
        let accounts = (0..<20).map { AccountID("a\($0)") }
        try await pair(Self.settings("gw-a", accounts), Self.settings("gw-b", accounts)) { a, b async throws in
            for number in 0..<10 {
                async let one = a.post(id: "\(number)")
                async let two = b.post(id: "\(number)")
                let answers = await [one, two]
                #expect(answers.allSatisfy { $0.status == 202 } && answers[0].body == answers[1].body)
            }
            _ = try await a.settled(200, within: .seconds(120))
            for account in accounts { #expect(placed(a, account) + placed(b, account) == 10, "\(account)") }
        }
    }

    @Test func `a newer gateway with other rules stores signals and sends nothing until the older one stops`() async throws {
        try await TemporaryFolder.with { folder in
            let locks = MemoryLock(clock: SystemClock())
            let old = try await InProcessScene.make(Self.settings("gw-old", ["a"]), folder: folder, locks: locks)
            let new = try await InProcessScene.make(Self.settings("gw-new", ["a", "b"], hash: "other"), folder: folder, locks: locks)
            let mixed: @Sendable () async throws -> AlertRecord? = {
                try await new.store.alerts(includeResolved: true, limit: 100).first { $0.type == "mixed_versions" }
            }
            let oldMayStop = Mailbox()
            try await withThrowingTaskGroup { group in
                group.addTask { try await old.running { await oldMayStop.wait() } }
                group.addTask {
                    try await waitUntil("the older one is known") { try await old.store.workers().count == 1 }
                    try await new.running {
                        #expect(await new.post(id: "waits").status == 202)
                        try await waitUntil("it is alerted") { try await mixed() != nil }
                        // The order for the account that both know is the older one's; the other account has nobody.
                        try await waitUntil("the older one sends its order") { try await new.orders().first { $0.account == "a" }?.state == .filled }
                        let report = await new.gateway.readiness()
                        #expect(report.status == .warn)
                        #expect(report.checks.contains { $0.name == "versions" && $0.detail.contains("gw-old") })
                        #expect(placed(old) == 1 && placed(new) == 0 && placed(new, "b") == 0)
                        #expect(try await new.orders().first { $0.account == "b" }?.state == .queued)
                        oldMayStop.signal()
                        _ = try await new.settled(2)
                        #expect(placed(new, "b") == 1)
                        try await waitUntil("the alert is resolved") { try await mixed()?.resolvedAt != nil }
                        #expect(await new.gateway.readiness().status == .pass)
                    }
                }
                try await group.waitForAll()
            }
            await old.store.close()
            await new.store.close()
        }
    }
}
