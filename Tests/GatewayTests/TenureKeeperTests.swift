import LockContract
import StoreContract
import TestSupport
import Testing
import TradingModel

@testable import Gateway

@Suite struct TenureKeeperTests {
    @Test func `who loses the account pauses before trying again, and never longer than half a minute`() async throws {
        try await TemporaryFolder.with { folder in
            let clock = ManualClock()
            let store = try await InProcessScene.openStore(folder, clock: clock)
            let settings = InProcessScene.settings(accounts: ["a"])
            let keeper = TenureKeeper(
                account: "a", settings: settings, store: store, locks: LyingLock(), holder: .current(gateway: "gw", purpose: "account"),
                gate: VersionGate(), alerts: AlertDesk(store: store, clock: clock, logger: InProcessScene.quiet), clock: clock, logger: InProcessScene.quiet,
                onOpened: { _ in })
            var last: FencingToken?
            for _ in 0..<12 {
                // The lock would grant at once, so that a refusal is the keeper's own.
                let grant = try #require(await keeper.grant())
                #expect(last.map { $0 < grant.tenure.fence } ?? true)
                last = grant.tenure.fence
                await keeper.lose(grant.tenure, "the test says so")
                #expect(await keeper.grant() == nil)
                clock.advance(by: .seconds(30))
            }
            await store.close()
        }
    }

    @Test func `a store that takes longer than a lease lives costs no second tenure`() async throws {
        try await TemporaryFolder.with { folder in
            let clock = ManualClock()
            let store = try await InProcessScene.openStore(folder, clock: clock)
            let settings = InProcessScene.settings(accounts: ["a"])
            let keeper = TenureKeeper(
                account: "a", settings: settings, store: store, locks: LyingLock(), holder: .current(gateway: "gw", purpose: "account"),
                gate: VersionGate(), alerts: AlertDesk(store: store, clock: clock, logger: InProcessScene.quiet), clock: clock, logger: InProcessScene.quiet,
                onOpened: { _ in clock.advance(by: settings.lockTTL * 2) })
            let first = try #require(await keeper.grant())
            #expect(first.validUntil > clock.monotonic)
            #expect(await keeper.isHeld)
            #expect(await keeper.grant()?.tenure == first.tenure)
            await store.close()
        }
    }

    /// With a lock that grants everybody, the taking over itself is where the account is lost most often.
    @Test func `who loses the account while taking it over pauses longer and longer, and the store is not blamed`() async throws {
        try await TemporaryFolder.with { folder in
            let clock = ManualClock()
            let store = try await InProcessScene.openStore(folder, clock: clock)
            let keeper = TenureKeeper(
                account: "a", settings: InProcessScene.settings(accounts: ["a"]), store: store, locks: LyingLock(),
                holder: .current(gateway: "gw", purpose: "account"), gate: VersionGate(),
                alerts: AlertDesk(store: store, clock: clock, logger: InProcessScene.quiet), clock: clock, logger: InProcessScene.quiet,
                onOpened: { (opened) async throws(StoreError) in throw .fenced(account: "a", presented: opened.tenure.fence, current: nil) })
            var longest = Duration.zero
            for _ in 0..<50 {
                #expect(await keeper.grant() == nil)
                let pause = await keeper.pause
                #expect(pause > .zero && pause <= .seconds(30))
                longest = max(longest, pause)
                clock.advance(by: .seconds(30))
            }
            // Drawn between nothing and half a minute, forty times over.
            #expect(longest > .seconds(2))
            let types = Set(try await store.alerts(includeResolved: true, limit: 10).map(\.type))
            #expect(types == ["lock_lost"])
            await store.close()
        }
    }

    /// Else the fight over an account would keep a store so busy that nobody has the time to send.
    @Test func `pauses begin with what taking over takes, and an old defeat is forgotten`() async throws {
        try await TemporaryFolder.with { folder in
            let clock = ManualClock()
            let store = try await InProcessScene.openStore(folder, clock: clock)
            let keeper = TenureKeeper(
                account: "a", settings: InProcessScene.settings(accounts: ["a"]), store: store, locks: LyingLock(),
                holder: .current(gateway: "gw", purpose: "account"), gate: VersionGate(),
                alerts: AlertDesk(store: store, clock: clock, logger: InProcessScene.quiet), clock: clock, logger: InProcessScene.quiet,
                onOpened: { (opened) async throws(StoreError) in
                    clock.advance(by: .seconds(2))
                    throw .fenced(account: "a", presented: opened.tenure.fence, current: nil)
                })
            var longest = Duration.zero
            for _ in 0..<3 {
                #expect(await keeper.grant() == nil)
                longest = max(longest, await keeper.pause)
                clock.advance(by: .seconds(30))
            }
            // By themselves they would be drawn up to 50, 100 and 200 ms; here up to 2, 4 and 8 s.
            #expect(longest > .milliseconds(200))
            clock.advance(by: .seconds(1000))
            #expect(await keeper.grant() == nil)
            #expect(await keeper.pause <= .seconds(2))
            await store.close()
        }
    }
}
