import BrokerContract
import ExchangeContract
import Foundation
import Testing
import TradingModel

@testable import BinanceStyle

@Suite struct MappingTests {
    private func execution(_ text: String) throws -> BinanceExecutionReport {
        guard case .execution(let report) = try BinanceMessage(text) else { throw BinanceMappingError("no execution") }
        return report
    }

    @Test func `a trade event is a report and a fill with its fee`() throws {
        let event = try execution(BinanceFixtures.execution())
        let fill = try #require(try event.fill())
        #expect(fill.executionID == "BTCUSDT:555001")
        #expect(fill.quantity == (try Quantity("0.004")))
        #expect(fill.price == (try Price("59990")))
        #expect(fill.feeAsset == "BNB")
        let report = try event.report()
        #expect(report.status == .partiallyFilled)
        #expect(report.averagePrice == (try Price("59990")))
        #expect(report.stopPrice == nil)
    }

    @Test func `a cancel event names the order by its original id`() throws {
        let event = try execution(
            BinanceFixtures.execution(kind: "CANCELED", status: "CANCELED", c: "cxl-1", original: "gw-01HF8Z-0007", last: "0", trade: -1))
        #expect(try event.report().clientOrderID == "gw-01HF8Z-0007")
        #expect(try event.report().status == .cancelled)
        #expect(try event.fill() == nil)
    }

    @Test(arguments: ["NEW", "CANCELED", "EXPIRED", "REPLACED", "TRADE_PREVENTION"])
    func `only a trade carries a fill`(_ kind: String) throws {
        #expect(try execution(BinanceFixtures.execution(kind: kind)).fill() == nil)
    }

