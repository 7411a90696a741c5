import Foundation
import GatewayAPI
import StoreContract
import Testing
import TradingModel

@Suite struct APIGuardTests {
    @Test func `reading takes one of the configured tokens`() async throws {
        try await APIFixture.serving(APIStubStore()) { (api) async throws in
            #expect(try await api.send(.GET, "/api/v1/orders").status == 200)
            #expect(try await api.send(.GET, "/api/v1/orders", token: "another-token").status == 200)
            for token in [nil, "", "wrong", APIFixture.token + "x", String(APIFixture.token.dropLast())] {
                let reply = try await api.send(.GET, "/api/v1/orders", token: token)
                #expect(reply.status == 401)
                #expect(reply.code == "unauthorized")
                #expect(reply.headers["www-authenticate"] == ["Bearer realm=\"turnstile\""])
            }
            let basic = try await api.send(.GET, "/api/v1/orders", headers: ["Authorization": "Basic \(APIFixture.token)"], token: nil)
            #expect(basic.status == 401)
        }
    }

    @Test func `without a configured token the API says what to configure`() async throws {
        for tokens in [[], [Secret("")]] {
            try await APIFixture.serving(APIStubStore()) {
                $0.readTokens = tokens
            } body: { (api) async throws in
                let reply = try await api.send(.GET, "/api/v1/orders", token: tokens.isEmpty ? "x" : "")
                #expect(reply.status == 403)
                #expect(reply.code == "read_token_missing")
                #expect(reply.text.contains("http.tokens.reader"))
                #expect(try await api.send(.GET, "/livez", token: nil).status == 200)
            }
        }
    }

    @Test func `who may not read does not learn which paths exist`() async throws {
        try await APIFixture.serving(APIStubStore()) { (api) async throws in
            for path in ["/api", "/api/v1/nothing", "/api/v1/orders?limit=0", "/api/v2/orders"] {
                #expect(try await api.send(.GET, path, token: nil).status == 401)
            }
            #expect(try await api.send(.GET, "/api/v1/nothing").code == "not_found")
            #expect(try await api.send(.GET, "/api/v2/orders").status == 404)
        }
    }

    @Test(arguments: ["/", "/nothing", "/hooks", "/hooks/", "/hooks/tv/", "/hooks/tv/a/b", "/livez/x", "/api/v1/orders/", "/api/v1/orders/a/b"])
    func `a path that names nothing is a problem 404`(path: String) async throws {
        try await APIFixture.serving(APIStubStore()) { (api) async throws in
            let reply = try await api.send(path.hasPrefix("/hooks") ? .POST : .GET, path)
            #expect(reply.status == 404)
            #expect(reply.headers["content-type"] == ["application/problem+json"])
            let body = try reply.json
            #expect(body["type"] as? String == "/docs/errors#not_found")
            #expect(body["title"] as? String == "Not Found")
            #expect(body["status"] as? Int == 404)
            #expect(body["request_id"] as? String == reply.headers["x-request-id"].first)
        }
    }

    @Test func `a method that a path does not take is a problem 405 with Allow`() async throws {
        try await APIFixture.serving(APIStubStore()) { (api) async throws in
            for (method, path, allow) in [
                ("DELETE", "/api/v1/orders", "GET, HEAD, POST"), ("POST", "/api/v1/positions", "GET, HEAD"), ("POST", "/api/v1/events", "GET"), ("GET", "/hooks/tv", "POST"),
                ("PUT", "/hooks/tv/secret", "POST"), ("POST", "/livez", "GET, HEAD"),
            ] {
                let reply = try await api.send(.init(rawValue: method), path)
                #expect(reply.status == 405, "\(method) \(path)")
                #expect(reply.code == "method_not_allowed")
                #expect(reply.headers["allow"] == [allow])
            }
        }
    }

    @Test func `HEAD has the head of GET and no body`() async throws {
        try await APIFixture.serving(APIStubStore()) { (api) async throws in
            let reply = try await api.send(.HEAD, "/api/v1/orders")
            #expect(reply.status == 200)
            #expect(reply.text.isEmpty)
            #expect(reply.headers["content-length"] == ["\(#"{"data":[],"next":null}"#.utf8.count)"])
            #expect(try await api.send(.HEAD, "/api/v1/orders", token: nil).status == 401)
        }
    }

    @Test func `a sane request id comes back, any other is replaced`() async throws {
        try await APIFixture.serving(APIStubStore()) { (api) async throws in
            let longest = String(repeating: "a", count: 128)
            for id in ["abc-1.2_Z", longest] {
                #expect(try await api.send(.GET, "/livez", headers: ["X-Request-ID": id]).headers["x-request-id"] == [id])
            }
            for id in ["a b", longest + "a", "<script>", "é"] {
                let reply = try await api.send(.GET, "/livez", headers: ["X-Request-ID": id])
                let minted = try #require(reply.headers["x-request-id"].first)
                #expect(minted != id)
                #expect(minted.count == 32)
            }
        }
    }

    @Test func `health checks are open, and only readers see their texts`() async throws {
        let store = APIStubStore()
        try await APIFixture.serving(store) { (api) async throws in
            let live = try await api.send(.GET, "/livez", token: nil)
            #expect(live.status == 200)
            #expect(live.headers["content-type"] == ["application/health+json"])
            #expect(try live.json["releaseId"] as? String == "1.2.3")
            let ready = try await api.send(.GET, "/readyz", token: nil)
            #expect(ready.status == 200)
            #expect(try ready.json["checks"] == nil)
            #expect(["pass", "warn"].contains(try ready.json["status"] as? String))
            let open = try await api.send(.GET, "/readyz?verbose", token: nil)
            #expect(try (open.json["checks"] as? [String: Any])?["store"] != nil)
            #expect(!open.text.contains("output"))
            #expect(try await api.send(.GET, "/readyz?verbose").text.contains("output"))
            store.change { $0.isAvailable = false }
            let failing = try await api.send(.GET, "/readyz", token: nil)
            #expect(failing.status == 503)
            #expect(try failing.json["status"] as? String == "fail")
            #expect(try await api.send(.GET, "/livez", token: nil).status == 200)
        }
    }
}
