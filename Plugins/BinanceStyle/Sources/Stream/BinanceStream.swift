import AdapterKit
import BrokerContract
import Foundation
import TradingModel

/// One connection to the WebSocket API with one subscription to the account's events.
struct BinanceStream: BinanceUserStream {
    private typealias End = BinanceStreamEnd

    let url: URL
    let signer: BinanceSigner
    let time: VenueClock
    let clock: any TradingClock
    let options: WebSocketOptions

    /// The venue cuts connections after 24 hours; we leave before. Source: web-socket-api, "General API information".
    static let maximumAge = Duration.seconds(23 * 3600 + 1800)
    private static let subscriptionTimeout = Duration.seconds(10)
    private static let subscriptionID = "subscribe"

    /// Connects, subscribes, and hands over events until the connection ends.
    func run(
        onSubscribed: @escaping @Sendable () -> Void, onExecution: @escaping @Sendable (BinanceExecutionReport) -> Void
    ) async throws {
        let connection = try await WebSocketClient(options: options).connect(to: url)
        let flag = SubscriptionFlag()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await connection.send(subscribeRequest())
                try await read(connection, flag: flag, onSubscribed: onSubscribed, onExecution: onExecution)
            }
            group.addTask {
                try await clock.sleep(for: Self.subscriptionTimeout)
                guard flag.isSet else { throw End.ended("no answer to the subscription") }
                try await clock.sleep(for: Self.maximumAge)
                throw End.ended("planned renewal of the connection")
            }
            defer { group.cancelAll() }
            do { try await group.next() } catch {
                await connection.close()
                throw error
            }
        }
    }

    private func read(
        _ connection: WebSocketConnection, flag: SubscriptionFlag, onSubscribed: @Sendable () -> Void,
        onExecution: @Sendable (BinanceExecutionReport) -> Void
    ) async throws {
        for try await text in connection.messages {
            guard let message = try? BinanceMessage(text) else { throw End.ended("an event could not be read") }
            switch message {
            case .answer(let id, let status, let error):
                if id == Self.subscriptionID, status == 200 {
                    flag.set()
                    onSubscribed()
                } else if let error {
                    if [-1002, -1022, -2014, -2015].contains(error.code), status < 500 { throw End.keyRefused(error) }
                    if error.code == -1021 { time.doubt() }
                    throw End.ended("the venue answered \(error.code) \(error.msg)")
                }
            case .execution(let report): onExecution(report)
            case .ending(let word): throw End.ended(word)
            case .ignored: break
            }
        }
        throw End.ended("the connection ended")
    }

    private func subscribeRequest() throws -> String {
        guard let now = time.now else { throw End.ended("the venue's clock is not known") }
        let milliseconds = now.milliseconds
        let signed = try signer.signedForWebSocket(["timestamp": String(milliseconds)])
        let texts = Dictionary(signed.pairs.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        let request = SubscribeRequest(
            id: Self.subscriptionID, method: "userDataStream.subscribe.signature",
            params: .init(apiKey: texts["apiKey"] ?? "", signature: texts["signature"] ?? "", timestamp: milliseconds))
        return String(decoding: try JSONEncoder().encode(request), as: UTF8.self)
    }

    private struct SubscribeRequest: Encodable {
        struct Parameters: Encodable {
            let apiKey: String
            let signature: String
            let timestamp: Int64
        }
        let id: String
        let method: String
        let params: Parameters
    }
}
