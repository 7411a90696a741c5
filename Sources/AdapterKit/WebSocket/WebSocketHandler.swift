import NIOCore
import NIOWebSocket

/// Turns frames into messages, answers pings, sends its own if it is to, and closes a connection that went silent.
final class WebSocketHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let options: WebSocketOptions
    private let output: AsyncThrowingStream<String, any Error>.Continuation
    private var lastHeard: NIODeadline = .now()
    private var watch: RepeatedTask?
    private var pinging: RepeatedTask?
    private var limit: TimeAmount
    private var end: WebSocketEnd?

    init(options: WebSocketOptions, output: AsyncThrowingStream<String, any Error>.Continuation) {
        self.options = options
        self.output = output
        limit = Self.amount(options.silenceLimit)
    }

    private static func amount(_ duration: Duration) -> TimeAmount { .nanoseconds(max(1, duration.wholeMicroseconds) * 1000) }

    func handlerAdded(context: ChannelHandlerContext) {
        let shortest = min(limit, options.pings.map { Self.amount($0.silenceLimit) } ?? limit)
        let period = TimeAmount.nanoseconds(max(1_000_000, shortest.nanoseconds / 4))
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        lastHeard = .now()
        watch = context.eventLoop.scheduleRepeatedTask(initialDelay: period, delay: period) { _ in
            let (handler, context) = bound.value
            if NIODeadline.now() - handler.lastHeard >= handler.limit { handler.close(.silent, context: context) }
        }
        guard let pings = options.pings else { return }
        let interval = Self.amount(pings.interval)
        pinging = context.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            let (handler, context) = bound.value
            if handler.end == nil { handler.write(.ping, ByteBuffer(), context: context) }
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        watch?.cancel()
        pinging?.cancel()
        output.finish(throwing: end ?? .closedByUs)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastHeard = .now()
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .text, .binary: deliver(String(buffer: frame.unmaskedData), context: context)
        case .ping: write(.pong, frame.unmaskedData, context: context)
        case .pong: if let pings = options.pings { limit = Self.amount(pings.silenceLimit) }
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
