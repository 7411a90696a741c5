import BrokerContract
import Foundation
import Gateway
import LockContract
import OrderFlow
import StoreContract
import Synchronization
import TestSupport
import Testing
import TradingModel

@Suite struct DeskTests {
    @Test func `what was not sent is sent again until its signal is too old`() async throws {
        // A window that never closes by itself: an attempt that it ended would not reach the venue, and would not be counted there.
        let settings = InProcessScene.settings(accounts: ["a"], maxAge: .seconds(20), change: { $0.sendWindow = .seconds(60) })
        try await InProcessScene.with(settings) { scene async throws in
            scene.brokers["a"]?.venue.state.withLock { $0.script = [.notSent(.connectionRefused), .notSent(.connectTimedOut), .fill] }
            #expect(await scene.post(id: "1").status == 202)
            #expect(try await scene.settled(1).first?.state == .filled)
            scene.brokers["a"]?.venue.state.withLock { $0.script = Array(repeating: .notSent(.connectionRefused), count: 50) }
            #expect(await scene.post(id: "2").status == 202)
            let order = try #require(try await scene.settled(2).first)
            #expect(order.state == .abandoned && order.reason == "signal_stale" && order.attempts >= 3)
            try await waitUntil("it is alerted") { try await scene.alertTypes().contains("order_not_traded") }
            let ids = try #require(scene.brokers["a"]).venue.state.withLock { $0.placed.map(\.clientOrderID) }
            #expect(ids.count == 3 + order.attempts && Set(ids).count == 2)
        }
    }

    @Test func `a lost reply is looked up and adopted, never sent again`() async throws {
        try await InProcessScene.with(InProcessScene.settings(accounts: ["a"])) { scene async throws in
            scene.brokers["a"]?.venue.state.withLock { $0.script = [.lose] }
            #expect(await scene.post().status == 202)
            #expect(try await scene.settled(1).first?.state == .filled)
            #expect(scene.brokers["a"]?.venue.state.withLock { $0.placed.count } == 1)
            let alert = try #require(try await scene.store.alerts(includeResolved: true, limit: 10).first { $0.type == "unknown_order" })
            try await waitUntil("the alert is resolved") {
                try await scene.store.alerts(includeResolved: true, limit: 10).first { $0.id == alert.id }?.resolvedAt != nil
            }
        }
    }

