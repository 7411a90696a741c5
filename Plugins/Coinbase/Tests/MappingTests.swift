import BrokerContract
import ExchangeContract
import Foundation
import Testing
import TradingModel

@testable import Coinbase

@Suite struct MappingTests {
    private func decoded<Value: Decodable>(_ text: String, as type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    }

    private func request(_ order: NewOrder) throws -> CoinbaseOrderRequest { try CoinbaseOrderRequest(order, product: testProduct()) }

    // MARK: Orders out

    @Test func `each kind of order has its configuration`() throws {
        let end = try #require(Timestamp(rfc3339: "2026-11-21T00:00:00Z"))
        let cases: [(NewOrder, String, CoinbaseOrderTerms)] = [
            (try testOrder(.market, limit: nil, timeInForce: .ioc), "market_market_ioc", .init(base_size: "0.001")),
            (try testOrder(), "limit_limit_gtc", .init(base_size: "0.001", limit_price: "60000", post_only: false)),
            (try testOrder(postOnly: true), "limit_limit_gtc", .init(base_size: "0.001", limit_price: "60000", post_only: true)),
            (try testOrder(timeInForce: .gtd, goodTill: end), "limit_limit_gtd",
                .init(base_size: "0.001", limit_price: "60000", end_time: "2026-11-21T00:00:00.000Z", post_only: false)),
            (try testOrder(timeInForce: .ioc), "sor_limit_ioc", .init(base_size: "0.001", limit_price: "60000")),
            (try testOrder(timeInForce: .fok), "limit_limit_fok", .init(base_size: "0.001", limit_price: "60000")),
            (try testOrder(.stopLimit, limit: "61000", stop: "60500"), "stop_limit_stop_limit_gtc",
                .init(base_size: "0.001", limit_price: "61000", stop_price: "60500", stop_direction: "STOP_DIRECTION_STOP_UP")),
            (try testOrder(.stopLimit, side: .sell, limit: "59000", stop: "59500", timeInForce: .gtd, goodTill: end), "stop_limit_stop_limit_gtd",
                .init(
                    base_size: "0.001", limit_price: "59000", stop_price: "59500", stop_direction: "STOP_DIRECTION_STOP_DOWN",
                    end_time: "2026-11-21T00:00:00.000Z")),
        ]
        for (order, kind, terms) in cases {
            let request = try request(order)
            #expect(request.kind == kind)
            #expect(request.terms == terms)
        }
    }

