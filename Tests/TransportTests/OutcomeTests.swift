import AdapterKit
import BrokerContract
import Testing
import TradingModel

/// What each way to fail is told as.
@Suite struct OutcomeTests {
    @Test func `a refused connection is notSent`() async throws {
        let port = try await unusedPort()
        let result = await makeClient().send(order(port: port))
        #expect(result.notSent == .connectionRefused)
        #expect(result.evidence?.mayHaveLeft == false)
    }

    @Test func `a connect time-out is notSent`() async throws {
        let backlog = try #require(FullBacklog())
        let result = await makeClient(connectTimeout: .milliseconds(300)).send(order(port: backlog.port))
        #expect(result.notSent == .connectTimedOut)
        #expect(result.evidence?.mayHaveLeft == false)
    }

    @Test func `a name that does not resolve is notSent`() async throws {
        let request = VenueRequest(
            .post, "http://venue.invalid/order", timeout: .seconds(60),
            window: SendWindow(notAfter: SystemClock().monotonic + .seconds(60)), isCommand: true)
        #expect(await makeClient().send(request).notSent == .nameNotResolved)
    }

    @Test func `a server without TLS behind an https address is notSent`() async throws {
        try await RawServer.with { _, _ in .close } _: { server, port in
            let request = VenueRequest(
                .post, "https://127.0.0.1:\(port)/order", timeout: .seconds(3),
                window: SendWindow(notAfter: SystemClock().monotonic + .seconds(60)), isCommand: true)
            let result = await makeClient(connectTimeout: .milliseconds(500)).send(request)
            #expect(result.notSent != nil, "\(result)")
            #expect(server.posts.isEmpty)
        }
    }

    @Test func `a reply that is cut short is unknown`() async throws {
        try await RawServer.with { _, _ in
            .replyThenClose("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"symbol\"")
        } _: { _, port in
            let result = await makeClient().send(order(port: port))
            #expect(result.unknown != nil)
            #expect(result.evidence?.mayHaveLeft == true)
        }
    }

    @Test func `a reset inside the reply is unknown`() async throws {
        try await RawServer.with { _, _ in
            .replyThenReset("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"symbol\"")
        } _: { _, port in
            #expect(await makeClient().send(order(port: port)).unknown == .connectionLost)
        }
    }

    @Test func `a server that never answers is unknown after the time-out`() async throws {
        try await RawServer.with { _, _ in .hang } _: { server, port in
            let result = await makeClient().send(order(port: port, timeout: .milliseconds(300)))
            #expect(result.unknown == .timedOut)
            #expect(server.posts.count == 1)
        }
    }

    @Test func `bytes that are not HTTP are unknown`() async throws {
        try await RawServer.with { _, _ in .replyThenClose("garbage\r\n\r\n") } _: { _, port in
            #expect(await makeClient().send(order(port: port)).unknown != nil)
        }
    }

    @Test func `a reply beyond the limit is unknown`() async throws {
        let long = String(repeating: "a", count: 5000)
        try await RawServer.with { _, _ in .reply(RawServer.ok(long)) } _: { _, port in
            #expect(await makeClient().send(order(port: port, maximumReplyBytes: 5000)).status == 200)
            #expect(await makeClient().send(order(port: port, maximumReplyBytes: 4999)).unknown == .unreadableReply)
        }
    }

    @Test func `cancellation with the request in flight is unknown`() async throws {
        try await RawServer.with { _, _ in .hang } _: { server, port in
            let result = try await withThrowingTaskGroup(of: VenueHTTPResult.self) { group in
                group.addTask { await makeClient().send(order(port: port)) }
                #expect(try await eventually { server.posts.count == 1 })
                group.cancelAll()
                return try await group.next()
            }
            #expect(result?.unknown == .cancelled)
        }
    }

    @Test func `cancellation while connecting is notSent`() async throws {
        let backlog = try #require(FullBacklog())
        let port = backlog.port
        let result = try await withThrowingTaskGroup(of: VenueHTTPResult.self) { group in
            group.addTask { await makeClient(connectTimeout: .seconds(3)).send(order(port: port)) }
            try await Task.sleep(for: .milliseconds(100))
            group.cancelAll()
            return try await group.next()
        }
        #expect(result?.notSent == .cancelled)
    }

    private func unusedPort() async throws -> Int {
        nonisolated(unsafe) var port = 0
        try await RawServer.with { _, _ in .close } _: { _, used in port = used }
        return port
    }
}
