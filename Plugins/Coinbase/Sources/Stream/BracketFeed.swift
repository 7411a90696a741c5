import Synchronization
import TradingModel

/// Orders of the stream that must be read before all about them can be told: it does not say which order is a bracket, and of what.
final class BracketFeed: Sendable {
    struct Entry: Sendable, Hashable {
        let id: VenueOrderID
        /// The event itself was not told.
        let isWithheld: Bool
    }

    private static let limit = 2048

    private struct State {
        var signal: AsyncStream<Void>.Continuation?
        var waiting: [Entry] = []
    }

    private let state = Mutex(State())

    /// One signal or more for whatever was noted since the last one. One consumer; a new call ends the old stream.
    func signals() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let old = state.withLock { state in
            defer { state.signal = continuation }
            return state.signal
        }
        old?.finish()
        continuation.yield()
        return stream
    }

    /// False if there is no room.
    func note(_ entry: Entry) -> Bool {
        state.withLock { state in
            if !state.waiting.contains(entry) {
                guard state.waiting.count < Self.limit else { return false }
                state.waiting.append(entry)
            }
            state.signal?.yield()
            return true
        }
    }

    func take(_ most: Int) -> [Entry] {
        state.withLock { state in
            defer { state.waiting.removeFirst(min(most, state.waiting.count)) }
            return Array(state.waiting.prefix(most))
        }
    }
}
