import Foundation
import GatewayAPI
import NIOCore
import StoreContract
import Testing
import TradingModel

@Suite struct APIHookTests {
    private static let signal = #"{"v":1,"strategy":"trend","symbol":"BTCUSD","action":"buy","quantity":"0.010","secret":"\#(APIFixture.secret)"}"#

    @Test func `a signal is taken with the secret in its body or in the path`() async throws {
        let store = APIStubStore()
        try await APIFixture.serving(store) { (api) async throws in
            let inBody = try await api.send(.POST, "/hooks/tv", headers: ["X-Request-ID": "r-7"], body: Self.signal, token: nil)
            #expect(inBody.status == 202)
            #expect(inBody.headers["x-request-id"] == ["r-7"])
            let id = try #require(inBody.json["signal_id"] as? String)
            #expect(inBody.headers["location"] == ["/api/v1/signals/\(id)"])
            let body = Self.signal.replacing("0.010", with: "0.020")
            let inPath = try await api.send(
                .POST, "/hooks/tv/\(APIFixture.secret.replacing("-", with: "%2D"))",
                headers: ["traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"], body: body, token: nil)
            #expect(inPath.status == 202)
            let stored = try await store.signals(before: nil, limit: 10)
            #expect(stored.count == 2)
            #expect(stored.first { $0.requestID == "r-7" }?.clientAddress == "127.0.0.1")
            #expect(stored.contains { $0.traceparent == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" })
        }
    }

    @Test func `a copy gets the first answer byte for byte`() async throws {
        try await APIFixture.serving(APIStubStore()) { (api) async throws in
            let first = try await api.send(.POST, "/hooks/tv", body: Self.signal, token: nil)
            let copy = try await api.send(.POST, "/hooks/tv", body: Self.signal, token: nil)
            #expect(copy.status == first.status)
            #expect(copy.text == first.text)
            #expect(first.headers["idempotency-replayed"].isEmpty)
            #expect(copy.headers["idempotency-replayed"] == ["true"])
        }
    }

    @Test func `a repeated header reaches the gateway with all its values`() async throws {
        let store = APIStubStore()
        try await APIFixture.serving(store) { (api) async throws in
            let reply = try await api.send(
                .POST, "/hooks/tv", headers: ["Idempotency-Key": "a", "idempotency-key": "b"], body: Self.signal, token: nil)
            #expect(reply.status == 202)
            let other = try await api.send(.POST, "/hooks/tv", headers: ["Idempotency-Key": "a, b"], body: Self.signal, token: nil)
            #expect(other.headers["idempotency-replayed"] == ["true"])
        }
    }

    @Test func `a body at the limit is read, one byte more is 413 and ends the connection`() async throws {
        let store = APIStubStore()
        try await APIFixture.serving(store) { (api) async throws in
            let filler = String(repeating: " ", count: 64 * 1024 - Self.signal.utf8.count)
            #expect(try await api.send(.POST, "/hooks/tv", body: Self.signal + filler, token: nil).status == 202)
            let tooLong = try await api.send(.POST, "/hooks/tv", body: Self.signal + filler + " ", token: nil)
            #expect(tooLong.status == 413)
            #expect(tooLong.code == "body_too_large")
            #expect(tooLong.headers["connection"] == ["close"])
            #expect(try await api.send(.POST, "/hooks/tv", body: String(repeating: "x", count: 900_000), token: nil).status == 413)
        }
    }

    @Test func `a chunked body without a length is limited in the same way`() async throws {
        let store = APIStubStore()
        try await APIFixture.serving(store) { (api) async throws in
            func chunked(_ body: String) -> String {
                "POST /hooks/tv HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
            }
            let taken = try await api.raw([chunked(Self.signal)]) { $0.contains("signal_id") }
            #expect(taken.hasPrefix("HTTP/1.1 202"))
            let refused = try await api.raw([chunked(String(repeating: "x", count: 65_537))])
            #expect(refused.hasPrefix("HTTP/1.1 413"))
            #expect(refused.contains("body_too_large"))
        }
    }

