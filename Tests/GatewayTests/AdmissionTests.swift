import Foundation
import StoreContract
import TestSupport
import Testing
import TradingModel

@testable import Gateway

@Suite struct AdmissionTests {
    private func scene(_ source: (inout SourceSettings) -> Void = { _ in }, change: (inout GatewaySettings) -> Void = { _ in }, clock: any TradingClock = SystemClock(), _ body: (InProcessScene) async throws -> Void) async throws {
        try await TemporaryFolder.with { folder in
            let scene = try await InProcessScene.make(
                InProcessScene.settings(accounts: ["a"], source: source, change: change), folder: folder, clock: clock)
            try await body(scene)
            await scene.store.close()
        }
    }

    @Test func `a duplicate costs no slot of the rate limit, a new signal does`() async throws {
        let clock = ManualClock()
        try await scene({ $0.rateLimit = .init(requests: 1, per: .seconds(1)) }, clock: clock) { scene async throws in
            #expect(await scene.post(id: "1").status == 202)
            for _ in 0..<5 { #expect(await scene.post(id: "1").headers["Idempotency-Replayed"] == "true") }
            let limited = await scene.post(id: "2")
            #expect(limited.status == 429 && limited.headers["Retry-After"] == "1")
            clock.advance(by: .milliseconds(999))
            #expect(await scene.post(id: "2").status == 429)
            clock.advance(by: .milliseconds(1))
            #expect(await scene.post(id: "2").status == 202)
            #expect(await scene.post(id: "3", from: "203.0.113.8").status == 202)
        }
    }

    @Test func `a derived key acts again after its window, an explicit one never`() async throws {
        let clock = ManualClock()
        try await scene({ $0.dedupeWindow = .seconds(300) }, clock: clock) { scene async throws in
            let first = await scene.post()
            clock.advance(by: .seconds(300) - .microseconds(1))
            #expect(await scene.post().body == first.body)
            clock.advance(by: .microseconds(1))
            let second = await scene.post()
            #expect(second.status == 202 && second.body != first.body)
            let explicit = await scene.post(id: "x")
            clock.advance(by: .seconds(400 * 86400))
            #expect(await scene.post(id: "x").body == explicit.body)
            #expect(try await scene.orders().count == 3)
        }
    }

    @Test func `what cannot be stored is answered 503 and not accepted`() async throws {
        try await scene { scene async throws in
            await scene.store.close()
            let answer = await scene.post()
            #expect(answer.status == 503 && answer.headers["Retry-After"] == "5")
        }
    }

    @Test func `only allowed addresses may post, seen through trusted proxies alone`() async throws {
        try await scene({ $0.allow = AddressRange.tradingView }, change: { $0.trustedProxies = [AddressRange("10.0.0.0/8")].compactMap(\.self) }) { scene async throws in
            #expect(await scene.post(from: "203.0.113.7").status == 403)
            #expect(await scene.post(from: "52.89.214.238").status == 202)
            let forwarded = ["x-forwarded-for": "52.89.214.238"]
            #expect(await scene.post(id: "2", headers: forwarded, from: "10.1.2.3").status == 202)
            #expect(await scene.post(id: "3", headers: forwarded, from: "203.0.113.7").status == 403)
            #expect(await scene.post(id: "4", headers: ["x-forwarded-for": "52.89.214.238, 203.0.113.9"], from: "10.1.2.3").status == 403)
            #expect(await scene.post(id: "5", headers: forwarded, from: "::ffff:10.1.2.3").status == 202)
            #expect(try await scene.alertTypes().contains("authentication_failed"))
        }
    }

    @Test func `a flood from one address is refused before anything else`() async throws {
        try await scene(change: { $0.coarseLimitPerSecond = 10 }) { scene async throws in
            var statuses: [Int] = []
            for number in 0..<30 { statuses.append(await scene.post(id: "\(number)", secret: "wrong").status) }
            #expect(statuses.prefix(10).allSatisfy { $0 == 401 })
            #expect(statuses.suffix(10).contains(429))
            #expect(await scene.post(from: "203.0.113.99").status == 202)
        }
    }

    @Test func `the tighter of the source's and the sender's age limits holds`() async throws {
        let clock = ManualClock()
        try await scene(clock: clock) { scene async throws in
            let fired = (clock.wallTime - .seconds(20)).description
            #expect(await scene.post(id: "1", extra: #","fired_at":"\#(fired)""#).status == 202)
            #expect(await scene.post(id: "2", extra: #","fired_at":"\#(fired)","max_lag":"20""#).status == 200)
            #expect(await scene.post(id: "3", extra: #","fired_at":"\#(fired)","max_lag":"21""#).status == 202)
            #expect(try await scene.orders().count == 2)
            // A clock that is ahead gains the sender no time.
            #expect(await scene.post(id: "4", extra: #","fired_at":"2099-01-01T00:00:00Z""#).status == 202)
            #expect(try await scene.orders().first?.expiresAt == clock.wallTime + .seconds(60))
        }
    }
}

@Suite struct StandardWebhooksTests {
    private let key = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    private let body = Array(#"{"test": 2432232314}"#.utf8)
    private let time = Timestamp(milliseconds: 1_614_265_330_000)
    private func headers(_ signature: String, time: String = "1614265330") -> [String: String] {
        ["webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": time, "webhook-signature": signature]
    }
    /// The example of the specification's reference libraries.
    private let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    private func accepts(_ keys: [Secret], _ headers: [String: String], _ body: [UInt8], at now: Timestamp) -> Bool {
        guard let webhooks = StandardWebhooks(keys: keys, tolerance: .seconds(300)) else { return false }
        do throws(StandardWebhooks.Failure) {
            try webhooks.verify(headers: headers, body: body, at: now)
            return true
        } catch { return false }
    }

    @Test func `the published example verifies`() {
        #expect(accepts([key], headers(signature), body, at: time))
    }

    @Test func `every flipped bit of body, id and time is refused`() {
        for index in body.indices {
            for bit in 0..<8 {
                var changed = body
                changed[index] ^= 1 << bit
                #expect(!accepts([key], headers(signature), changed, at: time))
            }
        }
        #expect(!accepts([key], headers(signature, time: "1614265331"), body, at: time))
        var other = headers(signature)
        other["webhook-id"] = "msg_other"
        #expect(!accepts([key], other, body, at: time))
    }

    @Test func `both keys are good while one is rotated, and one signature of several is enough`() {
        let next = Secret("whsec_" + Data(repeating: 7, count: 32).base64EncodedString())
        #expect(accepts([next, key], headers(signature), body, at: time))
        #expect(accepts([key], headers("v1,AAAA v2,zzz " + signature), body, at: time))
        #expect(!accepts([next], headers(signature), body, at: time))
    }

    @Test func `the tolerance holds on both sides`() {
        for (offset, good) in [(300, true), (301, false), (-300, true), (-301, false)] {
            #expect(accepts([key], headers(signature), body, at: time + .seconds(offset)) == good)
        }
    }

    @Test func `a thousand signatures are not looked at`() {
        #expect(!accepts([key], headers(String(repeating: "v1,AAAA ", count: 1000) + signature), body, at: time))
    }

    @Test func `a malformed key makes no verifier`() {
        for text in ["whsec_", "whsec_short", "whsec_!!!", "whsec_" + Data(repeating: 1, count: 23).base64EncodedString(), "whsec_" + Data(repeating: 1, count: 65).base64EncodedString()] {
            #expect(StandardWebhooks(keys: [Secret(text)], tolerance: .seconds(300)) == nil)
        }
    }
}

@Suite struct AddressTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::1", false), ("::1", "0:0:0:0:0:0:0:1", true), ("0.0.0.0/0", "8.8.8.8", true),
        ("0.0.0.0/0", "::1", false), ("52.89.214.238/31", "52.89.214.239", true), ("52.89.214.238/31", "52.89.214.240", false), ("::ffff:10.0.0.0", "10.0.0.0", true),
    ])
    func `a block contains what it should`(_ block: String, _ address: String, _ expected: Bool) throws {
        #expect(try #require(AddressRange(block)).contains(address) == expected)
    }

    @Test(arguments: ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/", "a.b.c.d", "::1::2", "1:2:3", "12345::", "fe80::1%eth0", "1.2.3.4/8/8", "1:2:3:4:5:6:7:8:9", ":::", "+1.2.3.4"])
    func `what is no address is refused`(_ text: String) {
        #expect(AddressRange(text) == nil)
    }

    @Test func `forwarded addresses are read from the right and only behind a trusted proxy`() throws {
        let trusted = [try #require(AddressRange("10.0.0.0/8"))]
        #expect(ClientAddress.of(peer: "1.1.1.1", forwardedFor: "2.2.2.2", trusted: trusted) == "1.1.1.1")
        #expect(ClientAddress.of(peer: "10.0.0.1", forwardedFor: "9.9.9.9, 2.2.2.2 , 10.0.0.2", trusted: trusted) == "2.2.2.2")
        #expect(ClientAddress.of(peer: "10.0.0.1", forwardedFor: nil, trusted: trusted) == "10.0.0.1")
        #expect(ClientAddress.of(peer: "10.0.0.1", forwardedFor: "2.2.2.2, garbage", trusted: trusted) == "10.0.0.1")
    }
}
