import BrokerContract
import SimulatorKit
import Testing
import TradingModel

@testable import Tradovate
@testable import TradovateSimulator

/// The adapter against the simulated venue, over real sockets.
@Suite(.timeLimit(.minutes(2))) struct AdapterSimulatorTests {
    @Test func `a market order is filled, and lookup, fills, history, position and stream agree`() async throws {
        try await AdapterHarness.with { harness in
            let accepted = try #require(await harness.place(harness.order(.market, quantity: 2, id: "m1")).acceptance)
            #expect(accepted.status == .pendingNew)
            let filled = try #require(try await harness.events.wait("m1", .filled))
            #expect(filled.venueOrderID == accepted.venueOrderID && filled.filledQuantity == 2 && filled.quantity == 2)
            #expect(filled.averagePrice == (try Price("21250.25")))
            #expect(try await harness.events.wait { if case .fill(let fill) = $0 { fill.clientOrderID == "m1" && fill.quantity == 2 } else { false } })

            let found = try #require(await harness.broker.lookup(harness.reference("m1")).report)
            #expect(found.status == .filled && found.venueOrderID == accepted.venueOrderID && found.type == .market)
            let own = try await harness.broker.fills(of: harness.reference("m1"))
            #expect(own.map(\.quantity) == [2])
            let since = SystemClock().wallTime - .seconds(60)
            #expect(try await harness.broker.fills(harness.symbol, since: since).map(\.executionID) == own.map(\.executionID))
            #expect(try await harness.broker.orderHistory(harness.symbol, since: since).map(\.clientOrderID) == ["m1"])
            #expect(try await harness.broker.openOrders().isEmpty)
            #expect(try await harness.broker.positions() == [Position(symbol: harness.symbol, quantity: 2, averagePrice: Price("21250.25"))])
            #expect(harness.taken("m1") == 1)
        }
    }

    @Test func `fees come later than the fill, and a query then shows them`() async throws {
        try await AdapterHarness.with { harness in
            _ = await harness.place(try harness.order(.market, id: "f1"))
            _ = try await harness.events.wait("f1", .filled)
            var fill: Fill?
            for _ in 0..<1000 where fill?.fee == nil {
                fill = try await harness.broker.fills(of: harness.reference("f1")).first
                if fill?.fee == nil { try await Task.sleep(for: .milliseconds(20)) }
            }
            #expect(fill?.fee == (try Notional("0.76")))
            #expect(fill?.feeAsset == "USD")
        }
    }

    @Test func `a short position is negative, and a closed one is not listed`() async throws {
        try await AdapterHarness.with { harness in
            _ = await harness.place(try harness.order(.market, side: .sell, id: "s1"))
            _ = try await harness.events.wait("s1", .filled)
            #expect(try await harness.broker.positions().map(\.quantity) == [-1])
            _ = await harness.place(try harness.order(.market, side: .buy, id: "s2"))
            _ = try await harness.events.wait("s2", .filled)
            #expect(try await harness.broker.positions().isEmpty)
        }
    }

    @Test func `a partial fill shows although the venue has no word for it`() async throws {
        try await AdapterHarness.with { harness in
            _ = await harness.place(try harness.order(quantity: 3, limit: 21000, id: "p1"))
            _ = try await harness.events.wait("p1", .accepted)
            let id = try #require(harness.simulator.exchange.read { core in core.orders.last?.id })
            try harness.simulator.exchange.fill(id, quantity: 1)
            // The fill itself makes the order's report new; the venue tells no change of the order.
            let report = try #require(try await harness.events.wait("p1", .partiallyFilled))
            #expect(report.filledQuantity == 1 && report.venueStatus == "Working")
            #expect(await harness.broker.lookup(harness.reference("p1")).report?.status == .partiallyFilled)
        }
    }

    @Test func `a resting order is listed as open, and a cancel is requested and later told`() async throws {
        try await AdapterHarness.with { harness in
            let accepted = try #require(await harness.place(harness.order(limit: 21000, id: "l1")).acceptance)
            #expect(try await harness.broker.openOrders().map(\.clientOrderID) == ["l1"])
            let outcome = await harness.broker.cancel(harness.reference("l1", venueID: accepted.venueOrderID), within: harness.window)
            guard case .requested = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(try await harness.events.wait("l1", .cancelled) != nil)
            #expect(try await harness.broker.openOrders().isEmpty)
            guard case .notOpen = await harness.broker.cancel(harness.reference("l1"), within: harness.window) else {
                Issue.record("a second cancel found it open")
                return
            }
        }
    }

    @Test func `a refusal that comes after the id is told as a rejection with its reason`() async throws {
        try await AdapterHarness.with { harness in
            harness.simulator.refuseNextOrder(reason: "LiquidationOnly", text: "Liquidation only")
            #expect(try await harness.place(harness.order(limit: 21000, id: "r1")).acceptance != nil)
            let told = try #require(try await harness.events.wait("r1", .rejected))
            #expect(told.reason == .permissionDenied)
            let found = await harness.broker.lookup(harness.reference("r1")).report
            #expect(found?.status == .rejected && found?.reason == .permissionDenied)
            #expect(harness.taken("r1") == 0)
        }
    }

    @Test func `a lack of margin has no code, and is told by its words`() async throws {
        try await AdapterHarness.with(.init(cash: 150)) { harness in
            let first = try harness.order(limit: 21000, id: "r2")
            #expect(await harness.place(first).acceptance != nil)
            #expect(try await harness.place(harness.order(quantity: 2, limit: 21000, id: "r3")).acceptance != nil)
            #expect(try await harness.events.wait("r3", .rejected)?.reason == .insufficientFunds)
        }
    }

    @Test func `a modification keeps id and time in force, and is told as done`() async throws {
        try await AdapterHarness.with { harness in
            let accepted = try #require(await harness.place(harness.order(quantity: 2, limit: 21000, timeInForce: .gtc, id: "c1")).acceptance)
            let outcome = await harness.broker.replace(
                harness.reference("c1", venueID: accepted.venueOrderID), with: Replacement(limitPrice: 20999), within: harness.window)
            guard case .replaced(let report, _) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(report.venueOrderID == accepted.venueOrderID && report.limitPrice == 20999 && report.quantity == 2)
            #expect(report.clientOrderID == "c1")
            let found = await harness.broker.lookup(harness.reference("c1")).report
            #expect(found?.limitPrice == 20999 && found?.status == .accepted)
            #expect(harness.taken("c1") == 1)
        }
    }

    @Test func `the terms of a refused modification do not count`() async throws {
        try await AdapterHarness.with { harness in
            let accepted = try #require(await harness.place(harness.order(.stop, side: .sell, stop: 21000, id: "c2")).acceptance)
            // On the wrong side of the market: taken by the request, refused by the exchange.
            let outcome = await harness.broker.replace(
                harness.reference("c2", venueID: accepted.venueOrderID), with: Replacement(stopPrice: 22000), within: harness.window)
            guard case .refused(.invalidPrice, _) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            let found = await harness.broker.lookup(harness.reference("c2")).report
            #expect(found?.stopPrice == 21000 && found?.status == .accepted)
        }
    }

    @Test func `a trailing stop follows the price and fills at its distance`() async throws {
        try await AdapterHarness.with { harness in
            _ = try #require(await harness.place(harness.order(.trailingStop, side: .sell, trail: 50, id: "t1")).acceptance)
            _ = try await harness.events.wait("t1", .accepted)
            try await harness.simulator.setPrice(21400, of: harness.symbol)
            try await harness.simulator.setPrice(21351, of: harness.symbol)
            #expect(await harness.broker.lookup(harness.reference("t1")).report?.status == .accepted)
            try await harness.simulator.setPrice(21350, of: harness.symbol)
            #expect(try await harness.events.wait("t1", .filled) != nil)
        }
    }

    @Test(arguments: [
        Fault(on: .place, .dropAfterAccept), Fault(on: .place, .statusAfterAccept, status: 504), Fault(on: .place, .statusAfterAccept, status: 408),
        Fault(on: .place, .garbageBody), Fault(on: .place, .truncateBody), Fault(on: .place, .hang, milliseconds: 4000, afterAccept: true),
    ])
    func `an order whose reply is lost is unknown, is there once, and a lookup finds it`(_ fault: Fault) async throws {
        try await AdapterHarness.with { harness in
            let order = try harness.order(limit: 21000, id: "u1")
            _ = try await harness.broker.instrument(harness.symbol)
            try harness.simulator.faults.add([fault])
            let outcome = await harness.place(order)
            #expect(outcome.doubt != nil, "\(outcome)")
            #expect(outcome.evidence.mayHaveLeft)
            #expect(harness.taken("u1") == 1)
            var found: OrderReport?
            for _ in 0..<200 where found == nil {
                found = await harness.broker.lookup(harness.reference("u1")).report
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(found.map { !$0.status.isTerminal } == true)
        }
    }

    @Test(arguments: [Fault(on: .place, .dropBeforeRead), Fault(on: .place, .statusBefore, status: 503)])
    func `an order that the venue never saw is unknown, and that no list shows it proves nothing`(_ fault: Fault) async throws {
        try await AdapterHarness.with { harness in
            let order = try harness.order(limit: 21000, id: "u2")
            _ = try await harness.broker.instrument(harness.symbol)
            try harness.simulator.faults.add([fault])
            #expect(await harness.place(order).doubt != nil)
            #expect(harness.taken("u2") == 0)
            guard case .notFound(complete: false, _) = await harness.broker.lookup(harness.reference("u2")) else {
                Issue.record("found, or taken as proof")
                return
            }
        }
    }

    @Test func `a resend executes twice, and a lookup then does not choose one`() async throws {
        try await AdapterHarness.with { harness in
            let order = try harness.order(limit: 21000, id: "d1")
            #expect(await harness.place(order).acceptance != nil)
            #expect(await harness.place(order).acceptance != nil)
            #expect(harness.taken("d1") == 2)
            guard case .indeterminate = await harness.broker.lookup(harness.reference("d1")) else {
                Issue.record("one of two was chosen")
                return
            }
        }
    }

    @Test func `a lookup that fails proves nothing`() async throws {
        try await AdapterHarness.with { harness in
            try harness.simulator.faults.add([Fault(on: .lookup, .statusBefore, status: 500), Fault(on: .lookup, .garbageBody)])
            for _ in 0..<2 {
                guard case .indeterminate = await harness.broker.lookup(harness.reference("none")) else {
                    Issue.record("it proved something")
                    return
                }
            }
        }
    }

    @Test func `after a lock nothing goes out until the venue allows it`() async throws {
        try await AdapterHarness.with { harness in
            _ = try await harness.broker.instrument(harness.symbol)
            try harness.simulator.faults.add([Fault(on: .place, .rateLimit)])
            #expect(try await harness.place(harness.order(limit: 21000, id: "k1")).refusal == .rateLimited)
            let soon = SendWindow(notAfter: SystemClock().monotonic + .milliseconds(300))
            #expect(try await harness.broker.place(harness.order(limit: 21000, id: "k2"), within: soon).notSentReason == .throttled)
            #expect(harness.taken("k2") == 0)
        }
    }

    @Test(arguments: [TradovateSimulator.Options(entityIsArray: true), TradovateSimulator.Options(bodyIsArray: true)])
    func `both shapes of an event are understood`(_ options: TradovateSimulator.Options) async throws {
        try await AdapterHarness.with(options) { harness in
            _ = await harness.place(try harness.order(.market, id: "e1"))
            #expect(try await harness.events.wait("e1", .filled) != nil)
        }
    }

    @Test func `events that come twice or in another order tell each fill once by its id`() async throws {
        try await AdapterHarness.with { harness in
            try harness.simulator.faults.add([
                Fault(on: .stream, .duplicateEvent, times: 2), Fault(on: .stream, .reorderEvents, times: 2),
            ])
            _ = await harness.place(try harness.order(.market, id: "o1"))
            #expect(try await harness.events.wait("o1", .filled) != nil)
            try await Task.sleep(for: .milliseconds(400))
            let fills = harness.events.all.compactMap { if case .fill(let fill) = $0 { fill.executionID } else { nil } }
            #expect(Set(fills).count == 1)
        }
    }

    @Test func `a closed stream is told, is opened again, and events flow again`() async throws {
        try await AdapterHarness.with { harness in
            await harness.simulator.shutDownSockets()
            let isTold = try await harness.events.wait { if case .disconnected = $0 { true } else { false } }
            #expect(isTold)
            #expect(try await harness.events.wait { if case .gap = $0 { true } else { false } })
            let gap = harness.events.all.count
            #expect(try await harness.events.wait(from: gap - 1) { $0 == .connected })
            _ = await harness.place(try harness.order(limit: 21000, id: "x1"))
            #expect(try await harness.events.wait("x1", .accepted) != nil)
        }
    }

    @Test func `an order of a continuous symbol keeps that name everywhere`() async throws {
        try await AdapterHarness.with(roll: ["MNQ": .daysBeforeExpiry(0)]) { harness in
            let instrument = try await harness.broker.instrument("MNQ1!")
            #expect(instrument.symbol == "MNQ1!" && instrument.base == Asset(harness.symbol.rawValue) && instrument.contractMultiplier == 2)
            _ = await harness.place(try harness.order(.market, symbol: "MNQ1!", id: "a1"))
            #expect(try await harness.events.wait("a1", .filled)?.symbol == "MNQ1!")
            #expect(await harness.broker.lookup(OrderReference(symbol: "MNQ1!", clientOrderID: "a1", venueOrderID: nil)).report?.symbol == "MNQ1!")
            #expect(try await harness.broker.positions().map(\.symbol) == ["MNQ1!"])
            let since = SystemClock().wallTime - .seconds(60)
            #expect(try await harness.broker.fills("MNQ1!", since: since).count == 1)
            #expect(try await harness.broker.fills(harness.symbol, since: since).isEmpty)
        }
    }

    @Test func `an order whose terms the stream has lost is not told under the contract's own name`() async throws {
        try await AdapterHarness.with(roll: ["MNQ": .daysBeforeExpiry(0)]) { harness in
            try harness.simulator.faults.add([Fault(on: .stream, .dropEvent)])
            _ = await harness.place(try harness.order(.market, symbol: "MNQ1!", id: "l1"))
            #expect(try await harness.events.wait { if case .gap = $0 { true } else { false } })
            let names = harness.events.all.compactMap { event -> Symbol? in
                switch event {
                case .order(let report): report.symbol
                case .fill(let fill): fill.symbol
                default: nil
                }
            }
            #expect(names.allSatisfy { $0 == "MNQ1!" }, "\(names)")
        }
    }

    @Test func `a continuous symbol without a rule is not found, and says what to state`() async throws {
        try await AdapterHarness.with { harness in
            let error = await #expect(throws: BrokerError.self) { try await harness.broker.instrument("MNQ1!") }
            #expect(error?.kind == .notFound && error?.message.contains("roll: { MNQ: 5d_before_expiry }") == true)
            let order = try harness.order(.market, symbol: "MNQ1!", id: "n1")
            #expect(await harness.place(order).notSentReason == .invalid)
            await #expect(throws: BrokerError.self) { try await harness.broker.instrument("NOPE9") }
        }
    }

    @Test func `a position in another month keeps a continuous symbol from opening a second one`() async throws {
        try await AdapterHarness.with(roll: ["MNQ": .daysBeforeExpiry(0)]) { harness in
            let next = try #require(harness.simulator.contracts(of: "MNQ").dropFirst().first)
            _ = await harness.place(try harness.order(.market, symbol: Symbol(next), id: "g1"))
            _ = try await harness.events.wait("g1", .filled)
            let outcome = await harness.place(try harness.order(.market, side: .sell, symbol: "MNQ1!", id: "g2"))
            #expect(outcome.notSentReason == .invalid && outcome.evidence.message?.contains(next) == true, "\(outcome)")
            // By its own name it is closed as ever.
            #expect(try await harness.place(harness.order(.market, side: .sell, symbol: Symbol(next), id: "g3")).acceptance != nil)
        }
    }

    @Test func `nothing is sent before the session is up`() async throws {
        let broker = try TradovateBroker(
            TradovateConfiguration(credentials: .init(username: Secret("u"), password: Secret("p"))), context: testContext())
        let window = SendWindow(notAfter: SystemClock().monotonic + .seconds(5))
        let reference = OrderReference(symbol: "MNQZ6", clientOrderID: "gw-1", venueOrderID: "7")
        #expect(try await broker.place(testOrder(.market), within: window).notSentReason == .notConnected)
        guard case .notSent(.notConnected, _) = await broker.cancel(reference, within: window),
            case .notSent(.notConnected, _) = await broker.replace(reference, with: Replacement(quantity: 2), within: window),
            case .indeterminate(_, let evidence) = await broker.lookup(reference)
        else {
            Issue.record("something went out")
            return
        }
        #expect(!evidence.mayHaveLeft)
    }
}
