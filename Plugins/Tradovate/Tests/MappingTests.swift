import AdapterKit
import BrokerContract
import Testing
import TradingModel

@testable import Tradovate

/// Orders joined from their entities, and requests made from orders.
@Suite struct MappingTests {
    private typealias F = Fixtures
    private let all: [(String, String)] = [
        ("order", F.order()), ("orderversion", F.version()), ("command", F.command()), ("executionreport", F.execution()), ("fill", F.fill()),
    ]

    private func report(_ entities: [(String, String)]) throws -> OrderReport {
        try #require(try F.book(entities).joins[210518]).report(F.listing())
    }

    @Test func `an order is joined from version, command, execution and fill, in any order`() throws {
        for rotation in 0..<all.count {
            let report = try report(Array(all[rotation...] + all[..<rotation]))
            #expect(report.clientOrderID == "gw-0001" && report.quantity == 2 && report.type == .limit && report.symbol == "MNQZ6")
            #expect(report.status == .partiallyFilled && report.filledQuantity == 1)
            #expect(report.averagePrice == (try Price("21250.25")))
        }
    }

    @Test(arguments: [
        ("PendingNew", VenueOrderStatus.pendingNew), ("Working", .accepted), ("Suspended", .accepted), ("PendingCancel", .accepted),
        ("PendingReplace", .accepted), ("Canceled", .cancelled), ("Expired", .expired), ("Rejected", .rejected), ("Filled", .filled),
        ("Completed", .cancelled), ("Unknown", .unrecognised), ("Teleported", .unrecognised),
    ])
    func `each word for a status has its meaning`(_ word: String, _ status: VenueOrderStatus) throws {
        let report = try report([("order", F.order(word)), ("orderversion", F.version())])
        #expect(report.status == status && report.venueStatus == word)
    }

    @Test func `a filled order whose fills lag has its whole quantity and no made-up price`() throws {
        let report = try report([("order", F.order("Filled")), ("orderversion", F.version()), ("fill", F.fill())])
        #expect(report.filledQuantity == 2 && report.averagePrice == nil)
    }

    @Test func `a trade that was undone does not count`() throws {
        #expect(try report([("order", F.order()), ("orderversion", F.version()), ("fill", F.fill(active: false))]).filledQuantity == 0)
    }

    @Test func `a modification counts once it is done, never when it was refused`() throws {
        let modified = all.prefix(3) + [("orderversion", F.version(210530, quantity: 5, price: "21000"))]
        #expect(try report(modified + [("command", F.command(210530, type: "Modify", status: "Pending"))]).quantity == 2)
        let taken = modified + [("command", F.command(210530, type: "Modify", status: "Pending"))]
        #expect(try report(taken + [("executionreport", F.execution(210530, type: "Replaced", cumulative: 0))]).quantity == 5)
        #expect(try report(taken + [("commandreport", F.report(210530, status: "ExecutionRejected", text: "no"))]).quantity == 2)
        #expect(try report(modified + [("command", F.command(210530, type: "Modify", status: "ExecutionRejected"))]).limitPrice == (try Price("21250.25")))
    }

    @Test func `a report that comes before its command is kept for it`() throws {
        let report = try report([
            ("commandreport", F.report(text: "Insufficient margin")), ("command", F.command(status: "RiskRejected")), ("order", F.order("Rejected")),
        ])
        #expect(report.status == .rejected && report.reason == .insufficientFunds)
    }

    @Test func `the symbol by which an order was asked for comes back from its text`() throws {
        #expect(try report([("order", F.order()), ("orderversion", F.version(text: "gw-0001 MNQ1!"))]).symbol == "MNQ1!")
        #expect(try report([("order", F.order()), ("orderversion", F.version(text: "DOM"))]).symbol == "MNQZ6")
        #expect(try report([("order", F.order()), ("orderversion", F.version(text: "by hand today"))]).clientOrderID == nil)
    }

