import NIOCore
import NIOPosix
import Synchronization

/// A server on loopback that speaks only the bytes it is told to, and keeps every byte that it gets.
final class RawServer: Sendable {
    /// What to do once a whole request was read.
    enum Action: Sendable {
        case reply(String)
        case replyThenClose(String)
        case replyThenReset(String)
        case close
        case reset
        case hang
    }

    struct Log: Sendable {
        var connections = 0
        var bytes = 0
        var requests: [String] = []
        /// The number of the connection that each request came on.
        var carriers: [Int] = []
    }

    private let log = Mutex(Log())
    private let channels = Mutex<[any Channel]>([])
    private let script: @Sendable (_ request: String, _ number: Int) -> Action

    private init(_ script: @escaping @Sendable (String, Int) -> Action) { self.script = script }

    var seen: Log { log.withLock { $0 } }
    var posts: [String] { seen.requests.filter { $0.hasPrefix("POST") } }

    /// Closes all open connections from this side.
    func closeConnections() async {
        for channel in channels.withLock({ $0 }) { try? await channel.close() }
    }

    static func with(
        _ script: @escaping @Sendable (_ request: String, _ number: Int) -> Action,
        _ body: (RawServer, Int) async throws -> Void
    ) async throws {
        let server = RawServer(script)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let number = server.log.withLock { log in
                        log.connections += 1
                        return log.connections
                    }
                    server.channels.withLock { $0.append(channel) }
                    try channel.pipeline.syncOperations.addHandler(RawHandler(server: server, number: number))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do { try await body(server, listener.localAddress?.port ?? 0) } catch {
            try? await listener.close()
            throw error
        }
        try await listener.close()
        await server.closeConnections()
    }

    fileprivate func received(bytes: Int) { log.withLock { $0.bytes += bytes } }

    fileprivate func received(request: String, on carrier: Int) -> Action {
        let number = log.withLock { log in
            log.requests.append(request)
            log.carriers.append(carrier)
            return log.requests.count
        }
        return script(request, number)
    }

    static func ok(_ body: String) -> String {
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }
}

private final class RawHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let server: RawServer
    private let number: Int
    private var text = ""

    init(server: RawServer, number: Int) {
        self.server = server
        self.number = number
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        server.received(bytes: buffer.readableBytes)
        text += String(buffer: buffer)
        while let end = text.range(of: "\r\n\r\n") {
            let length = text[..<end.lowerBound].split(separator: "\r\n").lazy
                .filter { $0.lowercased().hasPrefix("content-length:") }
                .compactMap { Int($0.dropFirst(15).trimmingPrefix { $0 == " " }) }.first ?? 0
            guard text[end.upperBound...].utf8.count >= length else { return }
            let stop = text.utf8.index(end.upperBound, offsetBy: length)
            let request = String(text[..<stop])
            text = String(text[stop...])
            perform(server.received(request: request, on: number), context: context)
        }
    }

    private func perform(_ action: RawServer.Action, context: ChannelHandlerContext) {
        switch action {
        case .reply(let text): context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        case .replyThenClose(let text):
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            context.close(promise: nil)
        case .replyThenReset(let text):
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            // The client reads the first part before the reset throws the rest of the connection away.
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: .milliseconds(50)) { bound.value.0.reset(bound.value.1) }
        case .close: context.close(promise: nil)
        case .reset: reset(context)
        case .hang: break
        }
    }

    private func reset(_ context: ChannelHandlerContext) {
        let channel = context.channel
        let linger = linger(l_onoff: 1, l_linger: 0)
        (channel as? any SocketOptionProvider)?.setSoLinger(linger).whenComplete { _ in channel.close(promise: nil) }
    }
}
