import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct ExactlyOnceTests {
    @Test func `100 identical posts at once are one signal, one order and 100 equal answers`() async throws {
        try await GatewayScene.with { scene in
            let body = GatewayUnderTest.signal()
            let answers = try await withThrowingTaskGroup { group in
                for _ in 0..<100 { group.addTask { try await scene.gateway.post(body) } }
                return try await group.reduce(into: [TestHTTP.Reply]()) { $0.append($1) }
            }
            #expect(Set(answers.map(\.status)) == [202])
            #expect(Set(answers.map(\.body)).count == 1)
            #expect(answers.count { $0.headers["idempotency-replayed"] == "true" } == 99)
            let orders = try await scene.settled(1)
            #expect(orders.first?["status"] as? String == "filled")
            #expect(try await scene.venue.orders().count == 1)
            let id = answers.first?.json["signal_id"] as? String ?? ""
            let signal = try await scene.gateway.get("/api/v1/signals/\(id)")
            #expect(signal.body.contains("\"copies\":99"))
            #expect(try await scene.storeEqualsVenue())
        }
    }

    @Test func `an explicit key with another payload is refused and alerted`() async throws {
        try await GatewayScene.with { scene in
            let key = ["Idempotency-Key": "k1"]
            #expect(try await scene.gateway.post(GatewayUnderTest.signal(), headers: key).status == 202)
            let conflict = try await scene.gateway.post(GatewayUnderTest.signal(quantity: "0.020"), headers: key)
            #expect(conflict.status == 422)
            #expect(conflict.json["code"] as? String == "idempotency_conflict")
            // The same payload in another spelling is the same signal.
            let respelt = #"{ "symbol":"BTCUSD", "strategy":"trend", "v":1, "quantity":"0.010", "action":"buy" }"#
            #expect(try await scene.gateway.post(respelt, headers: key).headers["idempotency-replayed"] == "true")
            try await scene.settled(1)
            #expect(try await scene.gateway.get("/api/v1/monitoring/alerts").body.contains("idempotency_conflict"))
        }
    }

    @Test(arguments: ["drop_after_accept", "status_after_accept", "garbage_body", "truncate_body", "hang"])
    func `a reply that is lost or unreadable leaves one order, found and adopted`(_ action: String) async throws {
        try await GatewayScene.with { scene in
            try await scene.venue.faults(#"[{"on":"place","action":"\#(action)","times":1}]"#)
            #expect(try await scene.gateway.post(GatewayUnderTest.signal()).status == 202)
            let orders = try await scene.settled(1)
            #expect(orders.first?["status"] as? String == "filled")
            #expect(try await scene.venue.orders().count == 1)
            #expect(try await scene.storeEqualsVenue())
        }
    }

    @Test func `a reply that is lost with the stream silent is found by asking`() async throws {
        try await GatewayScene.with { scene in
            try await scene.venue.faults(#"[{"on":"stream","action":"silence","times":1000},{"on":"place","action":"drop_after_accept","times":1}]"#)
            #expect(try await scene.gateway.post(GatewayUnderTest.signal()).status == 202)
            let order = try await scene.settled(1).first ?? [:]
            #expect(order["status"] as? String == "filled")
            let story = try await scene.gateway.get("/api/v1/orders/\(order["id"] as? String ?? "")").body
            #expect(story.contains("order.unknown"))
            #expect(try await scene.venue.orders().count == 1)
        }
    }

    @Test func `a request that never reached the venue is proven absent and sent again, once`() async throws {
        try await GatewayScene.with { scene in
            try await scene.venue.faults(#"[{"on":"place","action":"drop_before_read","times":1}]"#)
            #expect(try await scene.gateway.post(GatewayUnderTest.signal()).status == 202)
            let order = try await scene.settled(1).first ?? [:]
            #expect(order["status"] as? String == "filled")
            #expect(order["attempt_count"] as? Int == 2)
            #expect(try await scene.venue.orders().count == 1)
        }
    }

    @Test func `an order that surfaces late is adopted and not sent again`() async throws {
        try await GatewayScene.with { scene in
            // Within the declared horizon: recv_window 1 s and visibility_horizon 200 ms after a window of 1 s.
            try await scene.venue.faults(
                #"[{"on":"place","action":"surface_late","times":1,"ms":1500},{"on":"stream","action":"silence","times":1000}]"#)
            #expect(try await scene.gateway.post(GatewayUnderTest.signal()).status == 202)
            let order = try await scene.settled(1).first ?? [:]
            #expect(order["status"] as? String == "filled")
            #expect(order["attempt_count"] as? Int == 1)
            #expect(try await scene.venue.orders().count == 1)
        }
    }
}
