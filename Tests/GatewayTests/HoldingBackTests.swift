import BrokerContract
import LockContract
import MemoryLock
import StoreContract
import TestSupport
import Testing
import TradingModel

@testable import Gateway

/// What keeps an order from being sent although everything else allows it.
@Suite(.timeLimit(.minutes(5))) struct HoldingBackTests {
    @Test func `a permit whose window has closed before the hand-over is not used`() async throws {
        // Shorter than any commit: the window is always over when the permit is there.
        let settings = InProcessScene.settings(accounts: ["a"], maxAge: .seconds(2), change: { $0.sendWindow = .microseconds(1) })
        try await InProcessScene.with(settings) { scene async throws in
            #expect(await scene.post(id: "1").status == 202)
            let order = try #require(try await scene.settled(1).first)
            #expect(order.state == .abandoned || order.state == .stale, "\(order.state) \(order.reason ?? "")")
            #expect(scene.brokers["a"]?.venue.state.withLock { $0.placed.isEmpty } == true)
        }
    }

    @Test func `behind a lease that ran out nothing is sent before the lock delay has passed`() async throws {
        let clock = SystemClock()
        let locks = MemoryLock(clock: clock)
        let former = HolderIdentity(gateway: "gw-former", host: "elsewhere", processID: 1, processStart: 1, bootID: "another", purpose: "account")
        guard case .granted = try await locks.acquire(.account("a"), owner: "former", ttl: .milliseconds(300), holder: former) else {
            return #expect(Bool(false), "the lease is not granted")
        }
        let settings = InProcessScene.settings(accounts: ["a"], maxAge: .seconds(5), change: { $0.lockDelay = .seconds(3600) })
        try await TemporaryFolder.with { folder in
            let scene = try await InProcessScene.make(settings, folder: folder, locks: locks)
            try await scene.running {
                #expect(await scene.post(id: "1").status == 202)
                let order = try #require(try await scene.settled(1).first)
                #expect(order.state == .blocked && order.reason == "lock_delay", "\(order.state) \(order.reason ?? "")")
                #expect(scene.brokers["a"]?.venue.state.withLock { $0.placed.isEmpty } == true)
            }
            await scene.store.close()
        }
    }

    @Test func `a lease that is not renewed is given up before its end`() async throws {
        try await TemporaryFolder.with { folder in
            let clock = ManualClock()
            let store = try await InProcessScene.openStore(folder, clock: clock)
            let settings = InProcessScene.settings(accounts: ["a"])
            let keeper = TenureKeeper(
                account: "a", settings: settings, store: store, locks: MemoryLock(clock: clock), holder: .current(gateway: "gw", purpose: "account"),
                gate: VersionGate(), alerts: AlertDesk(store: store, clock: clock, logger: InProcessScene.quiet), clock: clock, logger: InProcessScene.quiet,
                onOpened: { _ in })
            let grant = try #require(await keeper.grant())
            #expect(await keeper.isHeld)
            #expect(grant.validUntil < clock.monotonic + settings.lockTTL)
            clock.advance(by: grant.validUntil - clock.monotonic)
            #expect(await !keeper.isHeld)
            await store.close()
        }
    }

    @Test func `without the right secret or signature nothing is stored`() async throws {
        let signed = InProcessScene.settings(accounts: ["a"], source: { $0.signingKeys = [Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")] })
        for (settings, secret, extra) in [
            (InProcessScene.settings(accounts: ["a"]), "wrong", ""), (InProcessScene.settings(accounts: ["a"]), nil, #","secret":"wrong""#),
            (InProcessScene.settings(accounts: ["a"]), nil, ""), (signed, "s3cret", ""),
        ] as [(GatewaySettings, String?, String)] {
            try await InProcessScene.with(settings) { scene async throws in
                #expect(await scene.post(id: "1", extra: extra, secret: secret).status == 401)
                #expect(try await scene.orders().isEmpty)
            }
        }
    }
}
