import BinanceStyleSimulator
import BrokerContract
import ExchangeContract
import Foundation
import SimulatorKit
import Testing
import TradingModel

@testable import BinanceStyle

/// The second dialect: USD-M futures, over real sockets.
@Suite struct FuturesTests {
    private func with(
        _ options: BinanceSimulator.Options = .init(dialect: .usdm), renewal: Duration = .seconds(1800),
        _ body: @escaping @Sendable (AdapterHarness) async throws -> Void
    ) async throws {
        let dialect = try #require(BinanceDialect.named("usdm"))
        try await AdapterHarness.with(options, dialect: dialect, listenKeyRenewal: renewal, requestTimeout: .seconds(30), body)
    }

    private func order(
        _ type: OrderType = .market, side: Side = .buy, quantity: String = "0.02", limit: String? = nil, postOnly: Bool = false,
        reduceOnly: Bool = false, id: ClientOrderID
    ) throws -> NewOrder {
        try testOrder(type, side: side, quantity: quantity, limit: limit, timeInForce: type == .market ? .ioc : .gtc, postOnly: postOnly, reduceOnly: reduceOnly, id: id)
    }

    @Test func `a market order opens a position, and reply, lookup, fills and stream agree`() async throws {
        try await with { harness in
            let accepted = try #require(await harness.place(order(id: "f1")).acceptance)
            #expect(accepted.report.status == .filled && accepted.report.averagePrice == 60000)
            let position = try #require(try await harness.broker.positions().first)
            #expect(position.symbol == "BTCUSDT" && position.averagePrice == 60000)
            #expect(position.quantity == (try Quantity("0.02")))
            let fills = try await harness.broker.fills(of: harness.reference("f1"))
            #expect(fills.count == 1 && fills.first?.side == .buy && fills.first?.feeAsset == "USDT")
            #expect(try await harness.events.wait { if case .fill(let told) = $0 { told.executionID == fills.first?.executionID } else { false } })
            #expect(try await harness.events.wait { if case .order(let report) = $0 { report.clientOrderID == "f1" && report.status == .filled } else { false } })
            #expect(await harness.broker.lookup(harness.reference("f1")).report?.filledQuantity == position.quantity)
        }
    }

    @Test func `selling short, reducing and turning a position keep its sign and its entry`() async throws {
        try await with { harness in
            #expect(try await harness.place(order(side: .sell, quantity: "0.03", id: "s1")).acceptance?.report.status == .filled)
            #expect(try await harness.broker.positions().map(\.quantity) == [Quantity("-0.03")])
            _ = try harness.simulator.exchange.setPrice(59000, of: "BTCUSDT")
            let reduced = try await harness.place(order(quantity: "0.01", reduceOnly: true, id: "s2"))
            #expect(reduced.acceptance?.report.status == .filled)
            let short = try #require(try await harness.broker.positions().first)
            #expect(short.quantity == (try Quantity("-0.02")) && short.averagePrice == 60000)
            let more = try await harness.place(order(side: .sell, quantity: "0.01", reduceOnly: true, id: "s3"))
            #expect(more.refusal != nil, "reduce-only may not make a short position greater")
            let turned = try await harness.place(order(quantity: "0.05", id: "s4"))
            #expect(turned.acceptance != nil)
            let long = try #require(try await harness.broker.positions().first)
            #expect(long.quantity == (try Quantity("0.03")) && long.averagePrice == 59000)
            let closed = try await harness.place(order(side: .sell, quantity: "0.03", reduceOnly: true, id: "s5"))
            #expect(closed.acceptance != nil)
            #expect(try await harness.broker.positions().isEmpty)
        }
    }

    @Test func `an order that only rests is post-only by its time in force`() async throws {
        try await with { harness in
            let resting = try await harness.place(order(.limit, limit: "50000", postOnly: true, id: "p1"))
            #expect(resting.acceptance?.report.status == .accepted)
            let crossing = try await harness.place(order(.limit, limit: "61000", postOnly: true, id: "p2"))
            #expect(crossing.refusal == .postOnlyWouldTake)
            #expect(harness.simulator.controls.log.entries.contains { entry in entry.parameters.contains { $0 == ("timeInForce", "GTX") } })
        }
    }

