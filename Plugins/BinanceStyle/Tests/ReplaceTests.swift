import AdapterKit
import BinanceStyleSimulator
import BrokerContract
import Foundation
import SimulatorKit
import Testing
import TradingModel

@testable import BinanceStyle

/// Replacing on spot: a smaller quantity in place, everything else by another order. And exit pairs.
@Suite struct ReplaceTests {
    private func replace(_ id: ClientOrderID, _ terms: Replacement, _ harness: AdapterHarness) async -> ReplaceOutcome {
        await harness.broker.replace(harness.reference(id), with: terms, within: harness.window)
    }

    @Test func `a smaller quantity keeps the order, with and without the id of a successor`() async throws {
        try await AdapterHarness.with { harness async throws in
            let placed = try #require(await harness.place(testOrder(limit: "50000", id: "r1")).acceptance).report
            for (number, text) in ["0.008", "0.004"].enumerated() {
                let less = Replacement(quantity: try Quantity(text), successor: number == 0 ? nil : "r1-next")
                guard case .replaced(let report, _) = await replace("r1", less, harness) else {
                    Issue.record("not replaced")
                    return
                }
                #expect(report.venueOrderID == placed.venueOrderID && report.clientOrderID == "r1" && report.quantity == less.quantity)
            }
            #expect(harness.taken("r1-next") == 0)
            guard case .refused(.unsupported, _) = await replace("r1", Replacement(quantity: 1), harness) else {
                Issue.record("a greater quantity without a successor")
                return
            }
        }
    }

    @Test func `a new price makes another order under the successor's id, of the same type and time in force`() async throws {
        try await AdapterHarness.with { harness async throws in
            let first = try #require(await harness.place(testOrder(limit: "50000", postOnly: true, id: "r2")).acceptance).report
            guard case .replaced(let report, _) = await replace("r2", Replacement(limitPrice: 49000, successor: "r2-b"), harness) else {
                Issue.record("not replaced")
                return
            }
            #expect(report.clientOrderID == "r2-b" && report.venueOrderID != first.venueOrderID && report.limitPrice == 49000 && report.quantity == first.quantity)
            #expect(await harness.broker.lookup(harness.reference("r2")).report?.status == .cancelled)
            let orders = harness.simulator.exchange.read { core in core.orders }
            #expect(orders.map(\.kind) == [.limitMaker, .limitMaker])
        }
    }

    @Test func `an order that begins to fill after it was read stays, and a successor needs an id of its own`() async throws {
        try await AdapterHarness.with { harness async throws in
            _ = try #require(await harness.place(testOrder(limit: "50000", id: "r3")).acceptance)
            for id in [nil, "r3", "bad id"] as [ClientOrderID?] {
                guard case .notSent(.invalid, _) = await replace("r3", Replacement(limitPrice: 49000, successor: id), harness) else {
                    Issue.record("\(String(describing: id)) was taken as a successor")
                    return
                }
            }
            let order = try #require(harness.simulator.exchange.read { core in core.orders.last })
            // The lookup still shows the order as it was taken; the venue itself knows of the fill.
            try harness.simulator.faults.add([Fault(on: .lookup, .staleLookup)])
            _ = try harness.simulator.exchange.fill(order.id, quantity: try Quantity("0.001"))
            let outcome = await replace("r3", Replacement(limitPrice: 49000, successor: "r3-b"), harness)
            guard case .refused = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(harness.taken("r3-b") == 0)
            #expect(await harness.broker.lookup(harness.reference("r3")).report?.status == .partiallyFilled)
        }
    }

    @Test func `a member of a list is not replaced, because its cancel would end the list`() async throws {
        try await AdapterHarness.with { harness async throws in
            _ = try #require(await harness.place(testOrder(limit: "59000", id: "r4", bracket: Bracket(stopLoss: 58000, takeProfit: 63000))).acceptance)
            guard case .notSent(.unsupported, _) = await replace("r4", Replacement(limitPrice: 58500, successor: "r4-b"), harness) else {
                Issue.record("a member of a list was replaced")
                return
            }
            #expect(try await harness.broker.openOrders().count == 3)
        }
    }

