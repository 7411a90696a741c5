import AdapterKit
import BrokerContract
import Foundation
import TradingModel

/// The user stream of venues that give out a listen key: futures, Binance US, clones.
///
/// The key lives for 60 minutes after its last prolongation. Asking for one while one lives prolongs and returns the same.
/// Source: USD-M documentation, "User Data Streams"; binance-us-api-docs, user-data-stream.
struct BinanceListenKeyStream: BinanceUserStream {
    let url: URL
    let path: String
    /// Whether the key is a parameter of the URL, or its last path component.
    let isQuery: Bool
    let client: BinanceClient
    let options: WebSocketOptions
    /// How often the key is prolonged.
    var keepAlive = Duration.seconds(30 * 60)

    func run(
        onSubscribed: @escaping @Sendable () -> Void, onExecution: @escaping @Sendable (BinanceExecutionReport) -> Void
    ) async throws {
        let key = try await freshKey()
        let connection = try await WebSocketClient(options: options).connect(to: address(of: key))
        onSubscribed()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await read(connection, onExecution: onExecution) }
            group.addTask { try await keepKey(key) }
            group.addTask {
                try await client.clock.sleep(for: BinanceStream.maximumAge)
                throw BinanceStreamEnd.ended("planned renewal of the connection")
            }
            defer { group.cancelAll() }
            do { try await group.next() } catch {
                await connection.close()
                throw error
            }
        }
    }

    private func read(_ connection: WebSocketConnection, onExecution: @Sendable (BinanceExecutionReport) -> Void) async throws {
        for try await text in connection.messages {
            guard let message = try? BinanceMessage(text) else { throw BinanceStreamEnd.ended("an event could not be read") }
            switch message {
            case .execution(let report): onExecution(report)
            case .ending(let word): throw BinanceStreamEnd.ended(word)
            case .answer, .ignored: break
            }
        }
        throw BinanceStreamEnd.ended("the connection ended")
    }

    /// Prolongs the key until that fails for good. A key that the venue no longer has carries no events, and nothing else tells so.
    private func keepKey(_ key: String) async throws {
        while true {
            try await client.clock.sleep(for: keepAlive)
            do throws(BrokerError) {
                let reply = try await client.keyed(.put, path, ["listenKey": key])
                guard (200..<300).contains(reply.status) else { throw BinanceOutcomes.queryError(reply) }
            } catch {
                throw BinanceStreamEnd.ended("the listen key could not be prolonged: \(error.message)")
            }
        }
    }

    private func freshKey() async throws -> String {
        let reply = try await client.keyed(.post, path, [:])
        guard (200..<300).contains(reply.status) else {
            if let error = BinanceOutcomes.errorBody(reply), reply.status < 500, [-1002, -1022, -2014, -2015].contains(error.code) {
                throw BinanceStreamEnd.keyRefused(error)
            }
            throw BinanceOutcomes.queryError(reply)
        }
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(reply.body)), !answer.listenKey.isEmpty else {
            throw BinanceStreamEnd.ended("no listen key in the answer")
        }
        return answer.listenKey
    }

    private func address(of key: String) throws -> URL {
        guard isQuery else { return url.appending(path: key) }
        return url.appending(queryItems: [URLQueryItem(name: "listenKey", value: key)])
    }

    private struct Answer: Decodable { let listenKey: String }
}
