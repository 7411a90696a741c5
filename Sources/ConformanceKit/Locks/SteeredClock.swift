import Synchronization
import TradingModel

/// The machine's clocks, moved by hand as a check wants them. Sleeping takes real time.
final class SteeredClock: TradingClock {
    private struct State {
        var offset = Duration.zero
        var wallOffset = Duration.zero
        /// How far both clocks move by being read.
        var step = Duration.zero
    }

    private let state = Mutex(State())
    private let machine = SystemClock()

    var wallTime: Timestamp { machine.wallTime + state.withLock { $0.offset + $0.wallOffset } }

    var monotonic: MonotonicInstant {
        machine.monotonic
            + state.withLock { state in
                state.offset += state.step
                return state.offset
            }
    }

    /// Lets time pass.
    func advance(by duration: Duration) { state.withLock { $0.offset += duration } }
    /// Sets the wall clock alone, as an operator or a time server would.
    func jumpWall(by duration: Duration) { state.withLock { $0.wallOffset += duration } }
    /// From now on so much time passes with each reading: everything that reads twice is slow.
    func slowDown(by step: Duration) { state.withLock { $0.step = step } }

    func sleep(for duration: Duration) async throws { try await machine.sleep(for: duration) }
}
