import BrokerContract
import Synchronization
import TradingModel

/// Notices in the cumulative updates of the stream that an order has traded, and remembers which executions were told.
///
/// The channel tells no executions. They are read by REST and told once, under the ids that queries have.
final class FillFeed: Sendable {
    /// Orders that wait for their executions to be read.
    private static let queueLimit = 1024
    /// Executions and orders that are remembered. One that is told again does no harm: it has the same id.
    private static let memoryLimit = 20_000

    private struct State {
        var queue: AsyncStream<OrderReference>.Continuation?
        var filled: [VenueOrderID: Quantity] = [:]
        var told: Set<ExecutionID> = []
    }

    private let state = Mutex(State())

    /// Orders whose executions are to be read. One consumer; a new call ends the old stream.
    func requests() -> AsyncStream<OrderReference> {
        let (stream, continuation) = AsyncStream.makeStream(of: OrderReference.self, bufferingPolicy: .bufferingOldest(Self.queueLimit))
        let old = state.withLock { state in
            defer { state.queue = continuation }
            return state.queue
        }
        old?.finish()
        return stream
    }

    /// False if the order has traded and cannot be queued.
    func note(_ report: OrderReport) -> Bool {
        guard report.filledQuantity > 0, let id = report.clientOrderID else { return true }
        return state.withLock { state in
            guard report.filledQuantity > state.filled[report.venueOrderID] ?? .zero else { return true }
            if state.filled.count >= Self.memoryLimit { state.filled.removeAll() }
            state.filled[report.venueOrderID] = report.filledQuantity
            let reference = OrderReference(symbol: report.symbol, clientOrderID: id, venueOrderID: report.venueOrderID)
            if case .enqueued? = state.queue?.yield(reference) { return true }
            return false
        }
    }

    /// Whether this execution was not told before.
    func isNew(_ id: ExecutionID) -> Bool {
        state.withLock { state in
            if state.told.count >= Self.memoryLimit { state.told.removeAll() }
            return state.told.insert(id).inserted
        }
    }
}