    // MARK: What a reply proves

    private static func request() throws -> BinanceSuccessorRequest {
        let report = OrderReport(
            venueOrderID: "70001", clientOrderID: "gw-0007", symbol: "BTCUSDT", side: .buy, type: .limit, status: .accepted, venueStatus: "NEW",
            quantity: try Quantity("0.01"), limitPrice: 60000, filledQuantity: .zero, averagePrice: nil, updatedAt: Timestamp(milliseconds: 0))
        let body = #"{"symbol":"BTCUSDT","orderId":70001,"orderListId":-1,"clientOrderId":"gw-0007","type":"LIMIT","timeInForce":"GTC","status":"NEW","side":"BUY"}"#
        return try BinanceSuccessorRequest(
            OrderReference(symbol: "BTCUSDT", clientOrderID: "gw-0007", venueOrderID: nil), JSONDecoder().decode(BinanceOrderReply.self, from: Data(body.utf8)),
            report, Replacement(limitPrice: 60010, successor: "gw-0008"), successor: "gw-0008", rules: testRules())
    }

    private static let cancelled =
        #"{"symbol":"BTCUSDT","origClientOrderId":"gw-0007","orderId":70001,"orderListId":-1,"clientOrderId":"gwc-0008","transactTime":1763700006000,"price":"60000.00000000","origQty":"0.01000000","executedQty":"0.00000000","cummulativeQuoteQty":"0.00000000","status":"CANCELED","timeInForce":"GTC","type":"LIMIT","side":"BUY"}"#

    private static func half(_ cancel: String, _ new: String, _ cancelBody: String, _ newBody: String) -> String {
        #"{"code":-2021,"msg":"Order cancel-replace partially failed.","data":{"cancelResult":"\#(cancel)","newOrderResult":"\#(new)","cancelResponse":\#(cancelBody),"newOrderResponse":\#(newBody)}}"#
    }

    private static func outcome(_ status: Int, _ body: String) throws -> ReplaceOutcome {
        BinanceOutcomes.succeed(reply(status, body), for: try request())
    }

