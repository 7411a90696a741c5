import HummingbirdCore
import NIOCore
import NIOHTTP1

/// Stands behind the HTTP decoder: limits the wait for the first request head, lets only upgrades through that somebody
/// takes, and answers what cannot be parsed.
///
/// NIO's typed upgrade handler loses a request that offers an `Upgrade` nobody takes (some clients offer `h2c` on every
/// request), so that header is removed here and the request goes on as a plain one. NIO's decoder reads nothing more after a
/// request with an upgrade, so such a connection is announced to close and closes after its reply; a second request on it
/// would be lost without an answer. An upgrade is taken on the first request of a connection only.
final class RequestGate: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let isWebSocketPath: @Sendable (String) -> Bool
    private let headerTimeout: TimeAmount
    private var timeout: Scheduled<Void>?
    private var hasSeenRequest = false
    private var isReplying = false
    private var hasFailed = false
    private var closesAfterReply = false

    init(isWebSocketPath: @escaping @Sendable (String) -> Bool, headerTimeout: TimeAmount) {
        self.isWebSocketPath = isWebSocketPath
        self.headerTimeout = headerTimeout
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        timeout = context.eventLoop.scheduleTask(in: headerTimeout) { channel.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { timeout?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        timeout?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        let isFirst = !hasSeenRequest
        if isFirst {
            hasSeenRequest = true
            timeout?.cancel()
        }
        guard head.headers.contains(name: "upgrade"), !(isFirst && isWebSocket(head)) else { return context.fireChannelRead(data) }
        head.headers.remove(name: "upgrade")
        head.headers.replaceOrAdd(name: "connection", value: "close")
        closesAfterReply = true
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !hasFailed else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(var head):
            isReplying = !(100..<200).contains(head.status.code)
            if closesAfterReply, isReplying {
                head.headers.replaceOrAdd(name: "connection", value: "close")
                return context.write(wrapOutboundOut(.head(head)), promise: promise)
            }
        case .body: break
        case .end: isReplying = false
        }
        context.write(data, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let parserError = error as? HTTPParserError, !hasFailed {
            hasFailed = true
            if !isReplying {
                let status: HTTPResponseStatus = parserError == .headerOverflow ? .requestHeaderFieldsTooLarge : .badRequest
                let headers: HTTPHeaders = ["connection": "close", "content-length": "0"]
                context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: status, headers: headers))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // Before the first request no handler behind this one would close the connection for a shutdown.
        if event is ChannelShouldQuiesceEvent, !hasSeenRequest { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    private func isWebSocket(_ head: HTTPRequestHead) -> Bool {
        head.method == .GET
            && head.headers[canonicalForm: "upgrade"].map { $0.lowercased() } == ["websocket"]
            && head.headers["sec-websocket-version"] == ["13"] && head.headers["sec-websocket-key"].count == 1
            && head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "upgrade" }
            && isWebSocketPath(WebSocketTarget(head).path)
    }
}
