import NIOCore
import NIOPosix

/// One side of a connection through a ``TCPProxy``; what it reads is written to the other side.
class TCPProxySide: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    let proxy: TCPProxy
    let direction: TCPProxy.Direction
    var other: (any Channel)?
    /// What came before the other side was there.
    private var waiting: ByteBuffer?
    private var isOver = false

    init(proxy: TCPProxy, direction: TCPProxy.Direction) {
        self.proxy = proxy
        self.direction = direction
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        guard !isOver else { return }
        guard other != nil else {
            waiting.setOrWriteBuffer(&bytes)
            return
        }
        pass(bytes, from: context.channel)
    }

    func joined(_ channel: any Channel, from own: any Channel) {
        other = channel
        guard let bytes = waiting else { return }
        waiting = nil
        pass(bytes, from: own)
    }

    private func pass(_ bytes: ByteBuffer, from own: any Channel) {
        guard let other else { return }
        let (passing, fault, isCut) = proxy.judge(direction, bytes.readableBytes)
        var bytes = bytes
        let part = bytes.readSlice(length: passing) ?? ByteBuffer()
        later(fault.latency, on: other) {
            if part.readableBytes > 0 { other.writeAndFlush(part, promise: nil) }
            if isCut { self.cut(fault, own: own, other: other) }
        }
        if isCut { isOver = true }
    }

    private func cut(_ fault: TCPProxy.Fault, own: any Channel, other: any Channel) {
        if fault.cutsHalf {
            other.close(mode: .output, promise: nil)
            return
        }
        if fault.cutsWithReset {
            TCPProxy.arm(own)
            TCPProxy.arm(other)
        }
        other.close(promise: nil)
        own.close(promise: nil)
    }

    /// Both channels are on the proxy's one loop, and pieces that wait equally long keep their order.
    private func later(_ latency: Duration, on channel: any Channel, _ body: @escaping () -> Void) {
        guard latency > .zero else { return body() }
        channel.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(latency), body)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        // A side that has finished sending may still read.
        other?.close(mode: .output, promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { other?.close(promise: nil) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// The client's side, which connects to the server.
final class TCPProxyFront: TCPProxySide {
    private let serverPort: Int

    init(proxy: TCPProxy, serverPort: Int) {
        self.serverPort = serverPort
        super.init(proxy: proxy, direction: .toServer)
    }

    func channelActive(context: ChannelHandlerContext) {
        let front = context.channel
        let back = TCPProxySide(proxy: proxy, direction: .toClient)
        back.other = front
        let held = NIOLoopBound(back, eventLoop: context.eventLoop)
        let proxy = proxy
        ClientBootstrap(group: context.eventLoop)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(held.value) }
            }
            .connect(host: "127.0.0.1", port: serverPort).assumeIsolated()
            .whenComplete { result in
                switch result {
                case .success(let channel):
                    proxy.adopt(channel)
                    guard front.isActive else { return channel.close(promise: nil) }
                    self.joined(channel, from: front)
                case .failure:
                    TCPProxy.arm(front)
                    front.close(promise: nil)
                }
            }
    }
}
