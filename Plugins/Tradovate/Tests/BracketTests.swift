import BrokerContract
import SimulatorKit
import Testing
import TradingModel

@testable import Tradovate

/// Brackets against the simulated venue: `placeoso`, whose legs are orders of their own under ids that follow from the entry's.
@Suite struct BracketTests {
    private static let bracket = Bracket(stopLoss: 21000, takeProfit: 21500)

    @Test func `legs wait for their entry, work after its fill, and the target cancels the stop`() async throws {
        try await AdapterHarness.with { harness in
            let entry = try harness.order(limit: 21100, bracket: Self.bracket, id: "b1")
            let placed = try #require(await harness.place(entry).acceptance)
            for role in BracketRole.allCases {
                let waiting = try #require(await harness.broker.lookup(harness.leg(role, of: "b1", placed)).report)
                #expect(waiting.status == .pendingNew && waiting.clientOrderID == ClientOrderID("b1").leg(role) && waiting.side == .sell)
                #expect(waiting.quantity == 1 && waiting.filledQuantity == 0)
            }
            #expect(Set(try await harness.broker.openOrders().map(\.clientOrderID)) == ["b1", "b1-tp", "b1-sl"])
            try await harness.simulator.setPrice(21100, of: harness.symbol)
            #expect(try await harness.events.wait("b1", .filled) != nil)
            let target = try #require(try await harness.events.wait("b1-tp", .accepted))
            let stop = try #require(try await harness.events.wait("b1-sl", .accepted))
            #expect(target.type == .limit && target.limitPrice == 21500 && stop.type == .stop && stop.stopPrice == 21000)
            try await harness.simulator.setPrice(21500, of: harness.symbol)
            #expect(try await harness.events.wait("b1-tp", .filled) != nil)
            #expect(try await harness.events.wait("b1-sl", .cancelled) != nil)
            #expect(try await harness.broker.fills(of: harness.leg(.takeProfit, of: "b1", placed)).map(\.clientOrderID) == ["b1-tp"])
            #expect(try await harness.broker.fills(of: harness.leg(.stopLoss, of: "b1", placed)).isEmpty)
            #expect(try await harness.broker.positions().isEmpty)
        }
    }

    @Test func `the stop of a market entry closes the position and cancels the target`() async throws {
        try await AdapterHarness.with { harness in
            let placed = try #require(await harness.place(harness.order(.market, side: .sell, bracket: Bracket(stopLoss: 21500, takeProfit: 21000), id: "b2")).acceptance)
            #expect(try await harness.events.wait("b2-sl", .accepted)?.side == .buy)
            try await harness.simulator.setPrice(21500, of: harness.symbol)
            #expect(try await harness.events.wait("b2-sl", .filled) != nil)
            #expect(try await harness.events.wait("b2-tp", .cancelled) != nil)
            #expect(await harness.broker.lookup(harness.leg(.takeProfit, of: "b2", placed)).report?.status == .cancelled)
        }
    }

    /// Without a delay the entry may have filled before the venue answers.
    @Test func `the legs of an entry that fills at once work`() async throws {
        try await AdapterHarness.with(.init(decisionDelay: .zero)) { harness in
            for number in 0..<40 {
                let id = ClientOrderID("at-once-\(number)")
                let placed = try #require(await harness.place(harness.order(.market, bracket: Self.bracket, id: id)).acceptance)
                for role in BracketRole.allCases {
                    #expect(try await harness.events.wait(id.leg(role), .accepted) != nil)
                    #expect(await harness.broker.lookup(harness.leg(role, of: id, placed)).report?.status == .accepted)
                }
            }
        }
    }

