import OrderFlow
import Testing
import TradingModel

@Suite struct CancellingTests {
    @Test(arguments: OrderState.allCases)
    func `what a wish to cancel means follows from the state, and each move that it asks for is allowed`(_ state: OrderState) {
        var order = sampleOrder()
        order.state = state
        let step = Cancelling.step(order)
        switch state {
        case .queued: #expect(step == .withdraw && OrderStateMachine.allows(state, to: .skipped))
        case .absent: #expect(step == .withdraw && OrderStateMachine.allows(state, to: .abandoned))
        case .accepted, .partiallyFilled: #expect(step == .ask && OrderStateMachine.allows(state, to: .cancelPending))
        case .cancelPending: #expect(step == .ask)
        case .permitted, .unknown, .resolving, .parked, .replacePending: #expect(step == .undecided)
        case .filled, .cancelled, .expired, .rejected, .abandoned, .skipped, .blocked, .stale: #expect(step == .ended)
        }
        // A leg without a life of its own is not taken back alone.
        order.bracketRole = .stopLoss
        if step == .withdraw { #expect(Cancelling.step(order) == .undecided) } else { #expect(Cancelling.step(order) == step) }
    }
}
