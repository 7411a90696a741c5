import BinanceStyleSimulator
import Foundation
import TestSupport
import Testing
import TradingModel

/// A gateway that starts on what another one left behind.
@Suite(.serialized) struct RestartTests {
    @Test(.enabled(if: Trials.isLong, "scripts/prove Restart")) func `what was left open and unknown is resolved before anything new of the account is sent`() async throws {
        // A venue lets an account have some 200 open orders of an instrument.
        let (accounts, count, unknown) = Trials.pick((5, 500, 25), long: (50, 10_000, 500))
        // Without the venue's limit, which is one for all accounts behind one address: what is measured is the gateway.
        try await BinanceSimulator.withServer(.init(balances: ["USDT": 10_000_000, "BTC": 10], weightPerMinute: 10_000_000)) { simulator, address in
            try await TemporaryFolder.with { folder in
                let names = (1...accounts).map { "spot\($0)" }
                let left = LeftBehind(path: folder.file("turnstile.db"), accounts: names.map { AccountID($0) }, exchange: simulator.exchange)
                let filling = ContinuousClock.now
                try await left.make(count, unknown: unknown)
                let filled = ContinuousClock.now - filling
                let port = try freePort()
                try configure(folder, names, port: port, venue: address.port)
                let began = ContinuousClock.now
                let gateway = try await GatewayUnderTest.start(in: folder, port: port)
                // At once, for another instrument: nothing but the rule holds it back.
                let posted = try await gateway.post(#"{"v":1,"strategy":"trend","symbol":"ETHUSD","action":"buy","quantity":"0.010","alert_id":"new"}"#)
                let signal = try #require(posted.json["signal_id"] as? String, "\(posted.body)")
                var new: [[String: Any]] = []
                do {
                    try await waitUntil("the new orders are filled", within: .seconds(1200)) {
                        new = try await gateway.get("/api/v1/orders?signal_id=\(signal)&limit=100").list
                        return new.count == accounts && new.allSatisfy { $0["status"] as? String == "filled" }
                    }
                    try await waitUntil("nothing is unknown", within: .seconds(1200)) {
                        try await gateway.get("/api/v1/orders?status=unknown,resolving,parked,permitted,absent&limit=1").list.isEmpty
                    }
                } catch {
                    throw TimedOut(description: "\(error): \(new.first ?? [:]) \(gateway.process.text.suffix(3000))")
                }
                let resolved = ContinuousClock.now - began
                let sent = try await check(gateway, simulator, count: count, unknown: unknown, new: new)
                Trials.tell(
                    "restart on \(count) open orders of \(accounts) accounts, \(unknown) of them unknown: all resolved after \(seconds(resolved)) s, the accounts' new orders "
                        + "sent after \(seconds((sent.min() ?? began) - began)) to \(seconds((sent.max() ?? began) - began)) s (the store was filled in \(seconds(filled)) s)")
                try await gateway.process.kill9()
            }
        }
    }

    /// Every order once at the venue, and each account's new one after what was left there had been resolved; returns when those were sent.
    private func check(
        _ gateway: GatewayUnderTest, _ simulator: BinanceSimulator, count: Int, unknown: Int, new: [[String: Any]]
    ) async throws -> [ContinuousClock.Instant] {
        let taken = simulator.exchange.read { core in core.orders }
        #expect(taken.count == count + new.count)
        #expect(Set(taken.map(\.clientOrderID)).count == taken.count, "an order is at the venue twice")
        // By the journal: the last moment at which one of an account's was still not known.
        var last: [String: Int64] = [:]
        var settled = 0
        for number in stride(from: 0, to: count, by: count / unknown) {
            let story = try await gateway.get("/api/v1/orders/\(String(format: "LEFT%06d-000", number))").json
            let ending = (story["journal"] as? [[String: Any]] ?? []).first {
                ["order.accepted", "order.absent", "order.partially_filled", "order.filled"].contains($0["type"] as? String ?? "")
            }
            guard let account = story["account"] as? String, let at = (ending?["at"] as? String).flatMap(Self.microseconds) else { continue }
            settled += 1
            last[account] = max(last[account] ?? 0, at)
        }
        #expect(settled == unknown && last.count == new.count)
        let (now, wall) = (ContinuousClock.now, Int64(Date().timeIntervalSince1970 * 1e6))
        return try new.map { order in
            let account = try #require(order["account"] as? String)
            let arrived = try #require(taken.first { $0.clientOrderID == order["client_order_id"] as? String }?.acceptedAt.microseconds)
            let resolved = try #require(last[account])
            #expect(arrived >= resolved, "the new order of \(account) was sent \(resolved - arrived) µs before its last unknown one was resolved")
            return now - .microseconds(wall - arrived)
        }
    }

    private func configure(_ folder: TemporaryFolder, _ names: [String], port: Int, venue: Int) throws {
        let account = VenueCase.binance.account(venue) + "\nrecv_window: 30s\nvisibility_horizon: 200ms"
        try GatewayUnderTest.configure(in: folder, port: port, account: account, symbol: "BTCUSDT", maximumAge: "1h")
        let block = account.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
        func list(_ value: String) -> String { names.map { "\($0): \(value)" }.joined(separator: ", ") }
        let yaml = try String(contentsOfFile: folder.file("turnstile.yaml"), encoding: .utf8)
            .replacingOccurrences(of: "  spot1:\n\(block)", with: names.map { "  \($0):\n\(block.replacingOccurrences(of: "key: test-key", with: "key: \($0)"))" }.joined(separator: "\n"))
            .replacingOccurrences(of: "BTCUSD: { spot1: BTCUSDT }", with: "BTCUSD: { \(list("BTCUSDT")) }, ETHUSD: { \(list("ETHUSDT")) }")
            .replacingOccurrences(of: "accounts: { spot1: { multiply: 1 } }", with: "accounts: { \(list("{ multiply: 1 }")) }")
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