    @Test func `a body is what the venue documents, and names the portfolio only if there is one`() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let bracket = Bracket(stopLoss: 58000, takeProfit: 65000)
        let request = try request(testOrder(bracket: bracket))
        let text = String(decoding: try encoder.encode(request.body(portfolio: nil)), as: UTF8.self)
        #expect(
            text == #"{"attached_order_configuration":{"trigger_bracket_gtc":{"limit_price":"65000","stop_trigger_price":"58000"}},"#
                + #""client_order_id":"6f0c4a51-1d0a-4c5e-9a53-0d6a5b0a8c11","order_configuration":{"limit_limit_gtc":"#
                + #"{"base_size":"0.001","limit_price":"60000","post_only":false}},"product_id":"BTC-USD","side":"BUY"}"#)
        let other = String(decoding: try encoder.encode(request.body(portfolio: "p-1")), as: UTF8.self)
        #expect(other.contains(#""retail_portfolio_id":"p-1""#))
    }

    @Test func `an order by quote amount buys, on the quote's step`() throws {
        let order = try QuoteSizedOrder(clientOrderID: testID(1), symbol: "BTC-USD", side: .buy, notional: Notional("100.25"))
        let request = try CoinbaseOrderRequest(order, product: testProduct())
        #expect(request.terms == .init(quote_size: "100.25"))
        let odd = try QuoteSizedOrder(clientOrderID: testID(1), symbol: "BTC-USD", side: .buy, notional: Notional("100.255"))
        #expect(throws: CoinbaseOrderRequest.Refusal.self) { try CoinbaseOrderRequest(odd, product: testProduct()) }
        let sell = try QuoteSizedOrder(clientOrderID: testID(1), symbol: "BTC-USD", side: .sell, notional: 100)
        #expect(throws: CoinbaseOrderRequest.Refusal.self) { try CoinbaseOrderRequest(sell, product: testProduct()) }
    }

    @Test func `what the venue does not have is refused before a byte is sent`() throws {
        let half = Bracket(stopLoss: 58000, takeProfit: nil)
        let unsupported = [
            try testOrder(timeInForce: .day), try testOrder(.market, limit: nil, timeInForce: .fok), try testOrder(.stop, limit: nil, stop: "61000"),
            try testOrder(.stopLimit, stop: "61000", timeInForce: .ioc), try testOrder(reduceOnly: true), try testOrder(timeInForce: .ioc, postOnly: true),
            try testOrder(bracket: half), try testOrder(.stopLimit, stop: "61000", bracket: Bracket(stopLoss: 58000, takeProfit: 65000)),
        ]
        for order in unsupported {
            let error = #expect(throws: CoinbaseOrderRequest.Refusal.self) { try request(order) }
            #expect(error?.reason == .unsupported)
        }
        for order in [
            try testOrder(quantity: "0.000000001"), try testOrder(limit: "60000.001"), try testOrder(id: "gw-1"), try testOrder(id: "6F0C4A51-1D0A-4C5E-9A53-0D6A5B0A8C11"),
        ] {
            let error = #expect(throws: CoinbaseOrderRequest.Refusal.self) { try request(order) }
            #expect(error?.reason == .invalid)
        }
    }

    @Test func `a product in a special mode takes only what the mode allows`() throws {
        let limitOnly = try testProduct(#""limit_only":true,"#)
        #expect(throws: CoinbaseOrderRequest.Refusal.self) { try CoinbaseOrderRequest(testOrder(.market, limit: nil), product: limitOnly) }
        _ = try CoinbaseOrderRequest(testOrder(), product: limitOnly)
        let postOnly = try testProduct(#""post_only":true,"#)
        #expect(throws: CoinbaseOrderRequest.Refusal.self) { try CoinbaseOrderRequest(testOrder(), product: postOnly) }
        _ = try CoinbaseOrderRequest(testOrder(postOnly: true), product: postOnly)
    }

    // MARK: Orders in

    @Test(arguments: [
        ("PENDING", "", VenueOrderStatus.pendingNew), ("QUEUED", "0", .pendingNew), ("OPEN", "", .accepted), ("OPEN", "0.0005", .partiallyFilled),
        ("CANCEL_QUEUED", "0", .accepted), ("EDIT_QUEUED", "0.0005", .partiallyFilled), ("FILLED", "0.001", .filled),
        ("CANCELLED", "0.0005", .cancelled), ("EXPIRED", "0", .expired), ("FAILED", "0", .rejected), ("FAILED", "0.0005", .cancelled),
        ("UNKNOWN_ORDER_STATUS", "0", .unrecognised), ("TELEPORTED", "0", .unrecognised),
    ])
    func `each state has its word, and an unknown one is never terminal`(_ status: String, _ filled: String, _ word: VenueOrderStatus) throws {
        let report = try decoded(CoinbaseFixtures.order(status: status, filled: filled), as: CoinbaseOrderReply.self).report()
        #expect(report.status == word)
        #expect(report.venueStatus == status)
    }

    @Test func `a failed order says why`() throws {
        let row: CoinbaseOrderReply = try decoded(CoinbaseFixtures.order(status: "FAILED", filled: "", average: "", reject: "HOLD_FAILURE"))
        #expect(try row.report().reason == .insufficientFunds)
        #expect(try row.report().averagePrice == nil)
    }

    @Test func `an edited order has its new terms`() throws {
        let edits = #"[{"price":"60010.00","size":"0.002","replace_accept_timestamp":"2026-11-20T15:05:00Z"}]"#
        let report = try decoded(CoinbaseFixtures.order(edits: edits), as: CoinbaseOrderReply.self).report()
        #expect(report.limitPrice == 60010)
        #expect(report.quantity == (try Quantity("0.002")))
        #expect(report.updatedAt == Timestamp(rfc3339: "2026-11-20T15:05:00Z"))
    }

    @Test func `a fill in quote currency is turned into base, on the lot`() throws {
        let row: CoinbaseFillReply = try decoded(CoinbaseFixtures.fill(size: "30.00", inQuote: true))
        let fill = try row.fill(lot: Quantity("0.00000001"), feeAsset: "USD")
        #expect(fill.quantity == (try Quantity("0.0005")))
        #expect(fill.executionID == "e-1")
        #expect(fill.fee == (try Notional("0.12")))
        #expect(fill.feeAsset == "USD")
        let correction: CoinbaseFillReply = try decoded(CoinbaseFixtures.fill(type: "REVERSAL"))
        #expect(!correction.isExecution && row.isExecution)
    }

    @Test(arguments: ["is_disabled", "trading_disabled", "view_only", "cancel_only"])
    func `a product that is shut does not trade`(_ flag: String) throws {
        #expect(try testProduct("\"\(flag)\":true,").instrument.isTrading == false)
        #expect(try testProduct().instrument.isTrading)
    }

    @Test func `a product's tick is its price increment`() throws {
        let product = try testProduct()
        #expect(product.instrument.tickSize == (try Price("0.01")))
        #expect(product.instrument.lotSize == (try Quantity("0.00000001")))
        #expect(product.instrument.minimumNotional == 1)
        #expect(product.instrument.maximumQuantity == 3400)
        #expect(product.names == ["BTC-USD", "BTC-USDC"])
    }

    // MARK: Stream

    @Test func `an update is cumulative, and a closed order does not tell its quantity`() throws {
        func report(_ text: String) throws -> OrderReport {
            guard case .orders(let updates) = try CoinbaseMessage(text).content else { throw CoinbaseMappingError("not orders") }
            return try #require(updates.first).report(sentAt: Timestamp(milliseconds: 1))
        }
        let open = try report(CoinbaseFixtures.update())
        #expect(open.status == .partiallyFilled)
        #expect(open.quantity == (try Quantity("0.001")))
        #expect(open.type == .limit)
        #expect(open.stopPrice == nil)
        #expect(try report(CoinbaseFixtures.update(status: "CANCELLED", leaves: "0")).quantity == nil)
        #expect(try report(CoinbaseFixtures.update(status: "FILLED", cumulative: "0.001", leaves: "0")).quantity == (try Quantity("0.001")))
    }

    @Test func `recorded messages are read`() throws {
        let acknowledged = try CoinbaseMessage(CoinbaseFixtures.subscriptions)
        #expect(acknowledged.sequence == 0)
        if case .subscriptions(let channels) = acknowledged.content { #expect(channels == ["user"]) } else { Issue.record("not subscriptions") }
        let heartbeat = try CoinbaseMessage(CoinbaseFixtures.heartbeat)
        #expect(heartbeat.sequence == 1)
        if case .ignored = heartbeat.content {} else { Issue.record("a heartbeat has content") }
        let error = try CoinbaseMessage(#"{"type":"error","message":"authentication failure"}"#)
        if case .error(let words) = error.content { #expect(words == "authentication failure") } else { Issue.record("not an error") }
        #expect(throws: (any Error).self) { try CoinbaseMessage("garbage") }
    }
}
