import BinanceStyleSimulator
import BrokerContract
import SimulatorKit
import Testing
import TradingModel

@testable import BinanceStyle

/// An entry with its stop and target: one list at the venue, three orders under ids of ours.
@Suite struct BracketTests {
    private let both = Bracket(stopLoss: 58000, takeProfit: 63000)

    // MARK: The request

    @Test func `a long bracket is an otoco with the target above and the stop below`() throws {
        let request = try BinanceOrderRequest(testOrder(limit: "60000", id: "e1", bracket: both), rules: testRules())
        #expect(request.path == "/api/v3/orderList/otoco")
        #expect(request.legs == ["e1-sl", "e1-tp"])
        #expect(
            request.parameters.query
                == "symbol=BTCUSDT&listClientOrderId=\(BinanceBroker.listID(of: "e1"))&workingType=LIMIT&workingSide=BUY&workingTimeInForce=GTC"
                + "&workingQuantity=0.01&workingPrice=60000&workingClientOrderId=e1&pendingSide=SELL&pendingQuantity=0.01"
                + "&pendingBelowType=STOP_LOSS&pendingBelowStopPrice=58000&pendingBelowClientOrderId=e1-sl"
                + "&pendingAboveType=LIMIT_MAKER&pendingAbovePrice=63000&pendingAboveClientOrderId=e1-tp&newOrderRespType=FULL")
    }

    @Test func `a short bracket has the stop above and the target below`() throws {
        let order = try testOrder(side: .sell, limit: "60000", postOnly: true, id: "e1", bracket: Bracket(stopLoss: 63000, takeProfit: 58000))
        let query = try BinanceOrderRequest(order, rules: testRules()).parameters.query
        #expect(query.contains("workingType=LIMIT_MAKER&workingSide=SELL&workingQuantity"))
        #expect(query.contains("pendingAboveType=STOP_LOSS&pendingAboveStopPrice=63000&pendingAboveClientOrderId=e1-sl"))
        #expect(query.contains("pendingBelowType=LIMIT_MAKER&pendingBelowPrice=58000&pendingBelowClientOrderId=e1-tp"))
    }

    @Test func `a stop alone or a target alone is an oto`() throws {
        let stop = try BinanceOrderRequest(testOrder(id: "e1", bracket: Bracket(stopLoss: 58000, takeProfit: nil)), rules: testRules())
        #expect(stop.path == "/api/v3/orderList/oto" && stop.legs == ["e1-sl"])
        #expect(stop.parameters.query.contains("pendingType=STOP_LOSS&pendingStopPrice=58000&pendingClientOrderId=e1-sl"))
        let target = try BinanceOrderRequest(testOrder(id: "e1", bracket: Bracket(stopLoss: nil, takeProfit: 63000)), rules: testRules())
        #expect(target.parameters.query.contains("pendingType=LIMIT&pendingTimeInForce=GTC&pendingPrice=63000&pendingClientOrderId=e1-tp"))
    }

    @Test(arguments: [
        (OrderType.market, nil as String?, nil as String?, TimeInForce.ioc), (.stop, nil, "61000", .gtc), (.stopLimit, "61000", "61000", .gtc),
    ])
    func `a bracket behind an entry that the venue cannot attach it to is refused before a byte`(
        _ type: OrderType, _ limit: String?, _ stop: String?, _ time: TimeInForce
    ) throws {
        let order = try testOrder(type, limit: limit, stop: stop, timeInForce: time, bracket: both)
        let rules = try testRules()
        let refusal = #expect(throws: BinanceOrderRequest.Refusal.self) { try BinanceOrderRequest(order, rules: rules) }
        #expect(refusal?.reason == .unsupported)
    }

    @Test func `a symbol without lists, a stop on the wrong side and an id without room for its legs are refused`() throws {
        var rules = try testRules()
        rules.takesPairs = false
        let plain = rules
        let order = try testOrder(bracket: both)
        #expect(throws: BinanceOrderRequest.Refusal.self) { try BinanceOrderRequest(order, rules: plain) }
        let full = try testRules()
        let wrong = try testOrder(bracket: Bracket(stopLoss: 61000, takeProfit: 63000))
        #expect(throws: BinanceOrderRequest.Refusal.self) { try BinanceOrderRequest(wrong, rules: full) }
        let tooLong = try testOrder(id: ClientOrderID(String(repeating: "a", count: 34)), bracket: both)
        #expect(throws: BinanceOrderRequest.Refusal.self) { try BinanceOrderRequest(tooLong, rules: full) }
        let longest = try testOrder(id: ClientOrderID(String(repeating: "a", count: 33)), bracket: both)
        #expect(try BinanceOrderRequest(longest, rules: full).legs.count == 2)
    }

    // MARK: At the venue

    /// The report of a lookup, once it has the status.
    private func waits(for status: VenueOrderStatus, of id: ClientOrderID, _ harness: AdapterHarness) async throws -> OrderReport? {
        var report: OrderReport?
        for _ in 0..<3000 {
            report = await harness.broker.lookup(harness.reference(id)).report
            if report?.status == status { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        return report
    }

    @Test func `while the entry rests its legs are pending, and they are told`() async throws {
        try await AdapterHarness.with { harness async throws in
            let accepted = try #require(await harness.place(testOrder(limit: "59000", id: "b1", bracket: both)).acceptance)
            #expect(accepted.report.clientOrderID == "b1" && accepted.report.status == .accepted)
            for (id, type) in [(ClientOrderID("b1-sl"), OrderType.stop), ("b1-tp", .limit)] {
                let leg = try #require(await harness.broker.lookup(harness.reference(id)).report)
                #expect(leg.status == .pendingNew && leg.side == .sell && leg.type == type && leg.quantity == accepted.report.quantity)
                #expect(
                    try await harness.events.wait {
                        if case .order(let report) = $0 { report.clientOrderID == id && report.status == .pendingNew } else { false }
                    })
            }
            #expect(try await Set(harness.broker.openOrders().compactMap(\.clientOrderID)) == ["b1", "b1-sl", "b1-tp"])
        }
    }

    @Test(arguments: [(Price(63000), "tp", "sl"), (57900, "sl", "tp")])
    func `once the entry is filled one leg ends the other`(_ price: Price, _ filled: String, _ cancelled: String) async throws {
        try await AdapterHarness.with { harness async throws in
            let accepted = try #require(await harness.place(testOrder(limit: "60500", id: "b2", bracket: both)).acceptance)
            #expect(accepted.report.status == .filled && accepted.fills.count == 1)
            #expect(try await waits(for: .accepted, of: "b2-sl", harness)?.stopPrice == 58000)
            _ = try harness.simulator.exchange.setPrice(price, of: "BTCUSDT")
            let done = try #require(try await waits(for: .filled, of: ClientOrderID("b2-\(filled)"), harness))
            #expect(done.status == .filled)
            #expect(try await waits(for: .cancelled, of: ClientOrderID("b2-\(cancelled)"), harness)?.status == .cancelled)
            #expect(try await harness.broker.fills(of: harness.reference(ClientOrderID("b2-\(filled)"))).count == 1)
            #expect(
                try await harness.events.wait {
                    if case .order(let report) = $0 { report.clientOrderID?.rawValue == "b2-\(cancelled)" && report.status == .cancelled } else { false }
                })
            #expect(try await harness.broker.openOrders().isEmpty)
        }
    }

    @Test func `a cancelled entry takes its legs with it`() async throws {
        try await AdapterHarness.with { harness in
            let placed = try await harness.place(testOrder(limit: "59000", id: "b3", bracket: both))
            #expect(placed.acceptance != nil)
            guard case .cancelled(let report?, _) = await harness.broker.cancel(harness.reference("b3"), within: harness.window) else {
                Issue.record("the entry was not cancelled")
                return
            }
            #expect(report.clientOrderID == "b3")
            for id in ["b3-sl", "b3-tp"] { #expect(try await waits(for: .cancelled, of: ClientOrderID(id), harness)?.status == .cancelled) }
            #expect(try await harness.broker.openOrders().isEmpty)
        }
    }

    @Test func `a leg is cancelled by its own id, and its other leg with it`() async throws {
        try await AdapterHarness.with { harness in
            let placed = try await harness.place(testOrder(limit: "60500", id: "b4", bracket: both))
            #expect(placed.acceptance?.report.status == .filled)
            guard case .cancelled(let report?, _) = await harness.broker.cancel(harness.reference("b4-sl"), within: harness.window) else {
                Issue.record("the leg was not cancelled")
                return
            }
            #expect(report.clientOrderID == "b4-sl")
            guard case .notOpen = await harness.broker.cancel(harness.reference("b4-tp"), within: harness.window) else {
                Issue.record("the other leg is still open")
                return
            }
            #expect(await harness.broker.lookup(harness.reference("b4-tp")).report?.status == .cancelled)
        }
    }

    @Test func `a bracket whose reply is lost is unknown and there once`() async throws {
        try await AdapterHarness.with { harness async throws in
            try harness.simulator.faults.add([Fault(on: .place, .dropAfterAccept)])
            #expect(try await harness.place(testOrder(limit: "59000", id: "b5", bracket: both)).doubt != nil)
            for id in ["b5", "b5-sl", "b5-tp"] { #expect(harness.taken(ClientOrderID(id)) == 1) }
            #expect(await harness.broker.lookup(harness.reference("b5")).report?.status == .accepted)
        }
    }
}
