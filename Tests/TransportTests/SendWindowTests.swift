import AdapterKit
import BrokerContract
import Testing
import TradingModel

/// No byte leaves at or after the end of the window.
@Suite struct SendWindowTests {
    @Test func `a window that has closed lets no byte out`() async throws {
        try await RawServer.with { _, _ in .reply(RawServer.ok("{}")) } _: { server, port in
            let result = await makeClient().send(order(port: port, window: .zero))
            #expect(result.notSent == .windowClosed)
            try await Task.sleep(for: .milliseconds(100))
            #expect(server.seen.connections == 0)
        }
    }

    @Test(arguments: 0..<10)
    func `a window that closes at any reading of the clock never lets a byte out after it`(_ reads: Int) async throws {
        try await RawServer.with { _, _ in .reply(RawServer.ok("{}")) } _: { server, port in
            let clock = JumpingClock(readsBeforeJump: reads)
            var request = order(port: port, body: "b=1")
            request.window = SendWindow(notAfter: MonotonicInstant(sinceBoot: .seconds(200)))
            let result = await makeClient(clock: clock).send(request)
            try await Task.sleep(for: .milliseconds(100))
            if reads <= 3 {
                // Readings: start, before the handover, remaining time, the gate.
                #expect(result.notSent == .windowClosed)
                #expect(result.evidence?.mayHaveLeft == false)
                #expect(server.seen.bytes == 0)
            }
            if result.notSent != nil { #expect(server.seen.bytes == 0) }
            #expect(server.posts.count <= 1)
            #expect(server.posts.count == (result.status == nil ? 0 : 1))
        }
    }

    @Test func `a connection that takes longer than the window never carries the request`() async throws {
        let backlog = try #require(FullBacklog())
        // Were the window not obeyed, the connect time-out would be the answer.
        let result = await makeClient(connectTimeout: .seconds(60)).send(order(port: backlog.port, window: .milliseconds(200)))
        #expect(result.notSent == .windowClosed)
    }

    @Test func `the window's end does not disturb a request that is out`() async throws {
        try await RawServer.with { _, _ in .hang } _: { _, port in
            let result = await makeClient().send(order(port: port, timeout: .milliseconds(600), window: .milliseconds(200)))
            #expect(result.unknown == .timedOut)
        }
    }

    @Test func `a pooled connection is gated as well`() async throws {
        try await RawServer.with { _, _ in .reply(RawServer.ok("{}")) } _: { server, port in
            let clock = JumpingClock(readsBeforeJump: .max)
            let client = makeClient(clock: clock)
            var request = order(port: port)
            request.window = SendWindow(notAfter: MonotonicInstant(sinceBoot: .seconds(200)))
            #expect(await client.send(request).status == 200)
            request.window = SendWindow(notAfter: MonotonicInstant(sinceBoot: .seconds(100)))
            #expect(await client.send(request).notSent == .windowClosed)
            #expect(server.posts.count == 1)
        }
    }
}
