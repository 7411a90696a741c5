import Foundation
import TestSupport
import Testing

/// A gateway process that dies each time at the same order.
@Suite(.serialized) struct DeadLetterTests {
    @Test func `after five crashes an order is set aside, others go on, and a replay makes exactly one order`() async throws {
        try await TemporaryFolder.with { folder in
            let venue = try await VenueUnderTest.start(in: folder)
            let port = try freePort()
            try GatewayUnderTest.configure(in: folder, port: port, venuePort: venue.port)
            for round in 0..<5 {
                let doomed = try await GatewayUnderTest.start(in: folder, port: port, environment: ["TURNSTILE_FAILPOINT": "desk.claimed:kill"])
                if round == 0 { _ = try? await doomed.post(GatewayUnderTest.signal(), headers: ["Idempotency-Key": "poison"]) }
                try await waitUntil("round \(round) ends: \(doomed.process.text.suffix(1500))") { !doomed.process.isRunning }
                #expect(doomed.process.endingSignal == SIGKILL)
            }

            let gateway = try await GatewayUnderTest.start(in: folder, port: port)
            try await gateway.waitForAccount()
            var letters: [[String: Any]] = []
            try await waitUntil("the order is a dead letter: \(gateway.process.text.suffix(1500))") {
                letters = try await gateway.get("/api/v1/monitoring/dead-letters").list
                return !letters.isEmpty
            }
            let poison = try #require((letters.first?["order"] as? [String: Any])?["id"] as? String)
            #expect((letters.first?["crashes"] as? [Any])?.count == 5)
            try await waitUntil("it is alerted") {
                try await gateway.get("/api/v1/monitoring/alerts").list.contains { $0["type"] as? String == "dead_letter" && $0["severity"] as? String == "critical" }
            }

            #expect(try await gateway.post(GatewayUnderTest.signal(), headers: ["Idempotency-Key": "healthy"]).status == 202)
            func status(_ id: String) async throws -> String? { try await gateway.orders().first { $0["id"] as? String == id }?["status"] as? String }
            try await waitUntil("the other order is filled") { try await gateway.orders().contains { $0["status"] as? String == "filled" } }
            #expect(try await status(poison) == "queued")
            #expect(try await venue.orders().count == 1)
            let listed = try await gateway.command(["queue", "dead-letters"], in: folder)
            #expect(listed.exitCode == 0 && listed.text.contains(poison), "\(listed.text)")
            let queue = try await gateway.command(["queue", "--json"], in: folder)
            #expect(queue.text.contains(#""dead_letters":1"#), "\(queue.text)")

            let replayed = try await gateway.command(["queue", "replay", poison, "--reason", "mended", "--actor", "ada"], in: folder)
            #expect(replayed.exitCode == 0, "\(replayed.text)")
            try await waitUntil("the replayed order is filled: \(gateway.process.text.suffix(1500))") { try await status(poison) == "filled" }
            #expect(try await venue.orders().count == 2)
            #expect(Set(try await venue.orders().compactMap { $0["client_order_id"] as? String }).count == 2)
            #expect(try await gateway.get("/api/v1/monitoring/dead-letters").list.isEmpty)
            let story = try await gateway.get("/api/v1/orders/\(poison)").body
            #expect(story.contains("order.dead_letter.replayed") && story.contains("ada"))
            let again = try await gateway.command(["queue", "discard", poison, "--reason", "no"], in: folder)
            #expect(again.exitCode == 2, "\(again.text)")
            try await waitUntil("the alert is resolved") {
                try await !gateway.get("/api/v1/monitoring/alerts").list.contains { $0["type"] as? String == "dead_letter" }
            }
            try await gateway.process.kill9()
            try await venue.process.kill9()
        }
    }
}
