import BinanceStyle
import BinanceStyleSimulator
import BrokerContract
import ConformanceKit
import Foundation
import Testing
import TradingModel

@testable import turnstile

@Suite struct VerifyAgainstConformanceTests {
    private static func subject() throws -> ConformanceSubject { try #require(allConformanceSubjects().first { $0.id == "binance" }) }

    private static func clauses(_ ids: Set<String>) -> [BrokerClause] {
        (BrokerConformance.clauses + ExchangeConformance.clauses).filter { ids.contains($0.id) }
    }

    /// An account of the configuration at the running simulator, which is used as a venue without its controls.
    private static func withAccount(
        at port: Int, mode: String = "sandbox", _ body: (_ config: String, _ url: String) async throws -> Void
    ) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "verify-\(UUID().uuidString).yaml").path()
        let text = """
            version: 1
            http: { tokens: { reader: "reader-token-of-this-test-0123456789" } }
            store: { type: sqlite, path: /tmp/turnstile-verify-tests/never-opened.db }
            locks: { type: memory }
            accounts:
              a1:
                broker: binance
                mode: \(mode)
                endpoint: { rest: "http://127.0.0.1:\(port)", websocket: "ws://127.0.0.1:\(port)/ws-api/v3" }
                credentials: { key: "\(BinanceVenue.key)", secret: "\(BinanceVenue.secret)" }
            """
        try Data(text.utf8).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path, "http://127.0.0.1:\(port)")
    }

    @Test func `at a running simulator clauses run in turn, with faults, and what it cannot do is left out and not passed`() async throws {
        try await BinanceSimulator.withServer { _, address in
            let target = try VerifyTarget("http://127.0.0.1:\(address.port)")
            let remote = try await target.simulator(of: Self.subject())
            let chosen = Self.clauses(["BC-08.cancels", "BC-06.place.hang-after", "BC-13.pages", "BC-16.full-load", "BC-14.positions", "BC-11.empty"])
            let report = await ConformanceReport.run(chosen, against: remote, inTurn: true, venue: "there")
            #expect(report.passed == 3 && report.failed == 0 && report.absent == 1 && report.leftOut == 2, "\(report.text)")
            #expect(report.text.contains("left out  1: a simulator of another process cannot be told to enforce limits"))
            #expect(report.isKept)
        }
    }

    @Test func `at a venue only queries are sent, and everything else is left out with its reason`() async throws {
        try await BinanceSimulator.withServer { simulator, address in
            try await Self.withAccount(at: address.port) { config, url in
                let subject = try Self.subject()
                let remote = try VerifyTarget(url).account("a1", config: config, of: subject, symbol: nil, terms: nil)
                let report = await ConformanceReport.run(subject.clauses, against: remote, inTurn: true, venue: url, leaveOut: remote.leavesOut)
                #expect(report.failed == 0 && report.passed >= 7, "\(report.text)")
                #expect(report.leftOut == report.entries.count - report.passed)
                #expect(simulator.exchange.read { core in core.orders.isEmpty })
                #expect(report.html.contains("left out, not checked") && report.html.contains("only queries are sent unless --trade is given"))
            }
        }
    }

    @Test func `with leave to trade, orders are sent, faults are played before a plain wire, and nothing stays open`() async throws {
        try await BinanceSimulator.withServer { simulator, address in
            try await Self.withAccount(at: address.port) { config, url in
                let terms = TradingTerms(symbol: "BTCUSDT", price: 60000, quantity: try Quantity("0.02"))
                let remote = try VerifyTarget(url).account("a1", config: config, of: Self.subject(), symbol: nil, terms: terms)
                let chosen = Self.clauses(["BC-08.cancels", "BC-10.open", "BC-13.terms", "BC-06.place.hang-after", "BC-10.stale", "BC-08.partly-filled", "BC-02.silent"])
                let report = await ConformanceReport.run(chosen, against: remote, inTurn: true, venue: url, leaveOut: remote.leavesOut)
                #expect(report.passed == 4 && report.failed == 0 && report.leftOut == 3, "\(report.text)")
                let open = simulator.exchange.read { core in core.orders.filter { !$0.status.isTerminal }.count }
                #expect(open == 0)
                #expect(simulator.exchange.read { core in core.orders.count } >= 5)
            }
        }
    }

    @Test func `a live account is never traded, and an account of another broker is refused`() async throws {
        try await Self.withAccount(at: 1, mode: "live") { config, url in
            let terms = TradingTerms(symbol: "BTCUSDT", price: 60000, quantity: 1)
            let refusal = #expect(throws: VerifyTarget.Refusal.self) { try VerifyTarget(url).account("a1", config: config, of: try Self.subject(), symbol: nil, terms: terms) }
            #expect(refusal?.description.contains("never trades with real money") == true)
            let other = try #require(allConformanceSubjects().first { $0.id == "coinbase" })
            #expect(throws: VerifyTarget.Refusal.self) { try VerifyTarget(url).account("a1", config: config, of: other, symbol: nil, terms: nil) }
        }
    }

    @Test func `what is no URL, or does not answer as a simulator, is refused`() async throws {
        #expect(throws: VerifyTarget.Refusal.self) { try VerifyTarget("ftp://127.0.0.1") }
        await #expect(throws: VerifyTarget.Refusal.self) { try await VerifyTarget("http://127.0.0.1:1").simulator(of: Self.subject()) }
    }
}
