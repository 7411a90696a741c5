import BrokerContract
import Foundation
import OrderFlow
import StoreContract
import Testing
import TradingModel

/// What a signal means: so much, a position to be at, or leaving; and how large that is.
@Suite struct IntentPlanningTests {
    private let context = Planner.Context(signalID: "S", source: "tv", receivedAt: start, expiresAt: start + .seconds(60), requestID: "r")

    private func planner(
        _ sizing: Sizing = .multiply(1), intent: OrderIntent.Kind = .delta, protection: Strategy.Protection? = nil, brackets: Set<AccountID> = []
    ) -> Planner {
        Planner(
            strategies: [
                Strategy(
                    id: "trend", source: "tv", symbols: ["BTCUSD": ["a": "BTCUSDT"]], accounts: [.init(id: "a", sizing: sizing)], policy: OrderPolicy(),
                    intent: intent, protection: protection)
            ], clientOrderIDRules: ["a": .init(form: .token, maximumLength: 36)], bracketAccounts: brackets)
    }

    private func signal(_ json: String) throws -> TradeSignal {
        try NativePayload(Array(#"{"v":1,"symbol":"BTCUSD",\#(json)}"#.utf8)).signal(keyField: nil)
    }

    private func code(_ body: () throws -> Void) -> String? {
        do { try body() } catch { return (error as? PayloadProblem)?.code ?? "\(error)" }
        return nil
    }

    @Test func `a close is one order that only makes a position smaller`() throws {
        for json in [#""action":"close""#, #""action":"CLOSE","quantity":"5""#, #""action":"sell","intent":"close""#] {
            let orders = try planner().plan(try signal(json), context)
            #expect(orders.count == 1 && orders[0].reduceOnly && orders[0].kind == .close && orders[0].sideIsOpen && orders[0].requestedQuantity == 0)
        }
        #expect(code { _ = try signal(#""action":"close","intent":"delta""#) } == "contradiction")
        #expect(code { _ = try planner().plan(try signal(#""action":"close","type":"limit","limit_price":"1""#), context) } == "unsupported_type")
    }

    @Test func `a target is a smaller part and then a greater one, in order`() throws {
        let orders = try planner(intent: .target).plan(try signal(#""action":"buy","position":"long","position_size":"3""#), context)
        #expect(orders.map(\.reduceOnly) == [true, false] && orders.map(\.leg) == [0, 1] && orders.map(\.requestedQuantity) == [3, 3])
        #expect(orders[1].intent?.after == orders[0].id && orders[1].side == .buy && orders[1].kind == .target)
        #expect(Set(orders.map(\.clientOrderID)).count == 2)
        let short = try planner().plan(try signal(#""action":"sell","intent":"target","position":"short","position_size":"-2""#), context)
        #expect(short.map(\.side) == [.sell, .sell] && short.map(\.requestedQuantity) == [2, 2] && short[0].intent?.targetSide == .sell)
        for flat in [#""position":"flat""#, #""position":"long","position_size":"0""#] {
            let leaving = try planner(intent: .target).plan(try signal(#""action":"sell",\#(flat)"#), context)
            #expect(leaving.count == 1 && leaving[0].reduceOnly && leaving[0].kind == .target)
        }
    }

    @Test func `a target without a position is refused, and the same words are for information in a delta`() throws {
        #expect(code { _ = try signal(#""action":"buy","intent":"target""#) } == "missing_field")
        #expect(code { _ = try signal(#""action":"buy","intent":"target","position":"long","position_size":"x""#) } == "invalid_number")
        #expect(code { _ = try planner(intent: .target).plan(try signal(#""action":"buy","quantity":"1""#), context) } == "missing_field")
        #expect(code { _ = try planner(intent: .target).plan(try signal(#""action":"buy","position":"long""#), context) } == "missing_field")
        let plain = try planner().plan(try signal(#""action":"buy","quantity":"1","position":"sideways","position_size":"many""#), context)
        #expect(plain.count == 1 && plain[0].intent == nil)
    }

    @Test func `a size in money needs a price, and is no quantity yet`() throws {
        #expect(code { _ = try planner(.quote(500)).plan(try signal(#""action":"buy""#), context) } == "missing_field")
        let orders = try planner(.quote(500)).plan(try signal(#""action":"buy","price":"60000""#), context)
        #expect(orders[0].requestedQuantity == 0 && orders[0].intent?.amount == .quote(500))
        let percent = try planner(.equityPercent(10)).plan(try signal(#""action":"buy","type":"limit","limit_price":"60000""#), context)
        #expect(percent[0].intent?.amount == .equityPercent(10))
    }

    @Test func `a stop goes with the entry where the broker takes it so, and is the gateway's elsewhere`() throws {
        let protection = Strategy.Protection(mode: .auto, policy: ProtectionPolicy())
        let json = #""action":"buy","quantity":"1","stop_loss":"58000""#
        let native = try planner(protection: protection, brackets: ["a"]).plan(try signal(json), context)
        #expect(native.count == 2 && native[0].bracket?.stopLoss == 58000 && native[0].intent == nil)
        let managed = try planner(protection: protection).plan(try signal(json), context)
        #expect(managed.count == 1 && managed[0].bracket == nil && managed[0].intent?.stopLoss == 58000 && managed[0].policy.protection == ProtectionPolicy())
        let always = try planner(protection: .init(mode: .managed, policy: ProtectionPolicy()), brackets: ["a"]).plan(try signal(json), context)
        #expect(always.count == 1)
        #expect(code { _ = try planner(protection: protection).plan(try signal(json + #","take_profit":"65000""#), context) } == "unsupported_take_profit")
        let without = try planner().plan(try signal(json), context)
        #expect(without.count == 2 && without[0].policy.protection == nil)
    }
}

/// What an order's intent becomes on the position as it is when its turn comes.
@Suite struct IntentDecisionTests {
    private func facts(
        _ order: OrderRecord, held: Quantity = 0, openSells: Quantity = 0, openBuys: Quantity = 0, legs: [OrderID] = [], before: OrderRecord? = nil
    ) -> PermitFacts {
        PermitFacts(
            now: start, order: order, attempts: [],
            position: PositionRecord(account: "spot1", symbol: "BTCUSDT", quantity: held, averagePrice: 1, realizedProfit: 0, updatedAt: start),
            lastTradeAt: nil, lastTradeID: nil, unsettled: [], entryOfSameSignal: nil, openSellQuantity: openSells, openBuyQuantity: openBuys,
            openLegs: legs, predecessor: before)
    }

    private func decide(_ facts: PermitFacts, equity: Equity = .unsupported) -> String {
        switch PermitDecision(instrument: btc, capabilities: capabilities, equity: equity).decide(facts) {
        case .grant(let order, _): "\(order.side.rawValue) \(order.quantity)"
        case .close(let state, let reason, _): "\(state.rawValue):\(reason)"
        case .wait(let reason): "wait:\(reason)"
        }
    }

    private func leaving(_ kind: OrderIntent.Kind, to side: Side? = nil, _ target: Quantity = 0) -> OrderRecord {
        var order = sampleOrder(side: .sell, quantity: target)
        order.reduceOnly = true
        order.intent = OrderIntent(kind: kind, targetSide: side)
        return order
    }

    private func opening(_ side: Side, _ target: Quantity) -> OrderRecord {
        var order = sampleOrder(side: side, quantity: target)
        order.intent = OrderIntent(kind: .target, targetSide: side, after: "S-before")
        return order
    }

    @Test func `a close leaves whatever is held, on whichever side`() {
        #expect(decide(facts(leaving(.close), held: 3)) == "sell 3")
        #expect(decide(facts(leaving(.close), held: -2)) == "buy 2")
        #expect(decide(facts(leaving(.close))) == "skipped:at_target")
        #expect(decide(facts(leaving(.close), held: 3, openSells: 1)) == "sell 2")
        #expect(decide(facts(leaving(.close), held: 3, openSells: 3)) == "skipped:already_closing")
        #expect(decide(facts(leaving(.close), held: 3, legs: ["stop"])) == "wait:protection_open")
    }

    @Test func `the smaller part of a target reduces, leaves the other side, or has nothing to do`() {
        #expect(decide(facts(leaving(.target, to: .buy, 3), held: 5)) == "sell 2")
        #expect(decide(facts(leaving(.target, to: .buy, 3), held: -5)) == "buy 5")
        #expect(decide(facts(leaving(.target, to: .buy, 3), held: 3)) == "skipped:at_target")
        #expect(decide(facts(leaving(.target, to: .buy, 3), held: 1)) == "skipped:at_target")
        #expect(decide(facts(leaving(.target, to: .sell, 2), held: -3)) == "buy 1")
        #expect(decide(facts(leaving(.target), held: 4)) == "sell 4")
    }

    @Test func `the greater part of a target brings what is missing and no more`() {
        #expect(decide(facts(opening(.buy, 3), held: 1)) == "buy 2")
        #expect(decide(facts(opening(.buy, 3), held: 3)) == "skipped:at_target")
        #expect(decide(facts(opening(.buy, 3), held: 5)) == "skipped:at_target")
        #expect(decide(facts(opening(.buy, 3), held: 1, openBuys: 1)) == "buy 1")
        #expect(decide(facts(opening(.sell, 2), held: -1)) == "sell 1")
    }

    @Test func `a reversal opens only after its close has ended and the position is flat`() {
        for state in OrderState.allCases {
            let attempts = state == .queued ? 0 : 1
            let before = sampleOrder(side: .buy, state: state, attempts: attempts)
            let expected = state.isTerminal ? "buy 3" : "wait:after_close"
            #expect(decide(facts(opening(.buy, 3), before: before)) == expected, "\(state)")
            let held = state.isTerminal ? "skipped:close_not_filled" : "wait:after_close"
            #expect(decide(facts(opening(.buy, 3), held: -1, before: before)) == held, "\(state)")
        }
    }

    @Test func `leaving is not held up by a cooldown; what follows it is, by the trade before`() {
        var close = leaving(.close)
        close.policy.cooldown = .seconds(900)
        var own = facts(close, held: 1)
        own.lastTradeAt = start
        #expect(decide(own) == "sell 1")
        var order = opening(.buy, 3)
        order.policy.cooldown = .seconds(900)
        var next = facts(order, before: sampleOrder(state: .filled, attempts: 1))
        #expect(decide(next) == "buy 3")
        next.lastTradeAt = start
        #expect(decide(next) == "skipped:cooldown")
    }

    @Test func `a size in money becomes a quantity on the instrument's steps`() {
        var order = sampleOrder(quantity: 0)
        order.referencePrice = 60000
        order.intent = OrderIntent(amount: .quote(500))
        #expect(decide(facts(order)) == "buy 0.00833")
        order.intent = OrderIntent(amount: .quote(1))
        #expect(decide(facts(order)) == "buy 0.00001")
        order.intent = OrderIntent(amount: .quote(Notional(Decimal(1) / 10)))
        #expect(decide(facts(order)) == "blocked:below_minimum")
        order.intent = OrderIntent(amount: .equityPercent(10))
        #expect(decide(facts(order), equity: .known(12000)) == "buy 0.02")
        #expect(decide(facts(order), equity: .unknown("timeout")) == "wait:equity_unknown")
        #expect(decide(facts(order)) == "blocked:equity_unsupported")
        order.referencePrice = nil
        #expect(decide(facts(order), equity: .known(12000)) == "blocked:price_missing")
    }

    @Test func `a second attempt to leave is not made where the position has changed meanwhile`() {
        var order = leaving(.close)
        order.state = .absent
        order.attempts = 1
        order.quantity = 3
        #expect(decide(facts(order, held: 3)) == "sell 3")
        #expect(decide(facts(order, held: 2)) == "abandoned:position_changed")
        #expect(decide(facts(order)) == "abandoned:at_target")
    }

    @Test func `an entry whose stop nobody could place is not sent`() {
        var order = sampleOrder()
        order.intent = OrderIntent(stopLoss: 58000)
        #expect(decide(facts(order)) == "buy 1")
        let plain = BrokerCapabilities(orderTypes: [.market, .limit], timesInForce: [.gtc], hasStream: true)
        guard case .close(.blocked, let reason, _) = PermitDecision(instrument: btc, capabilities: plain).decide(facts(order)) else { return #expect(Bool(false)) }
        #expect(reason == "unsupported_stop")
    }
}

@Suite struct LedgerPropertyTests {
    /// The position after evidence in this order, told as often as it is told.
    private func position(after told: [Fill], ordered: Quantity = 100) -> (PositionRecord?, OrderSnapshot) {
        var order = sampleOrder(quantity: ordered, state: .accepted, attempts: 1)
        order.venueOrderID = "7"
        var snapshot = OrderSnapshot(order: order, attempts: [attempt(outcome: "accepted")], fills: [], position: nil)
        for fill in told { snapshot = snapshot.applying(OrderReducer.evidence(nil, fills: [fill], of: snapshot, base: "BTC", at: start)) }
        return (snapshot.position, snapshot)
    }

    @Test func `whatever order fills come in and however often, the position is the same`() throws {
        var random = Seeded(state: 7)
        for round in 0..<300 {
            let count = Int.random(in: 1...8, using: &random)
            let fills = try (0..<count).map { number in
                fill(
                    "e\(round)-\(number)", try Quantity("0.\(Int.random(in: 1...9999, using: &random))"), at: Price(Decimal(Int.random(in: 1...70000, using: &random))),
                    fee: try Notional("0.0000\(number + 1)"), feeAsset: Bool.random(using: &random) ? "BTC" : "BNB")
            }
            let expected = position(after: fills).0
            for _ in 0..<5 {
                let told = (fills + fills.shuffled(using: &random) + fills.prefix(2)).shuffled(using: &random)
                let found = position(after: told).0
                #expect(found?.quantity == expected?.quantity)
                // A fee in the base asset makes the holding smaller at the price that it has by then, so that the average depends on the order.
                if !fills.contains(where: { $0.feeAsset == "BTC" }) {
                    let difference = (found?.averagePrice ?? 0).value - (expected?.averagePrice ?? 0).value
                    #expect(difference.magnitude < Decimal(1) / 1_000_000_000)
                }
                #expect(found?.realizedProfit == expected?.realizedProfit)
            }
        }
    }

    @Test func `an over-fill counts in full, and is corrected on record with an alert`() {
        let order = sampleOrder(quantity: 1, state: .accepted, attempts: 1)
        let snapshot = OrderSnapshot(order: order, attempts: [attempt(outcome: "accepted")], fills: [], position: nil)
        let change = OrderReducer.evidence(nil, fills: [fill("e1", 1), fill("e2", 1)], of: snapshot, base: nil, at: start)
        #expect(change?.position?.quantity == 2)
        #expect(change?.alerts.map(\.type) == ["over_fill"])
        #expect(change?.journal.filter { $0.type == "position.corrected" }.count == 1)
    }

    @Test func `a fill that was taken back leaves the position as if it had not been, on record with an alert`() {
        let fills = [fill("e1", 2, at: 100), fill("e2", 1, at: 130), fill("e3", 1, at: 150, side: .sell)]
        func ledger(_ fills: [Fill]) -> PositionRecord? {
            fills.reduce(nil) { PositionLedger.apply($1, to: $0, account: "spot1", base: nil, at: start) }
        }
        let history = FillHistory(order: sampleOrder(state: .filled, attempts: 1), fill: fills[1], position: ledger(fills), fills: fills)
        let correction = PositionLedger.takeBack(history, by: "ada", reason: "bust notice 17", base: nil, at: start)
        #expect(correction.position == ledger([fills[0], fills[2]]))
        #expect(correction.alerts.map(\.type) == ["position_corrected"] && correction.journal.map(\.type) == ["position.corrected"])
        #expect(correction.journal[0].data.contains("bust notice 17"))
    }

    @Test func `a correction keeps what came into the position by other ways`() {
        let fills = [fill("e1", 2, at: 100)]
        var held = PositionLedger.apply(fills[0], to: nil, account: "spot1", base: nil, at: start)
        held.quantity = 5
        let history = FillHistory(order: sampleOrder(state: .filled, attempts: 1), fill: fills[0], position: held, fills: fills)
        #expect(PositionLedger.takeBack(history, by: "ada", reason: "r", base: nil, at: start).position.quantity == 3)
    }
}
