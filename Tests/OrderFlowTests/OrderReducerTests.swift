import BrokerContract
import OrderFlow
import StoreContract
import Testing
import TradingModel

@Suite struct OrderStateMachineTests {
    @Test(arguments: OrderState.allCases)
    func `a terminal state leads nowhere and every open state leads somewhere`(_ state: OrderState) {
        let moves = OrderStateMachine.moves[state] ?? []
        #expect(moves.isEmpty == state.isTerminal)
        #expect(!moves.contains(state))
    }

    @Test func `an unknown order is never rejected, abandoned or sent again without evidence`() {
        for state in [OrderState.unknown, .resolving] {
            #expect(!OrderStateMachine.allows(state, to: .permitted))
            #expect(!OrderStateMachine.allows(state, to: .abandoned))
            #expect(!OrderStateMachine.allows(state, to: .queued))
        }
    }

    @Test func `nothing is sent but from queued or absent, by proof or by a person's decision`() {
        let sources = OrderState.allCases.filter { $0 != .permitted && OrderStateMachine.allows($0, to: .permitted) }
        #expect(Set(sources) == [.queued, .absent])
    }

    @Test func `every state can be reached from queued`() {
        var reached: Set<OrderState> = [.queued]
        var frontier: [OrderState] = [.queued]
        while let state = frontier.popLast() {
            for next in OrderStateMachine.moves[state] ?? [] where reached.insert(next).inserted { frontier.append(next) }
        }
        // Pending changes begin with a person's or a rule's request; they too are in the table.
        #expect(reached == Set(OrderState.allCases))
    }
}

@Suite struct OrderReducerTests {
    private func permitted(quantity: Quantity = 1) -> OrderSnapshot {
        OrderSnapshot(order: sampleOrder(quantity: quantity, state: .permitted, attempts: 1), attempts: [attempt()], fills: [], position: nil)
    }
    private func reduce(_ snapshot: OrderSnapshot, _ report: OrderReport?, _ fills: [Fill] = []) -> OrderSnapshot {
        snapshot.applying(OrderReducer.evidence(report, fills: fills, of: snapshot, base: "BTC", at: start))
    }
    private let evidence = Evidence(mayHaveLeft: true, httpStatus: 200)

    @Test func `a move that the table does not have is refused, recorded and alerted`() {
        let unknown = OrderSnapshot(order: sampleOrder(state: .unknown, attempts: 1), attempts: [attempt()], fills: [], position: nil)
        for state in [OrderState.abandoned, .queued, .permitted] {
            let change = OrderReducer.move(unknown, to: state, reason: "because", detail: "", at: start)
            #expect(change?.order.state == .unknown, "\(state)")
            #expect(change?.journal.map(\.type) == ["order.illegal_move"] && change?.alerts.map(\.type) == ["illegal_transition"], "\(state)")
        }
    }

    @Test func `a reply with all fills fills the order and the position`() {
        let change = OrderReducer.outcome(
            .accepted(report(.filled, filled: 1), fills: [fill("a", 1)], evidence), attempt: 1, of: permitted(), base: "BTC", at: start)
        #expect(change?.order.state == .filled)
        #expect(change?.position?.quantity == 1)
        #expect(change?.attempts.first?.outcome == "accepted")
        #expect(change?.order.filledAt == start)
    }

    @Test func `an order told filled stays open until its fills are known`() {
        let told = reduce(permitted(), report(.filled, filled: 1))
        #expect(told.order.state == .partiallyFilled)
        #expect(told.position == nil)
        let done = reduce(told, nil, [fill("a", 1)])
        #expect(done.order.state == .filled)
        #expect(done.position?.quantity == 1)
    }

    @Test func `an order told cancelled behind a part stays open until the fills of that part are known`() throws {
        let half = try Quantity("0.5")
        let told = reduce(permitted(), report(.cancelled, filled: half))
        #expect(told.order.state == .partiallyFilled && told.order.filledQuantity == half)
        let known = reduce(told, report(.cancelled, filled: half), [fill("a", half)])
        #expect(known.order.state == .cancelled && known.position?.quantity == half)
    }

    @Test func `a timeout is unknown, never rejected`() {
        let change = OrderReducer.outcome(.unknown(.timedOut, evidence), attempt: 1, of: permitted(), base: nil, at: start)
        #expect(change?.order.state == .unknown)
        #expect(change?.alerts.first?.type == "unknown_order")
    }

    @Test func `a timeout after the stream told the fill changes nothing but the attempt`() {
        let filled = reduce(permitted(), report(.filled, filled: 1), [fill("a", 1)])
        let change = OrderReducer.outcome(.unknown(.timedOut, evidence), attempt: 1, of: filled, base: nil, at: start)
        #expect(change?.order.state == .filled)
        #expect(change?.attempts.first?.outcome == "unknown")
    }

    @Test func `a definitive refusal rejects`() {
        let change = OrderReducer.outcome(.refused(.insufficientFunds, evidence), attempt: 1, of: permitted(), base: nil, at: start)
        #expect(change?.order.state == .rejected)
        #expect(change?.order.reason == "insufficient_funds")
    }

