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
    /// It ended before the other side was there.
    private var endsWhenJoined = false
    /// When the last piece is delivered that had to wait, and how many wait still.
    private var lastDelivery = NIODeadline.uptimeNanoseconds(0)
    private var undelivered = 0

    init(proxy: TCPProxy, direction: TCPProxy.Direction) {
        self.proxy = proxy
        self.direction = direction
    }

    /// Here, and not only in the subclass: a default of the protocol's own could not be overridden, and would be called instead.
    func channelActive(context: ChannelHandlerContext) { context.fireChannelActive() }

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
        if let bytes = waiting {
            waiting = nil
            pass(bytes, from: own)
        }
        if endsWhenJoined { later(proxy.latency(direction), on: channel) { channel.close(mode: .output, promise: nil) } }
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

    /// What comes later is never delivered earlier, whatever the latencies: it is one stream. Both channels are on the proxy's one loop.
    private func later(_ latency: Duration, on channel: any Channel, _ body: @escaping () -> Void) {
        let (loop, now) = (channel.eventLoop.assumeIsolated(), NIODeadline.now())
        let time = max(now + TimeAmount(latency), lastDelivery)
        guard undelivered > 0 || time > now else { return body() }
        lastDelivery = time
        undelivered += 1
        loop.scheduleTask(deadline: time) {
            self.undelivered -= 1
            body()
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        // A side that has finished sending may still read.
        guard let other else { return endsWhenJoined = true }
        later(proxy.latency(direction), on: other) { other.close(mode: .output, promise: nil) }
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

    override func channelActive(context: ChannelHandlerContext) {
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
