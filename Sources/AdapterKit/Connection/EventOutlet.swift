import BrokerContract
import Synchronization

/// An adapter's events, in a bounded buffer. When it is full events are dropped, and a gap is told as soon as there is room.
public final class EventOutlet: Sendable {
    public let events: AsyncStream<BrokerEvent>
    private let continuation: AsyncStream<BrokerEvent>.Continuation
    private let owesGap = Mutex(false)

    public init(capacity: Int = 4096) {
        (events, continuation) = AsyncStream.makeStream(of: BrokerEvent.self, bufferingPolicy: .bufferingOldest(capacity))
    }

    public func yield(_ event: BrokerEvent) {
        owesGap.withLock { owes in
            if owes { owes = !put(.gap(reason: "the event buffer was full")) }
            // An event after a gap that could not be told yet would look like nothing was missing.
            guard !owes, put(event) else { return owes = true }
        }
    }

    /// Tells a gap that is owed. Called now and then, so that it is told even if no event follows.
    public func settle() {
        owesGap.withLock { owes in
            if owes { owes = !put(.gap(reason: "the event buffer was full")) }
        }
    }

    private func put(_ event: BrokerEvent) -> Bool {
        switch continuation.yield(event) {
        case .dropped: false
        default: true
        }
    }
}
