import Foundation
import TestSupport
import Testing

/// The gateway as a real process is killed with SIGKILL at every named point between reading the body and applying the fill.
///
/// After a restart, and the sender's own retry where it got no answer, there is exactly one complete order, here and at the venue.
@Suite(.serialized) struct CrashTests {
    /// In the order in which one signal passes them.
    static let points = [
        "hook.head_read", "hook.body_read", "admission.parsed", "admission.planned", "store.admit.before_orders", "store.admit.before_commit",
        "admission.committed", "desk.claimed", "desk.lease_acquired", "desk.tenure_opened", "store.permit.before_commit", "desk.permitted",
        "egress.before_send", "egress.head_sent", "egress.request_sent", "egress.reply_read", "desk.placed", "store.update.before_commit",
        "store.fill.before_commit", "desk.outcome_recorded", "tracking.event_received", "tracking.applied", "reconcile.found", "store.reconcile.before_commit",
        "reconcile.recorded",
    ]

    @Test(arguments: points)
    func `a kill at each point leaves exactly one complete order`(_ point: String) async throws {
        try await TemporaryFolder.with { folder in
            let venue = try await VenueUnderTest.start(in: folder)
            let port = try freePort()
            try GatewayUnderTest.configure(in: folder, port: port, venuePort: venue.port)
            let doomed = try await GatewayUnderTest.start(in: folder, port: port, environment: ["TURNSTILE_FAILPOINT": "\(point):kill"])
            try? await doomed.waitForAccount()

            let key = ["Idempotency-Key": "crash-\(point)"]
            let first = try? await doomed.post(GatewayUnderTest.signal(), headers: key)
            try await waitUntil("\(point) is passed: \(doomed.process.text.suffix(1500))") { !doomed.process.isRunning }
            #expect(doomed.process.endingSignal == SIGKILL)

            let gateway = try await GatewayUnderTest.start(in: folder, port: port)
            // A sender without an answer sends again; one with an answer may do so too, and gets the same.
            let second = try await gateway.post(GatewayUnderTest.signal(), headers: key)
            #expect(second.status == 202)
            if let first { #expect(first.body == second.body) }

            var order: [String: Any] = [:]
            do {
                try await waitUntil("the order is filled") {
                    order = try await gateway.orders().first ?? [:]
                    return order["status"] as? String == "filled"
                }
            } catch {
                Issue.record("\(point): \(error): \(order) \(gateway.process.text.suffix(3000)) venue: \(venue.process.text.suffix(3000))")
            }
            let orders = try await gateway.orders()
            let venueOrders = try await venue.orders()
            #expect(orders.count == 1)
            #expect(venueOrders.count == 1, "\(point): the venue has \(venueOrders)")
            for field in ["client_order_id", "symbol", "side", "type", "quantity", "account", "strategy", "signal_id", "venue_order_id", "average_price"] {
                #expect((order[field] as? String)?.isEmpty == false, "\(point): \(field) is missing")
            }
            #expect(order["client_order_id"] as? String == venueOrders.first?["client_order_id"] as? String)
            #expect(order["filled_quantity"] as? String == "0.01")
            let position = try await gateway.get("/api/v1/positions").list.first
            #expect((position?["quantity"] as? String).map { $0.hasPrefix("0.0099") || $0 == "0.01" } == true, "\(point): position \(position ?? [:])")
            try await gateway.process.kill9()
            try await venue.process.kill9()
        }
    }

    @Test func `the list of points is what a signal really passes`() async throws {
        try await TemporaryFolder.with { folder in
            let venue = try await VenueUnderTest.start(in: folder)
            let port = try freePort()
            try GatewayUnderTest.configure(in: folder, port: port, venuePort: venue.port)
            let log = folder.file("points.log")
            let gateway = try await GatewayUnderTest.start(in: folder, port: port, environment: ["TURNSTILE_FAILPOINT_LOG": log])
            try await gateway.waitForAccount()
            _ = try await gateway.post(GatewayUnderTest.signal())
            try await waitUntil("the order is filled and its events are applied") {
                let passed = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
                return Self.points.allSatisfy { passed.contains($0 + "\n") }
            }
            let passed = Set(try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map(String.init))
            #expect(passed == Set(Self.points))
            try await gateway.process.kill9()
            try await venue.process.kill9()
        }
    }
}
