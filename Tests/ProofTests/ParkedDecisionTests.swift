import Foundation
import TestSupport
import Testing

/// What a person decides about a parked order, over the gateway's own interface, with the gateway killed in the middle of it.
@Suite(.serialized) struct ParkedDecisionTests {
    /// Where the gateway dies on the way from the decision to the order's fill.
    private static let points = [
        "decision.recorded", "egress.request_sent", "decision.asked", "desk.claimed", "store.permit.before_commit", "desk.permitted",
        "egress.before_send", "desk.placed", "store.update.before_commit", "desk.outcome_recorded",
    ]

    @Test func `a gateway that is killed while it carries out a resend ends with one order at the venue, however often it is decided again`() async throws {
        var decided = 0
        var kills = 0
        let points = Trials.isLong ? Self.points : Array(Self.points.prefix(2))
        for point in points {
            try await withParkedOrder { scene in
                let gateway = try await scene.start(environment: ["TURNSTILE_FAILPOINT": "\(point):kill"])
                _ = try? await scene.decide("resend", through: gateway)
                decided += 1
                try await waitUntil("\(point) is passed: \(gateway.process.text.suffix(1500))") { !gateway.process.isRunning }
                #expect(gateway.process.endingSignal == SIGKILL)
                kills += 1
                let heir = try await scene.start()
                var status = ""
                for _ in 0..<5 where status != "filled" {
                    try await waitUntil("\(point): the order is filled or parked again", within: .seconds(120)) {
                        status = try await scene.status(through: heir)
                        return ["filled", "parked"].contains(status)
                    }
                    guard status == "parked" else { continue }
                    // Whoever got no answer decides again: it was not carried out, or it was and the attempt did not get out.
                    let reply = try await scene.decide("resend", through: heir)
                    decided += 1
                    #expect(reply.status == 200 || reply.status == 409, "\(point): \(reply.body)")
                }
                #expect(status == "filled", "\(point)")
                let late = try await scene.decide("resend", through: heir)
                #expect(late.status == 409 && late.json["code"] as? String == "order_not_parked", "\(point): \(late.body)")
                #expect(try await scene.venue.orders().count == 1, "\(point)")
                let positions = try await heir.get("/api/v1/positions").list
                #expect(positions.first?["quantity"] as? String == "1", "\(point): \(positions)")
                try await heir.process.kill9()
            }
        }
        Trials.tell("parked orders: \(kills) kills in the middle of a resend, \(decided) decisions, one order each")
    }

    @Test(arguments: ["abandon", "adopt"])
    func `a gateway that is killed before it has recorded a decision has not decided, and the repeat does it once`(_ decision: String) async throws {
        try await withParkedOrder { scene in
            let gateway = try await scene.start(environment: ["TURNSTILE_FAILPOINT": "decision.asked:kill"])
            if decision == "adopt" {
                let refused = try await scene.decide("adopt", through: gateway)
                #expect(refused.status == 409 && refused.json["code"] as? String == "decision_refused", "\(refused.body)")
            }
            _ = try? await scene.decide("abandon", through: gateway)
            try await waitUntil("the gateway is killed: \(gateway.process.text.suffix(1500))") { !gateway.process.isRunning }
            let heir = try await scene.start()
            #expect(try await scene.status(through: heir) == "parked")
            let replies = [try await scene.decide("abandon", through: heir), try await scene.decide("abandon", through: heir)]
            #expect(replies.map(\.status) == [200, 409])
            #expect(try await scene.status(through: heir) == "abandoned")
            let story = try await heir.get("/api/v1/orders/\(scene.order)").json["journal"] as? [[String: Any]] ?? []
            #expect(story.count { $0["type"] as? String == "order.decided" } == 1)
            #expect(try await scene.venue.orders().isEmpty)
            try await heir.process.kill9()
        }
    }

    private struct Parked: Sendable {
        let folder: TemporaryFolder
        let venue: VenueUnderTest
        let port: Int
        let order: String

        func start(environment: [String: String] = [:]) async throws -> GatewayUnderTest {
            let gateway = try await GatewayUnderTest.start(in: folder, port: port, environment: environment)
            try await gateway.waitForAccount()
            return gateway
        }

        func status(through gateway: GatewayUnderTest) async throws -> String {
            try await gateway.get("/api/v1/orders/\(order)").json["status"] as? String ?? ""
        }

        /// Asks again while the gateway cannot have the account: a killed one's lease has to end first.
        func decide(_ decision: String, through gateway: GatewayUnderTest) async throws -> TestHTTP.Reply {
            var reply: TestHTTP.Reply?
            try await waitUntil("the decision is answered") {
                reply = try await gateway.decideParked(order, decision, because: "looked at the venue's page")
                return reply?.status != 503
            }
            guard let reply else { throw TimedOut(description: "no answer") }
            return reply
        }
    }

    /// A market order whose request vanished, at a venue that executes a resend twice: it is parked, and no gateway runs.
    private func withParkedOrder(_ body: (Parked) async throws -> Void) async throws {
        try await TemporaryFolder.with { folder in
            let venue = try await VenueUnderTest.start("tradovate", in: folder)
            let port = try freePort()
            let account = VenueCase.tradovate.account(venue.port) + "\nvisibility_horizon: 200ms"
            try GatewayUnderTest.configure(in: folder, port: port, account: account, symbol: VenueCase.tradovate.symbol, multiply: 100, maximumAge: "1h")
            let first = try await GatewayUnderTest.start(in: folder, port: port)
            try await first.waitForAccount()
            try await venue.faults(#"[{"on":"place","action":"drop_before_read","times":1}]"#)
            #expect(try await first.post(GatewayUnderTest.signal()).status == 202)
            var order = ""
            try await waitUntil("the order is parked: \(first.process.text.suffix(1500))", within: .seconds(120)) {
                let row = try await first.orders().first
                order = row?["id"] as? String ?? ""
                return row?["status"] as? String == "parked"
            }
            try await first.process.kill9()
            try await body(Parked(folder: folder, venue: venue, port: port, order: order))
            try await venue.process.kill9()
        }
    }
}
