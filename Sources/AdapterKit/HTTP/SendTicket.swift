import BrokerContract
import Synchronization
import TradingModel

/// The right of one request to be written, decided once: it passes to the wire, or it is withdrawn, never both.
///
/// The decision is taken by ``SendGate`` at the moment of the write, on the connection's own thread. A ticket that was
/// withdrawn before is the proof that no byte left.
final class SendTicket: Sendable {
    enum State: Sendable, Equatable {
        case waiting
        case withdrawn(NotSentReason)
        case passed
    }

    private let state = Mutex(State.waiting)
    private let window: SendWindow?
    private let clock: any TradingClock

    init(window: SendWindow?, clock: any TradingClock) {
        self.window = window
        self.clock = clock
    }

    var current: State { state.withLock { $0 } }

    /// Whether the request may be written now. The clock is read here, once per part that is to be written.
    func pass() -> Bool {
        state.withLock { state in
            guard isOpen else {
                if state == .waiting { state = .withdrawn(.windowClosed) }
                return false
            }
            switch state {
            case .waiting:
                state = .passed
                return true
            case .passed: return true
            case .withdrawn: return false
            }
        }
    }

    /// Takes the right back. Returns the state after it: `passed` if the write came first.
    @discardableResult
    func withdraw(_ reason: NotSentReason) -> State {
        state.withLock { state in
            if state == .waiting { state = .withdrawn(reason) }
            return state
        }
    }

    private var isOpen: Bool { window.map { $0.isOpen(at: clock.monotonic) } ?? true }
}
