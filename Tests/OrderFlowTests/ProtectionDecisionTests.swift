import BrokerContract
import OrderFlow
import StoreContract
import Testing
import TradingModel

/// What is done for a position whose stop the gateway keeps.
@Suite struct ProtectionDecisionTests {
    private let policy = ProtectionPolicy(stopWithin: .seconds(3), onFailure: .flatten)

    private func stop(_ state: OrderState, _ quantity: Quantity, number: Int = 1) -> OrderRecord {
        var order = sampleOrder(side: .sell, type: .stopLimit, quantity: quantity, state: state, attempts: state == .queued ? 0 : 1, limitPrice: 57420)
        order.id = OrderID("S-000-p\(number)")
        order.stopPrice = 58000
        order.reduceOnly = true
        order.reason = state.isTerminal ? "no" : nil
        order.intent = OrderIntent(purpose: .stopLoss, episode: "E")
        return order
    }

    private func step(_ kind: CompensationStep.Kind, _ state: CompensationStep.State, attempts: Int = 1, order: OrderID? = "S-000-p1") -> CompensationStep {
        CompensationStep(
            id: "c-\(kind.rawValue)", episode: "E", account: "spot1", symbol: "BTCUSDT", kind: kind, state: state, attempts: attempts, orderID: order,
            nextAt: start, createdAt: start, updatedAt: start)
    }

    private func facts(
        held: Quantity, own: [OrderRecord] = [], steps: [CompensationStep] = [], after: Duration = .zero, rollingBack: Bool = false,
        leaving: Bool = false
    ) -> EpisodeFacts {
        var open = own.filter { !$0.state.isTerminal }
        if leaving {
            var close = sampleOrder(side: .sell)
            close.reduceOnly = true
            close.intent = OrderIntent(kind: .close)
            open.append(close)
        }
        return EpisodeFacts(
            now: start + after,
            episode: EpisodeRecord(
                id: "E", account: "spot1", symbol: "BTCUSDT", side: .buy, state: .pendingStop, entryID: "S-000", signalID: "S", strategy: "trend",
                hasTraded: true, stopLoss: 58000, protection: policy, unprotectedSince: start, isRollingBack: rollingBack, ownOrders: own.count,
                openedAt: start, updatedAt: start),
            position: PositionRecord(account: "spot1", symbol: "BTCUSDT", quantity: held, averagePrice: 60000, realizedProfit: 0, updatedAt: start),
            open: open, own: own, steps: steps, entry: sampleOrder(state: .filled, attempts: 1), nextLeg: 1 + own.count)
    }

    private func decide(_ facts: EpisodeFacts, sendableSince: Timestamp? = start) -> EpisodeWork? {
        ProtectionDecision(
            instrument: btc, capabilities: capabilities, rules: .init(form: .token, maximumLength: 36), sendableSince: sendableSince
        ).decide(facts)
    }

    @Test func `what is held gets a stop for what can be sold, on the instrument's steps`() throws {
        let work = try #require(decide(facts(held: try Quantity("0.0099951"))))
        let order = try #require(work.orders.first)
        #expect(try work.orders.count == 1 && order.requestedQuantity == Quantity("0.00999") && order.side == .sell && order.reduceOnly)
        #expect(order.type == .stopLimit && order.stopPrice == 58000 && order.limitPrice == 57420)
        #expect(try work.episode.dust == Quantity("0.0000051") && work.episode.ownOrders == 1)
        #expect(work.steps.map(\.state) == [.running] && work.steps.map(\.orderID) == [order.id])
    }

    @Test(arguments: OrderState.allCases.filter { !$0.isTerminal })
    func `while a stop may be at the venue no other is made`(_ state: OrderState) {
        let work = decide(facts(held: 1, own: [stop(state, 1)], steps: [step(.placeStop, .running)], after: .seconds(60)))
        #expect(work?.orders.isEmpty ?? true)
        #expect(work?.episode.isRollingBack != true)
    }

    @Test func `a stop that ended is made anew after a pause, and given up after the time that is allowed`() {
        let refused = [stop(.rejected, 1)]
        let paused = decide(facts(held: 1, own: refused, steps: [step(.placeStop, .running)]))
        #expect(paused?.orders.isEmpty == true && paused?.steps.map(\.state) == [.planned])
        var planned = step(.placeStop, .planned)
        planned.nextAt = start + .milliseconds(250)
        let again = decide(facts(held: 1, own: refused, steps: [planned], after: .milliseconds(250)))
        #expect(again?.orders.map(\.id) == ["E-p2"])
        let late = decide(facts(held: 1, own: refused, steps: [planned], after: .seconds(3)))
        #expect(late?.episode.isRollingBack == true && late?.orders.map(\.purpose) == [.flatten] && late?.alerts.map(\.type) == ["position_flattened"])
        // While nothing can be sent, nothing is given up.
        #expect(decide(facts(held: 1, own: refused, steps: [planned], after: .seconds(60)), sendableSince: nil)?.episode.isRollingBack != true)
        let back = decide(facts(held: 1, own: refused, steps: [planned], after: .seconds(60)), sendableSince: start + .seconds(59))
        #expect(back?.orders.map(\.purpose) == [.stopLoss])
    }

    @Test func `a position is given back by one order at a time, after its stops are gone`() {
        let planned = step(.flatten, .planned, attempts: 0, order: nil)
        let first = decide(facts(held: 1, own: [stop(.accepted, 1)], steps: [planned], rollingBack: true))
        #expect(first?.orders.isEmpty == true && first?.cancels == ["S-000-p1"])
        let second = decide(facts(held: 1, own: [stop(.cancelled, 1)], steps: [planned], rollingBack: true))
        #expect(second?.orders.map(\.purpose) == [.flatten] && second?.orders.first?.kind == .close)
        var flatten = stop(.accepted, 1, number: 2)
        flatten.type = .market
        flatten.intent = OrderIntent(kind: .close, purpose: .flatten, episode: "E")
        let third = decide(facts(held: 1, own: [stop(.cancelled, 1), flatten], steps: [step(.flatten, .running, order: "S-000-p2")], rollingBack: true))
        #expect(third?.orders.isEmpty ?? true)
        let spent = decide(facts(held: 1, steps: [step(.flatten, .planned, attempts: 5)], rollingBack: true))
        #expect(spent?.orders.isEmpty == true && spent?.alerts.map(\.type) == ["flatten_failed"] && spent?.steps.map(\.state) == [.failed])
    }

    @Test func `a smaller position gets its stops anew, a flat one loses them, and one that is being left gets none`() {
        #expect(decide(facts(held: 1, own: [stop(.accepted, 2)]))?.cancels == ["S-000-p1"])
        let flat = decide(facts(held: 0, own: [stop(.accepted, 2)], steps: [step(.placeStop, .running)]))
        #expect(flat?.cancels == ["S-000-p1"] && flat?.steps.map(\.state) == [.done])
        #expect(decide(facts(held: 1, leaving: true)) == nil)
        #expect(decide(facts(held: 1, own: [stop(.accepted, 1)], steps: [step(.placeStop, .running)]))?.steps.map(\.state) == [.done])
    }
}
