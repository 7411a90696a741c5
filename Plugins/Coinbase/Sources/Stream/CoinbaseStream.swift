import AdapterKit
import BrokerContract
import Foundation
import Synchronization
import TradingModel

/// One connection to the user channel, with the heartbeats beside it.
struct CoinbaseStream: Sendable {
    /// How a connection ended. Every end means that events may have been missed.
    enum End: Error {
        /// The subscription was refused in words that speak of the key.
        case keyRefused(String)
        case ended(String)
    }

    /// What the account's owner is told.
    enum Event: Sendable {
        case subscribed
        case order(CoinbaseOrderUpdate, sentAt: Timestamp)
        /// The numbering shows a hole.
        case gap(String)
    }

    let url: URL
    let token: @Sendable () throws(BrokerError) -> String
    let clock: any TradingClock
    let options: WebSocketOptions
    let heartbeatTimeout: Duration

    private static let subscriptionTimeout = Duration.seconds(10)

    /// Connects, subscribes, and hands over events until the connection ends.
    func run(_ onEvent: @escaping @Sendable (Event) -> Void) async throws {
        let connection = try await WebSocketClient(options: options).connect(to: url)
        let flag = SubscriptionFlag()
        let lastHeard = LastHeard(clock.monotonic)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await subscribe(connection)
                try await read(connection, flag: flag, lastHeard: lastHeard, onEvent)
            }
            group.addTask {
                let startedAt = clock.monotonic
                while true {
                    try await clock.sleep(for: .milliseconds(500))
                    let now = clock.monotonic
                    // Pings do not count: the venue sends a heartbeat each second, or it is not there.
                    guard now - lastHeard.instant < heartbeatTimeout else { throw End.ended("no heartbeat") }
                    guard flag.isSet || now - startedAt < Self.subscriptionTimeout else { throw End.ended("no answer to the subscription") }
                }
            }
            defer { group.cancelAll() }
            do { try await group.next() } catch {
                await connection.close()
                throw error
            }
        }
    }

    /// Heartbeats first: they keep a channel without updates from being closed. One channel per message is all that the venue takes.
    private func subscribe(_ connection: WebSocketConnection) async throws {
        for channel in ["heartbeats", "user"] {
            let request = CoinbaseSubscribeRequest(channel: channel, jwt: try token())
            try await connection.send(String(decoding: try JSONEncoder().encode(request), as: UTF8.self))
        }
    }

    private func read(
        _ connection: WebSocketConnection, flag: SubscriptionFlag, lastHeard: LastHeard, _ onEvent: @Sendable (Event) -> Void
    ) async throws {
        var last: Int64?
        for try await text in connection.messages {
            lastHeard.note(clock.monotonic)
            guard let message = try? CoinbaseMessage(text) else { throw End.ended("an event could not be read") }
            if let sequence = message.sequence {
                // The first number of a connection is not promised, and a repeat or a late one does no harm: orders are cumulative.
                if let last, sequence > last + 1 { onEvent(.gap("messages \(last + 1) to \(sequence - 1) are missing")) }
                last = max(last ?? sequence, sequence)
            }
            switch message.content {
            case .subscriptions(let channels):
                if channels.contains("user"), !flag.isSet {
                    flag.set()
                    onEvent(.subscribed)
                }
            case .orders(let updates):
                for update in updates { onEvent(.order(update, sentAt: message.sentAt ?? clock.wallTime)) }
            case .error(let words):
                if words.contains("authentication") { throw End.keyRefused(words) }
                throw End.ended("the venue answered: \(words)")
            case .ignored: break
            }
        }
        throw End.ended("the connection ended")
    }
}

/// When the venue last said anything.
private final class LastHeard: Sendable {
    private let value: Mutex<MonotonicInstant>
    init(_ now: MonotonicInstant) { value = Mutex(now) }
    var instant: MonotonicInstant { value.withLock { $0 } }
    func note(_ now: MonotonicInstant) { value.withLock { $0 = now } }
}
