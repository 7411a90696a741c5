import Hummingbird
import Logging
import NIOCore
import ServerKit
import Testing

@Suite struct ServerTests {
    static let request = "POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"

    /// A server with one plain route, and an echoing WebSocket at /echo.
    static func withServer<T: Sendable>(
        webSocket: Bool, headerTimeout: Duration = .seconds(10), idleTimeout: Duration = .seconds(60),
        _ body: @escaping @Sendable (Int) async throws -> T
    ) async throws -> T {
        try await withRunning { onListening in
            let router = Router()
            router.post("hook") { request, _ in "got " + String(buffer: try await request.body.collect(upTo: 1024)) }
            let echo: WebSocketHandler = { connection in
                for try await message in connection.messages {
                    switch message {
                    case .text("drop"): connection.drop()
                    case .text(let text): try await connection.write(text: "echo " + text)
                    case .binary(let bytes): try await connection.write(binary: bytes)
                    }
                }
            }
            let server = try makeServer(
                responder: router.buildResponder(),
                options: ServerOptions(
                    webSockets: webSocket ? ["/echo": echo] : [:], idleTimeout: idleTimeout, headerTimeout: headerTimeout),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), onListening: onListening)
            try await server.run()
        } _: { try await body($0) }
    }

    @Test(arguments: [true, false])
    func `a request that offers an upgrade to h2c is answered, and its connection is announced to close`(webSocket: Bool) async throws {
        try await Self.withServer(webSocket: webSocket) { port in
            try await RawConnection.with(port: port) { connection in
                try await connection.send(
                    Self.request + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\nbody")
                try await connection.readToEnd()
                #expect(connection.text.contains("200 OK") && connection.text.contains("got body"))
                #expect(connection.text.lowercased().contains("connection: close"))
            }
        }
    }

    @Test(arguments: [true, false])
    func `a kept connection answers request after request`(webSocket: Bool) async throws {
        try await Self.withServer(webSocket: webSocket) { port in
            try await RawConnection.with(port: port) { connection in
                for number in 0..<3 {
                    connection.clear()
                    try await connection.send(Self.request + "\r\nno.\(number)")
                    try await connection.read(until: "got no.\(number)")
                    #expect(!connection.text.lowercased().contains("connection: close"))
                }
            }
        }
    }

    @Test func `an upgrade to a path without a WebSocket is answered as a plain request`() async throws {
        try await Self.withServer(webSocket: true) { port in
            try await RawConnection.with(port: port) { connection in
                try await connection.send(Self.upgrade("/nowhere"))
                try await connection.readToEnd()
                #expect(connection.text.contains("404 Not Found"))
            }
        }
    }

    @Test(arguments: [true, false])
    func `a connection that sends no whole head in time is closed`(webSocket: Bool) async throws {
        try await Self.withServer(webSocket: webSocket, headerTimeout: .milliseconds(300)) { port in
            let start = ContinuousClock.now
            try await RawConnection.with(port: port) { connection in
                try await connection.send("POST /hook HTTP/1.1\r\nHost:")
                try await connection.readToEnd()
                #expect(connection.text.isEmpty)
            }
            #expect(ContinuousClock.now - start < .seconds(60))
        }
    }

    @Test func `an idle connection is closed`() async throws {
        try await Self.withServer(webSocket: false, idleTimeout: .seconds(3)) { port in
            try await RawConnection.with(port: port) { connection in
                try await connection.send(Self.request + "\r\nbody")
                try await connection.readToEnd(within: .seconds(60))
                #expect(connection.text.contains("got body"))
            }
        }
    }

    @Test(arguments: [true, false])
    func `headers beyond the limit are answered with 431`(webSocket: Bool) async throws {
        try await Self.withServer(webSocket: webSocket) { port in
            let many = (0..<80).map { "X-\($0): v\r\n" }.joined()
            let long = "X-Long: " + String(repeating: "v", count: 20_000) + "\r\n"
            for headers in [many, long] {
                try await RawConnection.with(port: port) { connection in
                    try await connection.send(Self.request + headers + "\r\nbody")
                    try await connection.readToEnd()
                    #expect(connection.text.hasPrefix("HTTP/1.1 431"))
                }
            }
        }
    }

    @Test(arguments: [true, false])
    func `garbage as first bytes is answered with 400 and closed`(webSocket: Bool) async throws {
        try await Self.withServer(webSocket: webSocket) { port in
            try await RawConnection.with(port: port) { connection in
                try await connection.send(bytes: [0x16, 0x03, 0x01, 0x00, 0x05, 0x0A, 0x0D, 0x0A])
                try await connection.readToEnd()
                #expect(connection.text.hasPrefix("HTTP/1.1 400"))
            }
        }
    }

    @Test func `a WebSocket echoes, joins fragments, answers pings and closes`() async throws {
        try await Self.withServer(webSocket: true) { port in
            try await RawConnection.with(port: port) { connection in
                try await connection.send(Self.upgrade("/echo?a=b"))
                try await connection.read(until: "101 Switching")
                try await connection.send(bytes: Self.frame(0x81, "hello"))
                try await connection.read(until: "echo hello")
                try await connection.send(bytes: Self.frame(0x01, "half ") + Self.frame(0x89, "ping!") + Self.frame(0x80, "whole"))
                try await connection.read(until: "echo half whole")
                #expect(connection.text.contains("ping!"))
                try await connection.send(bytes: Self.frame(0x88, "\u{3}\u{68}"))
                try await connection.readToEnd()
                #expect(connection.received.contains(0x88))
            }
        }
    }

    @Test func `a dropped WebSocket ends without a close frame`() async throws {
        try await Self.withServer(webSocket: true) { port in
            try await RawConnection.with(port: port) { connection in
                try await connection.send(Self.upgrade("/echo"))
                try await connection.read(until: "\r\n\r\n")
                connection.clear()
                try await connection.send(bytes: Self.frame(0x81, "drop"))
                try await connection.readToEnd()
                #expect(connection.received.isEmpty)
            }
        }
    }

    @Test func `a message beyond the limit ends the connection with 1009`() async throws {
        try await Self.withServer(webSocket: true) { port in
            try await RawConnection.with(port: port) { connection in
                try await connection.send(Self.upgrade("/echo"))
                try await connection.read(until: "\r\n\r\n")
                connection.clear()
                // A frame head that announces 2 MiB.
                try await connection.send(bytes: [0x82, 0xFF, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0])
                try await connection.readToEnd()
                #expect(connection.received.starts(with: [0x88]))
                #expect(Array(connection.received.dropFirst(2).prefix(2)) == [0x03, 0xF1])
            }
        }
    }

    static func upgrade(_ path: String) -> String {
        "GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    }

    /// A frame of a client with the mask 0.
    static func frame(_ head: UInt8, _ text: String) -> [UInt8] {
        [head, 0x80 | UInt8(text.utf8.count), 0, 0, 0, 0] + Array(text.utf8)
    }
}
