import BrokerContract
import Synchronization
import TradingModel

/// Everything that the broker has told so far.
public final class EventRecord: Sendable {
    /// Events kept; more than any clause causes.
    static let limit = 100_000
    private let events = Mutex<[BrokerEvent]>([])
    private let patience: Duration

    init(patience: Duration) { self.patience = patience }

    var all: [BrokerEvent] { events.withLock { $0 } }
    func add(_ event: BrokerEvent) { events.withLock { if $0.count < Self.limit { $0.append(event) } } }

    /// Waits until an event from `index` on fits.
    func wait(from index: Int = 0, upTo limit: Duration? = nil, for fits: (BrokerEvent) -> Bool) async throws -> Bool {
        let clock = SystemClock()
        let end = clock.monotonic + (limit ?? patience)
        while clock.monotonic < end {
            if all.dropFirst(index).contains(where: fits) { return true }
            try await clock.sleep(for: .milliseconds(10))
        }
        return all.dropFirst(index).contains(where: fits)
    }

    var fills: [Fill] { all.compactMap { if case .fill(let fill) = $0 { fill } else { nil } } }
    var reports: [OrderReport] { all.compactMap { if case .order(let report) = $0 { report } else { nil } } }
    var connections: Int { all.count { $0 == .connected } }

    /// Whether something says that events may be missing.
    func toldLoss(from index: Int) -> Bool { all.dropFirst(index).contains(where: Self.isLoss) }

    static func isLoss(_ event: BrokerEvent) -> Bool {
        switch event {
        case .gap, .disconnected: true
        case .order, .fill, .connected: false
        }
    }
}
