import ServerKit
import SimulatorKit
import Synchronization
import TradingModel

/// The listen keys of a venue that has them, and the streams that are opened with them.
///
/// Source: USD-M documentation, "User Data Streams"; binance-us-api-docs, user-data-stream.
final class BinanceListenKeys: Sendable {
    struct Entry: Sendable {
        let key: String
        var expiresAt: MonotonicInstant
    }

    private struct State {
        var byAccount: [String: Entry] = [:]
        var next = 1
    }

    /// Of a key that nobody prolongs: 60 minutes at the venue.
    let life: Duration
    private let clock: any TradingClock
    private let state = Mutex(State())

    init(life: Duration, clock: any TradingClock) {
        self.life = life
        self.clock = clock
    }

    func reset() { state.withLock { $0 = State() } }

    /// The account's key, new if it has none that lives; asking prolongs it.
    func create(_ account: String) -> String {
        state.withLock { state in
            let now = clock.monotonic
            if let entry = state.byAccount[account], entry.expiresAt > now {
                state.byAccount[account]?.expiresAt = now + life
                return entry.key
            }
            let digits = String(state.next)
            state.next += 1
            let key = "simListenKey" + String(repeating: "0", count: max(0, 52 - digits.count)) + digits
            state.byAccount[account] = Entry(key: key, expiresAt: now + life)
            return key
        }
    }

    func prolong(_ account: String) throws(BinanceError) -> String {
        guard let entry = living(account) else { throw BinanceError(-1125, "This listenKey does not exist.") }
        state.withLock { $0.byAccount[account]?.expiresAt = clock.monotonic + life }
        return entry.key
    }

    func close(_ account: String) { state.withLock { _ = $0.byAccount.removeValue(forKey: account) } }

    /// Nil once it has expired.
    func living(_ account: String) -> Entry? {
        state.withLock { $0.byAccount[account].flatMap { $0.expiresAt > clock.monotonic ? $0 : nil } }
    }

    func account(of key: String) -> String? {
        state.withLock { state in state.byAccount.first { $0.value.key == key && $0.value.expiresAt > clock.monotonic }?.key }
    }
}

/// A user stream opened with a listen key. Its messages are the events themselves.
struct BinanceUserSocket: Sendable {
    /// The key follows as a path component, as the parameter `listenKey`, or in a request to subscribe.
    static let paths = ["/ws", "/private/ws"]

    let desk: BinanceDesk

    func serve(_ connection: WebSocketConnection) async throws {
        guard !desk.engine.limits.isBanned(at: desk.engine.exchange.now) else { return connection.drop() }
        let named = Self.key(of: connection.target)
        guard named == nil || named.flatMap({ desk.engine.listenKeys.account(of: $0) }) != nil else { return connection.drop() }
        try await desk.controls.streams.withConnection(connection) { number in
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                if let named { follow(named, on: connection, number, in: &group) }
                var isFollowing = named != nil
                for try await message in connection.messages {
                    guard !isFollowing, case .text(let text) = message, let request = try? JSONValue(parsing: text) else { continue }
                    let key = request["params"]?.elements?.first?.scalarText
                    let isKnown = request["method"] == "SUBSCRIBE" && key.flatMap { desk.engine.listenKeys.account(of: $0) } != nil
                    // As at the venue, a stream that does not exist is subscribed too, and stays silent.
                    if isKnown, let key { follow(key, on: connection, number, in: &group) }
                    isFollowing = isKnown
                    try await connection.write(text: JSONValue.object(["result": .null, "id": request["id"] ?? .null]).text)
                }
            }
        }
    }

    /// Sends the events of the key's account from now on.
    private func follow(_ key: String, on connection: WebSocketConnection, _ number: Int, in group: inout ThrowingTaskGroup<Void, any Error>) {
        guard let account = desk.engine.listenKeys.account(of: key) else { return }
        // Taken before anything is answered, so that nothing that happens after it is missed.
        let batches = desk.engine.exchange.events(of: account)
        group.addTask { try await send(batches, account, on: connection, number: number) }
        group.addTask { try await tellExpiry(account, key, on: connection) }
    }

    private func send(_ batches: AsyncStream<[ExchangeEvent]>, _ account: String, on connection: WebSocketConnection, number: Int) async throws {
        var held: [String] = []
        for await batch in batches {
            // Without a living key the connection stays, and carries nothing.
            guard desk.engine.listenKeys.living(account) != nil else { continue }
            for event in desk.engine.events(batch, account: account, sentAt: desk.engine.exchange.now) {
                try await desk.controls.streams.send(event.text, on: connection, number: number, held: &held)
            }
            guard !held.isEmpty else { continue }
            try await desk.engine.clock.sleep(for: StreamFaults.reorderWait)
            for late in held { try await connection.write(text: late) }
            held.removeAll()
        }
        if !Task.isCancelled { connection.drop() }
    }

    private func tellExpiry(_ account: String, _ key: String, on connection: WebSocketConnection) async throws {
        while let entry = desk.engine.listenKeys.living(account), entry.key == key {
            try await desk.engine.clock.sleep(for: max(entry.expiresAt - desk.engine.clock.monotonic, .milliseconds(1)))
        }
        let event = JSONValue.object([
            "e": "listenKeyExpired", "E": .milliseconds(desk.engine.exchange.now), "listenKey": .string(key),
        ])
        try await connection.write(text: event.text)
        try await desk.engine.clock.sleep(for: .seconds(86_400))
    }

    private static func key(of target: WebSocketTarget) -> String? {
        if let value = target.query.split(separator: "&").first(where: { $0.hasPrefix("listenKey=") }) {
            return String(value.dropFirst("listenKey=".count))
        }
        return paths.contains(target.path) ? nil : target.path.split(separator: "/").last.map(String.init)
    }
}
