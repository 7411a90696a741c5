import ServerKit
import SimulatorKit
import Synchronization
import TradingModel

/// The venue's WebSocket with the user channel and the heartbeats, as one connection sees it.
struct CoinbaseSocket: Sendable {
    /// A connection must subscribe within this time. Source: docs.cdp.coinbase.com, "WebSocket overview", read 2026-11-21.
    static let firstSubscription = Duration.seconds(5)
    /// Orders in one message of a snapshot. Source: "WebSocket channels", read 2026-11-21.
    static let snapshotBatch = 50
    /// Messages that a slow reader may be behind.
    private static let outboxLimit = 10_000

    /// What waits to be numbered and sent.
    private struct Outgoing: Sendable {
        let channel: String
        let events: JSONValue
    }

    let desk: CoinbaseDesk
    let heartbeatInterval: Duration

    /// Serves one connection until it ends.
    func serve(_ connection: WebSocketConnection) async throws {
        try await desk.controls.streams.withConnection(connection) { number in
            let (outbox, output) = AsyncStream.makeStream(of: Outgoing.self, bufferingPolicy: .bufferingOldest(Self.outboxLimit))
            let session = CoinbaseSession()
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                group.addTask { try await write(outbox, to: connection, number: number) }
                group.addTask {
                    try await desk.engine.clock.sleep(for: Self.firstSubscription)
                    if !session.hasSubscribed { connection.drop() }
                }
                for try await message in connection.messages {
                    guard case .text(let text) = message else { continue }
                    let account: String
                    let channel: String
                    let isUnsubscribe: Bool
                    do throws(CoinbaseError) { (account, channel, isUnsubscribe) = try read(text) } catch {
                        // The venue says the same of a bad token and of a channel that it does not have.
                        try await fail(connection, number)
                        continue
                    }
                    let isNew = isUnsubscribe ? session.remove(channel) : session.add(channel)
                    // Taken before the answer, so that nothing that happens after it is missed.
                    let events = isNew && channel == "user" ? desk.engine.exchange.events(of: account) : nil
                    output.yield(Outgoing(channel: "subscriptions", events: subscriptions(session.channels)))
                    if let events {
                        for batch in snapshot(account) { output.yield(Outgoing(channel: "user", events: batch)) }
                        group.addTask { await tell(events, session, output, connection) }
                    } else if isNew {
                        group.addTask { try await beat(session, output) }
                    }
                }
            }
        }
    }

    private func read(_ text: String) throws(CoinbaseError) -> (account: String, channel: String, isUnsubscribe: Bool) {
        guard let request = try? JSONValue(parsing: text), case .string(let channel)? = request["channel"],
            ["user", "heartbeats"].contains(channel)
        else { throw .unauthorized }
        let account = try desk.account(request["jwt"]?.scalarText, uris: nil, at: desk.engine.exchange.now)
        return (account, channel, request["type"] == "unsubscribe")
    }

    private func fail(_ connection: WebSocketConnection, _ number: Int) async throws {
        guard !desk.controls.streams.isSilent(number) else { return }
        try await connection.write(text: JSONValue.object(["type": "error", "message": "authentication failure"]).text)
    }

    /// The only writer of numbered messages: the count runs over all channels of the connection.
    private func write(_ outbox: AsyncStream<Outgoing>, to connection: WebSocketConnection, number: Int) async throws {
        var sequence = 0
        var held: [String] = []
        for await message in outbox {
            let text = JSONValue.object([
                "channel": .string(message.channel), "client_id": "", "timestamp": .string(desk.engine.exchange.now.description),
                "sequence_num": .integer(sequence), "events": message.events,
            ]).text
            sequence += 1
            if message.channel == "user" {
                try await desk.controls.streams.send(text, on: connection, number: number, held: &held)
            } else if !desk.controls.streams.isSilent(number) {
                try await connection.write(text: text)
                for late in held { try await connection.write(text: late) }
                held.removeAll()
            }
        }
    }

    private func subscriptions(_ channels: [String]) -> JSONValue {
        // For `user` it is the user's id, not the products.
        let members = channels.map { JSONValue.Member($0, .array([.string($0 == "user" ? CoinbaseIDs.user : $0)])) }
        return .array([.object(["subscriptions": .object(members)])])
    }

    /// The open orders; an account without any gets an empty batch.
    private func snapshot(_ account: String) -> [JSONValue] {
        let open = desk.engine.exchange.read { core in core.openOrders(account: account) }.map(desk.engine.update)
        let starts = stride(from: 0, through: open.count, by: Self.snapshotBatch)
        return starts.map { start in event("snapshot", Array(open.dropFirst(start).prefix(Self.snapshotBatch))) }
    }

    /// One update for each request's effects on an order: the executions between two updates are not told one by one.
    private func tell(
        _ batches: AsyncStream<[ExchangeEvent]>, _ session: CoinbaseSession, _ output: AsyncStream<Outgoing>.Continuation, _ connection: WebSocketConnection
    ) async {
        for await batch in batches {
            guard session.channels.contains("user") else { return }
            var last: [Int64: SimulatedOrder] = [:]
            for change in batch {
                if case .accepted = change.kind {
                    output.yield(Outgoing(channel: "user", events: event("update", [desk.engine.update(change.order)])))
                } else {
                    last[change.order.id] = change.order
                }
            }
            for order in last.values.sorted(by: { $0.id < $1.id }) {
                output.yield(Outgoing(channel: "user", events: event("update", [desk.engine.update(order)])))
            }
        }
        // A reader that has fallen too far behind loses its connection, as at the venue.
        if !Task.isCancelled { connection.drop() }
    }

    private func event(_ type: String, _ orders: [JSONValue]) -> JSONValue {
        .array([
            .object([
                "type": .string(type), "orders": .array(orders),
                "positions": .object(["perpetual_futures_positions": .array([]), "expiring_futures_positions": .array([])]),
            ])
        ])
    }

    private func beat(_ session: CoinbaseSession, _ output: AsyncStream<Outgoing>.Continuation) async throws {
        var counter = 0
        while session.channels.contains("heartbeats") {
            // The venue's own form, which is not RFC 3339.
            let time = desk.engine.exchange.now.description.replacing("T", with: " ").replacing("Z", with: " +0000 UTC m=+\(counter).0")
            output.yield(
                Outgoing(
                    channel: "heartbeats",
                    events: .array([.object(["current_time": .string(time), "heartbeat_counter": .integer(counter)])])))
            counter += 1
            try await desk.engine.clock.sleep(for: heartbeatInterval)
        }
    }
}

/// What one connection has subscribed to.
final class CoinbaseSession: Sendable {
    private struct State {
        var hasSubscribed = false
        var channels: [String] = []
    }

    private let state = Mutex(State())

    var hasSubscribed: Bool { state.withLock { $0.hasSubscribed } }
    var channels: [String] { state.withLock { $0.channels } }

    /// Whether it is new.
    func add(_ channel: String) -> Bool {
        state.withLock { state in
            state.hasSubscribed = true
            guard !state.channels.contains(channel) else { return false }
            state.channels.append(channel)
            return true
        }
    }

    /// Always false: nothing begins by it.
    func remove(_ channel: String) -> Bool {
        state.withLock { $0.channels.removeAll { $0 == channel } }
        return false
    }
}
