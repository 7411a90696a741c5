import NIOCore

/// A place in a TLS handshake at which connections are cut.
public enum HandshakeCut: Sendable, Hashable {
    /// After so many bytes of the broker's, which the proxy has not looked at.
    case fromBroker(bytes: Int)
    /// After so many bytes of the proxy's answer.
    case toBroker(bytes: Int)
}

/// The first handler of a TLS connection: sees the bytes as they are on the wire, and can end the connection without a word of TLS.
final class TLSEntrance: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let point: HandshakeCut?
    private let plan: ProxyPlan
    private var passed = 0
    private var context: ChannelHandlerContext?

    init(plan: ProxyPlan) {
        self.plan = plan
        point = plan.handshakeCut
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func cut() { context?.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .fromBroker(let limit)? = point else { return context.fireChannelRead(data) }
        passed += unwrapInboundIn(data).readableBytes
        if passed >= limit {
            plan.noteHandshakeCut()
            cut()
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .toBroker(let limit)? = point else { return context.write(data, promise: promise) }
        var bytes = unwrapOutboundIn(data)
        let part = bytes.readSlice(length: min(bytes.readableBytes, max(0, limit - passed))) ?? ByteBuffer()
        passed += part.readableBytes
        guard passed >= limit else { return context.write(wrapOutboundOut(part), promise: promise) }
        promise?.fail(ChannelError.ioOnClosedChannel)
        plan.noteHandshakeCut()
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in self.cut() }
        context.writeAndFlush(wrapOutboundOut(part), promise: written)
    }
}
