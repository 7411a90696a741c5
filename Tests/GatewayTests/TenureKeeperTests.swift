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
}
