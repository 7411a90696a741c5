import BrokerContract
import Gateway
import OrderFlow
import StoreContract
import TestSupport
import Testing
import TradingModel

/// A venue that enforces no expiry: a market order whose request vanished is parked there, however many answers say that it is absent.
@Suite(.timeLimit(.minutes(5))) struct ParkedOrderTests {
    private let person = Deciding.Operator(actor: "ada", reason: "looked at the venue's page")

    private func parked(_ body: @escaping @Sendable (InProcessScene, ScriptedBroker, OrderID) async throws -> Void) async throws {
        try await InProcessScene.with(InProcessScene.settings(accounts: ["a"])) { scene async throws in
            let broker = try #require(scene.brokers["a"])
            broker.venue.state.withLock {
                $0.expiry = .none
                $0.script = [.vanish]
            }
            #expect(await scene.post(id: "1").status == 202)
            try await waitUntil("the order is parked", within: .seconds(60)) { try await scene.orders().first?.state == .parked }
            #expect(try await scene.alertTypes().contains("parked_order"))
            try await body(scene, broker, try #require(try await scene.orders().first?.id))
        }
    }

    @Test func `a person releases a parked order, and it is sent once more under its next permit`() async throws {
        try await parked { scene, broker, id in
            guard case .done = try await scene.gateway.decide(id, .resend, venueOrderID: nil, by: person) else { return #expect(Bool(false)) }
            let order = try #require(try await scene.settled(1).first)
            // On a busy machine a send window may close before the first byte; then the permit after it is used.
            #expect(order.state == .filled && order.attempts >= 2)
            #expect(broker.venue.state.withLock { $0.placed.count } == 2)
            let story = try await scene.store.journal(of: order.signalID).map(\.type)
            #expect(story.contains("order.decided"))
            // A repeat finds nothing to decide.
            guard case .objected = try await scene.gateway.decide(id, .resend, venueOrderID: nil, by: person) else { return #expect(Bool(false)) }
            #expect(try await scene.store.alerts(includeResolved: false, limit: 100).allSatisfy { $0.type != "parked_order" })
        }
    }

    @Test func `of two decisions that are made at once, one is carried out and the other is told so`() async throws {
        try await parked { scene, _, id in
            async let first = scene.gateway.decide(id, .resend, venueOrderID: nil, by: person)
            async let second = scene.gateway.decide(id, .abandon, venueOrderID: nil, by: person)
            let outcomes = try await [first, second]
            let done = outcomes.filter { if case .done = $0 { true } else { false } }
            let objected = outcomes.filter { if case .objected = $0 { true } else { false } }
            #expect(done.count == 1 && objected.count == 1, "\(outcomes)")
            let order = try #require(try await scene.settled(1).first)
            let decisions = try await scene.store.journal(of: order.signalID).filter { $0.type == "order.decided" }
            #expect(decisions.count == 1)
        }
    }

    @Test func `an order that surfaced after all is not sent again, but adopted with its fills`() async throws {
        try await parked { scene, broker, id in
            broker.surface()
            for decision in [ParkedDecision.resend, .abandon] {
                guard case .objected(_, let why) = try await scene.gateway.decide(id, decision, venueOrderID: nil, by: person) else {
                    return #expect(Bool(false), "\(decision) was carried out")
                }
                #expect(why.contains("adopt"))
            }
            guard case .done = try await scene.gateway.decide(id, .adopt, venueOrderID: nil, by: person) else { return #expect(Bool(false)) }
            #expect(try await scene.settled(1).first?.state == .filled)
            #expect(try await scene.store.positions(account: "a").first?.quantity == (try Quantity("0.01")))
            #expect(broker.venue.state.withLock { $0.placed.count } == 1)
        }
    }

    @Test func `an abandoned order ends, and the next one of its instrument goes out`() async throws {
        try await parked { scene, broker, id in
            #expect(await scene.post(id: "2").status == 202)
            guard case .done(let order) = try await scene.gateway.decide(id, .abandon, venueOrderID: nil, by: person) else { return #expect(Bool(false)) }
            #expect(order.state == .abandoned && order.reason == "abandoned_by_operator")
            #expect(Set(try await scene.settled(2).map(\.state)) == [.abandoned, .filled])
        }
    }
}
