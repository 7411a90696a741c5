import BrokerContract
import Foundation
import OrderFlow
import StoreContract
import Testing
import TradingModel

/// Payloads from outside never end the process, and what is planned from them can be stored, read and sent.
@Suite struct FuzzTests {
    private static let amounts = [
        "0.010", "1e40", "1e-40", "99999999999999999999999999999999999999", "99999999999999999999999999999999999999e40", "1e41", "0", "-1", "NaN",
        "", "1e999999999999", "0." + String(repeating: "0", count: 100) + "1e-40", "0." + String(repeating: "0", count: 39) + "1",
        String(repeating: "9", count: 39), "340282366920938463463374607431768211455", "1E+5", "00.1", "1e", "{{close}}", "9e-41",
    ]
    private static let times = ["2026-01-01T00:00:00Z", "9999-12-31T23:59:60Z", "0000-00-00T00:00:00Z", "99999999999999", "-1", "1e18", "2026-01-01T00:00:00.123456789123+99:99"]

    private func planner(_ factor: Decimal) -> Planner {
        let strategy = Strategy(
            id: "trend", source: "tv", symbols: ["BTCUSD": ["spot1": "BTCUSDT"]], accounts: [.init(id: "spot1", sizing: .multiply(factor))], policy: OrderPolicy())
        return Planner(strategies: [strategy], clientOrderIDRules: ["spot1": .init(form: .token, maximumLength: 36)])
    }

    private func drive(_ bytes: [UInt8], _ planner: Planner, _ instruments: [Instrument]) {
        guard let payload = try? NativePayload(bytes) else { return }
        _ = payload.canonicalText + payload.redactedText
        guard let signal = try? payload.signal(keyField: "k") else { return }
        let expires = min(signal.firedAt ?? start, start) + (signal.maximumAge ?? .seconds(60))
        guard let orders = try? planner.plan(signal, .init(signalID: "S", source: "tv", receivedAt: start, expiresAt: expires, requestID: "r")) else { return }
        for order in orders {
            #expect((try? Quantity(order.requestedQuantity.description)) == order.requestedQuantity)
            for price in [order.limitPrice, order.stopPrice, order.referencePrice, order.bracket?.stopLoss, order.bracket?.takeProfit] {
                #expect(price == nil || (try? Price(price?.description ?? "")) == price)
            }
            for instrument in instruments {
                let facts = PermitFacts(
                    now: start, order: order, attempts: [], position: nil, lastTradeAt: nil, lastTradeID: nil, unsettled: [], entryOfSameSignal: nil,
                    openSellQuantity: .zero, openBuyQuantity: .zero)
                if case .grant(let new, _) = PermitDecision(instrument: instrument, capabilities: capabilities).decide(facts) {
                    #expect(new.quantity > 0 && new.quantity <= order.requestedQuantity)
                }
            }
        }
    }

    @Test func `10,000 payloads of awkward amounts and broken bytes end in an answer`() throws {
        var random = Seeded(state: 20_260_101)
        let free = Instrument(symbol: "BTCUSDT", base: "BTC", quote: "USDT", tickSize: .zero, lotSize: .zero, orderTypes: [.market, .limit, .stopLimit])
        let tiny = Instrument(
            symbol: "BTCUSDT", base: "BTC", quote: "USDT", tickSize: try Price("1e-40"), lotSize: try Quantity("1e-40"), minimumNotional: 5,
            orderTypes: [.market, .limit, .stopLimit])
        let planners = try ["1", "0.00000001", "1e40", "1e-40", "0.333333333333333333333333333333333333", "99999999999999999999999999999999999999"]
            .map { planner(try Decimal(exactly: $0)) }
        for round in 0..<10_000 {
            func amount() -> String { Self.amounts.randomElement(using: &random) ?? "1" }
            func quoted(_ text: String) -> String { Bool.random(using: &random) ? "\"\(text)\"" : text }
            var body = "{\"v\":1,\"strategy\":\"trend\",\"symbol\":\"BTCUSD\",\"action\":\"buy\",\"quantity\":\(quoted(amount()))"
            if round % 2 == 0 { body += ",\"type\":\"limit\",\"limit_price\":\(quoted(amount()))" }
            if round % 11 == 0 { body += ",\"stop_loss\":\(quoted(amount())),\"take_profit\":\(quoted(amount()))" }
            if round % 3 == 0 { body += ",\"max_lag\":\(quoted(amount()))" }
            if round % 5 == 0 { body += ",\"fired_at\":\"\(Self.times.randomElement(using: &random) ?? "")\"" }
            if round % 7 == 0 { body += ",\"price\":\(quoted(amount()))" }
            var bytes = Array((body + "}").utf8)
            if round % 4 == 3 {
                for _ in 0..<Int.random(in: 1...6, using: &random) {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
            }
            drive(bytes, planners[round % planners.count], [btc, free, tiny])
        }
    }
}
