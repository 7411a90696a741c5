import HTTPTypes
import Hummingbird
import ServiceLifecycle
import StoreContract
import TradingModel

/// `GET /api/v1/events`: the journal as server-sent events, from any line on, without loss and without repetition.
struct EventEndpoint: Sendable {
    /// Lines read and written at a time.
    private static let batchSize = 200
    /// What clients are told to wait before they reconnect, in milliseconds.
    private static let retryMilliseconds = 2000
    private static let lastEventID = HTTPField.Name("Last-Event-ID")

    let store: any OrderStore
    let clock: any TradingClock
    let pingInterval: Duration
    let slots: EventStreamSlots

    /// Begins after `Last-Event-ID`, else after `?since=`, else with what comes from now on.
    func stream(_ request: Request) async throws -> Response {
        let query = try QueryParameters(request, known: ["since", "types"])
        let filter = EventFilter(
            patterns: try query.list("types", "a list of types such as order.*,alert.raised", EventFilter.Pattern.init) ?? [.all])
        let newest = try await store.lastJournalSequence()
        let start = try Self.start(request.headers, query) ?? newest
        guard start <= newest else {
            throw Problem.badParameter("since", "The journal ends at \(newest); nothing after \(start) can be awaited. Is this another store?")
        }
        guard let slot = slots.take() else { throw Problem.tooManyStreams }
        let body = ResponseBody { writer in
            defer { withExtendedLifetime(slot) {} }
            let wakeups = EventWakeups()
            // A proxy or client that goes away, and a shutdown, end the stream at once and not with the next failed write.
            try await request.body.consumeWithInboundCloseHandler { _ in
                try await withGracefulShutdownHandler {
                    try await write(after: start, filter, wakeups, to: &writer)
                } onGracefulShutdown: {
                    wakeups.end()
                }
            } onInboundClosed: {
                wakeups.end()
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"], body: body)
    }

    private static func start(_ headers: HTTPFields, _ query: QueryParameters) throws(Problem) -> Int64? {
        guard let stated = lastEventID.flatMap({ headers[$0] }) else { return try query.number("since", in: 0...Int64.max) }
        guard let sequence = Int64(stated), sequence >= 0 else {
            throw .badParameter("Last-Event-ID", "Last-Event-ID must be the id of an event of this stream.")
        }
        return sequence
    }

    private func write(
        after start: Int64, _ filter: EventFilter, _ wakeups: EventWakeups, to writer: inout any ResponseBodyWriter
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
            try await writer.write(ByteBuffer(string: "retry: \(Self.retryMilliseconds)\n\n"))
            var last = start
            var iterator = wakeups.stream.makeAsyncIterator()
            repeat {
                last = try await writeLines(after: last, filter, wakeups, to: &writer)
                if wakeups.takePing() { try await writer.write(ByteBuffer(string: ": ping\n\n")) }
            } while await iterator.next() != nil
        }
    }

    /// Writes the journal to its present end and returns the last sequence read.
    private func writeLines(
        after start: Int64, _ filter: EventFilter, _ wakeups: EventWakeups, to writer: inout any ResponseBodyWriter
    ) async throws -> Int64 {
        var last = start
        while !wakeups.hasEnded {
            let lines = try await store.journal(after: last, limit: Self.batchSize)
            guard let newest = lines.last else { break }
            var text = ByteBuffer()
            for line in lines where filter.matches(line.type) { text.writeString(line.serverSentEvent) }
            if text.readableBytes > 0 { try await writer.write(text) }
            last = newest.sequence
        }
        return last
    }
}

extension JournalEntry {
    /// One event; its data stands on one line.
    fileprivate var serverSentEvent: String {
        "id: \(sequence)\nevent: \(type)\ndata: \(row)\n\n"
    }
}