    @Test func `reasons of refusals and expiries are read`() throws {
        #expect(
            try execution(BinanceFixtures.execution(kind: "REJECTED", status: "REJECTED", reason: "INSUFFICIENT_BALANCES")).report().reason
                == .insufficientFunds)
        #expect(
            try execution(BinanceFixtures.execution(kind: "EXPIRED", status: "EXPIRED", extra: ",\"eR\":\"INSUFFICIENT_LIQUIDITY\"")).report()
                .reason == .noLiquidity)
    }

    @Test(arguments: [
        #"{"subscriptionId":0,"event":{"e":"outboundAccountPosition","E":1,"u":1,"B":[{"a":"BTC","f":"1","l":"0"}]}}"#,
        #"{"subscriptionId":0,"event":{"e":"listStatus","E":1,"C":"gwl","O":[]}}"#,
        #"{"subscriptionId":0,"event":{"e":"ofTomorrow","c":{"deep":[1]}}}"#, #"{"id":null}"#,
    ])
    func `other events are ignored`(_ text: String) throws {
        guard case .ignored = try BinanceMessage(text) else {
            Issue.record("not ignored: \(text)")
            return
        }
    }

    @Test(arguments: [
        #"{"event":{"e":"serverShutdown","E":1}}"#, #"{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1}}"#,
    ])
    func `the end of a stream is told`(_ text: String) throws {
        guard case .ending = try BinanceMessage(text) else {
            Issue.record("not an end: \(text)")
            return
        }
    }

    @Test func `answers are told from events, whatever their id is`() throws {
        let answers = [#"{"id":"subscribe","status":200,"result":{"subscriptionId":0}}"#, #"{"id":7,"status":200,"result":{}}"#]
        let revoked = #"{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key"}}"#
        for text in answers {
            guard case .answer(_, 200, nil) = try BinanceMessage(text) else {
                Issue.record("no answer: \(text)")
                continue
            }
        }
        guard case .answer(nil, 401, let error?) = try BinanceMessage(revoked) else {
            Issue.record("no error")
            return
        }
        #expect(error.code == -2015)
    }

    @Test func `rules are read from the filters`() throws {
        let instrument = try testInstrument()
        #expect(instrument.tickSize == (try Price("0.01")))
        #expect(instrument.lotSize == (try Quantity("0.00001")))
        #expect(instrument.marketLotSize == instrument.lotSize)
        #expect(instrument.maximumMarketQuantity == 120)
        #expect(instrument.minimumNotional == 5)
        #expect(instrument.orderTypes == [.market, .limit, .stop, .stopLimit])
        #expect(instrument.isTrading)
    }

    @Test func `limits of an unknown interval are left out`() throws {
        let info = try JSONDecoder().decode(BinanceExchangeInfoReply.self, from: Data(BinanceFixtures.exchangeInfo.utf8))
        #expect((info.rateLimits ?? []).compactMap(\.limitOfVenue).map(\.limit) == [6000, 100])
    }

    @Test(arguments: [
        (OrderType.market, nil as String?, nil as String?, TimeInForce.ioc, false, "type=MARKET&quantity=0.01"),
        (.limit, "60000.5", nil, .fok, false, "type=LIMIT&timeInForce=FOK&quantity=0.01&price=60000.5"),
        (.limit, "60000.5", nil, .gtc, true, "type=LIMIT_MAKER&quantity=0.01&price=60000.5"),
        (.stop, nil, "59000", .gtc, false, "type=STOP_LOSS&quantity=0.01&stopPrice=59000"),
        (.stopLimit, "58990", "59000", .gtc, false, "type=STOP_LOSS_LIMIT&timeInForce=GTC&quantity=0.01&price=58990&stopPrice=59000"),
    ])
    func `each order type has its wire form`(
        _ type: OrderType, _ limit: String?, _ stop: String?, _ timeInForce: TimeInForce, _ postOnly: Bool, _ wire: String
    ) throws {
        let order = try testOrder(type, limit: limit, stop: stop, timeInForce: timeInForce, postOnly: postOnly)
        let query = try BinanceOrderRequest(order, rules: testRules()).parameters.query
        #expect(query == "symbol=BTCUSDT&side=BUY&\(wire)&newClientOrderId=gw-01HF8Z-0007&newOrderRespType=FULL")
    }

    @Test func `small amounts are written without an exponent`() throws {
        let query = try BinanceOrderRequest(testOrder(quantity: "1e-5"), rules: testRules()).parameters.query
        #expect(query.contains("&quantity=0.00001&"))
    }

    @Test(arguments: [
        (TimeInForce.day, false, false, NotSentReason.unsupported), (.ioc, true, false, .unsupported), (.gtc, false, true, .unsupported),
    ])
    func `what the venue does not have is refused before a byte`(
        _ timeInForce: TimeInForce, _ postOnly: Bool, _ reduceOnly: Bool, _ reason: NotSentReason
    ) throws {
        let order = try testOrder(timeInForce: timeInForce, postOnly: postOnly, reduceOnly: reduceOnly)
        let rules = try testRules()
        let refusal = #expect(throws: BinanceOrderRequest.Refusal.self) { try BinanceOrderRequest(order, rules: rules) }
        #expect(refusal?.reason == reason)
    }

    @Test(arguments: [("0.000011", "60000", "a"), ("0.01", "60000.001", "a"), ("0.01", "60000", "no space"), ("0.01", "60000", "ä")])
    func `an order off the lot, off the tick or with an impossible id is invalid`(_ quantity: String, _ price: String, _ id: String) throws {
        let order = try testOrder(quantity: quantity, limit: price, id: ClientOrderID(id))
        let rules = try testRules()
        let refusal = #expect(throws: BinanceOrderRequest.Refusal.self) { try BinanceOrderRequest(order, rules: rules) }
        #expect(refusal?.reason == .invalid)
    }

    @Test func `an order by quote amount names the amount only`() throws {
        let order = try QuoteSizedOrder(clientOrderID: "q1", symbol: "BTCUSDT", side: .buy, notional: try Notional("100.50"))
        #expect(
            try BinanceOrderRequest(order).parameters.query
                == "symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=100.5&newClientOrderId=q1&newOrderRespType=FULL")
    }

    @Test func `the id of a cancel is the venue's to take and never an order's own`() {
        let id = BinanceBroker.cancelID(of: "gw-01HF8Z-0007")
        #expect(BinanceDialect.clientOrderIDRules.accepts(ClientOrderID(id)))
        #expect(id.hasPrefix("cxl-"))
        #expect(id != BinanceBroker.cancelID(of: "gw-01HF8Z-0008"))
    }
}
