import HTTPTypes
import Hummingbird
import ServiceLifecycle
import StoreContract

/// `GET /api/v1/events`: the journal as server-sent events, from any line on, without loss and without repetition.
struct EventEndpoint: Sendable {
    /// What clients are told to wait before they reconnect, in milliseconds.
    private static let retryMilliseconds = 2000
    private static let lastEventID = HTTPField.Name("Last-Event-ID")

    let follower: JournalFollower
    let slots: EventStreamSlots

    /// Begins after `Last-Event-ID`, else after `?since=`, else with what comes from now on.
    func stream(_ request: Request) async throws -> Response {
        let query = try QueryParameters(request, known: ["since", "types"])
        let filter = try EventFilter(query)
        let start = try await follower.start(after: Self.stated(request.headers, query))
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

    private static func stated(_ headers: HTTPFields, _ query: QueryParameters) throws(Problem) -> Int64? {
        guard let stated = lastEventID.flatMap({ headers[$0] }) else { return try query.number("since", in: 0...Int64.max) }
        guard let sequence = Int64(stated), sequence >= 0 else {
            throw .badParameter("Last-Event-ID", "Last-Event-ID must be the id of an event of this stream.")
        }
        return sequence
    }

    private func write(
        after start: Int64, _ filter: EventFilter, _ wakeups: EventWakeups, to writer: inout any ResponseBodyWriter
    ) async throws {
        try await writer.write(ByteBuffer(string: "retry: \(Self.retryMilliseconds)\n\n"))
        try await follower.follow(after: start, filter, wakeups) { step in
            switch step {
            case .lines(let lines):
                var text = ByteBuffer()
                for line in lines { text.writeString(line.serverSentEvent) }
                try await writer.write(text)
            case .ping: try await writer.write(ByteBuffer(string: ": ping\n\n"))
            }
        }
    }
}

extension JournalEntry {
    /// One event; its data stands on one line.
    fileprivate var serverSentEvent: String {
        "id: \(sequence)\nevent: \(type)\ndata: \(row)\n\n"
    }
}
