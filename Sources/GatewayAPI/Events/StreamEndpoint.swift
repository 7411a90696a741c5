import HTTPTypes
import Hummingbird
import ServerKit
import ServiceLifecycle
import StoreContract
import TradingModel

/// `GET /api/v1/stream`: the same lines as ``EventEndpoint``, as messages of a WebSocket.
///
/// Each message is one line of the journal. A client that reads slowly holds up only itself: lines wait in the journal, not in memory.
struct StreamEndpoint: Sendable {
    static let path = "/api/v1/stream"
    /// How long a client without the header has for its first message.
    private static let authorizationLimit = Duration.seconds(5)
    /// RFC 6455, 7.4.1: a policy is violated; try again later.
    private static let refused: UInt16 = 1008
    private static let busy: UInt16 = 1013

    let follower: JournalFollower
    let slots: EventStreamSlots
    let readers: BearerTokens

    func serve(_ connection: WebSocketConnection) async throws {
        var messages = connection.messages.makeAsyncIterator()
        let (start, filter): (Int64, EventFilter)
        do {
            try await authorize(connection, &messages)
            let query = try QueryParameters(connection.target.query, known: ["since", "types"])
            filter = try EventFilter(query)
            start = try await follower.start(after: query.number("since", in: 0...Int64.max))
        } catch let problem as Problem {
            return try await connection.close(code: Self.refused, reason: problem.code)
        }
        guard let slot = slots.take() else { return try await connection.close(code: Self.busy, reason: Problem.tooManyStreams.code) }
        defer { withExtendedLifetime(slot) {} }
        let wakeups = EventWakeups()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await follower.follow(after: start, filter, wakeups) { step in
                    // The connection pings by itself.
                    guard case .lines(let lines) = step else { return }
                    for line in lines { try await connection.write(text: line.row) }
                }
            }
            // What a client says after its token means nothing; that it says no more means its end.
            do { while try await messages.next() != nil {} } catch {}
            wakeups.end()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// By the header as everywhere, or, for browsers, which cannot set it, by a first message `{"token": "…"}`.
    private func authorize(
        _ connection: WebSocketConnection, _ messages: inout WebSocketConnection.Messages.AsyncIterator
    ) async throws {
        var fields = HTTPFields()
        for (name, value) in connection.target.headers where name.lowercased() == "authorization" { fields[.authorization] = value }
        if fields[.authorization] == nil {
            let channel = connection.channel
            let alarm = channel.eventLoop.scheduleTask(in: .nanoseconds(Self.authorizationLimit.wholeMilliseconds * 1_000_000)) { channel.close(promise: nil) }
            defer { alarm.cancel() }
            guard case .text(let text)? = try await messages.next() else { throw Problem.unauthorizedStream }
            fields[.authorization] = "Bearer \(try OperatorBody(Array(text.utf8), known: ["token"]).text("token"))"
        }
        try readers.authorize(fields)
    }
}

extension Problem {
    fileprivate static let unauthorizedStream = Problem(
        status: .unauthorized, code: "unauthorized", detail: "The first message must be {\"token\": \"…\"}.")
}
