import ServerKit
import SimulatorKit
import Synchronization
import TradingModel

/// The venue's WebSocket API: orders, queries and the user-data stream on one connection.
struct BinanceWebSocketAPI: Sendable {
    static let path = "/ws-api/v3"
    /// Requests of one connection that may be in progress at once; further ones wait unread.
    static let maximumConcurrentRequests = 256

    let desk: BinanceDesk

    /// Serves one connection until it ends.
    func serve(_ connection: WebSocketConnection) async throws {
        // A banned address loses its connections too.
        guard !desk.engine.limits.isBanned(at: desk.engine.exchange.now) else { return connection.drop() }
        try await desk.controls.streams.withConnection(connection) { number in
            let session = BinanceSession(connectedAt: desk.engine.exchange.now)
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                var running = 0
                for try await message in connection.messages {
                    guard case .text(let text) = message else { continue }
                    if running >= Self.maximumConcurrentRequests {
                        try await group.next()
                        running -= 1
                    }
                    running += 1
                    // Answered in parallel: a request that a fault holds back must not hold back the others.
                    let wire = BinanceWire(desk: desk, connection: connection, number: number, session: session)
                    group.addTask { try await wire.handle(text) }
                }
            }
        }
    }
}

/// What one connection has agreed with the venue.
final class BinanceSession: Sendable {
    struct State {
        var key: String?
        var authorizedSince: Timestamp?
        var accounts: [Int: String] = [:]
        var nextSubscription = 0
    }

    let connectedAt: Timestamp
    private let state = Mutex(State())

    init(connectedAt: Timestamp) { self.connectedAt = connectedAt }

    var current: State { state.withLock { $0 } }

    func logOn(_ key: String, at now: Timestamp) {
        state.withLock { state in
            state.key = key
            state.authorizedSince = now
        }
    }

    func logOut() {
        state.withLock { state in
            state.key = nil
            state.authorizedSince = nil
        }
    }

    /// The new subscription's number, nil if the account has one here.
    func subscribe(_ account: String) -> Int? {
        state.withLock { state in
            guard !state.accounts.values.contains(account) else { return nil }
            defer { state.nextSubscription += 1 }
            state.accounts[state.nextSubscription] = account
            return state.nextSubscription
        }
    }

    /// Ends one subscription, or all; returns the numbers that were active.
    func unsubscribe(_ number: Int?) -> [Int] {
        state.withLock { state in
            let ended = state.accounts.keys.filter { number == nil || $0 == number }.sorted()
            for number in ended { state.accounts[number] = nil }
            return ended
        }
    }

    func isActive(_ number: Int) -> Bool { state.withLock { $0.accounts[number] != nil } }
}