    @Test func `price and quantity are changed in place, and the id stays`() async throws {
        try await with { harness in
            let placed = try #require(await harness.place(order(.limit, limit: "50000", id: "m1")).acceptance).report
            let outcome = await harness.broker.replace(harness.reference("m1"), with: Replacement(limitPrice: 51000), within: harness.window)
            guard case .replaced(let report, _) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(report.venueOrderID == placed.venueOrderID && report.limitPrice == 51000 && report.quantity == placed.quantity)
            guard case .cancelled(let cancelled?, _) = await harness.broker.cancel(harness.reference("m1"), within: harness.window) else {
                Issue.record("not cancelled")
                return
            }
            #expect(cancelled.clientOrderID == "m1")
        }
    }

    @Test func `an order beyond the margin is refused, and the balance tells what is held`() async throws {
        try await with { harness in
            let tooMuch = try await harness.place(order(.limit, quantity: "900", limit: "50000", id: "x1"))
            #expect(tooMuch.refusal == .insufficientFunds)
            #expect(try await harness.place(order(.limit, quantity: "2", limit: "50000", id: "x2")).acceptance != nil)
            let balance = try #require(try await harness.broker.balances().first { $0.asset == "USDT" })
            // A twentieth of a hundred thousand.
            #expect(balance.locked == 5000 && balance.available == 995_000)
        }
    }

    @Test func `stop orders, brackets and quote amounts are refused before a byte`() async throws {
        try await with { harness in
            let before = harness.simulator.controls.log.entries.count { $0.method == "POST" && $0.path == "/fapi/v1/order" }
            let stop = try await harness.place(testOrder(.stop, limit: nil, stop: "61000", id: "n1"))
            #expect(stop.notSentReason == .unsupported)
            let bracket = try await harness.place(testOrder(limit: "50000", id: "n2", bracket: Bracket(stopLoss: 40000, takeProfit: nil)))
            #expect(bracket.notSentReason == .unsupported)
            let quote = try QuoteSizedOrder(clientOrderID: "n3", symbol: "BTCUSDT", side: .buy, notional: 100)
            #expect(await harness.broker.place(quote, within: harness.window).notSentReason == .unsupported)
            #expect(harness.simulator.controls.log.entries.count { $0.method == "POST" && $0.path == "/fapi/v1/order" } == before)
        }
    }

