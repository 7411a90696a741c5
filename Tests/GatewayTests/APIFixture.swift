import AsyncHTTPClient
import Foundation
import Gateway
import GatewayAPI
import LockContract
import Logging
import MemoryLock
import NIOCore
import NIOHTTP1
import NIOPosix
import OrderFlow
import ServiceLifecycle
import StoreContract
import Testing
import TradingModel

/// The API on a real socket, on a gateway that does not work its accounts.
struct APIFixture: Sendable {
    static let token = "reader-token-for-tests"
    static let adminToken = "admin-token-for-tests"
    static let secret = "hook-secret-for-tests"

    let port: Int
    /// Asks the service to shut down gracefully; returns at once.
    let beginShutdown: @Sendable () async -> Void

    /// Serves while `body` runs. The gateway has one source `tv` and a strategy `trend` without accounts.
    static func serving(
        _ store: any OrderStore, locks: any LockBackend = MemoryLock(clock: SystemClock()), change: (inout APIOptions) -> Void = { _ in }, body: (APIFixture) async throws -> Void
    ) async throws {
        let logger = Logger(label: "api") { _ in SwiftLogNoOpLogHandler() }
        let settings = GatewaySettings(
            gatewayID: "gw1",
            sources: [SourceSettings(id: "tv", secrets: [Secret(secret)], rateLimit: nil, maxAge: .seconds(3600))],
            strategies: [
                Strategy(id: "trend", source: "tv", symbols: ["BTCUSD": [:]], accounts: [], policy: OrderPolicy())
            ], accounts: [AccountSettings(id: "paper1", broker: "paper", mode: .paper)], coarseLimitPerSecond: 100_000, configurationHash: "0")
        let gateway = TradingGateway(
            settings: settings, store: store, locks: locks, brokers: [:], clock: SystemClock(), logger: logger)
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        var options = APIOptions(port: 0, readTokens: [Secret("another-token"), Secret(token)], build: "1.2.3") { continuation.yield($0) }
        change(&options)
        let service = try GatewayAPI.makeService(gateway: gateway, options: options, clock: SystemClock(), logger: logger)
        let running = ServiceGroup(services: [service], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { continuation.finish() }
                try await running.run()
            }
            defer { group.cancelAll() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            try await body(APIFixture(port: port, beginShutdown: { await running.triggerGracefulShutdown() }))
        }
    }

    struct Reply {
        let status: Int
        let headers: HTTPHeaders
        let text: String
        var json: [String: Any] { get throws { try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]) } }
        var code: String? { try? json["code"] as? String }
    }

    func send(
        _ method: HTTPMethod = .GET, _ path: String, headers: HTTPHeaders = [:], body: String? = nil, token: String? = token
    ) async throws -> Reply {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.method = method
        request.headers = headers
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        let text = try await response.body.collect(upTo: 10 << 20)
        return Reply(status: Int(response.status.code), headers: response.headers, text: String(buffer: text))
    }

    /// Writes bytes as they are and returns everything that comes until the other side closes, or until `isEnough`.
    func raw(_ parts: [String], until isEnough: @escaping @Sendable (String) -> Bool = { _ in false }) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
        }
        return try await channel.executeThenClose { inbound, outbound in
            for part in parts { try await outbound.write(ByteBuffer(string: part)) }
            var text = ""
            if isEnough(text) { return text }
            do {
                for try await buffer in inbound {
                    text += String(buffer: buffer)
                    if isEnough(text) { break }
                }
            } catch is IOError {
                // A reset ends the connection as well as a close.
            }
            return text
        }
    }
}