    @Test(arguments: [OrderState.accepted, .cancelPending])
    func `what the venue had taken and rejects later ends, also while its cancel is asked for`(_ state: OrderState) {
        var live = reduce(permitted(), report(.accepted))
        live.order.state = state
        let change = OrderReducer.evidence(report(.rejected), fills: [], of: live, base: nil, at: start)
        #expect(change?.order.state == .rejected && change?.alerts.contains { $0.type == "illegal_transition" } == false)
    }

    @Test(arguments: [OrderState.partiallyFilled, .cancelPending])
    func `what has traded is not rejected any more: its rest ends`(_ state: OrderState) {
        var live = reduce(permitted(quantity: 2), report(.partiallyFilled, filled: 1, quantity: 2), [fill("a", 1)])
        live.order.state = state
        let change = OrderReducer.evidence(report(.rejected, filled: 1, quantity: 2), fills: [], of: live, base: nil, at: start)
        #expect(change?.order.state == .cancelled && change?.order.filledQuantity == 1)
        #expect(change?.alerts.contains { $0.type == "illegal_transition" } == false)
    }

    @Test func `what did not leave may be tried again, what cannot be sent is abandoned`() {
        let retry = OrderReducer.outcome(.notSent(.connectionRefused, evidence), attempt: 1, of: permitted(), base: nil, at: start)
        #expect(retry?.order.state == .absent)
        let never = OrderReducer.outcome(.notSent(.unsupported, evidence), attempt: 1, of: permitted(), base: nil, at: start)
        #expect(never?.order.state == .abandoned)
    }

    @Test func `a reply that contradicts the stream is alerted and loses`() {
        let live = reduce(permitted(), report(.accepted))
        let change = OrderReducer.outcome(.refused(.other("x"), evidence), attempt: 1, of: live, base: nil, at: start)
        #expect(change?.order.state == .accepted)
        #expect(change?.alerts.contains { $0.type == "contradiction" } == true)
    }

    @Test func `the same fill counts once`() {
        var snapshot = reduce(permitted(), nil, [fill("a", 1)])
        let again = OrderReducer.evidence(nil, fills: [fill("a", 1), fill("a", 1)], of: snapshot, base: nil, at: start)
        #expect(again == nil || again?.newFills.isEmpty == true)
        snapshot = snapshot.applying(again)
        #expect(snapshot.position?.quantity == 1)
    }

    @Test func `another order under our id parks ours`() {
        let change = OrderReducer.evidence(report(.accepted, quantity: 5), fills: [], of: permitted().asUnknown, base: nil, at: start)
        #expect(change?.order.state == .parked)
        #expect(change?.alerts.first?.severity == .critical)
    }

    @Test func `a late word of acceptance does not reopen a filled order`() {
        let filled = reduce(permitted(), report(.filled, filled: 1), [fill("a", 1)])
        #expect(reduce(filled, report(.accepted)).order.state == .filled)
    }

    @Test func `a fill after the end counts for the position and is alerted`() {
        let cancelled = reduce(permitted(), report(.cancelled))
        #expect(cancelled.order.state == .cancelled)
        let change = OrderReducer.evidence(nil, fills: [fill("late", 1)], of: cancelled, base: nil, at: start)
        #expect(change?.order.state == .cancelled)
        #expect(change?.position?.quantity == 1)
        #expect(change?.alerts.contains { $0.type == "late_fill" } == true)
    }

    @Test func `a market order that ends expired keeps what was filled`() {
        let ended = reduce(permitted(quantity: 2), report(.expired, filled: 1, quantity: 2), [fill("a", 1)])
        #expect(ended.order.state == .expired)
        #expect(ended.order.filledQuantity == 1)
    }

    @Test func `evidence in any order and multiplicity ends the same`() {
        var random = Seeded(state: 42)
        let pieces: [(OrderReport?, [Fill])] = [
            (report(.accepted, quantity: 3), []), (report(.partiallyFilled, filled: 1, quantity: 3), []), (nil, [fill("a", 1, at: 100)]),
            (nil, [fill("b", 1, at: 200)]), (nil, [fill("c", 1, at: 600)]), (report(.filled, filled: 3, quantity: 3), []),
            (report(.partiallyFilled, filled: 2, quantity: 3), [fill("b", 1, at: 200)]),
        ]
        for _ in 0..<500 {
            var sequence = pieces + (0..<3).map { _ in pieces[Int.random(in: 0..<pieces.count, using: &random)] }
            sequence.shuffle(using: &random)
            var snapshot = permitted(quantity: 3)
            var highest = Quantity.zero
            for (report, fills) in sequence {
                snapshot = reduce(snapshot, report, fills)
                #expect(snapshot.order.filledQuantity >= highest)
                highest = snapshot.order.filledQuantity
            }
            #expect(snapshot.order.state == .filled)
            #expect(snapshot.position?.quantity == 3)
            #expect(snapshot.order.averagePrice == 300)
        }
    }
}

extension OrderSnapshot {
    var asUnknown: OrderSnapshot {
        var copy = self
        copy.order.state = .unknown
        return copy
    }
}

struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        // SplitMix64.
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
