import Foundation
import TestSupport
import Testing

/// Comparisons with a venue over sockets: what others do there, and what the stream did not tell.
@Suite(.serialized) struct ReconciliationTests {
    private static let often = "tracking: { reconcile_interval: 1s, deep_reconcile_interval: 2s, background_interval: 1h, immediate_interval: 60s, monitor_interval: 300s }"

    private func tradovate(
        _ drift: String, _ body: (_ folder: TemporaryFolder, _ venue: VenueUnderTest, _ gateway: GatewayUnderTest) async throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            let venue = try await VenueUnderTest.start("tradovate", in: folder)
            let port = try freePort()
            try GatewayUnderTest.configure(
                in: folder, port: port, account: VenueCase.tradovate.account(venue.port) + "\ndrift: \(drift)", symbol: VenueCase.tradovate.symbol, multiply: 100)
            try GatewayUnderTest.addSection(Self.often, in: folder)
            let gateway = try await GatewayUnderTest.start(in: folder, port: port)
            try await gateway.waitForAccount()
            #expect(try await gateway.post(GatewayUnderTest.signal()).status == 202)
            try await waitUntil("the order is filled: \(gateway.process.text.suffix(1500))") {
                try await gateway.orders().first?["status"] as? String == "filled"
            }
            try await body(folder, venue, gateway)
            try await gateway.process.kill9()
            try await venue.process.kill9()
        }
    }

    private func reconciliation(_ gateway: GatewayUnderTest, resolved: Bool = false) async throws -> [String: Any] {
        try await gateway.get("/api/v1/accounts/spot1/reconciliation" + (resolved ? "?resolved=true" : "")).json
    }

    @Test func `what a person does at the venue is shown and told, as an order and as a difference of positions (F80)`() async throws {
        try await tradovate("alert") { folder, venue, gateway in
            let contract = try #require(try await venue.orders().first?["symbol"] as? String)
            try await venue.tradeByHand("Buy", 1, of: contract, limit: "20000.00")
            try await waitUntil("the resting order is shown") {
                try await gateway.get("/api/v1/accounts/spot1/external-orders").list.contains { $0["kind"] as? String == "external" && $0["status"] as? String == "accepted" }
            }
            try await venue.tradeByHand("Buy", 2, of: contract)
            try await waitUntil("the difference counts: \(gateway.process.text.suffix(1500))") {
                let findings = try await reconciliation(gateway)["findings"] as? [[String: Any]] ?? []
                return findings.contains { $0["state"] as? String == "confirmed" && $0["ledger"] as? String == "1" && $0["venue"] as? String == "3" }
            }
            let alerts = try await gateway.get("/api/v1/monitoring/alerts?resolved=true").body
            #expect(alerts.contains("external_order") && alerts.contains("the ledger says 1, the venue 3"), "\(alerts)")
            #expect(try await gateway.orders().count == 1)
            #expect(try await gateway.get("/api/v1/positions").list.first?["quantity"] as? String == "1")

            let synced = try await gateway.command(["sync", "spot1"], in: folder)
            #expect(synced.exitCode == 0 && synced.text.contains("open orders at the venue"), "\(synced.text)")
            let order = try #require(try await gateway.orders().first)
            let one = try await gateway.command(["sync", try #require(order["venue_order_id"] as? String)], in: folder)
            #expect(one.exitCode == 0 && one.text.contains("filled → filled"), "\(one.text)")
            #expect(try await gateway.command(["sync", "nothing"], in: folder).exitCode == 2)
            #expect(try await gateway.get("/api/v1/orders/monitoring").status == 200)
        }
    }

    @Test func `a halted account sends nothing until a person releases it`() async throws {
        try await tradovate("halt") { folder, venue, gateway in
            let contract = try #require(try await venue.orders().first?["symbol"] as? String)
            try await venue.tradeByHand("Buy", 2, of: contract)
            try await waitUntil("the account is halted: \(gateway.process.text.suffix(1500))") {
                try await gateway.get("/api/v1/accounts").list.first?["halt"] is [String: Any]
            }
            // The same payload under a name of its own is another signal.
            #expect(try await gateway.post(GatewayUnderTest.signal(), headers: ["Idempotency-Key": "second"]).status == 202)
            #expect(try await gateway.orders().count == 2)
            try await gateway.process.kill9()
            // It outlives the process.
            let again = try await GatewayUnderTest.start(in: folder, port: gateway.port)
            try await again.waitForAccount()
            try await waitUntil("two more comparisons") {
                let runs = try await reconciliation(again)["runs"] as? [[String: Any]] ?? []
                return runs.contains { $0["trigger"] as? String == "schedule" }
            }
            #expect(try await again.orders().first?["status"] as? String == "queued")
            #expect(try await again.command(["resume", "spot1", "--reason", "the two are mine", "--actor", "ada"], in: folder).exitCode == 0)
            try await waitUntil("the order goes out: \(again.process.text.suffix(1500))") { try await again.orders().first?["status"] as? String == "filled" }
            #expect(try await again.command(["resume", "spot1", "--reason", "again"], in: folder).exitCode == 1)
            try await again.process.kill9()
        }
    }

    @Test func `a fill that the stream lost is found by the comparison`() async throws {
        try await TemporaryFolder.with { folder in
            let venue = try await VenueUnderTest.start(in: folder)
            let port = try freePort()
            try GatewayUnderTest.configure(in: folder, port: port, venuePort: venue.port)
            try GatewayUnderTest.addSection(Self.often, in: folder)
            let gateway = try await GatewayUnderTest.start(in: folder, port: port)
            try await gateway.waitForAccount()
            #expect(try await gateway.post(GatewayUnderTest.signal(extra: #","type":"limit","limit_price":"50000""#)).status == 202)
            try await waitUntil("the order rests") { try await gateway.orders().first?["status"] as? String == "accepted" }
            try await venue.faults(#"[{"on":"stream","action":"drop_event","times":1000}]"#)
            try await venue.setPrice("49000", of: "BTCUSDT")
            try await waitUntil("the fill is found: \(gateway.process.text.suffix(1500))") { try await gateway.orders().first?["status"] as? String == "filled" }
            #expect(try await gateway.get("/api/v1/orders/\(gateway.orders().first?["id"] as? String ?? "")").json["fills"] is [[String: Any]])
            try await gateway.process.kill9()
            try await venue.process.kill9()
        }
    }
}