    @Test func `the request is exact`() throws {
        #expect(
            try Self.request().parameters.query
                == "symbol=BTCUSDT&side=BUY&type=LIMIT&cancelReplaceMode=STOP_ON_FAILURE&cancelOrigClientOrderId=gw-0007&cancelNewClientOrderId=\(BinanceBroker.cancelID(of: "gw-0007"))"
                + "&cancelRestrictions=ONLY_NEW&timeInForce=GTC&quantity=0.01&price=60010&newClientOrderId=gw-0008&newOrderRespType=FULL")
    }

    @Test func `a cancel that went through before a refused order says that the old one is gone`() throws {
        let body = Self.half("SUCCESS", "FAILURE", Self.cancelled, #"{"code":-2010,"msg":"Account has insufficient balance for requested action."}"#)
        guard case .cancelledOnly(let report?, .insufficientFunds, _) = try Self.outcome(409, body) else {
            Issue.record("\(try Self.outcome(409, body))")
            return
        }
        #expect(report.clientOrderID == "gw-0007" && report.status == .cancelled)
    }

    @Test(arguments: [
        (409, half("SUCCESS", "FAILURE", cancelled, #"{"code":-1007,"msg":"Timeout waiting for response from backend server."}"#)),
        (409, half("SUCCESS", "FAILURE", cancelled, #"{"code":-2010,"msg":"Duplicate order sent."}"#)),
        (409, half("FAILURE", "SUCCESS", #"{"code":-2011,"msg":"Unknown order sent."}"#, "{}")),
        (400, half("FAILURE", "NOT_ATTEMPTED", #"{"code":-1006,"msg":"An unexpected response was received."}"#, "null")),
        (409, #"{"code":-2021,"msg":"Order cancel-replace partially failed."}"#), (503, "<html>"), (200, "{}"),
        (200, #"{"cancelResult":"SUCCESS","newOrderResult":"SUCCESS","cancelResponse":\#(cancelled),"newOrderResponse":\#(cancelled)}"#),
    ])
    func `a reply that leaves a step open is unknown`(_ status: Int, _ body: String) throws {
        guard case .unknown = try Self.outcome(status, body) else {
            Issue.record("\(try Self.outcome(status, body))")
            return
        }
    }

    @Test func `a cancel that failed left everything as it was`() throws {
        let gone = Self.half("FAILURE", "NOT_ATTEMPTED", #"{"code":-2011,"msg":"Unknown order sent."}"#, "null").replacing("-2021", with: "-2022")
        guard case .notOpen = try Self.outcome(400, gone) else {
            Issue.record("\(try Self.outcome(400, gone))")
            return
        }
        let filled = Self.half("FAILURE", "NOT_ATTEMPTED", #"{"code":-2011,"msg":"Order was not canceled due to cancel restrictions."}"#, "null")
        guard case .refused = try Self.outcome(400, filled) else {
            Issue.record("\(try Self.outcome(400, filled))")
            return
        }
        guard case .refused(.rateLimited, _) = try Self.outcome(429, #"{"code":-1015,"msg":"Too many new orders."}"#) else {
            Issue.record("a limit")
            return
        }
    }

    // MARK: Exit pairs

    @Test func `the pair of a long position has its target above and its stop below, that of a short one the other way round`() throws {
        let long = try ExitPair(id: "x1", symbol: "BTCUSDT", side: .sell, quantity: try Quantity("0.01"), stopLoss: 58000, takeProfit: 63000)
        let request = try BinanceOrderRequest(long, rules: testRules())
        #expect(request.path == "/api/v3/orderList/oco" && request.clientOrderID == "x1-sl" && request.legs == ["x1-tp"])
        #expect(
            request.parameters.query
                == "symbol=BTCUSDT&listClientOrderId=\(BinanceBroker.listID(of: "x1"))&side=SELL&quantity=0.01&aboveType=LIMIT_MAKER&abovePrice=63000"
                + "&aboveClientOrderId=x1-tp&belowType=STOP_LOSS&belowStopPrice=58000&belowClientOrderId=x1-sl&newOrderRespType=FULL")
        let short = try ExitPair(id: "x2", symbol: "BTCUSDT", side: .buy, quantity: try Quantity("0.01"), stopLoss: 63000, takeProfit: 58000)
        let query = try BinanceOrderRequest(short, rules: testRules()).parameters.query
        #expect(query.contains("belowType=LIMIT_MAKER&belowPrice=58000") && query.contains("aboveType=STOP_LOSS&aboveStopPrice=63000"))
        #expect(throws: OrderError.crossed("stop_loss", "take_profit")) {
            try ExitPair(id: "x3", symbol: "BTCUSDT", side: .sell, quantity: 1, stopLoss: 63000, takeProfit: 58000)
        }
    }

    @Test func `a pair whose reply is lost is unknown and there once, and an account without the asset is refused`() async throws {
        try await AdapterHarness.with { harness async throws in
            let pair = try ExitPair(id: "x4", symbol: "BTCUSDT", side: .sell, quantity: try Quantity("0.01"), stopLoss: 58000, takeProfit: 63000)
            try harness.simulator.faults.add([Fault(on: .place, .dropAfterAccept)])
            #expect(await harness.broker.placeExitPair(pair, within: harness.window).doubt != nil)
            for id in ["x4-sl", "x4-tp"] {
                #expect(harness.taken(ClientOrderID(id)) == 1)
                #expect(await harness.broker.lookup(harness.reference(ClientOrderID(id))).report?.status == .accepted)
            }
            let large = try ExitPair(id: "x5", symbol: "BTCUSDT", side: .sell, quantity: 1000, stopLoss: 58000, takeProfit: 63000)
            guard case .refused = await harness.broker.placeExitPair(large, within: harness.window) else {
                Issue.record("a pair of what is not there was taken")
                return
            }
        }
    }
}
