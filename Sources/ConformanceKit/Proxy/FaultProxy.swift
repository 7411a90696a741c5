import NIOCore
import NIOPosix
import Synchronization

/// A TCP proxy of our own between a broker and its venue: it counts what passes and plays faults on real sockets.
///
/// It understands HTTP/1.1 as far as messages have a beginning and an end; TLS, and a WebSocket after its upgrade, pass as
/// they are. It listens on 127.0.0.1 and keeps its port when it refuses for a while.
public final class FaultProxy: Sendable {
    public let port: Int
    let plan: ProxyPlan
    private let venuePort: Int
    private let loop: any EventLoop
    private let state = Mutex(State())

    private struct State {
        var listener: (any Channel)?
        var fronts: [ObjectIdentifier: any Channel] = [:]
        var connections: [ObjectIdentifier: NIOLoopBound<ProxyConnection>] = [:]
        var stuffing: [any Channel] = []
    }

    private init(port: Int, venuePort: Int, loop: any EventLoop, plan: ProxyPlan) {
        self.port = port
        self.venuePort = venuePort
        self.loop = loop
        self.plan = plan
    }

    /// Starts on a free port.
    ///
    /// - Parameter isOpaque: For a protocol that is not HTTP: everything passes as it is, and ``StreamFault`` are what can be planned.
    public static func start(venuePort: Int, isOpaque: Bool = false) async throws -> FaultProxy {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        // The port is known only after binding, and what a connection is given needs it: bind once to learn it. Somebody else
        // may take it in between; then it is another one.
        for _ in 0..<20 {
            let probe = try await ServerBootstrap(group: loop).bind(host: "127.0.0.1", port: 0).get()
            let port = probe.localAddress?.port ?? 0
            try await probe.close()
            let proxy = FaultProxy(port: port, venuePort: venuePort, loop: loop, plan: ProxyPlan(isOpaque: isOpaque))
            do {
                try await proxy.listen()
                return proxy
            } catch is IOError {}
        }
        throw ControlFailure("no free port for a proxy")
    }

    /// Closes everything.
    public func stop() async {
        await refuse()
    }

    // MARK: Connections

    /// From now on connections are refused, and the open ones end.
    public func refuse() async {
        let (listener, stuffing) = state.withLock { state in
            defer {
                state.listener = nil
                state.stuffing = []
            }
            return (state.listener, state.stuffing)
        }
        for channel in stuffing { try? await channel.close() }
        try? await listener?.close()
        await dropConnections()
    }

    /// Takes connections (again).
    public func listen() async throws {
        let listener = try await ServerBootstrap(group: loop, childGroup: loop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in self.adopt(channel) }
            .bind(host: "127.0.0.1", port: port).get()
        state.withLock { $0.listener = listener }
    }

    /// From now on a connection is neither taken nor refused: the kernel's queue is full. ``refuse()`` and ``listen()`` end it.
    public func jam() async throws {
        await refuse()
        let listener = try await ServerBootstrap(group: loop, childGroup: loop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 1)
            .serverChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.1", port: port).get()
        state.withLock { $0.listener = listener }
        for _ in 0..<4 {
            let stuffing = try? await ClientBootstrap(group: loop).connectTimeout(.milliseconds(100)).connect(host: "127.0.0.1", port: port).get()
            if let stuffing { state.withLock { $0.stuffing.append(stuffing) } }
        }
    }

    /// Ends all connections that are open now.
    public func dropConnections(withReset: Bool = false) async {
        let connections = state.withLock { Array($0.connections.values) }
        for connection in connections {
            try? await loop.submit { connection.value.close(withReset: withReset) }.get()
        }
        for front in state.withLock({ Array($0.fronts.values) }) { try? await front.closeFuture.get() }
    }

    /// Sends bytes to the broker on every WebSocket, as if the venue had.
    public func inject(_ bytes: [UInt8]) async {
        for connection in state.withLock({ Array($0.connections.values) }) {
            try? await loop.submit { connection.value.inject(bytes) }.get()
        }
    }

    private func adopt(_ channel: any Channel) -> EventLoopFuture<Void> {
        let key = ObjectIdentifier(channel)
        state.withLock { $0.fronts[key] = channel }
        channel.closeFuture.whenComplete { _ in
            self.state.withLock { state in
                state.fronts[key] = nil
                state.connections[key] = nil
            }
        }
        return channel.eventLoop.makeCompletedFuture {
            let handler = FrontHandler(plan: plan, venuePort: venuePort) { connection in
                let held = NIOLoopBound(connection, eventLoop: channel.eventLoop)
                self.state.withLock { $0.connections[key] = held }
            }
            try channel.pipeline.syncOperations.addHandler(handler)
        }
    }
}
