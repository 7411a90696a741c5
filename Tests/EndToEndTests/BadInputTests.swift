import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct BadInputTests {
    /// Bodies that mean nothing, each with why.
    static func bodies() -> [(why: String, bytes: [UInt8])] {
        let good = #"{"v":1,"strategy":"trend","symbol":"BTCUSD","action":"buy","quantity":"0.010"}"#
        var bodies: [(String, [UInt8])] = []
        func add(_ why: String, _ text: String) { bodies.append((why, Array(text.utf8))) }
        // Every proper prefix of a good body.
        for length in 0..<good.utf8.count { bodies.append(("cut at \(length)", Array(good.utf8.prefix(length)))) }
        // Every structural character damaged.
        for (index, byte) in good.utf8.enumerated() where "{}:,\"".utf8.contains(byte) {
            var damaged = Array(good.utf8)
            damaged[index] = 0x07
            bodies.append(("byte \(index) damaged", damaged))
        }
        let members: [(String, [String])] = [
            ("v", ["2", "0", "\"1\"", "null", "true", "1.0", "[]", "{}"]), ("strategy", ["7", "[]", "{}", "true", "\"nope\""]),
            ("symbol", ["7", "null", "\"\"", "[\"BTCUSD\"]", "\"NOPE\"", "\"{{ticker}}\"", "\"\\u0000\""]),
            ("action", ["\"hold\"", "1", "null", "\"\"", "\"{{strategy.order.action}}\"", "[]", "\"b u y\""]),
            (
                "quantity",
                [
                    "0", "-1", "\"-0.01\"", "\"abc\"", "\"1e999\"", "1e999", "\"NaN\"", "NaN", "Infinity", "\"\"", "true", "[]", "{}", "\"0x10\"", "\"1,5\"",
                    "\"{{strategy.order.contracts}}\"", "{{strategy.order.contracts}}", "1" + String(repeating: "0", count: 300), "\"0\"", "+1", "01", ".5", "1.",
                    "\"１２\"", "\"1 2\"", "\"" + String(repeating: "9", count: 39) + "\"",
                ]
            ),
        ]
        for (key, values) in members {
            for value in values {
                let fields = ["v": "1", "strategy": "\"trend\"", "symbol": "\"BTCUSD\"", "action": "\"buy\"", "quantity": "\"0.010\""].merging([key: value]) { $1 }
                add("\(key) = \(value.prefix(20))", "{" + fields.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}")
            }
        }
        for extra in [
            #","type":"limit""#, #","type":"nope""#, #","type":7"#, #","limit_price":"1""#, #","stop_price":"1""#, #","time_in_force":"never""#,
            #","time_in_force":"gtd""#, #","fired_at":"soon""#, #","fired_at":{}"#, #","max_lag":"-5""#, #","max_lag":"1e30""#, #","unknown":1"#, #","quantiy":1"#,
            #","quantity":"1""#, #","type":"stop_limit","limit_price":"1""#, #","type":"limit","limit_price":"-1""#, #","type":"trailing_stop""#,
            #","extras":{"a":"{{close}}"}"#, #","alert_id":7"#,
        ] { add("extra \(extra)", good.dropLast() + extra + "}") }
        for text in [
            "null", "true", "7", "\"text\"", "[]", "[{}]", "{}", "{{}}", "hello", "a=b&c=d", "<xml/>", "\u{FEFF}" + good, good + good, good + "x", "{\"a\":1,}", "[1,]",
            "'single'", "{a:1}", "// comment\n" + good, "\\", "\u{0}", "NaN", "-", "--1", "1e", "tru", "nul", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\x41\"", "\"\\u12\"",
            "{\"\\u0061\":1,\"a\":2}", String(repeating: "[", count: 50_000), String(repeating: "{\"a\":", count: 10_000), "[" + String(repeating: "1,", count: 20_000) + "1]",
            String(repeating: " ", count: 1000), "\"" + String(repeating: "x", count: 50_000), "{\"" + String(repeating: "k", count: 60_000) + "\":1}",
        ] { add("text \(text.prefix(16))", text) }
        for bytes: [UInt8] in [
            [0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFE, 0xFF, 0x00, 0x7B, 0x00, 0x7D], [0x7B, 0x00, 0x7D, 0x00], [0x22, 0x80, 0x22],
            [0x22, 0xE2, 0x82, 0x22], [0x00], [0x1F, 0x8B, 0x08, 0x00],
        ] { bodies.append(("bytes \(bytes)", bytes)) }
        bodies.append(("1 MB", [UInt8](repeating: 0x20, count: 1 << 20)))
        bodies.append(("1 MB of good JSON", Array(#"{"v":1,"extras":""#.utf8) + [UInt8](repeating: 0x61, count: 1 << 20) + Array("\"}".utf8)))
        return bodies
    }

    @Test func `hundreds of malformed bodies are refused with a reason, and nothing is stored`() async throws {
        try await GatewayScene.with { scene in
            let bodies = Self.bodies()
            #expect(bodies.count >= 200)
            for (why, bytes) in bodies {
                let reply = try await TestHTTP.send(
                    "POST", scene.gateway.url + "/hooks/tv/" + GatewayUnderTest.secret, bytes: bytes, headers: ["Content-Type": "application/json"])
                #expect((400..<500).contains(reply.status) && reply.status != 429, "\(why): \(reply.status) \(reply.body)")
                #expect(reply.headers["content-type"] == "application/problem+json", "\(why)")
                #expect((reply.json["code"] as? String)?.isEmpty == false && (reply.json["detail"] as? String)?.isEmpty == false, "\(why): \(reply.body)")
                if reply.status == 400 { #expect(reply.json["line"] is Int && reply.json["column"] is Int, "\(why): \(reply.body)") }
            }
            #expect(scene.gateway.process.isRunning)
            #expect(try await scene.gateway.get("/api/v1/signals").list.isEmpty)
            #expect(try await scene.gateway.orders().isEmpty)
            #expect(try await scene.gateway.post(GatewayUnderTest.signal()).status == 202)
        }
    }

    @Test func `a request is authenticated before anything is said about it`() async throws {
        try await GatewayScene.with { scene in
            let good = GatewayUnderTest.signal()
            #expect(try await TestHTTP.post(scene.gateway.url + "/hooks/tv/wrong", good).status == 401)
            #expect(try await TestHTTP.post(scene.gateway.url + "/hooks/tv", good).status == 401)
            #expect(try await TestHTTP.post(scene.gateway.url + "/hooks/nobody/x", good).status == 404)
            let inBody = good.dropLast() + #","secret":"\#(GatewayUnderTest.secret)"}"#
            #expect(try await TestHTTP.post(scene.gateway.url + "/hooks/tv", String(inBody)).status == 202)
            #expect(try await TestHTTP.get(scene.gateway.url + "/api/v1/orders").status == 401)
            let stored = try await scene.gateway.get("/api/v1/signals").body
            #expect(!stored.contains(GatewayUnderTest.secret))
            #expect(!scene.gateway.process.text.contains(GatewayUnderTest.secret))
        }
    }

    @Test func `a webhook that offers an upgrade to HTTP 2 is answered`() async throws {
        try await GatewayScene.with { scene in
            let reply = try await TestHTTP.post(
                scene.gateway.url + "/hooks/tv/" + GatewayUnderTest.secret, GatewayUnderTest.signal(),
                headers: ["Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__"])
            #expect(reply.status == 202)
        }
    }
}
