import BrokerContract
import OrderFlow
import StoreContract
import Testing
import TradingModel

@Suite struct PermitDecisionTests {
    private func facts(
        _ order: OrderRecord, now: Timestamp = start, held: Quantity? = nil, lastTradeAt: Timestamp? = nil, unsettled: [OrderID] = [],
        entry: OrderID? = nil, openSells: Quantity = .zero, openBuys: Quantity = .zero
    ) -> PermitFacts {
        PermitFacts(
            now: now, order: order, attempts: [],
            position: held.map { PositionRecord(account: "spot1", symbol: "BTCUSDT", quantity: $0, averagePrice: 1, realizedProfit: 0, updatedAt: start) },
            lastTradeAt: lastTradeAt, lastTradeID: "earlier", unsettled: unsettled, entryOfSameSignal: entry, openSellQuantity: openSells,
            openBuyQuantity: openBuys)
    }
    private func decide(_ facts: PermitFacts, hold: (reason: String, detail: String)? = nil) -> PermitVerdict {
        PermitDecision(instrument: btc, capabilities: capabilities, hold: hold).decide(facts)
    }
    private func reason(_ verdict: PermitVerdict) -> String {
        switch verdict {
        case .grant: "grant"
        case .close(let state, let reason, _): "\(state.rawValue):\(reason)"
        case .wait(let reason): "wait:\(reason)"
        }
    }

