import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct TradingRulesTests {
    @Test func `a sell without a position is skipped, a buy opens, a sell closes`() async throws {
        try await GatewayScene.with { scene in
            #expect(try await scene.gateway.post(GatewayUnderTest.signal("sell")).status == 202)
            let skipped = try await scene.settled(1).first ?? [:]
            #expect(skipped["status"] as? String == "skipped")
            #expect(skipped["reason"] as? String == "no_long_position")
            #expect(try await scene.venue.orders().isEmpty)

            #expect(try await scene.gateway.post(GatewayUnderTest.signal("buy")).status == 202)
            try await scene.settled(2)
            #expect(try await scene.gateway.post(GatewayUnderTest.signal("sell", extra: #","alert_id":"2""#)).status == 202)
            let orders = try await scene.settled(3)
            #expect(orders.first?["side"] as? String == "sell")
            #expect(orders.first?["status"] as? String == "filled")
            #expect(try await scene.storeEqualsVenue())
        }
    }

    @Test func `of many simultaneous triggers within the cooldown one trades`() async throws {
        try await GatewayScene.with(policy: "{ cooldown: 15m, long_only: true }") { scene in
            let answers = try await withThrowingTaskGroup { group in
                for number in 0..<50 {
                    group.addTask { try await scene.gateway.post(GatewayUnderTest.signal(extra: #","alert_id":"a\#(number)""#)).status }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(answers.allSatisfy { $0 == 202 })
            let orders = try await scene.settled(50)
            #expect(orders.count { $0["status"] as? String == "filled" } == 1)
            #expect(orders.count { $0["reason"] as? String == "cooldown" } == 49)
            #expect(try await scene.venue.orders().count == 1)
            #expect(orders.contains { ($0["detail"] as? String)?.contains("left of the cooldown") == true })
        }
    }

    @Test func `a resting limit order fills when the price comes, and the stream tells it`() async throws {
        try await GatewayScene.with { scene in
            let limit = #","type":"limit","limit_price":"59000.00""#
            #expect(try await scene.gateway.post(GatewayUnderTest.signal(extra: limit)).status == 202)
            try await waitUntil("the order rests") { try await scene.gateway.orders().first?["status"] as? String == "accepted" }
            _ = try await TestHTTP.post(scene.venue.url + "/_sim/price", #"{"symbol":"BTCUSDT","price":"58900.00"}"#)
            let order = try await scene.settled(1).first ?? [:]
            #expect(order["status"] as? String == "filled")
            #expect(order["average_price"] as? String == "59000" || order["average_price"] as? String == "58900")
        }
    }

    @Test func `a refusal by the venue is a rejected order with the venue's reason`() async throws {
        try await GatewayScene.with { scene in
            try await scene.venue.faults(#"[{"on":"place","action":"reject","times":1}]"#)
            #expect(try await scene.gateway.post(GatewayUnderTest.signal()).status == 202)
            let order = try await scene.settled(1).first ?? [:]
            #expect(order["status"] as? String == "rejected")
            #expect((order["reason"] as? String)?.isEmpty == false)
            #expect(try await scene.venue.orders().allSatisfy { ($0["status"] as? String)?.lowercased() == "rejected" })
        }
    }

    @Test func `a stale signal is recorded and never traded`() async throws {
        try await GatewayScene.with { scene in
            let reply = try await scene.gateway.post(GatewayUnderTest.signal(extra: #","fired_at":"2020-01-01T00:00:00Z""#))
            #expect(reply.status == 200)
            #expect(reply.json["code"] as? String == "signal_stale")
            #expect(try await scene.gateway.get("/api/v1/signals/\(reply.json["signal_id"] as? String ?? "")").status == 200)
            #expect(try await scene.gateway.orders().isEmpty)
        }
    }
}
