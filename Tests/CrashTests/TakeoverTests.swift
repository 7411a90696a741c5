import Foundation
import TestSupport
import Testing

/// Two gateways, as processes, on one order store and one lock file.
@Suite(.serialized) struct TakeoverTests {
    private struct Pair {
        let venue: VenueUnderTest
        let doomed: GatewayUnderTest
        let heir: GatewayUnderTest
    }

    /// The first gateway has a fail point armed; the second shares its store and locks.
    private func pair(_ failPoint: String, _ body: (Pair) async throws -> Void) async throws {
        try await TemporaryFolder.with { folder in
            try await TemporaryFolder.with { second in
                let venue = try await VenueUnderTest.start(in: folder)
                let (port, otherPort) = (try freePort(), try freePort())
                try GatewayUnderTest.configure(in: folder, port: port, venuePort: venue.port)
                try GatewayUnderTest.configure(
                    in: second, port: otherPort, venuePort: venue.port, locks: "{ type: sqlite, path: \"\(folder.file("locks.db"))\", ttl: 3s }")
                let yaml = try String(contentsOfFile: second.file("turnstile.yaml"), encoding: .utf8)
                    .replacingOccurrences(of: "path: turnstile.db", with: "path: \"\(folder.file("turnstile.db"))\"")
                    .replacingOccurrences(of: "id: gw-test", with: "id: gw-heir")
                try second.write(yaml, to: "turnstile.yaml")
                let doomed = try await GatewayUnderTest.start(in: folder, port: port, environment: ["TURNSTILE_FAILPOINT": failPoint])
                let heir = try await GatewayUnderTest.start(in: second, port: otherPort)
                try? await doomed.waitForAccount()
                try await heir.waitForAccount()
                try await body(Pair(venue: venue, doomed: doomed, heir: heir))
                try await doomed.process.kill9()
                try await heir.process.kill9()
                try await venue.process.kill9()
            }
        }
    }

    private func filled(_ pair: Pair) async throws -> [String: Any] {
        var order: [String: Any] = [:]
        do {
            try await waitUntil("the order is filled") {
                order = try await pair.heir.orders().first ?? [:]
                return order["status"] as? String == "filled"
            }
        } catch {
            Issue.record("\(error): \(order) \(pair.heir.process.text.suffix(3000))")
        }
        return order
    }

    /// Nobody posts to the second gateway: it must find by itself what the first one left.
    @Test(arguments: ["admission.committed", "desk.permitted", "egress.request_sent", "desk.placed"])
    func `what a killed gateway leaves is finished by the other one without being asked`(_ point: String) async throws {
        try await pair("\(point):kill") { pair in
            _ = try? await pair.doomed.post(GatewayUnderTest.signal())
            try await waitUntil("\(point) is passed") { !pair.doomed.process.isRunning }
            _ = try await filled(pair)
            #expect(try await pair.venue.orders().count == 1, "\(point)")
            #expect(try await pair.heir.orders().count == 1, "\(point)")
        }
    }

    @Test(arguments: ["admission.committed", "store.permit.before_commit", "egress.request_sent"])
    func `the same webhook at both gateways 141 ms apart is one order, also when the first dies`(_ point: String) async throws {
        try await pair("\(point):kill") { pair in
            let key = ["Idempotency-Key": "both"]
            async let first = try? pair.doomed.post(GatewayUnderTest.signal(), headers: key)
            try await Task.sleep(for: .milliseconds(141))
            let second = try await pair.heir.post(GatewayUnderTest.signal(), headers: key)
            #expect(second.status == 202)
            if let first = await first { #expect(first.body == second.body) }
            _ = try await filled(pair)
            let again = try await pair.heir.post(GatewayUnderTest.signal(), headers: key)
            #expect(again.body == second.body)
            #expect(try await pair.venue.orders().count == 1, "\(point)")
            #expect(try await pair.heir.orders().count == 1, "\(point)")
        }
    }

    @Test func `a gateway that was stopped with a permit in its hand sends nothing when it wakes`() async throws {
        try await pair("desk.permitted:stop") { pair in
            _ = try? await TestHTTP.send(
                "POST", pair.doomed.url + "/hooks/tv/" + GatewayUnderTest.secret, bytes: Array(GatewayUnderTest.signal().utf8),
                headers: ["Content-Type": "application/json"], timeout: .seconds(1))
            let order = try await filled(pair)
            #expect(try await pair.venue.orders().count == 1)
            pair.doomed.process.send(SIGCONT)
            try await waitUntil("the sleeper answers again") {
                (try? await TestHTTP.get(pair.doomed.url + "/livez").status) == 200
            }
            try await Task.sleep(for: .seconds(2))
            #expect(try await pair.venue.orders().count == 1)
            let after = try await pair.heir.orders().first ?? [:]
            for field in ["status", "filled_quantity", "attempt_count", "venue_order_id", "updated_at"] {
                #expect("\(after[field] ?? "")" == "\(order[field] ?? "")", "\(field) changed")
            }
        }
    }
}
