import BrokerContract
import CoinbaseSimulator
import Foundation
import SimulatorKit
import Testing
import TradingModel

@testable import Coinbase

/// Brackets against the simulated venue, which keeps stop and target as one attached order.
@Suite struct BracketTests {
    private static let bracket = Bracket(stopLoss: 58000, takeProfit: 65000)
    /// Far from the ids of other tests: a leg's id differs from its entry's in the last digit.
    private static let id = testID(0x7000)

    @Test func `legs wait for their entry, work after its fill, and the target cancels the stop`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            let placed = try #require(try await harness.place(testOrder(limit: "59000", bracket: Self.bracket, id: Self.id)).acceptance)
            for role in BracketRole.allCases {
                #expect(try await harness.tells(role, .pendingNew))
                let waiting = try #require(await harness.broker.lookup(harness.leg(role, placed)).report)
                #expect(waiting.status == .pendingNew && waiting.clientOrderID == Self.id.leg(role) && waiting.side == .sell)
                #expect(waiting.quantity == placed.quantity && waiting.filledQuantity == 0)
            }
            #expect(Set(try await harness.broker.openOrders().map(\.clientOrderID)) == Set([Self.id] + BracketRole.allCases.map { Self.id.leg($0) }))
            try harness.simulator.setPrice(59000, of: "BTC-USD")
            for role in BracketRole.allCases { #expect(try await harness.tells(role, .accepted)) }
            let target = try #require(await harness.broker.lookup(harness.leg(.takeProfit, placed)).report)
            let stop = try #require(await harness.broker.lookup(harness.leg(.stopLoss, placed)).report)
            #expect(target.type == .limit && target.limitPrice == 65000 && stop.type == .stop && stop.stopPrice == 58000)
            #expect(target.venueOrderID == stop.venueOrderID && target.venueOrderID != placed.venueOrderID)
            #expect(Set(try await harness.broker.openOrders().map(\.clientOrderID)) == Set(BracketRole.allCases.map { Self.id.leg($0) }))
            try harness.simulator.setPrice(65000, of: "BTC-USD")
            #expect(try await harness.tells(.takeProfit, .filled))
            #expect(try await harness.tells(.stopLoss, .cancelled))
            let fills = try await harness.broker.fills(of: harness.leg(.takeProfit, placed))
            #expect(fills.map(\.price) == [65000] && fills.map(\.clientOrderID) == [Self.id.leg(.takeProfit)])
            #expect(try await harness.broker.fills(of: harness.leg(.stopLoss, placed)).isEmpty)
            #expect(try await harness.events.wait { if case .fill(let fill) = $0 { fill == fills.first } else { false } })
        }
    }

    @Test func `the stop of a market entry closes the position, and a new process tells the same`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            let since = harness.simulator.exchange.now - .seconds(60)
            let entry = try testOrder(.market, quantity: "0.01", limit: nil, timeInForce: .ioc, bracket: Self.bracket, id: Self.id)
            let placed = try #require(await harness.place(entry).acceptance)
            #expect(try await harness.tells(.stopLoss, .accepted))
            try harness.simulator.setPrice(57900, of: "BTC-USD")
            #expect(try await harness.tells(.stopLoss, .filled))
            #expect(try await harness.tells(.takeProfit, .cancelled))
            harness.broker.state.withLock { $0.known = KnownOrders() }
            let stop = try #require(await harness.broker.lookup(harness.leg(.stopLoss, placed)).report)
            #expect(try stop.status == .filled && stop.averagePrice == 57900 && stop.filledQuantity == Quantity("0.01"))
            #expect(await harness.broker.lookup(harness.leg(.takeProfit, nil)).report?.status == .cancelled)
            // The list of executions comes a moment later; reading one leg's waits for it.
            let own = try await harness.broker.fills(of: harness.leg(.stopLoss, placed))
            #expect(own.map(\.price) == [57900])
            let all = try await harness.broker.fills("BTC-USD", since: since)
            #expect(Set(all.map(\.executionID)).count == 2 && all.last?.clientOrderID == Self.id.leg(.stopLoss))
            let history = try await harness.broker.orderHistory("BTC-USD", since: since)
            #expect(Set(history.map(\.clientOrderID)) == Set([Self.id] + BracketRole.allCases.map { Self.id.leg($0) }) && history.count == 3)
            #expect(history.first { $0.clientOrderID == Self.id.leg(.takeProfit) }?.status == .cancelled)
        }
    }

    @Test func `a cancelled entry takes its legs with it`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            let placed = try #require(try await harness.place(testOrder(limit: "50000", bracket: Bracket(stopLoss: 49000, takeProfit: 65000), id: Self.id)).acceptance)
            _ = await harness.broker.cancel(harness.reference(Self.id), within: harness.window)
            for role in BracketRole.allCases {
                #expect(try await harness.tells(role, .cancelled))
                #expect(await harness.broker.lookup(harness.leg(role, placed)).report?.status == .cancelled)
            }
            #expect(try await harness.broker.openOrders().isEmpty)
        }
    }

    @Test func `the legs of an entry that was cancelled after a part protect that part`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            let placed = try #require(try await harness.place(testOrder(quantity: "0.02", limit: "59000", bracket: Self.bracket, id: Self.id)).acceptance)
            let number = try #require(harness.simulator.exchange.read { core in core.orders.last?.id })
            try harness.simulator.exchange.fill(number, quantity: try Quantity("0.005"))
            #expect(await harness.broker.lookup(harness.leg(.stopLoss, placed)).report?.status == .pendingNew)
            _ = await harness.broker.cancel(harness.reference(Self.id), within: harness.window)
            #expect(try await harness.tells(.stopLoss, .accepted))
            #expect(try await harness.broker.lookup(harness.leg(.stopLoss, placed)).report?.quantity == Quantity("0.005"))
        }
    }

    @Test func `both legs are cancelled by the id of one, before and after the entry has filled`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            let placed = try #require(try await harness.place(testOrder(limit: "59000", bracket: Self.bracket, id: Self.id)).acceptance)
            guard case .requested = await harness.broker.cancel(harness.leg(.stopLoss, placed), within: harness.window) else {
                Issue.record("the cancel of a waiting leg was not taken")
                return
            }
            for role in BracketRole.allCases { #expect(await harness.broker.lookup(harness.leg(role, placed)).report?.status == .cancelled) }
            #expect(await harness.broker.lookup(harness.reference(Self.id)).report?.status == .accepted)

            let second = testID(0x7010)
            let filled = try #require(try await harness.place(testOrder(.market, quantity: "0.01", limit: nil, timeInForce: .ioc, bracket: Self.bracket, id: second)).acceptance)
            #expect(try await harness.events.tells(second.leg(.takeProfit), .accepted))
            guard case .requested = await harness.broker.cancel(harness.leg(.takeProfit, filled, of: second), within: harness.window) else {
                Issue.record("the cancel of a working leg was not taken")
                return
            }
            for role in BracketRole.allCases { #expect(try await harness.events.tells(second.leg(role), .cancelled)) }
            guard case .notOpen = await harness.broker.cancel(harness.leg(.stopLoss, filled, of: second), within: harness.window) else {
                Issue.record("a second cancel found it open")
                return
            }
        }
    }

    @Test func `an order that this process does not know is told, and a bracket of an earlier one as its legs`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            _ = try #require(try await harness.place(testOrder(.market, quantity: "0.01", limit: nil, timeInForce: .ioc, bracket: Self.bracket, id: Self.id)).acceptance)
            #expect(try await harness.tells(.stopLoss, .accepted))
            harness.broker.state.withLock { $0.known = KnownOrders() }
            try harness.simulator.setPrice(65000, of: "BTC-USD")
            #expect(try await harness.tells(.takeProfit, .filled))
            #expect(try await harness.tells(.stopLoss, .cancelled))
            let foreign = testID(0x7020)
            _ = try harness.simulator.exchange.place(
                OrderRequest(
                    account: TestKeys.name, clientOrderID: foreign.rawValue, symbol: "BTC-USD", side: .buy, kind: .market, quantity: try Quantity("0.001")))
            #expect(try await harness.events.tells(foreign, .filled))
            // Nothing was told under the id that the venue itself gave to the attached order.
            let ids = harness.events.all.compactMap { if case .order(let report) = $0 { report.clientOrderID } else { nil } }
            #expect(Set(ids) == Set([Self.id, foreign] + BracketRole.allCases.map { Self.id.leg($0) }))
        }
    }

    @Test func `executions are shared out by the price that they reached`() throws {
        let bracket = try Self.row(filled: "0.003", average: "62666.67", status: "FILLED", executions: [("0.002", "65000"), ("0.001", "58000")])
        let target = try bracket.report(.takeProfit, as: "BTC-USD")
        let stop = try bracket.report(.stopLoss, as: "BTC-USD")
        #expect(try target.filledQuantity == Quantity("0.002") && target.averagePrice == 65000 && target.status == .cancelled)
        #expect(try stop.filledQuantity == Quantity("0.001") && stop.averagePrice == 58000 && stop.status == .cancelled)
    }

    @Test func `what is not listed yet counts by its average price`() throws {
        let part = try Self.row(filled: "0.003", average: "65000", status: "OPEN", executions: [("0.001", "65000")])
        #expect(try part.lacksExecutions)
        #expect(try part.report(.takeProfit, as: "BTC-USD").filledQuantity == Quantity("0.003"))
        let whole = try Self.row(filled: "0.003", average: "57000", status: "FILLED", executions: [])
        #expect(try whole.report(.stopLoss, as: "BTC-USD").status == .filled && whole.report(.takeProfit, as: "BTC-USD").status == .cancelled)
    }

    @Test func `a field that is missing is not a field that says nothing is attached`() throws {
        let untold = CoinbaseBracket(entry: try Self.decode(CoinbaseFixtures.order()), order: nil, executions: [])
        #expect(untold.entry.attached_order_configuration == .untold && !untold.isKnown)
        let text = CoinbaseFixtures.order().replacing(#""a_field_of_tomorrow""#, with: #""attached_order_configuration":null,"a_field_of_tomorrow""#)
        let none = CoinbaseBracket(entry: try Self.decode(text), order: nil, executions: [])
        #expect(none.isKnown)
        #expect(try none.report(.stopLoss, as: "BTC-USD").status == .cancelled)
    }

    private static func decode(_ text: String) throws -> CoinbaseOrderReply {
        try JSONDecoder().decode(CoinbaseOrderReply.self, from: Data(text.utf8))
    }

    private static func row(
        filled: String, average: String, status: String, executions: [(size: String, price: String)]
    ) throws -> CoinbaseBracket {
        let configuration = #"{"trigger_bracket_gtc":{"base_size":"0.003","limit_price":"65000","stop_trigger_price":"58000"}}"#
        let order = CoinbaseFixtures.order(
            status: status, side: "SELL", filled: filled, average: average, type: "BRACKET", configuration: configuration, orderID: "child")
        let rows = executions.enumerated().map { index, execution in
            CoinbaseFixtures.fill(size: execution.size).replacing(#""e-1""#, with: "\"e-\(index)\"").replacing("60000.00", with: execution.price)
        }
        return CoinbaseBracket(
            entry: try decode(CoinbaseFixtures.order(status: "FILLED", filled: "0.003")),
            order: try decode(order.replacing(#""originating_order_id":"""#, with: #""originating_order_id":"\#(CoinbaseFixtures.orderID)""#)),
            executions: try rows.map { try JSONDecoder().decode(CoinbaseFillReply.self, from: Data($0.utf8)) })
    }
}

extension AdapterHarness {
    fileprivate func leg(_ role: BracketRole, _ placed: OrderReport?, of entry: ClientOrderID = testID(0x7000)) -> OrderReference {
        OrderReference(
            symbol: "BTC-USD", clientOrderID: entry.leg(role), venueOrderID: nil,
            leg: .init(role: role, entry: entry, entryVenueOrderID: placed?.venueOrderID))
    }

    fileprivate func tells(_ role: BracketRole, _ status: VenueOrderStatus) async throws -> Bool {
        try await events.tells(testID(0x7000).leg(role), status)
    }
}