    @Test func `a queued order with nothing against it is granted complete`() throws {
        guard case .grant(let order, _) = decide(facts(sampleOrder(quantity: try Quantity("0.0100049")))) else { return #expect(Bool(false)) }
        #expect(order.quantity == (try Quantity("0.01")))
        #expect(order.clientOrderID == "ts-1")
    }

    @Test func `the last instant of its age is still good, the next is stale`() {
        let order = sampleOrder()
        #expect(reason(decide(facts(order, now: order.expiresAt - .microseconds(1)))) == "grant")
        #expect(reason(decide(facts(order, now: order.expiresAt))) == "stale:signal_stale")
        #expect(reason(decide(facts(order, now: order.expiresAt), hold: ("venue_disconnected", "")))  == "blocked:venue_disconnected")
        #expect(reason(decide(facts(sampleOrder(state: .absent, attempts: 1), now: order.expiresAt))) == "abandoned:signal_stale")
    }

    @Test func `what is held back waits, whatever else allows it`() {
        #expect(reason(decide(facts(sampleOrder()), hold: ("venue_disconnected", ""))) == "wait:venue_disconnected")
    }

    @Test func `cooldown ends exactly at its end`() {
        let order = sampleOrder(policy: OrderPolicy(cooldown: .seconds(900)))
        #expect(reason(decide(facts(order, lastTradeAt: start - .seconds(900) + .microseconds(1)))) == "skipped:cooldown")
        #expect(reason(decide(facts(order, lastTradeAt: start - .seconds(900)))) == "grant")
        guard case .close(_, _, let detail) = decide(facts(order, lastTradeAt: start - .seconds(60))) else { return #expect(Bool(false)) }
        #expect(detail.contains("840.0 s left"))
    }

    @Test func `an observed guard only leaves a note`() {
        let order = sampleOrder(policy: OrderPolicy(cooldown: .seconds(900), observed: ["cooldown"]))
        #expect(decide(facts(order, lastTradeAt: start)) != .wait(reason: ""))
        guard case .grant(_, let notes) = decide(facts(order, lastTradeAt: start)) else { return #expect(Bool(false)) }
        #expect(notes == ["cooldown"])
    }

    @Test func `long only never sells what is not held`() {
        let policy = OrderPolicy(longOnly: true)
        #expect(reason(decide(facts(sampleOrder(side: .sell, policy: policy)))) == "skipped:no_long_position")
        #expect(reason(decide(facts(sampleOrder(side: .sell, policy: policy), held: 1, openSells: 1))) == "skipped:no_long_position")
        guard case .grant(let order, _) = decide(facts(sampleOrder(side: .sell, quantity: 3, policy: policy), held: 2)) else { return #expect(Bool(false)) }
        #expect(order.quantity == 2)
        #expect(reason(decide(facts(sampleOrder(policy: policy), held: 2))) == "grant")
    }

    @Test func `pyramiding can be refused`() {
        let policy = OrderPolicy(longOnly: true, pyramiding: .skip)
        #expect(reason(decide(facts(sampleOrder(policy: policy), held: 1))) == "skipped:already_long")
        #expect(reason(decide(facts(sampleOrder(policy: policy), openBuys: 1))) == "skipped:already_long")
    }

    @Test func `an unsettled order of the same instrument makes others wait or skip`() {
        #expect(reason(decide(facts(sampleOrder(), unsettled: ["x"]))) == "wait:unsettled_order")
        #expect(reason(decide(facts(sampleOrder(policy: OrderPolicy(onBusy: .skip)), unsettled: ["x"]))) == "skipped:busy")
    }

    @Test func `one signal enters one instrument of one account once`() {
        #expect(reason(decide(facts(sampleOrder(), entry: "S-001"))) == "skipped:entry_exists")
    }

    @Test func `the instrument's rules are enforced on both sides of each edge`() throws {
        #expect(reason(decide(facts(sampleOrder(quantity: try Quantity("0.00001"))))) == "grant")
        #expect(reason(decide(facts(sampleOrder(quantity: try Quantity("0.000009"))))) == "blocked:below_minimum")
        #expect(reason(decide(facts(sampleOrder(quantity: 120)))) == "grant")
        #expect(reason(decide(facts(sampleOrder(quantity: 121)))) == "blocked:above_maximum")
        #expect(reason(decide(facts(sampleOrder(type: .limit, limitPrice: try Price("60000.01"))))) == "grant")
        #expect(reason(decide(facts(sampleOrder(type: .limit, limitPrice: try Price("60000.001"))))) == "blocked:off_tick")
        #expect(reason(decide(facts(sampleOrder(type: .limit, quantity: try Quantity("0.0001"), limitPrice: 49999)))) == "blocked:below_minimum_notional")
        #expect(reason(decide(facts(sampleOrder(type: .limit, quantity: try Quantity("0.0001"), limitPrice: 50000)))) == "grant")
        #expect(reason(decide(facts(sampleOrder(type: .stop)))) == "blocked:unsupported_type")
    }

    @Test func `attempts that may have left are bounded, others are not`() {
        func tried(_ outcomes: [String]) -> PermitFacts {
            var facts = facts(sampleOrder(state: .absent, attempts: outcomes.count))
            facts.attempts = outcomes.enumerated().map { attempt($0.offset + 1, outcome: $0.element) }
            return facts
        }
        #expect(reason(decide(tried(["unknown", "unknown"]))) == "grant")
        #expect(reason(decide(tried(["unknown", "not_sent", "unknown", "unknown"]))) == "abandoned:attempts_exhausted")
        #expect(reason(decide(tried(Array(repeating: "not_sent", count: 20)))) == "grant")
    }
}

@Suite struct ResolutionTests {
    private let boot = MonotonicInstant(sinceBoot: .seconds(1000))

    private func next(_ semantics: VenueSemantics, negatives: [Duration], now: Duration, dead: Bool = false, asked: Int = 9, type: OrderType = .market) -> Resolution.Step {
        Resolution(semantics: semantics, lastByteBy: boot + .seconds(5), holderIsDead: dead, pauseMargin: .seconds(30)).next(
            order: sampleOrder(type: type, state: .resolving, attempts: 1, limitPrice: type == .limit ? 1 : nil), asked: asked,
            negatives: negatives.map { boot + $0 }, since: boot, now: boot + now)
    }

    @Test func `absence is not concluded from answers before the last byte could surface`() {
        // Window 5 s, request expiry 5 s, clock bound 1 s, horizon 10 s.
        guard case .ask = next(semantics(), negatives: [.seconds(1), .seconds(10), .seconds(20)], now: .seconds(20)) else { return #expect(Bool(false)) }
        guard case .ask = next(semantics(), negatives: [.seconds(20.9), .seconds(26)], now: .seconds(26)) else { return #expect(Bool(false)) }
        #expect(next(semantics(), negatives: [.seconds(21), .seconds(26)], now: .seconds(26)) == .absent(mayResend: true))
    }

    @Test func `two answers must lie apart`() {
        guard case .ask = next(semantics(), negatives: [.seconds(21), .seconds(25.9)], now: .seconds(26)) else { return #expect(Bool(false)) }
    }

    @Test func `a paused sender is waited for unless it is proven dead`() {
        let noExpiry = semantics(.forever, expiry: .none, horizon: .zero)
        guard case .ask = next(noExpiry, negatives: [.seconds(6), .seconds(12)], now: .seconds(12)) else { return #expect(Bool(false)) }
        #expect(next(noExpiry, negatives: [.seconds(6), .seconds(12)], now: .seconds(12), dead: true) == .absent(mayResend: true))
        #expect(next(noExpiry, negatives: [.seconds(35), .seconds(40)], now: .seconds(40)) == .absent(mayResend: true))
    }

    @Test func `a venue that executes a resend twice never gets one`() {
        guard case .park = next(semantics(.none), negatives: [.seconds(21), .seconds(26)], now: .seconds(26)) else { return #expect(Bool(false)) }
    }

    @Test func `a freed id is not resent as a market order where requests do not expire`() {
        let venue = semantics(.amongOpen, expiry: .none)
        guard case .park = next(venue, negatives: [.seconds(50), .seconds(60)], now: .seconds(60)) else { return #expect(Bool(false)) }
        #expect(next(venue, negatives: [.seconds(50), .seconds(60)], now: .seconds(60), type: .limit) == .absent(mayResend: true))
    }

    @Test func `a venue whose queries prove nothing is parked, never concluded`() {
        guard case .park = next(semantics(lookup: .openOnly), negatives: [], now: .seconds(60)) else { return #expect(Bool(false)) }
    }

    @Test func `patience ends with a person, not with a rejection`() {
        guard case .park = next(semantics(), negatives: [], now: .seconds(601)) else { return #expect(Bool(false)) }
    }
}
