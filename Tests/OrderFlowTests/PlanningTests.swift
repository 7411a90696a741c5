import BrokerContract
import Foundation
import OrderFlow
import StoreContract
import Testing
import TradingModel

@Suite struct MintingTests {
    @Test func `the same intent gets the same id, another one another`() {
        let rules = ClientOrderIDRules(form: .token, maximumLength: 36)
        func mint(_ signal: SignalID, _ account: AccountID, _ leg: Int = 0) -> ClientOrderID {
            Minting.clientOrderID(signal: signal, strategy: "t", account: account, leg: leg, rules: rules)
        }
        #expect(mint("S1", "a") == mint("S1", "a"))
        #expect(Set([mint("S1", "a"), mint("S2", "a"), mint("S1", "b"), mint("S1", "a", 1)]).count == 4)
    }

    @Test(arguments: [ClientOrderIDRules(form: .token, maximumLength: 36), .init(form: .token, maximumLength: 20), .init(form: .uuid, maximumLength: 36)])
    func `every id is valid at its venue`(_ rules: ClientOrderIDRules) {
        for number in 0..<500 {
            #expect(rules.accepts(Minting.clientOrderID(signal: SignalID("S\(number)"), strategy: "t", account: "a", leg: 0, rules: rules)))
        }
    }

    @Test(arguments: [ClientOrderIDRules(form: .token, maximumLength: 36), .init(form: .token, maximumLength: 29), .init(form: .uuid, maximumLength: 36)])
    func `ids of later signals sort after those of earlier ones, and no two are equal`(_ rules: ClientOrderIDRules) {
        var random = Seeded(state: 2)
        let ids = (0..<500).map { number in
            let signal = Minting.signalID(at: start + .milliseconds(Int64(number * 7)), using: &random)
            return Minting.clientOrderID(signal: signal, strategy: "t", account: "a", leg: 0, rules: rules)
        }
        #expect(ids == ids.sorted())
        #expect(Set(ids).count == ids.count)
        #expect(ids.allSatisfy(rules.accepts))
        let twins = (0..<500).map { _ in Minting.signalID(at: start, using: &random) }
        #expect(Set(twins.map { Minting.clientOrderID(signal: $0, strategy: "t", account: "a", leg: 0, rules: rules) }).count == 500)
    }

    @Test func `signal ids sort by time and do not repeat`() {
        var random = Seeded(state: 1)
        let ids = (0..<1000).map { Minting.signalID(at: start + .milliseconds(Int64($0)), using: &random) }
        #expect(ids == ids.sorted())
        #expect(Set(ids).count == 1000)
        #expect(ids.allSatisfy { $0.rawValue.count == 26 })
    }
}

@Suite struct PlannerTests {
    private let planner = Planner(
        strategies: [
            Strategy(
                id: "trend", source: "tv", symbols: ["BTCUSD": ["a": "BTCUSDT", "b": "BTC-USD"]],
                accounts: [.init(id: "a", sizing: .multiply(1)), .init(id: "b", sizing: .multiply(2))], policy: OrderPolicy()),
            Strategy(id: "fixed", source: "tv", symbols: ["BTCUSD": ["a": "BTCUSDT"]], accounts: [.init(id: "a", sizing: .fixed(5))], policy: OrderPolicy()),
            Strategy(id: "other", source: "bot", symbols: ["BTCUSD": ["a": "BTCUSDT"]], accounts: [.init(id: "a", sizing: .multiply(1))], policy: OrderPolicy()),
        ],
        clientOrderIDRules: ["a": .init(form: .token, maximumLength: 36), "b": .init(form: .uuid, maximumLength: 36)])
    private let context = Planner.Context(signalID: "S", source: "tv", receivedAt: start, expiresAt: start + .seconds(60), requestID: "r")

    @Test func `a signal becomes one order per strategy and account`() throws {
        let orders = try planner.plan(TradeSignal(strategy: "trend", symbol: "BTCUSD", side: .buy, quantity: Quantity("0.01")), context)
        #expect(orders.map(\.account) == ["a", "b"])
        #expect(try orders.map(\.requestedQuantity) == [Quantity("0.01"), Quantity("0.02")])
        #expect(orders.map(\.symbol) == ["BTCUSDT", "BTC-USD"])
        #expect(Set(orders.map(\.id)).count == 2)
    }

    @Test func `a signal without a strategy goes to all of its source and to no other`() throws {
        let orders = try planner.plan(TradeSignal(strategy: nil, symbol: "BTCUSD", side: .buy, quantity: 1), context)
        #expect(orders.map(\.strategy) == ["trend", "trend", "fixed"])
    }

    @Test func `what cannot be planned is refused with a reason`() {
        func code(_ signal: TradeSignal) -> String? {
            do {
                _ = try planner.plan(signal, context)
                return nil
            } catch { return error.code }
        }
        #expect(code(TradeSignal(strategy: "nope", symbol: "BTCUSD", side: .buy, quantity: 1)) == "unknown_strategy")
        #expect(code(TradeSignal(strategy: "other", symbol: "BTCUSD", side: .buy, quantity: 1)) == "unknown_strategy")
        #expect(code(TradeSignal(strategy: "trend", symbol: "DOGE", side: .buy, quantity: 1)) == "unknown_symbol")
        #expect(code(TradeSignal(strategy: "trend", symbol: "BTCUSD", side: .buy, quantity: nil)) == "missing_field")
        #expect(code(TradeSignal(strategy: "fixed", symbol: "BTCUSD", side: .buy, quantity: nil)) == nil)
    }
}

@Suite struct PositionLedgerTests {
    private func apply(_ fills: [Fill], base: Asset? = nil) -> PositionRecord? {
        fills.reduce(nil as PositionRecord?) { PositionLedger.apply($1, to: $0, account: "a", base: base, at: start) }
    }

    @Test func `buys average, sells realise, a crossing opens at its price`() throws {
        let position = apply([fill("1", 1, at: 100), fill("2", 1, at: 200)])
        #expect(position?.quantity == 2 && position?.averagePrice == 150)
        let closed = apply([fill("1", 2, at: 150), fill("3", 2, at: 160, side: .sell)])
        #expect(closed?.quantity == 0 && closed?.averagePrice == nil && closed?.realizedProfit == 20)
        let crossed = apply([fill("1", 1, at: 100), fill("2", 3, at: 110, side: .sell)])
        #expect(crossed?.quantity == -2 && crossed?.averagePrice == 110 && crossed?.realizedProfit == 10)
        let short = apply([fill("1", 2, at: 100, side: .sell), fill("2", 1, at: 90)])
        #expect(short?.quantity == -1 && short?.realizedProfit == 10)
    }

    @Test func `a fee in the base asset makes the holding smaller`() throws {
        let position = apply([fill("1", 1, at: 100, fee: try Notional("0.001"), feeAsset: "BTC")], base: "BTC")
        #expect(try position?.quantity == Quantity("0.999"))
        #expect(position?.averagePrice == 100)
        #expect(apply([fill("1", 1, at: 100, fee: try Notional("0.001"), feeAsset: "BNB")], base: "BTC")?.quantity == 1)
    }
}
