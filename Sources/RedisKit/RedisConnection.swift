import NIOCore
import NIOPosix
import NIOSSL
import TradingModel

/// A connection could not be made, or the server does not want it.
public struct RedisError: Error, Sendable, CustomStringConvertible {
    public let description: String
    /// Whether an operator has to change something before it can work.
    public let isRefusal: Bool
    public init(_ description: String, isRefusal: Bool = false) {
        self.description = description
        self.isRefusal = isRefusal
    }
}

/// One connection. Commands are pipelined; each is sent at most once.
public final class RedisConnection: Sendable {
    private let channel: any Channel
    private let handler: NIOLoopBound<RedisHandler>

    private init(channel: any Channel, handler: NIOLoopBound<RedisHandler>) {
        self.channel = channel
        self.handler = handler
    }

    /// Connects, with TLS and login where the options say so, all of it within `timeout`.
    public static func connect(
        _ options: RedisOptions, within timeout: Duration, clock: any TradingClock
    ) async throws(RedisError) -> RedisConnection {
        let end = clock.monotonic + timeout
        let connection: RedisConnection
        do {
            connection = try await open(options, within: timeout)
        } catch {
            throw RedisError("\(options.host):\(options.port): \(error)")
        }
        do throws(RedisError) {
            if let password = options.password {
                // Never HELLO: the reader knows version 2 of the protocol only.
                let login = [["AUTH"], options.username.map { [$0] } ?? [], [password.reveal()]].flatMap { $0 }
                try await connection.expectOK(login, "login", within: end - clock.monotonic)
            }
            if options.database != 0 {
                try await connection.expectOK(["SELECT", "\(options.database)"], "SELECT", within: end - clock.monotonic)
            }
        } catch {
            connection.close()
            throw error
        }
        return connection
    }

    private static func open(_ options: RedisOptions, within timeout: Duration) async throws -> RedisConnection {
        let tls = try options.tls.map { try NIOSSLContext(configuration: $0.configuration) }
        return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(TimeAmount(timeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .connect(host: options.host, port: options.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(try NIOSSLClientHandler(context: tls, serverHostname: options.serverName)) }
                    let handler = try RedisHandler()
                    try pipeline.addHandler(handler)
                    return RedisConnection(channel: channel, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop))
                }
            }
    }

    private func expectOK(_ command: [String], _ what: String, within timeout: Duration) async throws(RedisError) {
        switch await send(command, within: timeout) {
        case .reply(.status("OK")): return
        case .reply(.error(let text)): throw RedisError("\(what): \(text)", isRefusal: true)
        case .reply(let value): throw RedisError("\(what): \(value)")
        case .notSent(let why), .lost(let why): throw RedisError("\(what): \(why)")
        }
    }

    public var isActive: Bool { channel.isActive }

    /// Sends one command, once; not at all if no time is left. A reply that comes after `timeout`, or after cancellation, is thrown away.
    public func send(_ command: [String], within timeout: Duration) async -> RedisOutcome {
        guard timeout > .zero else { return .notSent("no time was left to send it") }
        let bytes = RESPWriter.command(command)
        let promise = channel.eventLoop.makePromise(of: RedisOutcome.self)
        let number = channel.eventLoop.submit { self.handler.value.send(bytes, within: timeout, promise) }
        return await withTaskCancellationHandler {
            do { return try await promise.futureResult.get() } catch { return .lost("\(error)") }
        } onCancel: {
            number.whenSuccess { id in self.handler.value.giveUp(id) }
        }
    }

    public func close() { channel.close(promise: nil) }
}
