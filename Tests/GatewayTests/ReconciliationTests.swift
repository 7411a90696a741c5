import BrokerContract
import LockContract
import MemoryLock
import OrderFlow
import StoreContract
import Synchronization
import TestSupport
import Testing
import TradingModel

@testable import Gateway

/// Comparisons of an account with a venue that a test scripts.
@Suite struct ReconciliationTests {
    /// Nothing happens by the tracker's own schedule, and nothing by the reconciler's, so that a test sees what its own call did.
    private static func settings(
        drift: DriftPolicy = .alert, every interval: Duration = .seconds(3600), change: (inout GatewaySettings) -> Void = { _ in }
    ) -> GatewaySettings {
        InProcessScene.settings(accounts: ["a"], maxAge: .seconds(600), change: {
            $0.accounts = [AccountSettings(id: "a", broker: "scripted", mode: .sandbox, drift: drift)]
            $0.tracking.reconcileInterval = interval
            $0.tracking.deepReconcileInterval = interval
            $0.tracking.backgroundInterval = .seconds(3600)
            $0.tracking.immediateInterval = .seconds(3600)
            change(&$0)
        })
    }

    private func venue(_ scene: InProcessScene) throws -> ScriptedVenue { try #require(scene.brokers["a"]?.venue) }

    private func sync(_ scene: InProcessScene, _ depth: ReconciliationRun.Depth = .light) async throws -> ReconciliationReport {
        let outcome = await scene.gateway.sync(account: "a", depth: depth)
        guard case .done(let report) = outcome else { throw TimedOut(description: "no comparison: \(outcome)") }
        return report
    }

    /// An order that rests at the venue.
    private func rest(_ scene: InProcessScene) async throws -> OrderRecord {
        try venue(scene).state.withLock { $0.script = [.rest] }
        #expect(await scene.post(extra: #","type":"limit","limit_price":"50000""#).status == 202)
        var order: OrderRecord?
        try await waitUntil("the order rests", within: .seconds(60)) {
            order = try await scene.orders().first
            return order?.state == .accepted
        }
        return try #require(order)
    }

    private func caughtUp(_ scene: InProcessScene, runs: Int = 1) async throws {
        try await waitUntil("the account was compared", within: .seconds(60)) {
            let worker = scene.gateway.worker(of: "a")
            let latest = try await scene.store.reconciliationRuns(of: "a").filter(\.isComplete).map(\.number).max() ?? 0
            guard let worker else { return false }
            return latest >= Int64(runs) && worker.isCaughtUp
        }
    }

    private func stranger(_ id: VenueOrderID = "x1", client: ClientOrderID? = "web-1") -> OrderReport {
        OrderReport(
            venueOrderID: id, clientOrderID: client, symbol: "BTCUSDT", side: .sell, type: .limit, status: .accepted, venueStatus: "NEW", quantity: 3,
            limitPrice: 70000, filledQuantity: 0, averagePrice: nil, updatedAt: SystemClock().wallTime)
    }

    // MARK: Orders

    @Test func `a fill that no event told is found, and told with the old and the new status`() async throws {
        try await InProcessScene.with(Self.settings()) { scene in
            let order = try await rest(scene)
            scene.brokers["a"]?.surface()
            let report = try await sync(scene)
            #expect(report.changes.map(\.before) == [.accepted] && report.changes.map(\.order.state) == [.filled])
            let position = try await scene.store.positions(account: "a").first?.quantity
            #expect(position == order.quantity)
            // The venue's history tells it again: each fill counts once.
            _ = try await sync(scene, .deep)
            #expect(try await scene.store.positions(account: "a").first?.quantity == order.quantity)
        }
    }

    @Test func `an order that a list lacks is asked about and stays`() async throws {
        try await InProcessScene.with(Self.settings()) { scene in
            _ = try await rest(scene)
            try venue(scene).state.withLock { $0.hidesOpenOrders = true }
            let before = try venue(scene).state.withLock { $0.lookups }
            let report = try await sync(scene)
            #expect(report.run.isComplete && report.changes.isEmpty)
            #expect(try venue(scene).state.withLock { $0.lookups } > before)
            #expect(try await scene.orders().map(\.state) == [.accepted])
        }
    }

    @Test func `an order of a person is recorded once with an alert, and never becomes one of ours (F80)`() async throws {
        try await InProcessScene.with(Self.settings()) { scene in
            try await caughtUp(scene)
            let report = stranger()
            scene.brokers["a"]?.tell(.order(report))
            try await waitUntil("it is known", within: .seconds(60)) { try await scene.store.externalOrders(of: "a", limit: 10).count == 1 }
            try venue(scene).state.withLock { $0.strangers = [report] }
            for _ in 0..<2 { _ = try await sync(scene) }
            let known = try await scene.store.externalOrders(of: "a", limit: 10)
            #expect(known.map(\.venueOrderID) == ["x1"] && known.map(\.kind) == [.external])
            let alerts = try await scene.store.alerts(includeResolved: true, limit: 100).filter { $0.type == "external_order" }
            #expect(alerts.map(\.count) == [1] && alerts.map(\.severity) == [.medium])
            #expect(try await scene.orders().isEmpty)
        }
    }

    @Test func `an order under our prefix that the store does not know is a critical alert`() async throws {
        try await InProcessScene.with(Self.settings()) { scene in
            try venue(scene).state.withLock { $0.strangers = [stranger(client: "ts-01J0000000000000000000000")] }
            _ = try await sync(scene)
            let alerts = try await scene.store.alerts(includeResolved: false, limit: 100).filter { $0.type == "external_order" }
            #expect(alerts.map(\.severity) == [.critical])
        }
    }

    @Test func `an order that ended here and is open at the venue is told after two looks`() async throws {
        try await InProcessScene.with(Self.settings()) { scene in
            let order = try await rest(scene)
            let open = try #require(venue(scene).state.withLock { $0.known[order.clientOrderID] })
            scene.brokers["a"]?.end()
            _ = try await sync(scene)
            #expect(try await scene.orders().map(\.state) == [.cancelled])
            try venue(scene).state.withLock { $0.strangers = [open] }
            #expect(try await sync(scene).external.isEmpty)
            #expect(try await sync(scene).external.map(\.kind) == [.endedHere])
            #expect(try await scene.orders().map(\.state) == [.cancelled])
        }
    }

    // MARK: Before trading goes on

    @Test func `after a gap nothing is sent until a complete comparison, and then it is`() async throws {
        try await InProcessScene.with(Self.settings()) { scene in
            try await caughtUp(scene)
            try venue(scene).state.withLock { $0.listsFail = true }
            scene.brokers["a"]?.tell(.gap(reason: "a number is missing"))
            try await waitUntil("the gap is noticed", within: .seconds(60)) { scene.gateway.worker(of: "a")?.isCaughtUp == false }
            #expect(await scene.post().status == 202)
            try await waitUntil("the failure is told", within: .seconds(60)) { try await scene.alertTypes().contains("reconcile_failed") }
            #expect(try await scene.orders().map(\.state) == [.queued])
            #expect(try venue(scene).state.withLock { $0.placed.isEmpty })
            let runs = try await scene.store.reconciliationRuns(of: "a")
            #expect(runs.contains { !$0.isComplete && $0.problem?.contains("planned failure") == true })
            try venue(scene).state.withLock { $0.listsFail = false }
            _ = try await scene.settled(1)
            try await waitUntil("the alert is resolved", within: .seconds(60)) {
                try await !scene.store.alerts(includeResolved: false, limit: 100).contains { $0.type == "reconcile_failed" }
            }
        }
    }

    @Test func `it is repeated on its own`() async throws {
        try await InProcessScene.with(Self.settings(every: .milliseconds(300))) { scene in
            try await waitUntil("several runs", within: .seconds(60)) { try await scene.store.reconciliationRuns(of: "a").map(\.number).max() ?? 0 >= 4 }
            let triggers = Set(try await scene.store.reconciliationRuns(of: "a").map(\.trigger))
            #expect(triggers.contains("schedule"))
        }
    }

    // MARK: Drift

    /// The venue holds more than the ledger, and two runs have seen it.
    private func drift(_ scene: InProcessScene) async throws {
        try await caughtUp(scene)
        try venue(scene).state.withLock { $0.positions = [Position(symbol: "BTCUSDT", quantity: 5, averagePrice: 61000)] }
        try await waitUntil("the difference counts", within: .seconds(60)) {
            _ = try await sync(scene)
            return try await scene.store.driftFindings(of: "a", includeResolved: true, limit: 10).contains { $0.confirmedAt != nil }
        }
    }

    @Test func `a difference of positions is told with both figures, and the ledger stays`() async throws {
        try await InProcessScene.with(Self.settings()) { scene in
            try await drift(scene)
            let alert = try await scene.store.alerts(includeResolved: false, limit: 100).first { $0.type == "drift" }
            #expect(alert?.count == 1 && alert?.message.contains("the ledger says 0, the venue 5") == true)
            #expect(try await scene.store.positions(account: "a").isEmpty)
        }
    }

    @Test func `with adopt the ledger takes the venue's figure once, audited`() async throws {
        try await InProcessScene.with(Self.settings(drift: .adopt)) { scene in
            try await drift(scene)
            for _ in 0..<3 { _ = try await sync(scene) }
            #expect(try await scene.store.positions(account: "a").map(\.quantity) == [5])
            let lines = try await scene.store.journal(after: 0, limit: 1000).map(\.type)
            #expect(lines.count { $0 == "position.corrected" } == 1)
            #expect(try await scene.store.verifyJournal() == nil)
        }
    }

    @Test func `with flatten what the venue holds is left by one order, and then nothing is found any more`() async throws {
        try await InProcessScene.with(Self.settings(drift: .flatten)) { scene in
            try await drift(scene)
            let order = try #require(try await scene.settled(1).first)
            #expect(order.state == .filled && order.side == .sell && order.filledQuantity == 5 && order.strategy == "drift")
            #expect(try venue(scene).state.withLock { $0.placed.map(\.side) } == [.sell])
            #expect(try await scene.store.positions(account: "a").map(\.quantity) == [0])
            try venue(scene).state.withLock { $0.positions = [] }
            for _ in 0..<3 { _ = try await sync(scene) }
            #expect(try await scene.store.driftFindings(of: "a", includeResolved: false, limit: 10).isEmpty)
            #expect(try await scene.orders().count == 1)
            #expect(try await scene.store.verifyJournal() == nil)
        }
    }

    @Test func `with halt nothing is sent until a person releases the account, once, with a reason`() async throws {
        try await InProcessScene.with(Self.settings(drift: .halt)) { scene in
            try await drift(scene)
            #expect(try await scene.store.halts().map(\.cause) == ["drift"])
            #expect(await scene.post().status == 202)
            // Many looks of the desk later it still waits.
            try await waitUntil("the desk has the order", within: .seconds(60)) { await scene.gateway.worker(of: "a")?.desk.queued == 1 }
            for _ in 0..<3 { _ = try await sync(scene) }
            #expect(try await scene.orders().map(\.state) == [.queued])
            #expect(try venue(scene).state.withLock { $0.placed.isEmpty })
            let released = try await scene.gateway.resume("a", by: "ada", reason: "known")
            #expect(released.releasedBy == "ada")
            _ = try await scene.settled(1)
            await #expect(throws: StoreError.self) { try await scene.gateway.resume("a", by: "ada", reason: "again") }
            // The finding stays, and halts no second time.
            #expect(try await scene.store.halts().isEmpty)
        }
    }

    @Test func `of two gateways on one store one corrects the ledger, and once`() async throws {
        try await TemporaryFolder.with { folder in
            let locks = MemoryLock(clock: SystemClock())
            var other = Self.settings(drift: .adopt, every: .milliseconds(500))
            other.gatewayID = "gw-2"
            let shared = ScriptedVenue()
            shared.state.withLock { $0.positions = [Position(symbol: "BTCUSDT", quantity: 5, averagePrice: nil)] }
            let one = try await InProcessScene.make(Self.settings(drift: .adopt, every: .milliseconds(500)), folder: folder, venues: ["a": shared], locks: locks)
            let two = try await InProcessScene.make(other, folder: folder, venues: ["a": shared], locks: locks)
            try await one.running {
                try await two.running {
                    try await waitUntil("the ledger is corrected", within: .seconds(60)) {
                        async let first = one.gateway.sync(account: "a", depth: .light)
                        async let second = two.gateway.sync(account: "a", depth: .light)
                        _ = await (first, second)
                        return try await one.store.positions(account: "a").first?.quantity == 5
                    }
                    for _ in 0..<3 {
                        _ = await one.gateway.sync(account: "a", depth: .light)
                        _ = await two.gateway.sync(account: "a", depth: .light)
                    }
                    let lines = try await one.store.journal(after: 0, limit: 10_000).map(\.type)
                    #expect(lines.count { $0 == "position.corrected" } == 1)
                }
            }
            await one.store.close()
            await two.store.close()
        }
    }
}
