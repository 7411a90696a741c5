import BrokerContract
import SimulatorKit
import Testing
import TradingModel

@testable import Tradovate
@testable import TradovateSimulator

/// `liquidateposition` and `placeoco` against the simulated venue.
@Suite(.timeLimit(.minutes(2))) struct ClosingTests {
    private static func close(_ harness: AdapterHarness, _ symbol: Symbol? = nil) async -> CloseOutcome {
        await harness.broker.closePosition(symbol ?? harness.symbol, id: "close-1", within: harness.window)
    }

    @Test func `a closing cancels what works, sells what is held, and is told under the venue's id alone`() async throws {
        try await AdapterHarness.with { harness in
            _ = await harness.place(try harness.order(.market, quantity: 2, id: "h1"))
            #expect(try await harness.events.wait("h1", .filled) != nil)
            let resting = await harness.place(try harness.order(limit: 21000, id: "h2"))
            #expect(resting.acceptance != nil)
            #expect(try await harness.events.wait("h2", .accepted) != nil)
            guard case .requested(let id?, _) = await Self.close(harness) else {
                Issue.record("the closing was not taken")
                return
            }
            #expect(try await harness.events.wait("h2", .cancelled) != nil)
            #expect(try await harness.events.wait { if case .order(let report) = $0 { report.venueOrderID == id && report.status == .filled } else { false } })
            // Its text reads like an id of ours, but its command bears none.
            let own = harness.events.all.compactMap { if case .order(let report) = $0, report.venueOrderID == id { report } else { nil } }
            #expect(own.allSatisfy { $0.clientOrderID == nil && $0.side == .sell && $0.symbol == harness.symbol })
            let fills = try await harness.broker.fills(harness.symbol, since: SystemClock().wallTime - .seconds(60)).filter { $0.venueOrderID == id }
            #expect(fills.map(\.quantity) == [2] && fills.allSatisfy { $0.clientOrderID == nil && $0.side == .sell })
            #expect(try await harness.broker.positions().isEmpty)
            #expect(try await harness.broker.openOrders().isEmpty)
            let sent = harness.simulator.controls.log.entries.filter { $0.path == "/v1/order/liquidateposition" }
            #expect(sent.count == 1)
            let parameters = sent.first?.parameters.filter { ["admin", "isAutomated", "accountId"].contains($0.name) }.map { "\($0.name)=\($0.value)" } ?? []
            #expect(parameters.sorted() == ["accountId=25", "admin=false", "isAutomated=true"])
        }
    }

    @Test func `where nothing is held the venue refuses, and a continuous symbol with a position left in another month is not sent`() async throws {
        try await AdapterHarness.with(roll: ["MNQ": .venueFront]) { harness in
            guard case .refused = await Self.close(harness) else {
                Issue.record("nothing was held")
                return
            }
            let other = Symbol(harness.simulator.contracts(of: "MNQ").dropFirst().first ?? "")
            _ = await harness.place(try harness.order(.market, symbol: other, id: "o1"))
            #expect(try await harness.events.wait("o1", .filled) != nil)
            guard case .notSent(.invalid, _) = await Self.close(harness, "MNQ1!") else {
                Issue.record("a closing of MNQ1! would leave \(other)")
                return
            }
            guard case .requested = await Self.close(harness, other) else {
                Issue.record("the other month was not closed by its name")
                return
            }
        }
    }

    @Test func `a closing whose reply is lost is unknown and not repeated, and the positions tell what it did`() async throws {
        try await AdapterHarness.with { harness in
            _ = await harness.place(try harness.order(.market, id: "r1"))
            #expect(try await harness.events.wait("r1", .filled) != nil)
            try harness.simulator.faults.add([Fault(on: .place, .dropAfterAccept)])
            guard case .unknown = await Self.close(harness) else {
                Issue.record("the reply was lost")
                return
            }
            var isFlat = false
            for _ in 0..<1500 where !isFlat {
                isFlat = try await harness.broker.positions().isEmpty
                if !isFlat { try await Task.sleep(for: .milliseconds(20)) }
            }
            #expect(isFlat)
            #expect(harness.simulator.controls.log.entries.count { $0.path == "/v1/order/liquidateposition" } == 1)
        }
    }

    // MARK: Exit pairs

    @Test func `a pair is one placeoco under derived ids, and the target's fill cancels the stop`() async throws {
        try await AdapterHarness.with { harness in
            _ = await harness.place(try harness.order(.market, id: "p1"))
            #expect(try await harness.events.wait("p1", .filled) != nil)
            let pair = try ExitPair(id: "x1", symbol: harness.symbol, side: .sell, quantity: 1, stopLoss: 21000, takeProfit: 21500)
            let placed = try #require(await harness.broker.placeExitPair(pair, within: harness.window).acceptance)
            #expect(placed.clientOrderID == "x1-sl" && placed.stopPrice == 21000 && placed.type == .stop)
            #expect(try await harness.events.wait("x1-sl", .accepted)?.venueOrderID == placed.venueOrderID)
            #expect(try await harness.events.wait("x1-tp", .accepted)?.limitPrice == 21500)
            try await harness.simulator.setPrice(21500, of: harness.symbol)
            #expect(try await harness.events.wait("x1-tp", .filled) != nil)
            #expect(try await harness.events.wait("x1-sl", .cancelled) != nil)
            #expect(try await harness.broker.positions().isEmpty)
            #expect(harness.simulator.controls.log.entries.filter { $0.path.hasPrefix("/v1/order/place") }.map(\.path) == ["/v1/order/placeorder", "/v1/order/placeoco"])
        }
    }

    @Test func `legs on the wrong side of the market are refused as the venue words it`() async throws {
        try await AdapterHarness.with { harness in
            let pair = try ExitPair(id: "x2", symbol: harness.symbol, side: .sell, quantity: 1, stopLoss: 21300, takeProfit: 21500)
            let outcome = await harness.broker.placeExitPair(pair, within: harness.window)
            #expect(outcome.refusal == .invalidPrice)
            #expect(harness.taken("x2-sl") == 0 && harness.taken("x2-tp") == 0)
        }
    }
}
