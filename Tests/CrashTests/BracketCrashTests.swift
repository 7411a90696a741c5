import Foundation
import TestSupport
import Testing

/// A gateway is killed while a signal with stop loss and take profit is on its way: afterwards there are exactly three orders, here and
/// at the broker, and none of them twice. The embedded broker's journal outlives the process.
@Suite(.serialized) struct BracketCrashTests {
    static let points = [
        "store.admit.before_orders", "store.admit.before_commit", "admission.committed", "desk.claimed", "store.permit.before_commit",
        "desk.permitted", "desk.placed", "store.update.before_commit", "store.fill.before_commit", "desk.outcome_recorded", "tracking.event_received",
    ]

    @Test(arguments: points)
    func `a kill at each point leaves one entry with both legs`(_ point: String) async throws {
        try await TemporaryFolder.with { folder in
            let port = try freePort()
            try GatewayUnderTest.configure(in: folder, port: port, account: "broker: paper", symbol: "BTCUSDT")
            let doomed = try await GatewayUnderTest.start(in: folder, port: port, environment: ["TURNSTILE_FAILPOINT": "\(point):kill"])
            try? await doomed.waitForAccount()
            let body = GatewayUnderTest.signal(extra: #","stop_loss":"58000","take_profit":"65000""#)
            let key = ["Idempotency-Key": "bracket-\(point)"]
            _ = try? await doomed.post(body, headers: key)
            try await waitUntil("\(point) is passed: \(doomed.process.text.suffix(1500))") { !doomed.process.isRunning }

            let gateway = try await GatewayUnderTest.start(in: folder, port: port)
            #expect(try await gateway.post(body, headers: key).status == 202)
            var orders: [[String: Any]] = []
            do {
                try await waitUntil("the entry is filled and its legs rest") {
                    orders = try await gateway.orders().sorted { "\($0["id"] ?? "")" < "\($1["id"] ?? "")" }
                    return orders.map { $0["status"] as? String } == ["filled", "accepted", "accepted"]
                }
            } catch {
                Issue.record("\(point): \(error): \(orders) \(gateway.process.text.suffix(3000))")
            }
            #expect(Set(orders.compactMap { $0["attempt_count"] as? Int }).count == 1)
            try await gateway.process.kill9()
            let taken = try accepted(in: folder)
            #expect(taken == Set(orders.compactMap { $0["client_order_id"] as? String }), "\(point): the broker has \(taken)")
        }
    }

    @Test(arguments: ["desk.permitted", "egress.before_send", "egress.request_sent", "egress.reply_read", "desk.placed", "desk.outcome_recorded"])
    func `a kill around the one request that makes all three leaves each at the venue once`(_ point: String) async throws {
        try await TemporaryFolder.with { folder in
            let venue = try await VenueUnderTest.start(in: folder)
            let port = try freePort()
            try GatewayUnderTest.configure(in: folder, port: port, venuePort: venue.port)
            let doomed = try await GatewayUnderTest.start(in: folder, port: port, environment: ["TURNSTILE_FAILPOINT": "\(point):kill"])
            try? await doomed.waitForAccount()
            let body = GatewayUnderTest.signal(extra: #","type":"limit","limit_price":"60500","stop_loss":"58000","take_profit":"65000""#)
            let key = ["Idempotency-Key": "bracket-\(point)"]
            _ = try? await doomed.post(body, headers: key)
            try await waitUntil("\(point) is passed: \(doomed.process.text.suffix(1500))") { !doomed.process.isRunning }

            let gateway = try await GatewayUnderTest.start(in: folder, port: port)
            #expect(try await gateway.post(body, headers: key).status == 202)
            var orders: [[String: Any]] = []
            do {
                try await waitUntil("the entry is filled and its legs rest") {
                    orders = try await gateway.orders().sorted { "\($0["id"] ?? "")" < "\($1["id"] ?? "")" }
                    return orders.map { $0["status"] as? String } == ["filled", "accepted", "accepted"]
                }
            } catch {
                Issue.record("\(point): \(error): \(orders) \(gateway.process.text.suffix(3000)) venue: \(venue.process.text.suffix(3000))")
            }
            let theirs = try await venue.orders().compactMap { $0["client_order_id"] as? String }
            #expect(theirs.count == 3 && Set(theirs) == Set(orders.compactMap { $0["client_order_id"] as? String }), "\(point): the venue has \(theirs)")
            try await gateway.process.kill9()
            try await venue.process.kill9()
        }
    }

    /// The client order ids that the broker took, from its journal. A repeated one fails.
    private func accepted(in folder: TemporaryFolder) throws -> Set<String> {
        let files = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
        let journal = try #require(files.first { $0.hasSuffix("paper.jsonl") })
        var ids: Set<String> = []
        for line in try String(contentsOfFile: folder.file(journal), encoding: .utf8).split(separator: "\n") {
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            for event in object?["events"] as? [[String: Any]] ?? [] {
                guard (event["kind"] as? [String: Any])?["accepted"] != nil, let order = event["order"] as? [String: Any] else { continue }
                #expect(ids.insert(order["clientOrderID"] as? String ?? "").inserted)
            }
        }
        return ids
    }
}
