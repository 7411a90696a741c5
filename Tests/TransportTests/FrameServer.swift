import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Synchronization

/// A WebSocket server that sends the frames that it is told to on connecting, and keeps the frames that it gets.
final class FrameServer: Sendable {
    struct Frame: Sendable, Equatable {
        let opcode: WebSocketOpcode
        let data: String
        var fin = true
    }

    private let frames = Mutex<[Frame]>([])
    private let channels = Mutex<[any Channel]>([])
    let answersPings = Mutex(false)
    var seen: [Frame] { frames.withLock { $0 } }

    static func with(sending script: [Frame] = [], _ body: (FrameServer, Int) async throws -> Void) async throws {
        let server = FrameServer()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                server.channels.withLock { $0.append(channel) }
                let upgrader = NIOWebSocketServerUpgrader(
                    shouldUpgrade: { channel, head in
                        channel.eventLoop.makeSucceededFuture(head.uri == "/no" ? nil : HTTPHeaders())
                    },
                    upgradePipelineHandler: { channel, _ in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(FrameHandler(server: server, script: script))
                        }
                    })
                return channel.pipeline.configureHTTPServerPipeline(withServerUpgrade: ([upgrader], { _ in }))
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do { try await body(server, listener.localAddress?.port ?? 0) } catch {
            try? await listener.close()
            throw error
        }
        try await listener.close()
        for channel in server.channels.withLock({ $0 }) { try? await channel.close() }
    }

    fileprivate func add(_ frame: Frame) { frames.withLock { $0.append(frame) } }
}

private final class FrameHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let server: FrameServer
    private let script: [FrameServer.Frame]

    init(server: FrameServer, script: [FrameServer.Frame]) {
        self.server = server
        self.script = script
    }

    func handlerAdded(context: ChannelHandlerContext) {
        for frame in script {
            let data = ByteBuffer(string: frame.data)
            context.write(wrapOutboundOut(WebSocketFrame(fin: frame.fin, opcode: frame.opcode, data: data)), promise: nil)
        }
        context.flush()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        server.add(.init(opcode: frame.opcode, data: String(buffer: frame.unmaskedData)))
        if frame.opcode == .ping, server.answersPings.withLock({ $0 }) {
            context.writeAndFlush(wrapOutboundOut(WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData)), promise: nil)
        }
        guard frame.opcode == .text else { return }
        context.writeAndFlush(wrapOutboundOut(WebSocketFrame(fin: true, opcode: .text, data: frame.unmaskedData)), promise: nil)
    }
}
