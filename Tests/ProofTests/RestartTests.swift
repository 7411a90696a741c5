import BinanceStyleSimulator
import Foundation
import TestSupport
import Testing

/// A gateway that starts on what another one left behind.
@Suite(.serialized) struct RestartTests {
    @Test(.enabled(if: Trials.isLong, "scripts/prove Restart")) func `what was left open and unknown is resolved before anything new of the account is sent`() async throws {
        let (count, unknown) = Trials.pick((500, 25), long: (10_000, 500))
        try await BinanceSimulator.withServer(.init(balances: ["USDT": 10_000_000, "BTC": 10])) { simulator, address in
            try await TemporaryFolder.with { folder in
                let left = LeftBehind(path: folder.file("turnstile.db"), exchange: simulator.exchange, venueAccount: "test-key")
                let filling = ContinuousClock.now
                try await left.make(count, unknown: unknown)
                let filled = ContinuousClock.now - filling
                let port = try freePort()
                try configure(folder, port: port, venue: address.port)
                let began = ContinuousClock.now
                let gateway = try await GatewayUnderTest.start(in: folder, port: port)
                // At once, for another instrument: nothing but the rule holds it back.
                let posted = try await gateway.post(#"{"v":1,"strategy":"trend","symbol":"ETHUSD","action":"buy","quantity":"0.010","alert_id":"new"}"#)
                let signal = try #require(posted.json["signal_id"] as? String, "\(posted.body)")
                var story: [String: Any] = [:]
                do {
                    try await waitUntil("the new order is filled", within: .seconds(1200)) {
                        story = try await gateway.get("/api/v1/orders?signal_id=\(signal)").list.first ?? [:]
                        return story["status"] as? String == "filled"
                    }
                    try await waitUntil("nothing is unknown", within: .seconds(1200)) {
                        try await gateway.get("/api/v1/orders?status=unknown,resolving,parked,permitted,absent&limit=1").list.isEmpty
                    }
                } catch {
                    throw TimedOut(description: "\(error): \(story) \(gateway.process.text.suffix(3000))")
                }
                let resolved = ContinuousClock.now - began
                let sent = try await check(gateway, simulator, count: count, unknown: unknown, new: try #require(story["client_order_id"] as? String))
                Trials.tell(
                    "restart on \(count) open orders, \(unknown) of them unknown: all resolved after \(seconds(resolved)) s, the new order sent after \(seconds(sent - began)) s (the store was filled in \(seconds(filled)) s)")
                try await gateway.process.kill9()
            }
        }
    }

    /// Every order once at the venue, and the new one after what was left had been resolved; returns when the new one was sent.
    private func check(
        _ gateway: GatewayUnderTest, _ simulator: BinanceSimulator, count: Int, unknown: Int, new: String
    ) async throws -> ContinuousClock.Instant {
        let taken = simulator.exchange.read { core in core.orders }
        #expect(taken.count == count + 1)
        #expect(Set(taken.map(\.clientOrderID)).count == taken.count, "an order is at the venue twice")
        let arrived = try #require(taken.first { $0.clientOrderID == new }?.acceptedAt.microseconds)
        // By the journal: the last moment at which one of them was still not known.
        var last: Int64 = 0
        var settled = 0
        let every = count / unknown
        for number in stride(from: 0, to: count, by: every) {
            let id = String(format: "LEFT%06d-000", number)
            let lines = try await gateway.get("/api/v1/orders/\(id)").json["journal"] as? [[String: Any]] ?? []
            let ending = lines.first { ["order.accepted", "order.absent", "order.partially_filled", "order.filled"].contains($0["type"] as? String ?? "") }
            guard let at = (ending?["at"] as? String).flatMap(Self.microseconds) else { continue }
            settled += 1
            last = max(last, at)
        }
        #expect(settled == unknown)
        #expect(arrived >= last, "the new order was sent \(last - arrived) µs before the last unknown one was resolved")
        return ContinuousClock.now - .microseconds(Int64(Date().timeIntervalSince1970 * 1e6) - arrived)
    }

    private func configure(_ folder: TemporaryFolder, port: Int, venue: Int) throws {
        let account = VenueCase.binance.account(venue) + "\nrecv_window: 1s\nvisibility_horizon: 200ms"
        try GatewayUnderTest.configure(in: folder, port: port, account: account, symbol: "BTCUSDT", maximumAge: "1h")
        let yaml = try String(contentsOfFile: folder.file("turnstile.yaml"), encoding: .utf8)
            .replacingOccurrences(of: "BTCUSD: { spot1: BTCUSDT }", with: "BTCUSD: { spot1: BTCUSDT }, ETHUSD: { spot1: ETHUSDT }")
        try folder.write(yaml, to: "turnstile.yaml")
    }

    private func seconds(_ duration: Duration) -> String { String(format: "%.1f", duration / .seconds(1)) }

    private static func microseconds(_ text: String) -> Int64? {
        let parts = text.dropLast().split(separator: ".")
        guard let whole = parts.first, let date = ISO8601DateFormatter().date(from: whole + "Z") else { return nil }
        let digits = parts.count > 1 ? String((parts[1] + "000000").prefix(6)) : "0"
        return Int64(date.timeIntervalSince1970) * 1_000_000 + (Int64(digits) ?? 0)
    }
}
