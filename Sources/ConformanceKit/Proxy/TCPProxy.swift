import NIOCore
import NIOPosix
import Synchronization

/// A TCP proxy for any protocol: latency, cuts, hangs, resets and half-closes on real sockets, in each direction by itself.
///
/// ``FaultProxy`` knows where a request of HTTP begins; this one only counts bytes. It listens on 127.0.0.1 and keeps its port
/// when it refuses for a while.
public final class TCPProxy: Sendable {
    public enum Direction: Sendable, CaseIterable { case toServer, toClient }

    /// What happens to the bytes of one direction, on all connections.
    public struct Fault: Sendable, Hashable {
        /// Each piece comes so much later.
        public var latency = Duration.zero
        /// Nothing comes through while the connections stay open: what comes is thrown away.
        public var isSilent = false
        /// After so many further bytes over all connections the connection on which the last of them came is cut.
        public var cutAfter: Int?
        /// Whether a cut is a reset; else the connection is closed.
        public var cutsWithReset = false
        /// Whether a cut closes this direction alone and leaves the other open.
        public var cutsHalf = false
        public init(latency: Duration = .zero, isSilent: Bool = false, cutAfter: Int? = nil, cutsWithReset: Bool = false, cutsHalf: Bool = false) {
            self.latency = latency
            self.isSilent = isSilent
            self.cutAfter = cutAfter
            self.cutsWithReset = cutsWithReset
            self.cutsHalf = cutsHalf
        }
    }

    public let port: Int
    private let loop: any EventLoop
    private let state: Mutex<State>

    private struct State {
        var serverPort: Int
        var faults: [Direction: Fault] = [:]
        var bytes: [Direction: Int] = [:]
        var cuts = 0
        var listener: (any Channel)?
        var channels: [ObjectIdentifier: any Channel] = [:]
        var connections = 0
    }

    private init(port: Int, serverPort: Int, loop: any EventLoop) {
        self.port = port
        self.loop = loop
        state = Mutex(State(serverPort: serverPort))
    }

    /// Starts on a free port.
    public static func start(to serverPort: Int) async throws -> TCPProxy {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        for _ in 0..<20 {
            let probe = try await ServerBootstrap(group: loop).bind(host: "127.0.0.1", port: 0).get()
            let port = probe.localAddress?.port ?? 0
            try await probe.close()
            let proxy = TCPProxy(port: port, serverPort: serverPort, loop: loop)
            // Somebody else may have taken the port in between; then it is another one.
            do {
                try await proxy.listen()
                return proxy
            } catch is IOError {}
        }
        throw ControlFailure("no free port for a proxy")
    }

    public func stop() async { await refuse() }

    // MARK: Faults

    /// From now on; nil heals. Bytes that were thrown away do not come back.
    public func set(_ fault: Fault?, _ directions: Direction...) {
        state.withLock { state in for direction in directions { state.faults[direction] = fault } }
    }

    /// From now on new connections lead to this port; those that are open stay where they are.
    public func redirect(to serverPort: Int) { state.withLock { $0.serverPort = serverPort } }

    /// How many bytes came in this direction, whether or not they were let through.
    public func bytes(_ direction: Direction) -> Int { state.withLock { $0.bytes[direction, default: 0] } }
    /// How many cuts have happened.
    public var cuts: Int { state.withLock { $0.cuts } }
    /// Connections that were taken, ever.
    public var connections: Int { state.withLock { $0.connections } }

    /// From now on connections are refused, and the open ones end.
    public func refuse() async {
        let listener = state.withLock { state in
            defer { state.listener = nil }
            return state.listener
        }
        try? await listener?.close()
        await dropConnections()
    }

    /// Takes connections (again).
    public func listen() async throws {
        let listener = try await ServerBootstrap(group: loop, childGroup: loop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                self.adopt(channel)
                self.state.withLock { $0.connections += 1 }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(TCPProxyFront(proxy: self, serverPort: self.state.withLock { $0.serverPort }))
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
        state.withLock { $0.listener = listener }
    }

    /// Ends all connections that are open now.
    public func dropConnections(withReset: Bool = false) async {
        let channels = state.withLock { Array($0.channels.values) }
        for channel in channels {
            try? await channel.eventLoop.submit {
                if withReset { Self.arm(channel) }
                channel.close(promise: nil)
            }.get()
            try? await channel.closeFuture.get()
        }
    }

    // MARK: Asked by connections

    /// Closing resets the connection from now on.
    static func arm(_ channel: any Channel) {
        guard let socket = channel as? any SocketOptionProvider else { return }
        _ = socket.setSoLinger(linger(l_onoff: 1, l_linger: 0))
    }

    func adopt(_ channel: any Channel) {
        let key = ObjectIdentifier(channel)
        state.withLock { $0.channels[key] = channel }
        channel.closeFuture.whenComplete { _ in self.state.withLock { $0.channels[key] = nil } }
    }

    func latency(_ direction: Direction) -> Duration { state.withLock { $0.faults[direction]?.latency ?? .zero } }

    /// How many of `count` bytes get through, how late, and whether the connection is then cut.
    func judge(_ direction: Direction, _ count: Int) -> (passing: Int, fault: Fault, isCut: Bool) {
        state.withLock { state in
            state.bytes[direction, default: 0] += count
            var fault = state.faults[direction] ?? Fault()
            if fault.isSilent { return (0, fault, false) }
            guard let left = fault.cutAfter else { return (count, fault, false) }
            guard count >= left else {
                fault.cutAfter = left - count
                state.faults[direction] = fault
                return (count, fault, false)
            }
            // A cut happens once.
            state.faults[direction] = nil
            state.cuts += 1
            return (left, fault, true)
        }
    }
}
