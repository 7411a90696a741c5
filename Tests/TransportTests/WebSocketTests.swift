import AdapterKit
import BrokerContract
import Foundation
import Testing

@Suite struct WebSocketTests {
    private func connect(_ port: Int, path: String = "/ws", _ options: WebSocketOptions = WebSocketOptions(silenceLimit: .seconds(5))) async throws -> WebSocketConnection {
        try await WebSocketClient(options: options).connect(to: try #require(URL(string: "ws://127.0.0.1:\(port)\(path)")))
    }

    /// All messages to the end, and the end.
    private func drain(_ connection: WebSocketConnection) async -> (messages: [String], end: WebSocketEnd?) {
        var messages: [String] = []
        do {
            for try await message in connection.messages { messages.append(message) }
            return (messages, nil)
        } catch { return (messages, error as? WebSocketEnd) }
    }

    @Test func `a text goes there and back`() async throws {
        try await FrameServer.with { _, port in
            let connection = try await connect(port)
            try await connection.send("hällo")
            var messages = connection.messages.makeAsyncIterator()
            #expect(try await messages.next() == "hällo")
            await connection.close()
            #expect(await drain(connection).messages.isEmpty)
        }
    }

    @Test func `a ping is answered with its own payload`() async throws {
        try await FrameServer.with(sending: [.init(opcode: .ping, data: "1763700000000")]) { server, port in
            let connection = try await connect(port)
            #expect(try await eventually { server.seen.contains(.init(opcode: .pong, data: "1763700000000")) })
            await connection.close()
        }
    }

    @Test func `a message of several frames comes as one`() async throws {
        let parts: [FrameServer.Frame] = [
            .init(opcode: .text, data: "one ", fin: false), .init(opcode: .ping, data: "between"),
            .init(opcode: .continuation, data: "message"),
        ]
        try await FrameServer.with(sending: parts) { _, port in
            let connection = try await connect(port)
            var messages = connection.messages.makeAsyncIterator()
            #expect(try await messages.next() == "one message")
            await connection.close()
        }
    }

    @Test func `a connection without a sound is closed`() async throws {
        try await FrameServer.with { _, port in
            let connection = try await connect(port, WebSocketOptions(silenceLimit: .milliseconds(200)))
            #expect(await drain(connection).end == .silent)
        }
    }

    @Test func `a peer that answers our pings stays, however still it is, and is dead soon after it answers no more`() async throws {
        try await FrameServer.with { server, port in
            server.answersPings.withLock { $0 = true }
            let pings = WebSocketOptions.Pings(interval: .milliseconds(100), silenceLimit: .milliseconds(1500))
            let connection = try await connect(port, WebSocketOptions(silenceLimit: .seconds(600), pings: pings))
            try await Task.sleep(for: .seconds(3))
            try await connection.send("still there")
            var messages = connection.messages.makeAsyncIterator()
            #expect(try await messages.next() == "still there")
            server.answersPings.withLock { $0 = false }
            #expect(await drain(connection).end == .silent)
        }
    }

    @Test func `a peer that has never answered a ping has the longer time`() async throws {
        try await FrameServer.with { server, port in
            let pings = WebSocketOptions.Pings(interval: .milliseconds(20), silenceLimit: .milliseconds(100))
            let connection = try await connect(port, WebSocketOptions(silenceLimit: .seconds(600), pings: pings))
            #expect(try await eventually { server.seen.count { $0.opcode == .ping } >= 50 })
            try await connection.send("still there")
            var messages = connection.messages.makeAsyncIterator()
            #expect(try await messages.next() == "still there")
            await connection.close()
        }
    }

    @Test func `a full buffer ends the connection, and what was in it is still delivered`() async throws {
        let script = (0..<20).map { FrameServer.Frame(opcode: .text, data: "\($0)") }
        try await FrameServer.with(sending: script) { _, port in
            let connection = try await connect(port, WebSocketOptions(maximumBufferedMessages: 5))
            try await Task.sleep(for: .milliseconds(200))
            let (messages, end) = await drain(connection)
            #expect(messages == ["0", "1", "2", "3", "4"])
            #expect(end == .overflow)
        }
    }

    @Test func `a frame or a message beyond its limit ends the connection`() async throws {
        let long = String(repeating: "a", count: 2000)
        try await FrameServer.with(sending: [.init(opcode: .text, data: long)]) { _, port in
            let connection = try await connect(port, WebSocketOptions(maximumFrameBytes: 1000))
            let (messages, end) = await drain(connection)
            #expect(messages.isEmpty)
            #expect(end != nil && end != .silent)
        }
        let parts = [FrameServer.Frame(opcode: .text, data: long, fin: false), .init(opcode: .continuation, data: long)]
        try await FrameServer.with(sending: parts) { _, port in
            let connection = try await connect(port, WebSocketOptions(maximumMessageBytes: 3000))
            #expect(await drain(connection).messages.isEmpty)
        }
    }

    @Test func `the venue's close is told and answered`() async throws {
        try await FrameServer.with(sending: [.init(opcode: .connectionClose, data: "")]) { server, port in
            let connection = try await connect(port)
            #expect(await drain(connection).end == .closedByPeer(code: nil))
            #expect(try await eventually { server.seen.contains { $0.opcode == .connectionClose } })
        }
    }

    @Test func `a refused upgrade and a refused connection are errors`() async throws {
        try await FrameServer.with { _, port in
            await #expect(throws: BrokerError.self) { try await connect(port, path: "/no", WebSocketOptions(connectTimeout: .milliseconds(500))) }
        }
        await #expect(throws: BrokerError.self) { try await connect(1) }
    }

    @Test func `a server that never answers the upgrade is given up`() async throws {
        try await RawServer.with { _, _ in .hang } _: { _, port in
            await #expect(throws: BrokerError.self) { try await connect(port, WebSocketOptions(connectTimeout: .milliseconds(300))) }
        }
    }
}
