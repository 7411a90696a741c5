import BrokerContract
import Gateway
import OrderFlow
import StoreContract
import TestSupport
import Testing
import TradingModel

/// Cancels on a venue whose every answer is chosen.
@Suite(.timeLimit(.minutes(5))) struct CancelTests {
    private static let out = Evidence(mayHaveLeft: true, message: "as the test says")

    /// Runs a gateway with one order that rests at the venue.
    private func resting(_ body: @escaping @Sendable (InProcessScene, ScriptedBroker, OrderID) async throws -> Void) async throws {
        try await InProcessScene.with(InProcessScene.settings(accounts: ["a"], change: { $0.sendWindow = .seconds(60) })) { scene async throws in
            let broker = try #require(scene.brokers["a"])
            broker.venue.state.withLock { $0.script = [.rest] }
            #expect(await scene.post(id: "1").status == 202)
            try await waitUntil("the order rests") { try await scene.orders().first?.state == .accepted }
            try await body(scene, broker, try #require(try await scene.orders().first?.id))
        }
    }

    private func state(_ scene: InProcessScene, is state: OrderState) async throws {
        try await waitUntil("the order is \(state)") { try await scene.orders().first?.state == state }
    }

    @Test func `a cancel is on record before it is sent, and the venue's own record ends the order`() async throws {
        try await resting { scene, broker, id in
            broker.venue.state.withLock { $0.cancels = [.requested(Self.out)] }
            guard case .asked(let order) = try await scene.gateway.cancel(id, by: "test") else { return #expect(Bool(false)) }
            #expect(order.state == .cancelPending)
            let types = try await scene.store.journal(of: order.signalID).map(\.type)
            #expect(types.contains("order.cancel_pending"))
            // Asked for again while it is pending: the venue is asked again, and nothing else happens.
            broker.venue.state.withLock { $0.cancels = [.requested(Self.out)] }
            guard case .asked = try await scene.gateway.cancel(id, by: "test") else { return #expect(Bool(false)) }
            #expect(broker.venue.state.withLock { $0.cancelled.count } == 2)
            broker.end()
            try await state(scene, is: .cancelled)
            guard case .ended(let ended) = try await scene.gateway.cancel(id, by: "test") else { return #expect(Bool(false)) }
            #expect(ended.state == .cancelled && broker.venue.state.withLock { $0.cancelled.count } == 2)
        }
    }

    @Test func `a refused cancel and one that was not sent leave the order alive`() async throws {
        try await resting { scene, broker, id in
            broker.venue.state.withLock { $0.cancels = [.refused(.unsupported, Self.out), .notSent(.connectionRefused, Evidence(mayHaveLeft: false))] }
            guard case .refused = try await scene.gateway.cancel(id, by: "test") else { return #expect(Bool(false)) }
            #expect(try await scene.orders().first?.state == .accepted)
            guard case .notSent = try await scene.gateway.cancel(id, by: "test") else { return #expect(Bool(false)) }
            let order = try #require(try await scene.orders().first)
            #expect(order.state == .accepted)
            // The next look at the venue may have taken the reason from the order already; the journal keeps it.
            #expect(try await scene.store.journal(of: order.signalID).contains { $0.type == "order.accepted" && $0.data.contains("cancel_not_sent") })
        }
    }

    @Test func `a cancel without an answer stays pending; an order that is still open long after lives on, with an alert`() async throws {
        try await resting { scene, broker, id in
            broker.venue.state.withLock { $0.cancels = [.unknown(.timedOut, Self.out)] }
            guard case .asked(let order) = try await scene.gateway.cancel(id, by: "test") else { return #expect(Bool(false)) }
            #expect(order.state == .cancelPending)
            try await state(scene, is: .accepted)
            #expect(try await scene.orders().first?.reason == "cancel_not_done")
            #expect(try await scene.alertTypes().contains("cancel_not_done"))
        }
    }

    @Test func `an order that waits is taken back, the venue hears nothing, and the next one goes out`() async throws {
        try await InProcessScene.with(InProcessScene.settings(accounts: ["a"])) { scene async throws in
            let broker = try #require(scene.brokers["a"])
            broker.venue.state.withLock { $0.health.isConnected = false }
            #expect(await scene.post(id: "1").status == 202)
            let id = try #require(try await scene.orders().first?.id)
            guard case .withdrawn(let order) = try await scene.gateway.cancel(id, by: "test") else { return #expect(Bool(false)) }
            #expect(order.state == .skipped && order.reason == "cancelled")
            broker.venue.state.withLock { $0.health.isConnected = true }
            #expect(await scene.post(id: "2").status == 202)
            try await waitUntil("the next one is filled") { try await scene.orders().first?.state == .filled }
            #expect(broker.venue.state.withLock { ($0.placed.count, $0.cancelled.count) } == (1, 0))
        }
    }

    @Test func `an order whose outcome is not known is not cancelled blindly`() async throws {
        try await InProcessScene.with(InProcessScene.settings(accounts: ["a"])) { scene async throws in
            let broker = try #require(scene.brokers["a"])
            broker.venue.state.withLock { $0.script = [.vanish] }
            #expect(await scene.post(id: "1").status == 202)
            try await waitUntil("the outcome is unknown") {
                try await scene.orders().first.map { $0.state == .unknown || $0.state == .resolving } == true
            }
            let id = try #require(try await scene.orders().first?.id)
            guard case .undecided = try await scene.gateway.cancel(id, by: "test") else { return #expect(Bool(false)) }
            #expect(broker.venue.state.withLock { $0.cancelled.isEmpty })
            guard case .noSuchOrder = try await scene.gateway.cancel("nothing", by: "test") else { return #expect(Bool(false)) }
        }
    }
}
