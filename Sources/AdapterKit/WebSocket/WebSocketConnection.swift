import NIOCore
import NIOWebSocket

/// An open WebSocket connection. Pings are answered and silence is watched without the consumer's help.
public struct WebSocketConnection: Sendable {
    /// Whole text messages, in order. Ends by throwing ``WebSocketEnd``. One consumer.
    public let messages: AsyncThrowingStream<String, any Error>
    private let channel: any Channel

    init(messages: AsyncThrowingStream<String, any Error>, channel: any Channel) {
        self.messages = messages
        self.channel = channel
    }

    /// Sends one text message; returns when it was handed to the system.
    public func send(_ text: String) async throws(WebSocketEnd) {
        let frame = WebSocketFrame(fin: true, opcode: .text, maskKey: .random(), data: channel.allocator.buffer(string: text))
        do { try await channel.writeAndFlush(frame) } catch { throw .failed("\(error)") }
    }

    /// Closes the connection; ``messages`` then ends.
    public func close() async { try? await channel.close() }
}
