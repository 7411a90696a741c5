import NIOCore
import NIOHTTP1
import NIOPosix

/// One HTTP request to a simulator's controls, on a connection of its own.
struct ControlClient: Sendable {
    var host = "127.0.0.1"
    let port: Int
    /// Of the oracle's list, at most.
    static let maximumReplyBytes = 64 << 20

    func send(_ method: HTTPMethod, _ path: String, body: String? = nil) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(5))
            .connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var head = HTTPRequestHead(version: .http1_1, method: method, uri: path)
            head.headers.add(name: "Host", value: "\(host):\(port)")
            head.headers.add(name: "Connection", value: "close")
            if let body {
                head.headers.add(name: "Content-Type", value: "application/json")
                head.headers.add(name: "Content-Length", value: String(body.utf8.count))
            }
            // In one write: the venue may answer and close as soon as it has the head of a request without a body.
            var parts: [HTTPClientRequestPart] = [.head(head)]
            if let body { parts.append(.body(.byteBuffer(ByteBuffer(string: body)))) }
            try await outbound.write(contentsOf: parts + [.end(nil)])
            return try await Self.read(inbound, of: "\(method) \(path)")
        }
    }

    private static func read(_ parts: NIOAsyncChannelInboundStream<HTTPClientResponsePart>, of request: String) async throws -> String {
        var status = 0
        var text = ByteBuffer()
        for try await part in parts {
            switch part {
            case .head(let head): status = Int(head.status.code)
            case .body(var bytes):
                text.writeBuffer(&bytes)
                guard text.readableBytes <= maximumReplyBytes else { throw ControlFailure("\(request): the reply is too long") }
            case .end:
                guard status == 200 else { throw ControlFailure("\(request): \(status) \(String(buffer: text).prefix(300))") }
                return String(buffer: text)
            }
        }
        throw ControlFailure("\(request): no whole reply")
    }
}

/// The simulator did not do what a clause asked of it: the clause cannot say anything.
public struct ControlFailure: Error, Sendable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = "control: \(description)" }
}
