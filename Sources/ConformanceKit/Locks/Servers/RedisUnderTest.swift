import Foundation
import NIOCore
import NIOPosix
import Synchronization
import TradingModel

/// A real `redis-server` on a free port with a folder of its own.
public final class RedisUnderTest: Sendable {
    public let port: Int
    public let folder: String
    public let place: ServerPlace
    private let arguments: [String]
    private let environment: [String: String]
    private let process = Mutex<ServerProcess?>(nil)

    private init(port: Int, folder: String, place: ServerPlace, arguments: [String], environment: [String: String]) {
        self.place = place
        self.port = port
        self.folder = folder
        self.arguments = arguments
        self.environment = environment
    }

    public static var isInstalled: Bool { ServerProcess.find("redis-server") != nil }

    /// - Parameters:
    ///   - arguments: Further settings, as on the command line: `["--maxmemory", "1mb"]`.
    ///   - environment: For a shim before its clock.
    public static func start(
        _ arguments: [String] = [], environment: [String: String] = [:], at place: ServerPlace = .loopback
    ) async throws -> RedisUnderTest {
        for _ in 0..<5 {
            let server = RedisUnderTest(
                port: try await freeServerPort(), folder: try makeServerFolder("redis"), place: place, arguments: arguments, environment: environment)
            // Somebody else may have taken the port in between; then it is another one.
            do {
                try await server.start()
                return server
            } catch let failure as ControlFailure {
                guard server.log.contains("Address already in use") else { throw failure }
                await server.remove()
            }
        }
        throw ControlFailure("no free port for redis-server")
    }

    public var log: String { process.withLock { $0?.log ?? "" } }
    public var pid: Int32? { process.withLock { $0?.pid } }

    /// Starts it with what its folder holds, and waits until it answers.
    public func start() async throws {
        guard let program = ServerProcess.find("redis-server") else { throw ControlFailure("redis-server is not installed: scripts/setup --tests") }
        // Each write is on the disk before it is answered, so that a kill loses nothing that was acknowledged.
        let settings =
            ["--port", "\(port)", "--bind", place.host, "--protected-mode", "no", "--dir", folder, "--save", "", "--appendonly", "yes", "--appendfsync", "always"] + arguments
        let command = place.command(program, settings)
        let process = try ServerProcess(command.executable, command.arguments, environment: environment, folder: folder)
        self.process.withLock { $0 = process }
        try await eventually("redis-server answers") {
            guard process.isRunning else { throw ControlFailure("redis-server ended: \(process.log.suffix(1000))") }
            return try await Self.isReady(host: self.place.host, port: self.port)
        }
    }

    /// SIGKILL.
    public func stop() async throws {
        let process = process.withLock { $0 }
        try await process?.end()
    }

    public func send(_ signal: Int32) { process.withLock { $0 }?.send(signal) }

    /// Ends it and removes its folder.
    public func remove() async {
        try? await stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Sends one command on a connection of its own; returns the first bytes of the reply as text.
    @discardableResult
    public func command(_ words: String...) async throws -> String { try await Self.command(words, host: place.host, port: port) }

    /// Without a password it is enough to be told that one is needed.
    private static func isReady(host: String, port: Int) async throws -> Bool {
        guard let reply = try? await command(["PING"], host: host, port: port) else { return false }
        return reply.hasPrefix("+PONG") || reply.hasPrefix("-NOAUTH")
    }

    private static func command(_ words: [String], host: String, port: Int) async throws -> String {
        let text = "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(5))
            .connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            for try await bytes in inbound { return String(buffer: bytes) }
            throw ControlFailure("redis-server closed the connection")
        }
    }
}
