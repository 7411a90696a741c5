import StoreContract
import TradingModel

/// Reads the journal from a line on and goes on as it grows, for one reader: without loss and without repetition.
struct JournalFollower: Sendable {
    /// Lines read and written at a time.
    private static let batchSize = 200

    let store: any OrderStore
    let clock: any TradingClock
    let pingInterval: Duration

    /// Where to begin. Throws what is wrong with the place that the reader states.
    ///
    /// - Parameter stated: The last line that the reader has; nil for what comes from now on.
    func start(after stated: Int64?) async throws -> Int64 {
        let newest = try await store.lastJournalSequence()
        let start = stated ?? newest
        guard start <= newest else {
            throw Problem.badParameter("since", "The journal ends at \(newest); nothing after \(start) can be awaited. Is this another store?")
        }
        return start
    }

    enum Step {
        /// What the filter lets through, never empty.
        case lines([JournalEntry])
        /// An interval has passed.
        case ping
    }

    /// Returns when `wakeups` end; throws what `emit` throws, when the reader is gone.
    func follow(
        after start: Int64, _ filter: EventFilter, _ wakeups: EventWakeups, emit: (Step) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Subscribed before the first read, so that no commit falls between the two.
            let commits = store.commits()
            let others = store.commitsOfOthers()
            group.addTask {
                for await _ in commits { wakeups.signalCommit() }
                wakeups.end()
            }
            // The journal is one for all gateways on the store.
            group.addTask { for await _ in others { wakeups.signalCommit() } }
            group.addTask {
                while !Task.isCancelled {
                    try await clock.sleep(for: pingInterval)
                    wakeups.signalPing()
                }
            }
            defer { group.cancelAll() }
            var last = start
            var iterator = wakeups.stream.makeAsyncIterator()
            repeat {
                while !wakeups.hasEnded {
                    let lines = try await store.journal(after: last, limit: Self.batchSize)
                    guard let newest = lines.last else { break }
                    let wanted = lines.filter { filter.matches($0.type) }
                    if !wanted.isEmpty { try await emit(.lines(wanted)) }
                    last = newest.sequence
                }
                if wakeups.takePing() { try await emit(.ping) }
            } while await iterator.next() != nil
        }
    }
}

extension EventFilter {
    /// From `?types=`; everything without it.
    init(_ query: QueryParameters) throws(Problem) {
        self.init(patterns: try query.list("types", "a list of types such as order.*,alert.raised", Pattern.init) ?? [.all])
    }
}
