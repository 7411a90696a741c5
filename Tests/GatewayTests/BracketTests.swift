import BrokerContract
import Foundation
import Gateway
import OrderFlow
import StoreContract
import TestSupport
import Testing
import TradingModel

/// Stop loss and take profit from the webhook to the position, at a venue whose every answer is chosen.
@Suite struct BracketTests {
    private static let legs = #","stop_loss":"58000","take_profit":"65000""#

    private func with(
        policy: OrderPolicy = OrderPolicy(longOnly: true), background: Duration = .seconds(30), window: Duration = .seconds(60), script: [ScriptedVenue.Step] = [], brackets: Bool = true,
        _ body: @escaping @Sendable (InProcessScene, ScriptedBroker) async throws -> Void
    ) async throws {
        try await InProcessScene.with(InProcessScene.settings(accounts: ["a"], policy: policy, change: {
            $0.tracking.backgroundInterval = background
            // Long, so that it never closes by itself; short where absence is to be proven after it.
            $0.sendWindow = window
        })) { scene async throws in
            let broker = try #require(scene.brokers["a"])
            broker.venue.state.withLock {
                $0.takesBrackets = brackets
                $0.script = script
            }
            try await body(scene, broker)
        }
    }

    /// Waits until the oldest orders are in these states, the entry first.
    @discardableResult
    private func reach(_ states: [OrderState], in scene: InProcessScene) async throws -> [OrderRecord] {
        var orders: [OrderRecord] = []
        do {
            try await waitUntil("orders are \(states)") {
                orders = try await scene.orders().sorted { $0.id < $1.id }
                return orders.map(\.state) == states
            }
        } catch { throw TimedOut(description: "\(error): \(orders.map { "\($0.state) \($0.reason ?? "") \($0.detail ?? "")" })") }
        return orders
    }

    private func position(in scene: InProcessScene) async throws -> Quantity? { try await scene.store.positions(account: "a").first?.quantity }

    @Test func `a bracket is one order sent and three kept; the target closes the position once and the stop ends`() async throws {
        try await with { scene, broker async throws in
            #expect(await scene.post(extra: Self.legs).status == 202)
            let orders = try await reach([.filled, .accepted, .accepted], in: scene)
            let placed = broker.venue.state.withLock { $0.placed }
            #expect(placed.count == 1 && placed.first?.bracket == Bracket(stopLoss: 58000, takeProfit: 65000))
            #expect(orders.map(\.clientOrderID) == [placed[0].clientOrderID] + BracketRole.allCases.map(placed[0].clientOrderID.leg))
            #expect(orders.dropFirst().allSatisfy { $0.entryID == orders[0].id && $0.attempts == 1 })
            #expect(try await position(in: scene) == orders[0].quantity)
            broker.trade(.takeProfit)
            try await reach([.filled, .cancelled, .filled], in: scene)
            #expect(try await position(in: scene) == 0)
            #expect(try await scene.alertTypes().isEmpty)
        }
    }

    @Test func `what the stream lost is found by asking about each leg`() async throws {
        try await with { scene, broker async throws in
            #expect(await scene.post(extra: Self.legs).status == 202)
            let orders = try await reach([.filled, .accepted, .accepted], in: scene)
            broker.trade(.stopLoss, tells: false)
            try await reach([.filled, .filled, .cancelled], in: scene)
            #expect(try await position(in: scene) == 0)
            let asked = broker.venue.state.withLock { $0.legsAsked }
            #expect(Set(asked.compactMap(\.leg?.role)) == Set(BracketRole.allCases))
            #expect(asked.allSatisfy { $0.leg?.entry == orders[0].clientOrderID && $0.leg?.entryVenueOrderID == orders[0].venueOrderID })
        }
    }

    @Test func `a lost reply is adopted with its legs, never sent again`() async throws {
        try await with(script: [.lose]) { scene, broker async throws in
            #expect(await scene.post(extra: Self.legs).status == 202)
            let orders = try await reach([.filled, .accepted, .accepted], in: scene)
            #expect(orders.allSatisfy { $0.attempts == 1 })
            #expect(broker.venue.state.withLock { $0.placed.count } == 1)
        }
    }

    @Test func `what never reached the venue is proven absent as a whole and sent again as a whole`() async throws {
        try await with(window: .seconds(2), script: [.vanish]) { scene, broker async throws in
            #expect(await scene.post(extra: Self.legs).status == 202)
            let orders = try await reach([.filled, .accepted, .accepted], in: scene)
            #expect(Set(orders.map(\.attempts)).count == 1 && orders[0].attempts >= 2)
            let placed = broker.venue.state.withLock { $0.placed }
            #expect(placed.count == 2 && Set(placed).count == 1)
        }
    }