    @Test func `a body that ends early is never taken for a whole one`() async throws {
        let store = APIStubStore()
        try await APIFixture.serving(store) { (api) async throws in
            for head in ["Content-Length: \(Self.signal.utf8.count + 5)\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n\(String(Self.signal.utf8.count, radix: 16))\r\n"] {
                // The socket is closed as soon as the bytes are out.
                _ = try await api.raw(["POST /hooks/tv HTTP/1.1\r\nHost: h\r\n\(head)\(Self.signal)\r\n"]) { _ in true }
            }
            // The whole one that follows shows that the others had their time.
            #expect(try await api.send(.POST, "/hooks/tv", headers: ["Idempotency-Key": "whole"], body: Self.signal, token: nil).status == 202)
            try await Task.sleep(for: .milliseconds(200))
            #expect(try await store.signals(before: nil, limit: 10).count == 1)
        }
    }

    @Test func `a body that does not come in time is 408 and ends the connection`() async throws {
        let store = APIStubStore()
        try await APIFixture.serving(store) {
            $0.bodyDeadline = .milliseconds(300)
        } body: { (api) async throws in
            let text = try await api.raw(["POST /hooks/tv HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{\"v\""])
            #expect(text.hasPrefix("HTTP/1.1 408"))
            #expect(text.components(separatedBy: "HTTP/1.1").count == 2)
            #expect(try await api.send(.POST, "/hooks/tv", body: Self.signal, token: nil).status == 202)
        }
    }

    @Test func `a body in an encoding is 415`() async throws {
        try await APIFixture.serving(APIStubStore()) { (api) async throws in
            let reply = try await api.send(.POST, "/hooks/tv", headers: ["Content-Encoding": "gzip"], body: "x", token: nil)
            #expect(reply.status == 415)
            #expect(reply.code == "content_encoding_unsupported")
            #expect(try await api.send(.POST, "/hooks/tv", headers: ["Content-Encoding": "identity"], body: Self.signal, token: nil).status == 202)
        }
    }

    @Test func `a webhook that offers an upgrade to HTTP 2 is answered`() async throws {
        try await APIFixture.serving(APIStubStore()) { (api) async throws in
            let text = try await api.raw([
                "POST /hooks/tv HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: \(Self.signal.utf8.count)\r\n\r\n\(Self.signal)"
            ]) { $0.contains("signal_id") }
            #expect(text.hasPrefix("HTTP/1.1 202"))
        }
    }

    @Test(arguments: ["\u{0}\u{1}\u{2}\r\n\r\n", "GET\r\n\r\n", "POST /hooks/tv HTTP/1.1\r\nHost h\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"])
    func `a malformed request is answered or cut, never left hanging`(bytes: String) async throws {
        try await APIFixture.serving(APIStubStore()) { (api) async throws in
            let text = try await api.raw([bytes])
            #expect(text.isEmpty || text.hasPrefix("HTTP/1.1 4") || text.hasPrefix("HTTP/1.1 5"))
        }
    }

    @Test func `requests follow each other on one connection`() async throws {
        let store = APIStubStore()
        try await APIFixture.serving(store) { (api) async throws in
            let post = "POST /hooks/tv HTTP/1.1\r\nHost: h\r\nContent-Length: \(Self.signal.utf8.count)\r\n\r\n\(Self.signal)"
            let text = try await api.raw([post + post + "GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n"]) { $0.contains("HTTP/1.1 404") }
            #expect(text.components(separatedBy: "HTTP/1.1 202").count == 3)
            #expect(try await store.signals(before: nil, limit: 10).count == 1)
        }
    }

    @Test func `a refusal by the gateway carries the same request id as its header`() async throws {
        try await APIFixture.serving(APIStubStore()) { (api) async throws in
            for (path, status) in [("/hooks/tv/wrong", 401), ("/hooks/unknown", 404)] {
                let reply = try await api.send(.POST, path, body: Self.signal, token: nil)
                #expect(reply.status == status)
                #expect(reply.headers["content-type"] == ["application/problem+json"])
                #expect(try reply.json["request_id"] as? String == reply.headers["x-request-id"].first)
            }
        }
    }
}
