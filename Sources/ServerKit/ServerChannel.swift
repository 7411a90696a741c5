import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOSSL
import NIOWebSocket

/// Sets up one accepted connection: TLS, limits, the upgrade, and behind it either HTTP or a WebSocket.
struct ServerChannel: HTTPChannelHandler {
    typealias HTTPChannel = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>
    typealias WebSocketChannel = NIOAsyncChannel<WebSocketMessage, WebSocketFrame>

    enum Accepted: Sendable {
        case http(HTTPChannel)
        case webSocket(WebSocketChannel, WebSocketHandler, WebSocketTarget)
    }

    /// A connection whose protocol is known now, or once its first request has come.
    struct Value: ServerChildChannelValue {
        let channel: any Channel
        let negotiated: EventLoopFuture<Accepted>
    }

    let responder: Responder
    let options: ServerOptions
    let tls: NIOSSLContext?

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
            let encoder = HTTPResponseEncoder()
            let decoder = ByteToMessageHandler(
                HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: decoderLimits))
            let gate = RequestGate(isWebSocketPath: { options.webSocketHandler(for: $0) != nil }, headerTimeout: options.headerTimeout.timeAmount)
            try pipeline.addHandler(encoder)
            try pipeline.addHandler(decoder)
            try pipeline.addHandler(gate)
            guard !options.webSockets.isEmpty else {
                return Value(
                    channel: channel,
                    negotiated: channel.eventLoop.makeSucceededFuture(.http(try addHTTP(to: channel, logger: logger))))
            }
            let upgrade = NIOTypedHTTPServerUpgradeHandler<Accepted>(
                httpEncoder: encoder, extraHTTPHandlers: [decoder, gate],
                upgradeConfiguration: .init(
                    upgraders: [webSocketUpgrader],
                    notUpgradingCompletionHandler: { channel in
                        channel.eventLoop.makeCompletedFuture { .http(try addHTTP(to: channel, logger: logger)) }
                    }))
            try pipeline.addHandler(upgrade)
            return Value(channel: channel, negotiated: upgrade.upgradeResultFuture)
        }
    }

    func handle(value: Value, logger: Logger) async {
        let negotiated = try? await withTaskCancellationHandler {
            try await value.negotiated.get()
        } onCancel: {
            value.channel.close(promise: nil)
        }
        switch negotiated {
        case .http(let channel): await handleHTTP(asyncChannel: channel, logger: logger)
        case .webSocket(let channel, let handler, let target):
            await WebSocketConnection.serve(channel, target: target, handler: handler, logger: logger)
        case nil: break
        }
    }

    private var decoderLimits: NIOHTTPDecoderLimitConfiguration {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = options.maximumHeaderBytes
        limits.maxHeaderListSize = options.maximumHeaderBytes
        limits.maxHeaderFieldCount = options.maximumHeaderFields
        return limits
    }

    private func addHTTP(to channel: any Channel, logger: Logger) throws -> HTTPChannel {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: tls != nil))
        try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: options.idleTimeout, logger: logger))
        return try NIOAsyncChannel(wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
    }

    private var webSocketUpgrader: NIOTypedWebSocketServerUpgrader<Accepted> {
        NIOTypedWebSocketServerUpgrader<Accepted>(
            maxFrameSize: options.maximumMessageBytes,
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture(HTTPHeaders()) },
            upgradePipelineHandler: { channel, head in
                channel.eventLoop.makeCompletedFuture {
                    let target = WebSocketTarget(head)
                    guard let handler = options.webSocketHandler(for: target.path) else { throw NIOWebSocketUpgradeError.unsupportedWebSocketTarget }
                    try channel.pipeline.syncOperations.addHandler(
                        WebSocketSession(
                            maximumMessageBytes: options.maximumMessageBytes, pingInterval: options.webSocketPingInterval.timeAmount))
                    return .webSocket(try NIOAsyncChannel(wrappingChannelSynchronously: channel), handler, target)
                }
            })
    }
}
