import Logging
import NIOCore
import NIOHTTP1
import NIOWebSocket

/// Serves one WebSocket connection; when it returns, the connection is closed with code 1000, when it throws, with 1011.
public typealias WebSocketHandler = @Sendable (WebSocketConnection) async throws -> Void

/// What a WebSocket connection was opened for.
public struct WebSocketTarget: Sendable, Hashable {
    /// Without the query.
    public let path: String
    /// What follows the question mark, percent-encoded as sent; empty if there is none.
    public let query: String
    public let headers: [(name: String, value: String)]

    init(_ head: HTTPRequestHead) {
        let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = parts.first.map(String.init) ?? "/"
        query = parts.count > 1 ? String(parts[1]) : ""
        headers = head.headers.map { ($0.name, $0.value) }
    }

    public static func == (a: Self, b: Self) -> Bool { a.path == b.path && a.query == b.query }
    public func hash(into hasher: inout Hasher) {
        hasher.combine(path)
        hasher.combine(query)
    }
}

/// An open WebSocket connection. Pings and closes of the other side are answered without the handler.
public struct WebSocketConnection: Sendable {
    public let target: WebSocketTarget
    /// Messages of the other side; ends when the connection does. One consumer.
    public let messages: Messages
    /// The connection beneath, for its addresses.
    public let channel: any Channel
    private let outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>

    /// The whole messages that arrive.
    public struct Messages: AsyncSequence, Sendable {
        public typealias Element = WebSocketMessage
        let inbound: NIOAsyncChannelInboundStream<WebSocketMessage>
        public func makeAsyncIterator() -> NIOAsyncChannelInboundStream<WebSocketMessage>.AsyncIterator { inbound.makeAsyncIterator() }
    }

    /// Returns when the text has been handed to the socket; throws when the connection is gone.
    public func write(text: String) async throws { try await write(.text, ByteBuffer(string: text)) }

    /// Returns when the bytes have been handed to the socket; throws when the connection is gone.
    public func write(binary: ByteBuffer) async throws { try await write(.binary, binary) }

    public func ping(_ payload: String = "") async throws { try await write(.ping, ByteBuffer(string: payload)) }

    /// Sends a close frame and closes the connection.
    public func close(code: UInt16 = 1000, reason: String = "") async throws {
        var body = ByteBuffer()
        body.write(webSocketErrorCode: WebSocketErrorCode(codeNumber: Int(code)))
        body.writeString(reason)
        try await write(.connectionClose, body)
        try await channel.close()
    }

    /// Closes the TCP connection at once, without a close frame: what a fault looks like.
    public func drop() { channel.close(promise: nil) }

    private func write(_ opcode: WebSocketOpcode, _ data: ByteBuffer) async throws {
        try await outbound.write(WebSocketFrame(fin: true, opcode: opcode, data: data))
    }

    static func serve(
        _ channel: NIOAsyncChannel<WebSocketMessage, WebSocketFrame>, target: WebSocketTarget, handler: WebSocketHandler, logger: Logger
    ) async {
        do {
            try await channel.executeThenClose { inbound, outbound in
                let connection = WebSocketConnection(
                    target: target, messages: Messages(inbound: inbound), channel: channel.channel, outbound: outbound)
                do {
                    try await handler(connection)
                    if channel.channel.isActive { try await connection.close() }
                } catch {
                    if channel.channel.isActive { try await connection.close(code: 1011) }
                    throw error
                }
            }
        } catch {
            logger.trace("WebSocket connection ended: \(error)")
        }
    }
}
