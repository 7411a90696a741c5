import Foundation
import TestSupport
import Testing

/// A gateway is killed while it compares an account with its venue. What is done about a difference is done once.
@Suite(.serialized) struct ReconcileCrashTests {
    @Test(arguments: [
        "reconcile.found:kill:2", "store.reconcile.before_commit:kill:2", "store.reconcile.before_commit:kill:3", "reconcile.recorded:kill:2",
        "reconcile.recorded:kill:3",
    ])
    func `a kill around the correction leaves it made once`(_ point: String) async throws {
        try await differing("adopt", killedAt: point) { gateway, venue async throws in
            #expect(try await gateway.get("/api/v1/positions").list.map { $0["quantity"] as? String } == ["3"])
            #expect(try await venue.orders().count == 2)
        }
    }

    @Test(arguments: ["store.reconcile.before_commit:kill:3", "reconcile.recorded:kill:2", "reconcile.recorded:kill:3"])
    func `a kill around the order that leaves the difference leaves one such order`(_ point: String) async throws {
        try await differing("flatten", killedAt: point) { gateway, venue async throws in
            #expect(try await gateway.orders().compactMap { $0["strategy"] as? String }.count { $0 == "drift" } == 1)
            // Ours, the one by hand, and the one that leaves both.
            #expect(try await venue.orders().count == 3)
            #expect(try await gateway.get("/api/v1/positions").list.map { $0["quantity"] as? String } == ["0"])
        }
    }

    /// A gateway is killed around its comparison with a venue that holds 3 where the ledger says 1; the next one goes on until nothing is open.
    private func differing(
        _ drift: String, killedAt point: String, _ check: (GatewayUnderTest, VenueUnderTest) async throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            let venue = try await VenueUnderTest.start("tradovate", in: folder)
            let port = try freePort()
            let account = """
                broker: tradovate
                endpoint: { rest: "http://127.0.0.1:\(venue.port)/v1", websocket: "ws://127.0.0.1:\(venue.port)/v1/websocket" }
                credentials: { username: any-user, password: any-password }
                account: DEMO25
                roll: { MNQ: 5d_before_expiry }
                drift: \(drift)
                """
            try GatewayUnderTest.configure(in: folder, port: port, account: account, symbol: "MNQ1!", multiply: 100)
            try GatewayUnderTest.addSection("tracking: { reconcile_interval: 1s, deep_reconcile_interval: 1s }", in: folder)
            let first = try await GatewayUnderTest.start(in: folder, port: port)
            try await first.waitForAccount()
            #expect(try await first.post(GatewayUnderTest.signal()).status == 202)
            try await waitUntil("the order is filled: \(first.process.text.suffix(1500))") { try await first.orders().first?["status"] as? String == "filled" }
            try await first.process.kill9()
            let contract = try #require(try await venue.orders().first?["symbol"] as? String)
            try await venue.tradeByHand("Buy", 2, of: contract)

            let doomed = try await GatewayUnderTest.start(in: folder, port: port, environment: ["TURNSTILE_FAILPOINT": point])
            try await waitUntil("\(point) is passed: \(doomed.process.text.suffix(1500))") { !doomed.process.isRunning }
            let gateway = try await GatewayUnderTest.start(in: folder, port: port)
            var latest = 0
            func look() async throws -> [[String: Any]] {
                let json = try await gateway.get("/api/v1/accounts/spot1/reconciliation?resolved=true").json
                latest = (json["runs"] as? [[String: Any]] ?? []).compactMap { $0["number"] as? Int }.max() ?? 0
                return (json["findings"] as? [[String: Any]] ?? []).filter { $0["action"] as? String == drift }
            }
            try await waitUntil("the ledger is corrected: \(gateway.process.text.suffix(1500))") { try await !look().isEmpty }
            let then = latest
            try await waitUntil("three more comparisons") {
                _ = try await look()
                return latest >= then + 3
            }
            #expect(try await look().count == 1)
            try await waitUntil("nothing is open") { try await gateway.orders().allSatisfy { $0["terminal"] as? Bool == true } }
            try await check(gateway, venue)
            #expect(try await gateway.command(["audit", "verify"], in: folder).exitCode == 0)
            try await gateway.process.kill9()
            try await venue.process.kill9()
        }
    }
}
