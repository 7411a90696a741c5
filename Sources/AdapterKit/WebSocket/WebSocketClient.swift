import BrokerContract
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket

/// Opens WebSocket connections to venues: `ws`, and `wss` with the certificate verified.
public struct WebSocketClient: Sendable {
    private let options: WebSocketOptions
    public init(options: WebSocketOptions = WebSocketOptions()) { self.options = options }

    /// Connects and upgrades. Throws `.unavailable` if that fails, with what failed in words.
    public func connect(to url: URL) async throws(BrokerError) -> WebSocketConnection {
        guard let host = url.host(percentEncoded: false), let secure = ["ws": false, "wss": true][url.scheme ?? ""] else {
            throw BrokerError(.invalidRequest, effect: .notSent, "not a WebSocket URL: \(url)")
        }
        let port = url.port ?? (secure ? 443 : 80)
        do {
            let tls = secure ? try NIOSSLContext(configuration: .verifying(trustRootsFile: options.trustRootsFile)) : nil
            let timeout = TimeAmount.nanoseconds(options.connectTimeout.wholeMicroseconds * 1000)
            let head = Self.requestHead(url, host: host, port: url.port)
            let upgraded = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .connectTimeout(timeout)
                .connect(host: host, port: port) { [options] channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let tls { try Self.addTLS(tls, host: host, to: channel) }
                        let upgrade = try Self.addUpgrade(head, options: options, to: channel)
                        let expiry = channel.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
                        upgrade.whenComplete { _ in expiry.cancel() }
                        return upgrade
                    }
                }
            guard let connection = try await upgraded.get() else {
                throw BrokerError(.unavailable, effect: .notSent, "\(host) refused the WebSocket upgrade")
            }
            return connection
        } catch let error as BrokerError {
            throw error
        } catch {
            throw BrokerError(.unavailable, effect: .notSent, "no WebSocket connection to \(host):\(port)", underlying: error)
        }
    }

    private static func requestHead(_ url: URL, host: String, port: Int?) -> HTTPRequestHead {
        let path = url.path(percentEncoded: true)
        let uri = (path.isEmpty ? "/" : path) + (url.query(percentEncoded: true).map { "?" + $0 } ?? "")
        let headers: HTTPHeaders = ["Host": port.map { "\(host):\($0)" } ?? host, "Content-Length": "0"]
        return HTTPRequestHead(version: .http1_1, method: .GET, uri: uri, headers: headers)
    }

    private static func addTLS(_ context: NIOSSLContext, host: String, to channel: any Channel) throws {
        // A server name must be a name: an address literal has none to send.
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        try channel.pipeline.syncOperations.addHandler(
            NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host))
    }

    private static func addUpgrade(
        _ head: HTTPRequestHead, options: WebSocketOptions, to channel: any Channel
    ) throws -> EventLoopFuture<WebSocketConnection?> {
        let upgrader = NIOTypedWebSocketClientUpgrader<WebSocketConnection?>(maxFrameSize: options.maximumFrameBytes) { channel, _ in
            channel.eventLoop.makeCompletedFuture {
                let (messages, output) = AsyncThrowingStream.makeStream(
                    of: String.self, throwing: (any Error).self,
                    bufferingPolicy: .bufferingOldest(options.maximumBufferedMessages))
                try channel.pipeline.syncOperations.addHandlers(
                    NIOWebSocketFrameAggregator(
                        minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 1024,
                        maxAccumulatedFrameSize: options.maximumMessageBytes),
                    WebSocketHandler(options: options, output: output))
                return WebSocketConnection(messages: messages, channel: channel)
            }
        }
        let upgrade = NIOTypedHTTPClientUpgradeConfiguration<WebSocketConnection?>(
            upgradeRequestHead: head, upgraders: [upgrader],
            notUpgradingCompletionHandler: { channel in
                channel.close(promise: nil)
                return channel.eventLoop.makeSucceededFuture(nil)
            })
        var pipeline = NIOUpgradableHTTPClientPipelineConfiguration(upgradeConfiguration: upgrade)
        // A venue may send its first frame together with the answer to the upgrade.
        pipeline.leftOverBytesStrategy = .forwardBytes
        return try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(configuration: pipeline)
    }
}
