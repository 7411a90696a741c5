import NIOCore
import NIOPosix

/// The broker's side of a proxied connection.
final class FrontHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let plan: ProxyPlan
    private let venueHost: String
    private let venuePort: Int
    /// Where the connection speaks TLS.
    private let entrance: TLSEntrance?
    private let onActive: (ProxyConnection) -> Void
    private var connection: ProxyConnection?

    init(plan: ProxyPlan, venueHost: String, venuePort: Int, entrance: TLSEntrance?, onActive: @escaping (ProxyConnection) -> Void) {
        self.plan = plan
        self.venueHost = venueHost
        self.venuePort = venuePort
        self.entrance = entrance
        self.onActive = onActive
    }

    func channelActive(context: ChannelHandlerContext) {
        let connection = ProxyConnection(plan: plan, front: context.channel, entrance: entrance)
        self.connection = connection
        onActive(connection)
        connection.began()
        guard context.channel.isActive else { return }
        let held = NIOLoopBound(connection, eventLoop: context.eventLoop)
        ClientBootstrap(group: context.eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(BackHandler(held.value))
                }
            }
            .connect(host: venueHost, port: venuePort).assumeIsolated()
            .whenComplete { result in
                switch result {
                case .success(let channel): connection.venueConnected(channel)
                case .failure: connection.close(withReset: true)
                }
            }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        connection?.received(&bytes)
    }

    func channelInactive(context: ChannelHandlerContext) { connection?.back?.close(promise: nil) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// The venue's side.
final class BackHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: ProxyConnection

    init(_ connection: ProxyConnection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        connection.replied(&bytes)
    }

    func channelInactive(context: ChannelHandlerContext) { connection.venueEnded() }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
