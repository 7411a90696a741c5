import HummingbirdCore
import NIOCore
import NIOWebSocket

/// One whole message of a WebSocket connection.
public enum WebSocketMessage: Sendable, Hashable {
    case text(String)
    case binary(ByteBuffer)
}

/// Joins fragments to messages, answers pings and closes, and pings by itself.
final class WebSocketSession: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = WebSocketMessage
    typealias OutboundOut = WebSocketFrame

    /// Pings in a row that may stay without any sign of life.
    static let toleratedSilentPings = 3

    private let maximumMessageBytes: Int
    private let pingInterval: TimeAmount
    private var fragments: ByteBuffer?
    private var fragmentsAreText = false
    private var silentPings = 0
    private var pings: RepeatedTask?
    private var isClosing = false

    init(maximumMessageBytes: Int, pingInterval: TimeAmount) {
        self.maximumMessageBytes = maximumMessageBytes
        self.pingInterval = pingInterval
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let handler = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        pings = context.eventLoop.scheduleRepeatedTask(initialDelay: pingInterval, delay: pingInterval) { _ in
            let (session, context) = handler.value
            session.ping(context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { pings?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        pings?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        silentPings = 0
        guard !isClosing else { return }
        switch frame.opcode {
        case .text, .binary:
            guard fragments == nil else { return fail(context, .protocolError) }
            fragmentsAreText = frame.opcode == .text
            append(frame, to: ByteBuffer(), context)
        case .continuation:
            guard let started = fragments else { return fail(context, .protocolError) }
            append(frame, to: started, context)
        case .ping: send(.pong, frame.unmaskedData, context)
        case .pong: break
        case .connectionClose:
            isClosing = true
            var body = frame.unmaskedData
            let code = body.readWebSocketErrorCode() ?? .normalClosure
            close(context, code)
        default: fail(context, .protocolError)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { return fail(context, .goingAway) }
        context.fireUserInboundEventTriggered(event)
    }

    private func append(_ frame: WebSocketFrame, to started: ByteBuffer, _ context: ChannelHandlerContext) {
        var whole = started
        var part = frame.unmaskedData
        guard whole.readableBytes + part.readableBytes <= maximumMessageBytes else { return fail(context, .messageTooLarge) }
        whole.writeBuffer(&part)
        guard frame.fin else {
            fragments = whole
            return
        }
        fragments = nil
        guard fragmentsAreText else { return context.fireChannelRead(wrapInboundOut(.binary(whole))) }
        guard let text = String(validating: whole.readableBytesView, as: UTF8.self) else { return fail(context, .dataInconsistentWithMessage) }
        context.fireChannelRead(wrapInboundOut(.text(text)))
    }

    private func ping(_ context: ChannelHandlerContext) {
        guard silentPings < Self.toleratedSilentPings else { return context.close(promise: nil) }
        silentPings += 1
        send(.ping, ByteBuffer(string: String(silentPings)), context)
    }

    private func fail(_ context: ChannelHandlerContext, _ code: WebSocketErrorCode) {
        guard !isClosing else { return }
        isClosing = true
        close(context, code)
    }

    private func close(_ context: ChannelHandlerContext, _ code: WebSocketErrorCode) {
        var body = ByteBuffer()
        body.write(webSocketErrorCode: code)
        send(.connectionClose, body, context)
        context.close(promise: nil)
    }

    private func send(_ opcode: WebSocketOpcode, _ data: ByteBuffer, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(WebSocketFrame(fin: true, opcode: opcode, data: data)), promise: nil)
    }
}