    @Test func `an entry that the venue refuses at once takes its legs with it`() async throws {
        try await AdapterHarness.with(.init(decisionDelay: .zero)) { harness in
            harness.simulator.refuseNextOrder(reason: "RiskCheckTimeout", text: "no margin")
            _ = await harness.place(try harness.order(limit: 21100, bracket: Self.bracket, id: "refused"))
            #expect(try await harness.events.wait("refused", .rejected) != nil)
            for role in BracketRole.allCases { #expect(try await harness.events.wait(ClientOrderID("refused").leg(role), .cancelled) != nil) }
            #expect(try await harness.broker.openOrders().isEmpty)
        }
    }

    @Test func `a cancelled entry takes its legs with it`() async throws {
        try await AdapterHarness.with { harness in
            let placed = try #require(await harness.place(harness.order(limit: 21100, bracket: Self.bracket, id: "b3")).acceptance)
            _ = await harness.broker.cancel(harness.reference("b3", venueID: placed.venueOrderID), within: harness.window)
            #expect(try await harness.events.wait("b3-tp", .cancelled) != nil)
            #expect(try await harness.events.wait("b3-sl", .cancelled) != nil)
            #expect(try await harness.broker.openOrders().isEmpty)
        }
    }

    @Test func `the legs of an entry that was cancelled after a part protect that part`() async throws {
        try await AdapterHarness.with { harness in
            let placed = try #require(await harness.place(harness.order(quantity: 3, limit: 21100, bracket: Self.bracket, id: "b4")).acceptance)
            let id = try #require(harness.simulator.exchange.read { core in core.orders.last { $0.clientOrderID == "b4" }?.id })
            try await harness.simulator.fill(id, quantity: 2)
            #expect(await harness.broker.lookup(harness.leg(.stopLoss, of: "b4", placed)).report?.status == .pendingNew)
            _ = await harness.broker.cancel(harness.reference("b4", venueID: placed.venueOrderID), within: harness.window)
            #expect(try await harness.events.wait("b4-sl", .accepted)?.quantity == 2)
            // A part of the target leaves that much less to the stop.
            let target = try #require(harness.simulator.exchange.read { core in core.orders.last { $0.clientOrderID == "b4-tp" }?.id })
            try await harness.simulator.fill(target, quantity: 1)
            #expect(await harness.broker.lookup(harness.leg(.stopLoss, of: "b4", placed)).report?.quantity == 1)
            try await harness.simulator.setPrice(21000, of: harness.symbol)
            #expect(try await harness.events.wait("b4-sl", .filled) != nil)
            #expect(try await harness.broker.positions().isEmpty)
        }
    }

    @Test func `a leg is cancelled by its id alone, before and after its entry has filled`() async throws {
        try await AdapterHarness.with { harness in
            let placed = try #require(await harness.place(harness.order(limit: 21100, bracket: Self.bracket, id: "b5")).acceptance)
            guard case .requested = await harness.broker.cancel(harness.leg(.stopLoss, of: "b5", placed), within: harness.window) else {
                Issue.record("the cancel of a waiting leg was not taken")
                return
            }
            #expect(try await harness.events.wait("b5-sl", .cancelled) != nil)
            try await harness.simulator.setPrice(21100, of: harness.symbol)
            #expect(try await harness.events.wait("b5-tp", .accepted) != nil)
            guard case .requested = await harness.broker.cancel(harness.leg(.takeProfit, of: "b5", placed), within: harness.window) else {
                Issue.record("the cancel of a working leg was not taken")
                return
            }
            #expect(try await harness.events.wait("b5-tp", .cancelled) != nil)
            guard case .notOpen = await harness.broker.cancel(harness.leg(.takeProfit, of: "b5", placed), within: harness.window) else {
                Issue.record("a second cancel found it open")
                return
            }
        }
    }

    @Test func `a leg bears the symbol by which its entry was asked for`() async throws {
        try await AdapterHarness.with(roll: ["MNQ": .venueFront]) { harness in
            let entry = try harness.order(limit: 21100, bracket: Self.bracket, symbol: "MNQ1!", id: "b6")
            #expect(await harness.place(entry).acceptance != nil)
            let legs = try await harness.broker.openOrders().filter { $0.clientOrderID != "b6" }
            #expect(legs.count == 2 && legs.allSatisfy { $0.symbol == "MNQ1!" })
        }
    }
}

extension AdapterHarness {
    func leg(_ role: BracketRole, of entry: ClientOrderID, _ placed: OrderReport) -> OrderReference {
        OrderReference(
            symbol: symbol, clientOrderID: entry.leg(role), venueOrderID: nil,
            leg: .init(role: role, entry: entry, entryVenueOrderID: placed.venueOrderID))
    }
}
