import ConformanceKit
import Foundation
import NIOCore
import NIOPosix
import Testing
import TestSupport

/// The proxy does what it is told, as a client sees it that is no adapter of ours.
@Suite struct FaultProxyTests {
    /// A venue that answers each request with its number, and a proxy before it.
    static func with(_ body: @escaping @Sendable (FaultProxy, String) async throws -> Void) async throws {
        let venue = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { $0.pipeline.addHandler(EchoVenue()) }
            .bind(host: "127.0.0.1", port: 0).get()
        let proxy = try await FaultProxy.start(venuePort: venue.localAddress?.port ?? 0)
        let result: Result<Void, any Error>
        do { result = .success(try await body(proxy, "http://127.0.0.1:\(proxy.port)/order?a=1")) } catch { result = .failure(error) }
        await proxy.stop()
        try await venue.close()
        try result.get()
    }

    static let order = [RequestPattern("POST", "/order")]

    @Test func `without a fault bytes pass, and requests are counted once, without their query`() async throws {
        try await Self.with { proxy, url in
            let reply = try await TestHTTP.post(url, "{\"b\":2}")
            #expect(reply.status == 200 && reply.body == "venue")
            #expect(proxy.requests.map(\.path) == ["/order"])
            #expect(proxy.requests.allSatisfy { $0.isWhole && $0.method == "POST" })
        }
    }

    @Test(arguments: [
        WireFault.cutRequest(.bytes(1)), .cutRequest(.percent(50)), .cutAfterRequest(withReset: false), .cutAfterRequest(withReset: true),
        .cutReply(.bytes(5)), .cutReply(.beforeEnd(1)),
    ])
    func `a cut is an error to the client, and the request was seen`(_ fault: WireFault) async throws {
        try await Self.with { proxy, url in
            proxy.plan(fault, on: Self.order)
            await #expect(throws: (any Error).self) { _ = try await TestHTTP.post(url, "{}") }
            #expect(proxy.requests.count == 1)
            let next = try await TestHTTP.post(url, "{}")
            #expect(next.body == "venue")
        }
    }

    @Test func `a made-up reply takes the place of the venue's`() async throws {
        try await Self.with { proxy, url in
            proxy.plan(.answer(CannedReply(503, "busy"), delivered: false), on: Self.order)
            let reply = try await TestHTTP.post(url, "{}")
            #expect(reply.status == 503 && reply.body == "busy")
        }
    }

    @Test func `a rewritten reply keeps its length, and is counted`() async throws {
        try await Self.with { proxy, url in
            proxy.plan(.rewrite(find: "venue", with: "eunev"), on: Self.order)
            let last = try await TestHTTP.post(url, "{}")
            #expect(last.body == "eunev")
            #expect(proxy.rewrites == 1)
        }
    }

    @Test func `a slow reply arrives whole`() async throws {
        try await Self.with { proxy, url in
            proxy.plan(.trickle(pieces: 5, every: .milliseconds(10)), on: Self.order)
            let last = try await TestHTTP.post(url, "{}")
            #expect(last.body == "venue")
        }
    }

    @Test func `a refusing proxy refuses, and listens again on its port`() async throws {
        try await Self.with { proxy, url in
            await proxy.refuse()
            await #expect(throws: (any Error).self) { _ = try await TestHTTP.send("POST", url, timeout: .seconds(1)) }
            try await proxy.listen()
            let last = try await TestHTTP.post(url, "{}")
            #expect(last.status == 200)
        }
    }
}

/// Answers whatever comes, once per read.
private final class EchoVenue: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let text = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nvenue"
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }
}
