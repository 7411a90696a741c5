import NIOCore
import NIOPosix
import Testing

/// A TCP connection that sends and reads bytes as a test says, so that nothing mends what the server does.
struct RawConnection {
    enum Failure: Error { case timedOut(String) }

    /// Connects, runs `body`, and closes.
    static func with<T: Sendable>(port: Int, _ body: @Sendable (inout Session) async throws -> T) async throws -> T {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var session = Session(iterator: inbound.makeAsyncIterator(), outbound: outbound, channel: channel.channel)
            return try await body(&session)
        }
    }

    struct Session {
        fileprivate var iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
        fileprivate let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
        fileprivate let channel: any Channel
        /// Everything that has arrived.
        private(set) var received = [UInt8]()

        fileprivate init(
            iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator, outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
            channel: any Channel
        ) {
            self.iterator = iterator
            self.outbound = outbound
            self.channel = channel
        }

        var text: String { String(decoding: received, as: UTF8.self) }

        func send(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }
        func send(bytes: [UInt8]) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }

        /// Reads until the text has arrived; fails when the connection ends before.
        mutating func read(until wanted: String) async throws {
            let deadline = closeAfter(.seconds(10))
            defer { deadline.cancel() }
            while !text.contains(wanted) {
                guard let part = try await iterator.next() else { throw Failure.timedOut(text) }
                received += Array(part.readableBytesView)
            }
        }

        /// Reads until the other side closes.
        mutating func readToEnd(within limit: TimeAmount = .seconds(10)) async throws {
            let deadline = closeAfter(limit + .seconds(2))
            defer { deadline.cancel() }
            do { while let part = try await iterator.next() { received += Array(part.readableBytesView) } } catch is IOError {
                // A reset is an end too.
            }
        }

        mutating func clear() { received = [] }

        private func closeAfter(_ limit: TimeAmount) -> Scheduled<Void> {
            let channel = channel
            return channel.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
        }
    }
}

/// Runs a server value while `body` uses its port.
func withRunning<T: Sendable>(
    _ start: @escaping @Sendable (@escaping @Sendable (Int) async -> Void) async throws -> Void,
    _ body: @escaping @Sendable (Int) async throws -> T
) async throws -> T {
    let (ports, continuation) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingNewest(1))
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            defer { continuation.finish() }
            try await start { continuation.yield($0) }
        }
        defer { group.cancelAll() }
        for await port in ports { return try await body(port) }
        try await group.next()
        throw CancellationError()
    }
}