    @Test func `orders of one account go one after the other, accounts in parallel`() async throws {
        try await InProcessScene.with(InProcessScene.settings(accounts: ["a", "b"])) { scene async throws in
            for account in ["a", "b"] as [AccountID] { scene.brokers[account]?.venue.state.withLock { $0.script = Array(repeating: .slow(.milliseconds(30)), count: 10) } }
            for number in 0..<10 { #expect(await scene.post(id: "\(number)").status == 202) }
            let orders = try await scene.settled(20)
            #expect(orders.allSatisfy { $0.state == .filled })
            for broker in scene.brokers.values {
                broker.venue.state.withLock { state in
                    #expect(state.mostInFlight == 1)
                    #expect(state.placed.count == 10)
                }
            }
            let sequence = orders.filter { $0.account == "a" }.sorted { $0.id < $1.id }.compactMap(\.venueOrderID)
            #expect(sequence == (1...10).map { VenueOrderID("v\($0)") })
        }
    }

    @Test func `an order waits for the session and is blocked, not traded late`() async throws {
        try await InProcessScene.with(InProcessScene.settings(accounts: ["a"], maxAge: .seconds(5))) { scene async throws in
            scene.brokers["a"]?.venue.state.withLock { $0.health.isConnected = false }
            #expect(await scene.post(id: "1").status == 202)
            let order = try #require(try await scene.settled(1).first)
            #expect(order.state == .blocked && order.reason == "venue_disconnected")
            scene.brokers["a"]?.venue.state.withLock { $0.health.isConnected = true }
            #expect(await scene.post(id: "2").status == 202)
            #expect(try await scene.settled(2).first?.state == .filled)
            #expect(scene.brokers["a"]?.venue.state.withLock { $0.placed.count } == 1)
        }
    }

    @Test func `nothing is sent while the clocks differ by more than two seconds`() async throws {
        try await InProcessScene.with(InProcessScene.settings(accounts: ["a"])) { scene async throws in
            scene.brokers["a"]?.venue.state.withLock { $0.health.clockOffset = .milliseconds(-2001) }
            #expect(await scene.post().status == 202)
            try await waitUntil("the skew is alerted") { try await scene.alertTypes().contains("clock_skew") }
            #expect(scene.brokers["a"]?.venue.state.withLock { $0.placed.isEmpty } == true)
            scene.brokers["a"]?.venue.state.withLock { $0.health.clockOffset = .milliseconds(-2000) }
            #expect(try await scene.settled(1).first?.state == .filled)
        }
    }

    @Test func `a background task that dies is alerted and restarted`() async throws {
        try await InProcessScene.with(InProcessScene.settings(accounts: ["a"])) { scene async throws in
            try await waitUntil("the broker runs") { scene.brokers["a"]?.venue.state.withLock { $0.runs } == 1 }
        }
        try await TemporaryFolder.with { folder in
            let scene = try await InProcessScene.make(InProcessScene.settings(accounts: ["a"]), folder: folder)
            scene.brokers["a"]?.venue.state.withLock { $0.dies = 2 }
            try await scene.running {
                try await waitUntil("the broker runs again") { scene.brokers["a"]?.venue.state.withLock { $0.runs } == 3 }
                #expect(try await scene.alertTypes().contains("task_dead"))
                #expect(await scene.post().status == 202)
                #expect(try await scene.settled(1).first?.state == .filled)
            }
            await scene.store.close()
        }
    }

    @Test func `orders from before the start are resolved before new ones are sent`() async throws {
        try await TemporaryFolder.with { folder in
            // A gateway that dies with a permit committed and nothing sent.
            let settings = InProcessScene.settings(accounts: ["a"])
            let dying = try await InProcessScene.make(settings, folder: folder)
            dying.brokers["a"]?.venue.state.withLock { $0.script = [.vanish] }
            #expect(await dying.post(id: "1").status == 202)
            try await dying.running {
                try await waitUntil("the outcome is unknown") {
                    try await dying.orders().first.map { $0.state == .unknown || $0.state == .resolving } == true
                }
            }
            await dying.store.close()

            let next = try await InProcessScene.make(settings, folder: folder)
            #expect(await next.post(id: "2").status == 202)
            try await next.running {
                let orders = try await next.settled(2)
                #expect(orders.allSatisfy { $0.state == .filled })
                let placed = try #require(next.brokers["a"]).venue.state.withLock { $0.placed.map(\.clientOrderID) }
                // The old one first: proven absent, sent again under the same id; then the new one.
                #expect(placed == orders.sorted { $0.id < $1.id }.map(\.clientOrderID))
            }
            await next.store.close()
        }
    }

    @Test func `with the account comes what waited for it before, and the older order goes first`() async throws {
        try await TemporaryFolder.with { folder in
            let settings = InProcessScene.settings(accounts: ["a"])
            let other = try await InProcessScene.make(settings, folder: folder)
            let scene = try await InProcessScene.make(settings, folder: folder)
            // The other gateway stores it and never works; ours knows of its own order alone when it begins.
            #expect(await other.post(id: "1").status == 202)
            try await Task.sleep(for: .milliseconds(5))
            #expect(await scene.post(id: "2").status == 202)
            try await scene.running {
                let orders = try await scene.settled(2).sorted { $0.id < $1.id }
                #expect(orders.compactMap(\.venueOrderID) == ["v1", "v2"])
            }
            await scene.store.close()
            await other.store.close()
        }
    }

    @Test func `a graceful stop finishes what is in flight and sends nothing more`() async throws {
        try await TemporaryFolder.with { folder in
            let scene = try await InProcessScene.make(InProcessScene.settings(accounts: ["a"]), folder: folder)
            scene.brokers["a"]?.venue.state.withLock { $0.script = [.slow(.milliseconds(300))] }
            for id in ["1", "2", "3"] { #expect(await scene.post(id: id).status == 202) }
            try await scene.running {
                try await waitUntil("the first is in flight") { scene.brokers["a"]?.venue.state.withLock { $0.inFlight } == 1 }
            }
            let orders = try await scene.orders().sorted { $0.id < $1.id }
            #expect(orders.map(\.state) == [.filled, .queued, .queued])
            #expect(await scene.post(id: "4").status == 503)
            await scene.store.close()
        }
    }
}

/// Grants everybody, always: the worst lock that there is.
struct LyingLock: LockBackend {
    private static let counter = Mutex<Int64>(0)
    let capabilities = LockCapabilities(isShared: true, isDurable: false, minimumTTL: .zero, maximumTTL: .seconds(300), notice: "lies")
    func acquire(_ resource: LockResource, owner: OwnerToken, ttl: Duration, holder: HolderIdentity) async throws(LockError) -> AcquireResult {
        let number = Self.counter.withLock { counter in
            counter += 1
            return counter
        }
        return .granted(
            Lease(
                resource: resource, owner: owner, fence: FencingToken(epoch: 1, counter: number),
                localExpiry: SystemClock().monotonic + ttl, predecessorExpired: false))
    }
    func recover(_ resource: LockResource, owner: OwnerToken) async throws(LockError) -> Lease? { nil }
    func renew(_ lease: Lease, ttl: Duration) async throws(LockError) -> RenewResult { .renewed(lease) }
    func release(_ lease: Lease) async throws(LockError) -> ReleaseResult { .released }
    func inspect(_ resource: LockResource) async throws(LockError) -> LockStatus {
        LockStatus(resource: resource, holder: nil, ownerPrefix: nil, fence: nil, age: nil, remaining: nil)
    }
    func list(prefix: String) async throws(LockError) -> [LockStatus] { [] }
    func forceRelease(_ resource: LockResource, expected: FencingToken, actor: String, reason: String) async throws(LockError) -> Bool { true }
}

@Suite struct LyingLockTests {
    @Test func `with a lock that grants everybody, two gateways on one store send each order once`() async throws {
        try await TemporaryFolder.with { folder in
            let settings = InProcessScene.settings(accounts: ["a", "b"], maxAge: .seconds(600))
            let first = try await InProcessScene.make(settings, folder: folder, locks: LyingLock())
            let second = try await InProcessScene.make(settings, folder: folder, venues: first.brokers.mapValues(\.venue), locks: LyingLock())
            try await first.running {
                try await second.running {
                    for number in 0..<60 {
                        // Every signal reaches both.
                        async let one = first.post(id: "\(number)")
                        async let two = second.post(id: "\(number)")
                        let answers = await [one, two]
                        #expect(answers.allSatisfy { $0.status == 202 } && answers[0].body == answers[1].body)
                    }
                    _ = try await first.settled(120, within: .seconds(180))
                }
            }
            var placed: [ClientOrderID: Int] = [:]
            for broker in first.brokers.values { for order in broker.venue.state.withLock({ $0.placed }) { placed[order.clientOrderID, default: 0] += 1 } }
            #expect(placed.count == 120)
            #expect(placed.values.allSatisfy { $0 == 1 })
            await first.store.close()
            await second.store.close()
        }
    }
}
