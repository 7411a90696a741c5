import NIOCore
import NIOWebSocket

/// Turns frames into messages, answers pings, and closes a connection that went silent.
final class WebSocketHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let options: WebSocketOptions
    private let output: AsyncThrowingStream<String, any Error>.Continuation
    private var lastHeard: NIODeadline = .now()
    private var watch: RepeatedTask?
    private var end: WebSocketEnd?

    init(options: WebSocketOptions, output: AsyncThrowingStream<String, any Error>.Continuation) {
        self.options = options
        self.output = output
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let limit = TimeAmount.nanoseconds(options.silenceLimit.wholeMicroseconds * 1000)
        let period = TimeAmount.nanoseconds(max(1_000_000, limit.nanoseconds / 4))
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        lastHeard = .now()
        watch = context.eventLoop.scheduleRepeatedTask(initialDelay: period, delay: period) { _ in
            let (handler, context) = bound.value
            if NIODeadline.now() - handler.lastHeard >= limit { handler.close(.silent, context: context) }
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        watch?.cancel()
        output.finish(throwing: end ?? .closedByUs)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastHeard = .now()
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .text, .binary: deliver(String(buffer: frame.unmaskedData), context: context)
        case .ping: write(.pong, frame.unmaskedData, context: context)
        case .connectionClose:
            var payload = frame.unmaskedData
            let code = payload.readInteger(as: UInt16.self).map(Int.init)
            write(.connectionClose, frame.unmaskedData, context: context)
            close(.closedByPeer(code: code), context: context)
        default: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if end == nil { end = .closedByPeer(code: nil) }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close(.failed("\(error)"), context: context)
    }

    private func deliver(_ text: String, context: ChannelHandlerContext) {
        guard end == nil else { return }
        if case .dropped = output.yield(text) { close(.overflow, context: context) }
    }

    private func write(_ opcode: WebSocketOpcode, _ data: ByteBuffer, context: ChannelHandlerContext) {
        let frame = WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: data)
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    }

    private func close(_ reason: WebSocketEnd, context: ChannelHandlerContext) {
        if end == nil { end = reason }
        context.close(promise: nil)
    }
}
