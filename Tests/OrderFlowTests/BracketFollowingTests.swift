import BrokerContract
import OrderFlow
import StoreContract
import Testing
import TradingModel

@Suite struct BracketFollowingTests {
    /// What a leg in lockstep with its entry becomes, for every move that an entry can make.
    static let lockstep: [OrderState: OrderState?] = [
        .queued: nil, .permitted: nil, .unknown: .unknown, .resolving: .resolving, .parked: .parked, .absent: .absent,
        .abandoned: .abandoned, .skipped: .skipped, .blocked: .blocked, .stale: .stale, .rejected: .rejected, .accepted: .accepted,
        .partiallyFilled: .accepted, .filled: .accepted, .cancelPending: .accepted, .replacePending: .accepted, .cancelled: .accepted,
        .expired: .accepted,
    ]

    @Test(arguments: OrderState.allCases)
    func `a leg goes with its entry exactly while it is in the entry's own state`(_ leg: OrderState) throws {
        #expect(Self.lockstep.count == OrderState.allCases.count)
        for before in OrderState.allCases {
            for after in OrderStateMachine.moves[before] ?? [] {
                let next = BracketFollowing.next(leg, entryFrom: before, to: after)
                let why: Comment = "leg \(leg), entry \(before) → \(after)"
                if leg == before, BracketFollowing.states.contains(leg) {
                    #expect(next == (try #require(Self.lockstep[after])), why)
                } else if after == .rejected, leg == .accepted {
                    #expect(next == .rejected, why)
                } else {
                    #expect(next == nil, why)
                }
                // What is asked for is always allowed by the one table.
                if let next { #expect(OrderStateMachine.allows(leg, to: next), why) }
                // A leg that ended stays as it ended.
                if leg.isTerminal { #expect(next == nil, why) }
            }
        }
    }

    private func bracketed(_ state: OrderState = .permitted, legs: [OrderState] = [.permitted, .permitted]) -> OrderSnapshot {
        var entry = sampleOrder(state: state, attempts: 1)
        entry.bracket = Bracket(stopLoss: 58000, takeProfit: 65000)
        return OrderSnapshot(
            order: entry, attempts: [attempt()], fills: [], position: nil,
            legs: zip(BracketRole.allCases, legs).map { sampleLeg($0, of: entry, state: $1) })
    }
    private let evidence = Evidence(mayHaveLeft: true, httpStatus: 200)
    private func outcome(_ outcome: PlaceOutcome, _ snapshot: OrderSnapshot) throws -> OrderChange {
        try #require(OrderReducer.outcome(outcome, attempt: 1, of: snapshot, base: nil, at: start))
    }

    @Test func `an accepted entry has its legs accepted, with the attempt's outcome`() throws {
        let change = try outcome(.accepted(report(.filled, filled: 1), fills: [fill("a", 1)], evidence), bracketed())
        #expect(change.order.state == .filled)
        #expect(change.legs.map(\.order.state) == [.accepted, .accepted])
        #expect(change.legs.allSatisfy { $0.attempts.first?.outcome == "accepted" && $0.newFills.isEmpty && $0.position == nil })
        #expect(change.legs.allSatisfy { $0.journal.map(\.type) == ["order.accepted"] })
    }

    @Test func `a refused entry has its legs rejected, and the reason names it`() throws {
        let change = try outcome(.refused(.insufficientFunds, evidence), bracketed())
        #expect(change.legs.map(\.order.state) == [.rejected, .rejected])
        #expect(change.legs.allSatisfy { $0.order.reason == "entry_ended" && $0.order.detail?.contains("S-000") == true })
        // One alert for the one order that was wanted.
        #expect(change.alerts.count == 1 && change.legs.allSatisfy { $0.alerts.isEmpty })
    }

    @Test func `an unknown entry leaves its legs unknown, and what is proven of it is proven of them`() throws {
        var snapshot = bracketed().applying(try outcome(.unknown(.timedOut, evidence), bracketed()))
        #expect(snapshot.legs.map(\.order.state) == [.unknown, .unknown])
        snapshot = snapshot.applying(OrderReducer.move(snapshot, to: .resolving, reason: "resolving", detail: "", at: start))
        #expect(snapshot.legs.map(\.order.state) == [.resolving, .resolving])
        let absent = snapshot.applying(OrderReducer.move(snapshot, to: .absent, reason: "proven_absent", detail: "", at: start))
        #expect(absent.legs.map(\.order.state) == [.absent, .absent])
        let parked = snapshot.applying(OrderReducer.move(snapshot, to: .parked, reason: "parked", detail: "", at: start))
        #expect(parked.legs.map(\.order.state) == [.parked, .parked])
        let late = parked.applying(OrderReducer.evidence(report(.accepted), fills: [], of: parked, base: nil, at: start))
        #expect(late.order.state == .accepted && late.legs.map(\.order.state) == [.accepted, .accepted])
    }

    @Test func `a leg that the venue has shown goes its own way, and its attempt is still closed`() throws {
        let change = try outcome(.unknown(.timedOut, evidence), bracketed(legs: [.accepted, .permitted]))
        let legs = bracketed(legs: [.accepted, .permitted]).applying(change).legs
        #expect(legs.map(\.order.state) == [.accepted, .unknown])
        #expect(legs.allSatisfy { $0.attempts.first?.outcome == "unknown" })
    }

    @Test(arguments: [OrderState.accepted, .partiallyFilled, .filled, .cancelled])
    func `with a leg at the venue nothing proves any more that the entry is not there`(_ leg: OrderState) throws {
        let seen = bracketed(legs: [.permitted, leg])
        let refused = try outcome(.refused(.insufficientFunds, evidence), seen)
        #expect(refused.order.state == .unknown && refused.order.reason == "contradiction")
        let notSent = try outcome(.notSent(.connectionRefused, evidence), seen)
        #expect(notSent.order.state == .unknown && notSent.order.reason == "contradiction")
        let doubtful = bracketed(.resolving, legs: [.resolving, leg])
        let absent = try #require(OrderReducer.move(doubtful, to: .absent, reason: "proven_absent", detail: "", at: start))
        #expect(absent.order.state == .parked && absent.order.reason == "leg_at_venue")
        #expect(absent.alerts.map(\.type) == ["parked_order"])
    }

    @Test func `an entry that is refused after it was taken takes its legs along`() throws {
        let taken = bracketed(.accepted, legs: [.accepted, .accepted])
        let change = try #require(OrderReducer.evidence(report(.rejected), fills: [], of: taken, base: nil, at: start))
        #expect(change.order.state == .rejected && change.legs.map(\.order.state) == [.rejected, .rejected])
    }

    @Test func `protection is lost when all legs ended and none traded, behind an entry that did`() {
        func lost(_ legs: [OrderState], entry: Quantity = 1, traded: Quantity = .zero) -> Bool {
            var snapshot = bracketed(.filled, legs: legs)
            snapshot.order.filledQuantity = entry
            snapshot.legs[1].order.filledQuantity = traded
            return BracketFollowing.hasLostProtection(snapshot)
        }
        #expect(lost([.cancelled, .cancelled]) && lost([.rejected, .cancelled]) && lost([.expired, .expired]))
        #expect(!lost([.cancelled, .accepted]) && !lost([.accepted, .cancelled]) && !lost([.cancelled, .partiallyFilled]))
        #expect(!lost([.cancelled, .filled], traded: 1) && !lost([.cancelled, .cancelled], entry: 0))
    }

    @Test func `an order without a bracket has no legs to change`() throws {
        let snapshot = OrderSnapshot(order: sampleOrder(state: .permitted, attempts: 1), attempts: [attempt()], fills: [], position: nil)
        #expect(try outcome(.unknown(.timedOut, evidence), snapshot).legs.isEmpty)
    }
}

@Suite struct LegEvidenceTests {
    private func leg(_ role: BracketRole, _ state: OrderState = .accepted) -> OrderSnapshot { sampleLeg(role, of: sampleOrder(attempts: 1), state: state) }
    private func report(_ role: BracketRole, _ status: VenueOrderStatus, filled: Quantity = .zero, quantity: Quantity = 1, type: OrderType? = nil) -> OrderReport {
        OrderReport(
            venueOrderID: "8", clientOrderID: ClientOrderID("ts-1").leg(role), symbol: "BTCUSDT", side: .sell, type: type ?? (role == .stopLoss ? .stop : .limit),
            status: status, venueStatus: status.rawValue, quantity: quantity, filledQuantity: filled, averagePrice: nil, updatedAt: start)
    }
    private func legFill(_ role: BracketRole, _ quantity: Quantity) -> Fill {
        Fill(
            executionID: "x", venueOrderID: "8", clientOrderID: ClientOrderID("ts-1").leg(role), symbol: "BTCUSDT", side: .sell, quantity: quantity,
            price: 65000, fee: nil, feeAsset: nil, executedAt: start)
    }

    @Test func `a waiting leg is accepted, a filled one changes the position once`() throws {
        let target = leg(.takeProfit, .permitted)
        let waiting = target.applying(OrderReducer.evidence(report(.takeProfit, .pendingNew), fills: [], of: target, base: nil, at: start))
        #expect(waiting.order.state == .accepted)
        let filled = waiting.applying(
            OrderReducer.evidence(report(.takeProfit, .filled, filled: 1), fills: [legFill(.takeProfit, 1)], of: waiting, base: nil, at: start))
        #expect(filled.order.state == .filled && filled.position?.quantity == -1)
        let again = OrderReducer.evidence(report(.takeProfit, .filled, filled: 1), fills: [legFill(.takeProfit, 1)], of: filled, base: nil, at: start)
        #expect(again == nil || again?.newFills.isEmpty == true)
    }

    @Test func `fills of the other leg are not this one's, although both share an order of the venue`() throws {
        let stop = leg(.stopLoss)
        let change = OrderReducer.evidence(nil, fills: [legFill(.takeProfit, 1)], of: stop, base: nil, at: start)
        #expect(change?.newFills.isEmpty ?? true)
    }

    @Test func `a stop may be a stop-limit and smaller at the venue, and is filled when that is`() throws {
        let stop = leg(.stopLoss)
        let smaller = try Quantity("0.999")
        let change = OrderReducer.evidence(
            report(.stopLoss, .filled, filled: smaller, quantity: smaller, type: .stopLimit), fills: [legFill(.stopLoss, smaller)], of: stop, base: nil, at: start)
        #expect(change?.order.state == .filled)
        // But not before its fills are known, and a larger or another order is not ours.
        let told = OrderReducer.evidence(report(.stopLoss, .filled, filled: smaller, quantity: smaller), fills: [], of: stop, base: nil, at: start)
        #expect(told?.order.state == .partiallyFilled)
        #expect(OrderReducer.evidence(report(.stopLoss, .accepted, quantity: 2), fills: [], of: leg(.stopLoss, .permitted).asUnknown, base: nil, at: start)?.order.state == .parked)
        #expect(OrderReducer.evidence(report(.stopLoss, .accepted, type: .limit), fills: [], of: leg(.stopLoss, .permitted).asUnknown, base: nil, at: start)?.order.state == .parked)
    }

    @Test(arguments: [VenueOrderStatus.rejected, .expired])
    func `a stop that the venue ends by itself leaves a position without protection, which is alerted`(_ status: VenueOrderStatus) {
        let lost = OrderReducer.evidence(report(.stopLoss, status), fills: [], of: leg(.stopLoss), base: nil, at: start)
        #expect(lost?.alerts.contains { $0.type == "protection_lost" && $0.severity == .critical } == true)
        let target = OrderReducer.evidence(report(.takeProfit, status), fills: [], of: leg(.takeProfit), base: nil, at: start)
        #expect(target?.alerts.isEmpty == true)
        let cancelled = OrderReducer.evidence(report(.stopLoss, .cancelled), fills: [], of: leg(.stopLoss), base: nil, at: start)
        #expect(cancelled?.order.state == .cancelled && cancelled?.alerts.isEmpty == true)
    }
}

@Suite struct BracketPermitTests {
    private func facts(_ order: OrderRecord, legs: [OrderState] = [.queued, .queued], openLegs: [OrderID] = [], held: Quantity? = nil) -> PermitFacts {
        PermitFacts(
            now: start, order: order, attempts: [],
            position: held.map { PositionRecord(account: "spot1", symbol: "BTCUSDT", quantity: $0, averagePrice: 1, realizedProfit: 0, updatedAt: start) },
            lastTradeAt: nil, lastTradeID: nil, unsettled: [], entryOfSameSignal: nil, openSellQuantity: .zero, openBuyQuantity: .zero,
            legs: order.bracket == nil ? [] : zip(BracketRole.allCases, legs).map { sampleLeg($0, of: order, state: $1).order }, openLegs: openLegs)
    }
    private func decide(_ facts: PermitFacts, brackets: Bool = true) -> PermitVerdict {
        var capabilities = capabilities
        capabilities.canBracket = brackets
        return PermitDecision(instrument: btc, capabilities: capabilities).decide(facts)
    }
    private func reason(_ verdict: PermitVerdict) -> String {
        switch verdict {
        case .grant: "grant"
        case .close(let state, let reason, _): "\(state.rawValue):\(reason)"
        case .wait(let reason): "wait:\(reason)"
        }
    }
    private func entry(_ stop: String = "58000", _ target: String = "65000", side: Side = .buy, policy: OrderPolicy = OrderPolicy()) throws -> OrderRecord {
        var order = sampleOrder(side: side, policy: policy)
        order.bracket = Bracket(stopLoss: try Price(stop), takeProfit: try Price(target))
        return order
    }

    @Test func `what is granted has the bracket, exactly`() throws {
        guard case .grant(let order, _) = decide(facts(try entry())) else { return #expect(Bool(false)) }
        #expect(order.bracket == Bracket(stopLoss: 58000, takeProfit: 65000))
    }

    @Test func `an account without brackets blocks the order instead of sending it bare`() throws {
        #expect(reason(decide(facts(try entry()), brackets: false)) == "blocked:unsupported_bracket")
        #expect(reason(decide(facts(sampleOrder()), brackets: false)) == "grant")
    }

    @Test func `bracket prices obey the instrument's tick like any other price`() throws {
        #expect(reason(decide(facts(try entry("58000.001")))) == "blocked:off_tick")
        #expect(reason(decide(facts(try entry("58000", "65000.005")))) == "blocked:off_tick")
        #expect(reason(decide(facts(try entry("58000.01", "65000.01")))) == "grant")
    }

    @Test func `a sell is blocked while a bracket's legs would sell the same, a buy is not asked`() throws {
        #expect(reason(decide(facts(sampleOrder(side: .sell), openLegs: ["S-001"], held: 1))) == "blocked:bracket_open")
        #expect(reason(decide(facts(sampleOrder(side: .sell, policy: OrderPolicy(longOnly: true)), openLegs: ["S-001"], held: 1))) == "blocked:bracket_open")
        #expect(reason(decide(facts(sampleOrder(side: .sell, policy: OrderPolicy(longOnly: true)), held: 1))) == "grant")
        #expect(reason(decide(facts(sampleOrder()))) == "grant")
    }

    @Test func `with long only an exit has no bracket`() throws {
        #expect(reason(decide(facts(try entry("65000", "58000", side: .sell, policy: OrderPolicy(longOnly: true)), held: 1))) == "blocked:bracket_on_exit")
        #expect(reason(decide(facts(try entry("65000", "58000", side: .sell)))) == "grant")
    }

    @Test func `an absent entry is not sent again when one of its legs has surfaced`() throws {
        var order = try entry()
        order.state = .absent
        order.attempts = 1
        order.quantity = 1
        #expect(reason(decide(facts(order, legs: [.absent, .accepted]))) == "wait:leg_at_venue")
        #expect(reason(decide(facts(order, legs: [.absent, .absent]))) == "grant")
    }
}

@Suite struct BracketPayloadTests {
    private func signal(_ extra: String, action: String = "buy") throws -> TradeSignal {
        try NativePayload(Array(#"{"v":1,"symbol":"B","action":"\#(action)","quantity":1\#(extra)}"#.utf8)).signal(keyField: nil)
    }
    private func code(_ extra: String, action: String = "buy") -> String? {
        do {
            _ = try signal(extra, action: action)
            return nil
        } catch { return (error as? PayloadProblem)?.code }
    }

    @Test func `stop loss and take profit are read exactly, from texts and numbers, together or alone`() throws {
        #expect(try signal(#","stop_loss":"57999.99","take_profit":65000.01"#).bracket == Bracket(stopLoss: try Price("57999.99"), takeProfit: try Price("65000.01")))
        #expect(try signal(#","stop_loss":1"#).bracket == Bracket(stopLoss: 1, takeProfit: nil))
        #expect(try signal(#","take_profit":1"#).bracket == Bracket(stopLoss: nil, takeProfit: 1))
        #expect(try signal(#","stop_loss":null"#).bracket == nil)
        #expect(try signal("").bracket == nil)
    }

    @Test(arguments: [
        (#","stop_loss":2,"take_profit":1"#, "buy"), (#","stop_loss":1,"take_profit":1"#, "buy"), (#","stop_loss":1,"take_profit":2"#, "sell"),
        (#","stop_loss":5,"type":"limit","limit_price":5"#, "buy"), (#","take_profit":5,"type":"limit","limit_price":5"#, "buy"),
        (#","stop_loss":5,"type":"limit","limit_price":6"#, "sell"), (#","take_profit":6,"type":"limit","limit_price":5"#, "sell"),
        (#","stop_loss":5,"type":"stop","stop_price":4"#, "buy"), (#","take_profit":6,"type":"stop_limit","stop_price":5,"limit_price":7"#, "buy"),
    ])
    func `a bracket on the wrong side is refused`(_ extra: String, _ action: String) {
        #expect(code(extra, action: action) == "invalid_bracket")
    }

    @Test(arguments: [
        (#","stop_loss":4,"take_profit":6,"type":"limit","limit_price":5"#, "buy"), (#","stop_loss":6,"take_profit":4,"type":"limit","limit_price":5"#, "sell"),
        (#","stop_loss":4,"take_profit":8,"type":"stop_limit","stop_price":5,"limit_price":7"#, "buy"),
    ])
    func `a bracket around the order's own prices is taken`(_ extra: String, _ action: String) {
        #expect(code(extra, action: action) == nil)
    }

    @Test(arguments: [
        (#","stop_loss":{"percent":2}"#, "relative_price_unsupported"), (#","take_profit":{"amount":"5"}"#, "relative_price_unsupported"),
        (#","stop_loss":0"#, "not_positive"), (#","stop_loss":"NaN""#, "invalid_number"), (#","take_profit":true"#, "wrong_type"), (#","take_profit":"-1""#, "not_positive"),
    ])
    func `a bracket that is no absolute price is refused with a code`(_ extra: String, _ expected: String) {
        #expect(code(extra) == expected)
    }

    @Test func `the entry and its legs are planned together, numbered, under derived ids`() throws {
        let strategy = Strategy(
            id: "trend", source: "tv", symbols: ["B": ["a": "X", "u": "Y"]], accounts: [.init(id: "a", sizing: .multiply(2)), .init(id: "u", sizing: .fixed(7))],
            policy: OrderPolicy())
        let planner = Planner(
            strategies: [strategy], clientOrderIDRules: ["a": .init(form: .token, maximumLength: 36), "u": .init(form: .uuid, maximumLength: 36)])
        let context = Planner.Context(signalID: "S", source: "tv", receivedAt: start, expiresAt: start + .seconds(60), requestID: "r")
        let orders = try planner.plan(signal(#","stop_loss":4,"take_profit":6"#), context)
        #expect(orders.map(\.id) == ["S-000", "S-001", "S-002", "S-003", "S-004", "S-005"])
        #expect(orders.map(\.leg) == [0, 1, 2, 0, 1, 2])
        #expect(orders.map(\.bracketRole) == [nil, .stopLoss, .takeProfit, nil, .stopLoss, .takeProfit])
        #expect(orders.map(\.side) == [.buy, .sell, .sell, .buy, .sell, .sell])
        #expect(orders.map(\.type) == [.market, .stop, .limit, .market, .stop, .limit])
        #expect(orders.map(\.requestedQuantity) == [2, 2, 2, 7, 7, 7])
        #expect(orders.map(\.entryID) == [nil, "S-000", "S-000", nil, "S-003", "S-003"])
        #expect(orders.map(\.stopPrice) == [nil, 4, nil, nil, 4, nil] && orders.map(\.limitPrice) == [nil, nil, 6, nil, nil, 6])
        #expect(orders[1].clientOrderID == orders[0].clientOrderID.leg(.stopLoss) && orders[5].clientOrderID == orders[3].clientOrderID.leg(.takeProfit))
        #expect(Set(orders.map(\.clientOrderID)).count == 6)
        for order in orders { #expect(ClientOrderIDRules(form: order.account == "u" ? .uuid : .token, maximumLength: 36).accepts(order.clientOrderID)) }
        #expect(try planner.plan(signal(#","stop_loss":4"#), context).map(\.bracketRole) == [nil, .stopLoss, nil, .stopLoss])
    }
}