    @Test func `a listen key is prolonged in time`() async throws {
        try await with(.init(dialect: .usdm, listenKeyLife: .seconds(3600)), renewal: .milliseconds(100)) { harness in
            var renewals = 0
            for _ in 0..<3000 where renewals < 3 {
                renewals = harness.simulator.controls.log.entries.count { $0.method == "PUT" && $0.path == "/fapi/v1/listenKey" && $0.outcome == "200" }
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(renewals >= 3)
            #expect(harness.events.all.filter { $0 == .connected }.count == 1)
        }
    }

    @Test func `after a listen key has expired a new one is fetched, and the gap is told`() async throws {
        try await with(.init(dialect: .usdm, listenKeyLife: .milliseconds(700))) { harness in
            #expect(try await harness.events.wait { if case .gap = $0 { true } else { false } })
            let connections = { harness.events.all.count { $0 == .connected } }
            for _ in 0..<3000 where connections() < 2 { try await Task.sleep(for: .milliseconds(10)) }
            #expect(connections() >= 2)
            #expect(harness.simulator.controls.log.entries.count { $0.method == "POST" && $0.path == "/fapi/v1/listenKey" } >= 2)
        }
    }

    @Test func `an order update of the futures is a report and a fill, and its cancel names the order itself`() throws {
        let trade =
            #"{"e":"ORDER_TRADE_UPDATE","E":1763700000053,"T":1763700000050,"o":{"s":"BTCUSDT","c":"gw-f-0001","S":"SELL","o":"LIMIT","f":"GTC","q":"0.010","p":"60000.00","ap":"60000.00","sp":"0","x":"TRADE","X":"PARTIALLY_FILLED","i":8800001,"l":"0.004","z":"0.004","L":"60000.00","N":"USDT","n":"0.04800000","T":1763700000050,"t":777001,"b":"0","a":"0","m":true,"R":false,"ps":"BOTH"}}"#
        guard case .execution(let event) = try BinanceMessage(trade) else {
            Issue.record("no execution")
            return
        }
        let fill = try #require(try event.fill())
        #expect(fill.executionID == "BTCUSDT:777001" && fill.side == .sell && fill.feeAsset == "USDT")
        #expect(try event.report().averagePrice == 60000)
        #expect(try event.report().clientOrderID == "gw-f-0001")
        let cancel = trade.replacing("\"TRADE\"", with: "\"CANCELED\"").replacing("PARTIALLY_FILLED", with: "CANCELED")
        guard case .execution(let ended) = try BinanceMessage(cancel) else {
            Issue.record("no execution")
            return
        }
        #expect(try ended.report().status == .cancelled)
        #expect(try ended.fill() == nil)
        guard case .ending = try BinanceMessage(#"{"e":"listenKeyExpired","E":1,"listenKey":"k"}"#) else {
            Issue.record("no end")
            return
        }
        guard case .ignored = try BinanceMessage(#"{"e":"ACCOUNT_UPDATE","E":1,"T":1,"a":{"m":"ORDER","B":[],"P":[]}}"#) else {
            Issue.record("not ignored")
            return
        }
    }

    /// Numbers mean other things here than on spot.
    @Test(arguments: [
        (-2022, RejectReason.other("reduce-only: there is no such position to make smaller")), (-2021, .wouldTriggerImmediately),
        (-2019, .insufficientFunds), (-4164, .belowMinimum), (-4120, .unsupported),
    ])
    func `refusals are read by the dialect's own table`(_ code: Int, _ reason: RejectReason) throws {
        let request = try BinanceOrderRequest(futures: order(id: "gw-01HF8Z-0007"), rules: testRules(), path: "/fapi/v1/order")
        let body = #"{"code":\#(code),"msg":"some words"}"#
        #expect(BinanceOutcomes.place(reply(400, body), for: request, refusals: .usdm).refusal == reason)
        #expect(BinanceOutcomes.place(reply(400, body), for: request, refusals: .spot).refusal == nil)
    }

    @Test(arguments: [(400, -4116), (503, -1008), (503, -1007), (408, -1000)])
    func `a duplicate and a server's doubt stay unknown`(_ status: Int, _ code: Int) throws {
        let request = try BinanceOrderRequest(futures: order(id: "gw-01HF8Z-0007"), rules: testRules(), path: "/fapi/v1/order")
        #expect(BinanceOutcomes.place(reply(status, #"{"code":\#(code),"msg":"words"}"#), for: request, refusals: .usdm).doubt != nil)
    }

    // MARK: Binance US: spot with listen keys

    @Test func `Binance US gets its events by listen key, and is offered no brackets`() async throws {
        let dialect = try #require(BinanceDialect.named("binance_us"))
        try await AdapterHarness.with(.init(dialect: .binanceUS), dialect: dialect, requestTimeout: .seconds(30)) { harness in
            let placed = try await harness.place(testOrder(limit: "50000", id: "us1"))
            #expect(placed.acceptance != nil)
            #expect(try await harness.events.wait { if case .order(let report) = $0 { report.clientOrderID == "us1" } else { false } })
            let bracket = try await harness.place(testOrder(limit: "50000", id: "us2", bracket: Bracket(stopLoss: 40000, takeProfit: 60000)))
            #expect(bracket.notSentReason == .unsupported)
            let less = Replacement(quantity: try Quantity("0.004"))
            guard case .notSent(.unsupported, _) = await harness.broker.replace(harness.reference("us1"), with: less, within: harness.window) else {
                Issue.record("Binance US has no amendments")
                return
            }
        }
    }
}
