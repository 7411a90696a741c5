import Foundation
import TestSupport
import Testing

/// The gateway as a real process is killed between the fill of an entry and the stop that it places for it. After the restart the position
/// has its stop, once, without a new signal.
@Suite(.serialized) struct ProtectionCrashTests {
    static let points = ["store.fill.before_commit", "desk.outcome_recorded", "store.tend.before_commit", "protection.decided"]

    private static let rules = """
        { cooldown: 0s, long_only: true }
            protection: { mode: managed, stop_within: 5m, on_failure: alert }
        """

    @Test(arguments: points)
    func `a kill between fill and stop leaves one entry and one stop`(_ point: String) async throws {
        try await TemporaryFolder.with { folder in
            let venue = try await VenueUnderTest.start(in: folder)
            let port = try freePort()
            try GatewayUnderTest.configure(in: folder, port: port, venuePort: venue.port, policy: Self.rules)
            let doomed = try await GatewayUnderTest.start(in: folder, port: port, environment: ["TURNSTILE_FAILPOINT": "\(point):kill"])
            try? await doomed.waitForAccount()
            _ = try? await doomed.post(GatewayUnderTest.signal(extra: #","stop_loss":"58000""#), headers: ["Idempotency-Key": "protection-\(point)"])
            try await waitUntil("\(point) is passed: \(doomed.process.text.suffix(1500))") { !doomed.process.isRunning }

            let gateway = try await GatewayUnderTest.start(in: folder, port: port)
            var position: [String: Any] = [:]
            do {
                try await waitUntil("the position has its stop", within: .seconds(120)) {
                    position = try await gateway.get("/api/v1/positions").list.first ?? [:]
                    return (position["episode"] as? [String: Any])?["state"] as? String == "active"
                }
            } catch {
                Issue.record("\(point): \(error): \(position) \(try await gateway.orders()) \(gateway.process.text.suffix(3000))")
            }
            let orders = try await gateway.orders()
            #expect(orders.count { $0["purpose"] as? String == "signal" } == 1)
            #expect(orders.count { $0["purpose"] as? String == "stop_loss" && $0["status"] as? String == "accepted" } == 1, "\(point): \(orders)")
            let theirs = try await venue.orders()
            #expect(theirs.count == 2, "\(point): the venue has \(theirs)")
            #expect(orders.first { $0["purpose"] as? String == "stop_loss" }?["quantity"] as? String == position["quantity"] as? String)
            try await waitUntil("the step is done") {
                try await gateway.get("/api/v1/monitoring/transactions?ended=true").list.map { $0["state"] as? String } == ["done"]
            }
            let listed = try await gateway.command(["positions"], in: folder)
            #expect(listed.exitCode == 0 && listed.text.contains("active") && listed.text.contains("58000"), "\(listed)")
            try await gateway.process.kill9()
            try await venue.process.kill9()
        }
    }
}
