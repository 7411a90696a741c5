import AdapterKit
import BrokerContract
import Testing
import TradingModel

/// Proof that one send is one request, whatever the server does.
@Suite struct SendOnceTests {
    @Test(arguments: [RawServer.Action.close, .reset])
    func `a kept connection that dies on the second order sees it once, and the outcome is unknown`(
        _ action: RawServer.Action
    ) async throws {
        try await RawServer.with { _, number in number == 1 ? .reply(RawServer.ok("{}")) : action } _: { server, port in
            let client = makeClient()
            #expect(await client.send(order(port: port, "/order?n=1")).status == 200)
            // The connection goes back to the pool a moment after its reply was read.
            try await Task.sleep(for: .milliseconds(100))
            let second = await client.send(order(port: port, "/order?n=2"))
            #expect(second.unknown == .connectionLost)
            #expect(second.evidence?.mayHaveLeft == true)
            try await Task.sleep(for: .milliseconds(300))
            #expect(server.posts.count == 2)
            #expect(server.posts.filter { $0.contains("n=2") }.count == 1)
            #expect(server.seen.carriers == [1, 1])
        }
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func `a redirect is neither followed nor repeated`(_ status: Int) async throws {
        try await RawServer.with { _, _ in
            .reply("HTTP/1.1 \(status) Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
        } _: { server, port in
            #expect(await makeClient().send(order(port: port, body: "x=1")).status == status)
            try await Task.sleep(for: .milliseconds(200))
            #expect(server.seen.requests.count == 1)
        }
    }

    @Test func `the request arrives byte for byte and without our own header`() async throws {
        try await RawServer.with { _, _ in .reply(RawServer.ok("{}")) } _: { server, port in
            let path = "/api/v3/order?symbol=%EF%BC%91A&q=a%2Bb~c-_.&signature=x%3D"
            _ = await makeClient().send(order(port: port, path))
            let request = try #require(server.posts.first)
            #expect(request.hasPrefix("POST \(path) HTTP/1.1\r\n"))
            #expect(!request.lowercased().contains("x-turnstile"))
        }
    }

    @Test func `a pooled connection that the server closed while idle is not used for an order`() async throws {
        try await RawServer.with { _, _ in .reply(RawServer.ok("{}")) } _: { server, port in
            let client = makeClient()
            #expect(await client.send(order(port: port)).status == 200)
            await server.closeConnections()
            try await Task.sleep(for: .milliseconds(200))
            #expect(await client.send(order(port: port)).status == 200)
            #expect(server.posts.count == 2)
            #expect(server.seen.connections == 2)
        }
    }

    @Test func `a pooled connection that closes at the moment of use never yields two requests or a false notSent`() async throws {
        for round in 0..<20 {
            try await RawServer.with { _, _ in .reply(RawServer.ok("{}")) } _: { server, port in
                let client = makeClient()
                _ = await client.send(order(port: port, "/order?n=1"))
                try await Task.sleep(for: .milliseconds(20))
                async let closing: Void = server.closeConnections()
                if round % 2 == 0 { try await Task.sleep(for: .microseconds(50 * round)) }
                let second = await client.send(order(port: port, "/order?n=2"))
                await closing
                try await Task.sleep(for: .milliseconds(20))
                let arrived = server.posts.filter { $0.contains("n=2") }.count
                #expect(arrived <= 1)
                if second.notSent != nil { #expect(arrived == 0) }
                if second.status != nil { #expect(arrived == 1) }
            }
        }
    }
}