    @Test func `a fill has its id, its fee if told, and a price on the tick`() throws {
        var join = try #require(try F.book([("order", F.order()), ("fill", F.fill(price: "21250.250000000004"))]).joins[210518])
        var fill = join.fill(try #require(join.activeFills.first), try F.listing())
        #expect(fill.executionID == "210551" && fill.fee == nil)
        #expect(fill.price == (try Price("21250.25")))
        join.fees[210551] = try TradovateFee(WireJSON(parsing: F.fee))
        fill = join.fill(try #require(join.activeFills.first), try F.listing())
        #expect(fill.fee == (try Notional("0.76")))
        #expect(fill.feeAsset == "USD")
    }

    @Test func `an entity that lacks what matters is an error, not a default`() {
        for text in [#"{"id":1}"#, F.order().replacing("Buy", with: "Hold"), F.order().replacing("210518", with: "\"x\"")] {
            #expect(throws: (any Error).self) { try TradovateOrder(WireJSON(parsing: text)) }
        }
    }

    // MARK: Requests

    private func body(_ order: NewOrder) throws -> TradovateOrderRequest {
        try TradovateOrderRequest(order, listing: F.listing(), account: F.account())
    }

    @Test func `a limit order is written in full, with numbers as numbers`() throws {
        let request = try body(testOrder(quantity: 2, limit: Price("21250.25"), timeInForce: .gtc))
        #expect(request.path == "/order/placeorder")
        #expect(
            request.body.text
                == #"{"accountSpec":"DEMO25","accountId":25,"clOrdId":"gw-0001","action":"Buy","symbol":"MNQZ6","orderQty":2,"orderType":"Limit","price":21250.25,"timeInForce":"GTC","text":"gw-0001","isAutomated":true}"#)
    }

    @Test func `stops and trailing stops carry their own fields`() throws {
        #expect(try body(testOrder(.stop, stop: 21000)).body["stopPrice"]?.decimalText == "21000")
        #expect(try body(testOrder(.trailingStop, trail: 10)).body["pegDifference"]?.decimalText == "10")
        #expect(try body(testOrder(.market)).body["price"] == nil)
    }

    @Test func `a bracket becomes legs of the other side that outlast the day`() throws {
        let request = try body(testOrder(.market, bracket: Bracket(stopLoss: 21000, takeProfit: 21500)))
        #expect(request.path == "/order/placeoso")
        #expect(request.body["bracket1"]?["orderType"] == "Limit" && request.body["bracket1"]?["action"] == "Sell")
        #expect(request.body["bracket2"]?["stopPrice"]?.decimalText == "21000" && request.body["bracket2"]?["timeInForce"] == "GTC")
        #expect(request.body["bracket2"]?["clOrdId"] == "gw-0001-sl")
        let alone = try body(testOrder(.market, bracket: Bracket(stopLoss: 21000, takeProfit: nil)))
        #expect(alone.body["bracket1"]?["orderType"] == "Stop" && alone.body["bracket2"] == nil)
    }

    @Test func `a continuous symbol goes out as its contract, and is noted in the text`() throws {
        let request = try body(testOrder(.market, symbol: "MNQ1!"))
        #expect(request.body["symbol"] == "MNQZ6" && request.body["text"] == "gw-0001 MNQ1!")
    }

    @Test func `what the venue has not, or what is off its rules, is not sent`() throws {
        let wrong: [(NewOrder, NotSentReason)] = [
            (try testOrder(limit: Price("21250.1")), .invalid), (try testOrder(quantity: Quantity("1.5"), limit: 21250), .invalid),
            (try testOrder(limit: 21250, postOnly: true), .unsupported), (try testOrder(.market, reduceOnly: true), .unsupported),
            (try testOrder(.stop, stop: 21000, timeInForce: .ioc), .unsupported),
            (try testOrder(.market, bracket: Bracket(stopLoss: nil, takeProfit: nil)), .invalid),
            (try testOrder(.market, bracket: Bracket(stopLoss: Price("0.1"), takeProfit: nil)), .invalid),
            (try testOrder(.market, id: ClientOrderID(String(repeating: "x", count: 41))), .invalid), (try testOrder(.market, id: "a b"), .invalid),
        ]
        for (order, reason) in wrong {
            let refusal = #expect(throws: TradovateOrderRequest.Refusal.self) { try body(order) }
            #expect(refusal?.reason == reason, "\(order)")
        }
    }

    @Test func `a modification sends every term again`() throws {
        let join = try #require(try F.book(all).joins[210518])
        let body = try TradovateModification(join, Replacement(limitPrice: 21000), listing: F.listing()).body
        #expect(
            body.text
                == #"{"orderId":210518,"orderQty":2,"orderType":"Limit","price":21000,"timeInForce":"GTC","text":"gw-0001","isAutomated":true}"#)
        #expect(throws: TradovateOrderRequest.Refusal.self) { try TradovateModification(join, Replacement(stopPrice: 21000), listing: F.listing()) }
        #expect(throws: TradovateOrderRequest.Refusal.self) { try TradovateModification(join, Replacement(limitPrice: Price("0.1")), listing: F.listing()) }
    }

    @Test func `an exit only makes a position smaller`() throws {
        let sell = try testOrder(.market, side: .sell, quantity: 2)
        #expect(TradovateBroker.isExit(sell, held: 2) && TradovateBroker.isExit(sell, held: 3))
        #expect(!TradovateBroker.isExit(sell, held: 1) && !TradovateBroker.isExit(sell, held: -2) && !TradovateBroker.isExit(sell, held: nil))
    }
}
