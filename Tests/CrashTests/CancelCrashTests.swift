import Foundation
import TestSupport
import Testing

/// A gateway is killed while it cancels an order. Afterwards the record says what the venue has.
@Suite(.serialized) struct CancelCrashTests {
    @Test(arguments: [("cancel.recorded", "accepted"), ("cancel.asked", "cancelled")])
    func `a kill around the request leaves the order as the venue has it`(_ point: String, _ end: String) async throws {
        try await TemporaryFolder.with { folder in
            let venue = try await VenueUnderTest.start(in: folder)
            let port = try freePort()
            try GatewayUnderTest.configure(in: folder, port: port, venuePort: venue.port)
            let doomed = try await GatewayUnderTest.start(in: folder, port: port, environment: ["TURNSTILE_FAILPOINT": "\(point):kill"])
            try await doomed.waitForAccount()
            #expect(try await doomed.post(GatewayUnderTest.signal(extra: #","type":"limit","limit_price":"50000""#)).status == 202)
            var id = ""
            try await waitUntil("the order rests") {
                let order = try await doomed.orders().first
                id = order?["id"] as? String ?? ""
                return order?["status"] as? String == "accepted"
            }
            _ = try? await doomed.cancel(id)
            try await waitUntil("\(point) is passed: \(doomed.process.text.suffix(1500))") { !doomed.process.isRunning }

            let gateway = try await GatewayUnderTest.start(in: folder, port: port)
            #expect(try await gateway.orders().first?["status"] as? String != "accepted")
            try await waitUntil("the order is \(end): \(gateway.process.text.suffix(1500))") { try await gateway.orders().first?["status"] as? String == end }
            #expect(try await venue.orders().map { $0["status"] as? String } == [end])
            let isAlerted = try await gateway.get("/api/v1/monitoring/alerts").body.contains("cancel_not_done")
            #expect(isAlerted == (end == "accepted"))
            try await gateway.process.kill9()
            try await venue.process.kill9()
        }
    }
}