    @Test func `a leg that the stream shows keeps an entry without a reply from being sent again`() async throws {
        try await with(window: .seconds(2), script: [.vanish]) { scene, broker async throws in
            #expect(await scene.post(extra: Self.legs).status == 202)
            try await waitUntil("the outcome is not known") {
                try await scene.orders().filter { $0.bracketRole == nil }.allSatisfy { $0.state == .unknown || $0.state == .resolving }
            }
            broker.tellLeg(.stopLoss)
            // No answer shows the entry, but its leg is there: a person must look.
            let orders = try await reach([.parked, .accepted, .parked], in: scene)
            #expect(orders[0].reason == "leg_at_venue")
            #expect(broker.venue.state.withLock { $0.placed.count } == 1)
        }
    }

    @Test func `a refusal ends all three, with one alert`() async throws {
        try await with(script: [.refuse]) { scene, _ async throws in
            #expect(await scene.post(extra: Self.legs).status == 202)
            let orders = try await reach([.rejected, .rejected, .rejected], in: scene)
            #expect(orders.map(\.reason) == ["insufficient_funds", "entry_ended", "entry_ended"])
            #expect(try await scene.store.alerts(includeResolved: true, limit: 10).count { $0.type == "order_rejected" } == 1)
        }
    }

    @Test func `an account without brackets sends nothing, not even the entry`() async throws {
        try await with(brackets: false) { scene, broker async throws in
            #expect(await scene.post(extra: Self.legs).status == 202)
            let orders = try await reach([.blocked, .blocked, .blocked], in: scene)
            #expect(orders.map(\.reason) == ["unsupported_bracket", "entry_ended", "entry_ended"])
            #expect(broker.venue.state.withLock { $0.placed.isEmpty })
            try await waitUntil("it is alerted") { try await scene.alertTypes().contains("order_not_traded") }
        }
    }

    @Test func `resting legs are not busy and block a sell, which would sell the same twice`() async throws {
        try await with(policy: OrderPolicy(longOnly: true, onBusy: .skip)) { scene, broker async throws in
            #expect(await scene.post(id: "1", extra: Self.legs).status == 202)
            try await reach([.filled, .accepted, .accepted], in: scene)
            #expect(await scene.post("sell", id: "2").status == 202)
            let orders = try await reach([.filled, .accepted, .accepted, .blocked], in: scene)
            #expect(orders[3].reason == "bracket_open")
            #expect(await scene.post("buy", id: "3").status == 202)
            try await reach([.filled, .accepted, .accepted, .blocked, .filled], in: scene)
            #expect(broker.venue.state.withLock { $0.placed.count } == 2)
        }
    }

    @Test func `resting legs are not polled like a market order`() async throws {
        try await with(background: .seconds(3600)) { scene, broker async throws in
            #expect(await scene.post(extra: Self.legs).status == 202)
            try await reach([.filled, .accepted, .accepted], in: scene)
            // Each is asked about once, soon after it came to stand by itself, and then in the background.
            try await waitUntil("both were asked about") { Set(broker.venue.state.withLock { $0.legsAsked.compactMap(\.leg?.role) }).count == 2 }
            #expect(broker.venue.state.withLock { $0.legsAsked.count } <= 4)
        }
    }

    @Test func `a restart takes the legs over and goes on`() async throws {
        try await TemporaryFolder.with { folder in
            let settings = InProcessScene.settings(accounts: ["a"], policy: OrderPolicy(longOnly: true), change: { $0.sendWindow = .seconds(60) })
            let first = try await InProcessScene.make(settings, folder: folder)
            let venue = try #require(first.brokers["a"]).venue
            venue.state.withLock { $0.takesBrackets = true }
            #expect(await first.post(extra: Self.legs).status == 202)
            try await first.running { try await reach([.filled, .accepted, .accepted], in: first) }
            await first.store.close()
            // While no gateway runs, the target fills.
            first.brokers["a"]?.trade(.takeProfit, tells: false)
            let next = try await InProcessScene.make(settings, folder: folder, venues: ["a": venue])
            try await next.running {
                try await reach([.filled, .cancelled, .filled], in: next)
                #expect(try await position(in: next) == 0)
            }
            #expect(venue.state.withLock { $0.placed.count } == 1)
            await next.store.close()
        }
    }
}
