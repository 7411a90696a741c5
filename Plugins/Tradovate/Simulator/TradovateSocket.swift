import ServerKit
import SimulatorKit
import Synchronization
import TradingModel

/// The venue's WebSocket: requests in four lines, answers and events in framed arrays.
struct TradovateSocket: Sendable {
    static let path = "/v1/websocket"

    struct Timing: Sendable {
        /// Between two heartbeats of the server.
        var heartbeat: Duration = .milliseconds(2500)
        /// A client that is silent for this long is closed. Ours: the venue does not say.
        var silence: Duration = .seconds(10)
        /// Until the authorisation. Ours as well.
        var authorisation: Duration = .seconds(10)
    }

    /// How events are shaped: clients must understand all of it.
    struct Shape: Sendable {
        /// `entity` is a list of one.
        var entityIsArray = false
        /// `d` is a list of all items of the frame.
        var bodyIsArray = false
    }

    let desk: TradovateDesk
    let timing: Timing
    let shape: Shape
    let connections: TradovateConnections

    func serve(_ connection: WebSocketConnection) async throws {
        try await desk.controls.streams.withConnection(connection) { number in
            let key = connections.add(connection)
            defer { connections.remove(key) }
            let link = Link(clock: desk.venue.clock)
            try await connection.write(text: "o")
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                group.addTask { try await read(connection, number, link) }
                group.addTask { try await beat(connection, number, link) }
                group.addTask { try await send(connection, number, link) }
                try await group.next()
            }
        }
    }

    /// What one connection has agreed with the venue.
    final class Link: Sendable {
        struct State {
            var token: String?
            var heardAt: MonotonicInstant
            var openedAt: MonotonicInstant
        }
        let state: Mutex<State>
        let events: AsyncStream<AsyncStream<[EntityEvent]>>
        let start: AsyncStream<AsyncStream<[EntityEvent]>>.Continuation

        init(clock: any TradingClock) {
            state = Mutex(State(token: nil, heardAt: clock.monotonic, openedAt: clock.monotonic))
            (events, start) = AsyncStream.makeStream(of: AsyncStream<[EntityEvent]>.self, bufferingPolicy: .bufferingNewest(1))
        }
    }

    private func read(_ connection: WebSocketConnection, _ number: Int, _ link: Link) async throws {
        for try await message in connection.messages {
            guard case .text(let text) = message else { continue }
            link.state.withLock { $0.heardAt = desk.venue.clock.monotonic }
            guard text != "[]" else { continue }
            let parts = text.split(separator: "\n", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 4, let id = Int64(parts[1]) else { return try await connection.write(text: "c[3000,\"Malformed request\"]") }
            try await handle(parts[0].lowercased(), id, query: parts[2], body: parts[3], connection, number, link)
        }
    }

    private func handle(
        _ endpoint: String, _ id: Int64, query: String, body: String, _ connection: WebSocketConnection, _ number: Int, _ link: Link
    ) async throws {
        if endpoint == "authorize" {
            guard case .good = desk.sessions.check(body) else {
                return try await respond(connection, number, id, TradovateAnswer.text(401, "Access is denied"))
            }
            link.state.withLock { $0.token = body }
            return try await respond(connection, number, id, TradovateAnswer(status: 200, body: nil))
        }
        let json = (try? JSONValue(parsing: body)) ?? .null
        if endpoint == "user/syncrequest" {
            let token = link.state.withLock { $0.token }
            guard case .good = desk.sessions.check(token ?? "") else {
                return try await respond(connection, number, id, TradovateAnswer.text(401, "Access is denied"))
            }
            if let penalty = desk.sessions.penalty(for: endpoint, ticket: json["p-ticket"]?.string) {
                return try await respond(connection, number, id, TradovateAnswer(status: 200, body: penalty))
            }
            desk.controls.log.add(
                method: "WS", path: "/v1/user/syncrequest", parameters: [], at: desk.venue.clock.wallTime, outcome: "200", fault: nil)
            var accounts = Set(desk.venue.accounts.map(\.id))
            if case .array(let stated)? = json["accounts"] { accounts = Set(stated.compactMap(\.integer)) }
            // Taken before the snapshot, so that nothing that happens after it is missed.
            let events = desk.venue.events(of: accounts)
            try await respond(connection, number, id, TradovateAnswer(status: 200, body: desk.venue.snapshot(of: accounts)))
            link.start.yield(events)
            return
        }
        let pairs = query.split(separator: "&").map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
        let parameters = Dictionary(pairs.filter { $0.count == 2 }.map { ($0[0], $0[1]) }, uniquingKeysWith: { first, _ in first })
        let isPost = json != .null
        let answer = try await desk.answer(
            TradovateRequest(
                endpoint: endpoint, isPost: isPost, parameters: parameters, body: json, token: link.state.withLock { $0.token }, method: "WS"))
        switch answer {
        case .reply(let reply): try await respond(connection, number, id, reply)
        case .drop: connection.drop()
        case .garbage: try await connection.write(text: "a" + WireReply<SimulatorReply>.garbageText)
        case .truncated(let reply, let bytes):
            let whole = envelope(id, reply)
            try await connection.write(text: String(whole.prefix(bytes ?? whole.count / 2)))
            connection.drop()
        }
    }

    private func respond(_ connection: WebSocketConnection, _ number: Int, _ id: Int64, _ answer: TradovateAnswer) async throws {
        guard !desk.controls.streams.isSilent(number) else { return }
        try await connection.write(text: envelope(id, answer))
    }

    private func envelope(_ id: Int64, _ answer: TradovateAnswer) -> String {
        var message = JSONValue.object(["s": .integer(answer.status), "i": .integer(id)])
        if let body = answer.body { message = message.setting("d", body) }
        return "a" + JSONValue.array([message]).text
    }

    private func beat(_ connection: WebSocketConnection, _ number: Int, _ link: Link) async throws {
        let clock = desk.venue.clock
        while true {
            try await clock.sleep(for: timing.heartbeat)
            let (token, heardAt, openedAt) = link.state.withLock { ($0.token, $0.heardAt, $0.openedAt) }
            let isLate = token == nil && clock.monotonic - openedAt >= timing.authorisation
            guard !isLate, clock.monotonic - heardAt < timing.silence else {
                try await connection.write(text: "c[3000,\"Go away!\"]")
                return connection.drop()
            }
            if let token {
                switch desk.sessions.check(token) {
                case .displaced, .unknown:
                    try await connection.write(text: "c[3000,\"Go away!\"]")
                    return connection.drop()
                // A socket outlives its token.
                case .good, .expired: break
                }
            }
            if !desk.controls.streams.isSilent(number) { try await connection.write(text: "h") }
        }
    }

    private func send(_ connection: WebSocketConnection, _ number: Int, _ link: Link) async throws {
        for await events in link.events {
            var held: [String] = []
            for await batch in events {
                try await desk.controls.streams.send(frame(batch), on: connection, number: number, held: &held)
                guard !held.isEmpty else { continue }
                try await desk.venue.clock.sleep(for: StreamFaults.reorderWait)
                for late in held { try await connection.write(text: late) }
                held.removeAll()
            }
            // A reader that has fallen too far behind loses its connection.
            return connection.drop()
        }
    }

    private func frame(_ batch: [EntityEvent]) -> String {
        let items = batch.map { event in
            JSONValue.object([
                "entityType": .string(event.kind), "eventType": event.isNew ? "Created" : "Updated",
                "entity": shape.entityIsArray ? .array([event.entity]) : event.entity,
            ])
        }
        let messages =
            shape.bodyIsArray
            ? [JSONValue.object(["e": "props", "d": .array(items)])] : items.map { JSONValue.object(["e": "props", "d": $0]) }
        return "a" + JSONValue.array(messages).text
    }
}

/// The open sockets, so that a control can speak to all of them.
final class TradovateConnections: Sendable {
    private let state = Mutex((next: 0, open: [Int: WebSocketConnection]()))

    func add(_ connection: WebSocketConnection) -> Int {
        state.withLock { state in
            state.next += 1
            state.open[state.next] = connection
            return state.next
        }
    }

    func remove(_ key: Int) { state.withLock { _ = $0.open.removeValue(forKey: key) } }
    var all: [WebSocketConnection] { state.withLock { Array($0.open.values) } }
}
