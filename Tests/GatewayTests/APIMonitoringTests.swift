import Foundation
import LockContract
import MemoryLock
import NIOHTTP1
import StoreContract
import TestSupport
import Testing
import TradingModel

@testable import Gateway

/// What operators see and decide, on a real store and a lock backend that somebody else holds.
@Suite struct APIMonitoringTests {
    private static let account = "paper1"

    private struct Scene: Sendable {
        let api: APIFixture
        let store: any OrderStore
        let locks: MemoryLock
        let lease: Lease
        let tenure: Tenure

        func unlock(_ body: String, _ account: String = APIMonitoringTests.account, token: String? = APIFixture.adminToken) async throws -> APIFixture.Reply {
            try await api.send(.POST, "/api/v1/monitoring/locks/account/\(account)/unlock", body: body, token: token)
        }

        func body(_ fence: FencingToken, actor: String = "ada") -> String { #"{"expected_fence":"\#(fence)","reason":"it hangs","actor":"\#(actor)"}"# }

        func journal(_ type: String) async throws -> [JournalEntry] { try await store.journal(after: 0, limit: 1000).filter { $0.type == type } }
    }

    /// Another gateway holds the account, with a tenure.
    private func serving(_ body: (Scene) async throws -> Void) async throws {
        try await TemporaryFolder.with { folder in
            let store = try await InProcessScene.openStore(folder)
            let locks = MemoryLock(clock: SystemClock())
            let holder = HolderIdentity.current(gateway: "gw-other", purpose: "account")
            let owner = OwnerToken.random()
            let resource = LockResource.account(AccountID(Self.account))
            guard case .granted(let lease) = try await locks.acquire(resource, owner: owner, ttl: .seconds(300), holder: holder) else {
                throw TimedOut(description: "not granted")
            }
            let tenure = try await store.openTenure(
                TenureRequest(
                    account: AccountID(Self.account), owner: owner, holder: holder, leaseFence: lease.fence, configurationHash: "0",
                    at: SystemClock().wallTime)
            ).tenure
            try await APIFixture.serving(store, locks: locks) {
                $0.adminTokens = [Secret(APIFixture.adminToken)]
            } body: { api in
                try await body(Scene(api: api, store: store, locks: locks, lease: lease, tenure: tenure))
            }
            await store.close()
        }
    }

    @Test func `locks tell holder, fence, age, what remains and who waits`() async throws {
        try await serving { scene async throws in
            let list = try await scene.api.send(.GET, "/api/v1/monitoring/locks/status").json
            let row = try #require((list["data"] as? [[String: Any]])?.first)
            #expect(Set(row.keys) == ["account", "resource", "holder", "owner", "fence", "age", "remaining", "waiters", "tenure"])
            #expect(row["resource"] as? String == "account_lock:paper1")
            #expect((row["holder"] as? [String: Any])?["gateway"] as? String == "gw-other")
            #expect(row["fence"] as? String == scene.lease.fence.description)
            #expect((row["age"] as? Double).map { $0 >= 0 } == true)
            #expect((row["remaining"] as? Double).map { $0 > 0 && $0 <= 300 } == true)
            #expect(row["owner"] as? String == scene.lease.owner.prefix)
            let one = try await scene.api.send(.GET, "/api/v1/monitoring/locks/account/paper1")
            #expect(try one.json["fence"] as? String == row["fence"] as? String)
            let none = try await scene.api.send(.GET, "/api/v1/monitoring/locks/account/nobody")
            #expect(none.status == 404 && none.code == "account_not_found")
        }
    }

    @Test func `an unlock takes the lease away, fences the holder at once, and is on record`() async throws {
        try await serving { scene async throws in
            let reply = try await scene.unlock(scene.body(scene.lease.fence))
            #expect(reply.status == 200)
            #expect(try reply.json["released_fence"] as? String == scene.lease.fence.description)
            #expect(try (reply.json["holder"] as? [String: Any])?["gateway"] as? String == "gw-other")
            // The former holder can neither renew nor change anything.
            #expect(try await scene.locks.renew(scene.lease, ttl: .seconds(30)) == .lost)
            await #expect(throws: StoreError.self) { try await scene.store.permitAnything(under: scene.tenure) }
            // The next holder sees a predecessor that did not end well, and waits the lock delay.
            let next = try await scene.locks.acquire(scene.lease.resource, owner: .random(), ttl: .seconds(30), holder: .current(gateway: "gw-next", purpose: "account"))
            guard case .granted(let lease) = next else { throw TimedOut(description: "\(next)") }
            #expect(lease.predecessorExpired && lease.fence > scene.lease.fence)
            let opened = try await scene.store.openTenure(
                TenureRequest(
                    account: scene.tenure.account, owner: lease.owner, holder: .current(gateway: "gw-next", purpose: "account"), leaseFence: lease.fence,
                    configurationHash: "0", at: SystemClock().wallTime))
            #expect(opened.unclosedPredecessor?.holder.purpose == "unlock")
            for type in ["lock.unlock_requested", "lock.force_released"] {
                let line = try #require(try await scene.journal(type).first)
                #expect(line.account == scene.tenure.account)
                for word in ["ada", "it hangs", scene.lease.fence.description, "gw-other"] { #expect(line.data.contains(word), "\(type): \(word)") }
            }
        }
    }

    @Test func `an unlock with another fence, or of a free lock, changes nothing`() async throws {
        try await serving { scene async throws in
            let other = FencingToken(epoch: scene.lease.fence.epoch, counter: scene.lease.fence.counter + 1)
            let changed = try await scene.unlock(scene.body(other))
            #expect(changed.status == 409 && changed.code == "fence_changed")
            guard case .renewed(let lease) = try await scene.locks.renew(scene.lease, ttl: .seconds(30)) else { throw TimedOut(description: "lost") }
            #expect(try await scene.journal("lock.unlock_requested").isEmpty)
            _ = try await scene.locks.release(lease)
            let free = try await scene.unlock(scene.body(scene.lease.fence))
            #expect(free.status == 409 && free.code == "fence_changed")
            #expect(try await scene.store.openTenureCount(of: scene.tenure.account) == 1)
        }
    }

    @Test func `of two operators at once one wins`() async throws {
        for _ in 0..<10 {
            try await serving { scene async throws in
                let replies = try await withThrowingTaskGroup { group in
                    for actor in ["ada", "grace"] { group.addTask { try await scene.unlock(scene.body(scene.lease.fence, actor: actor)) } }
                    return try await group.reduce(into: [APIFixture.Reply]()) { $0.append($1) }
                }
                #expect(replies.map(\.status).sorted() == [200, 409])
                #expect(replies.first { $0.status == 409 }?.code == "fence_changed")
                #expect(try await scene.journal("lock.force_released").count == 1)
            }
        }
    }

    @Test func `decisions take the admin token, a reason and an actor`() async throws {
        try await serving { scene async throws in
            let good = scene.body(scene.lease.fence)
            for token in [nil, APIFixture.token, "wrong"] {
                let reply = try await scene.unlock(good, token: token)
                #expect(reply.status == 401 && reply.code == "unauthorized")
            }
            #expect(try await scene.api.send(.GET, "/api/v1/orders", token: APIFixture.adminToken).status == 200)
            let fence = scene.lease.fence.description
            let bad: [(String, String)] = [
                ("", "invalid_json"), ("[]", "wrong_type"), ("{", "invalid_json"), (#"{"expected_fence":"\#(fence)","actor":"ada"}"#, "missing_field"),
                (#"{"expected_fence":"\#(fence)","actor":" ","reason":"x"}"#, "missing_field"), (#"{"actor":"ada","reason":"x"}"#, "missing_field"),
                (#"{"expected_fence":1,"actor":"ada","reason":"x"}"#, "wrong_type"), (#"{"expected_fence":"17","actor":"ada","reason":"x"}"#, "invalid_number"),
                (#"{"expected_fence":"\#(fence)","actor":"ada","reason":"x","force":"yes"}"#, "unknown_field"),
                (#"{"expected_fence":"\#(fence)","actor":"ada","reason":"a\nb"}"#, "control_character"),
                (#"{"expected_fence":"\#(fence)","actor":"ada","reason":"\#(String(repeating: "x", count: 501))"}"#, "too_long"),
            ]
            for (body, code) in bad {
                let reply = try await scene.unlock(body)
                #expect(reply.status == 400 && reply.code == code, "\(body): \(reply.text)")
            }
            let unknown = try await scene.unlock(good, "nobody")
            #expect(unknown.status == 404 && unknown.code == "account_not_found")
            #expect(try await scene.api.send(.GET, "/api/v1/monitoring/locks/account/paper1/unlock").status == 405)
            #expect(try await scene.journal("lock.unlock_requested").isEmpty)
        }
    }

    @Test func `without an admin token nobody decides`() async throws {
        try await APIFixture.serving(APIStubStore()) { (api) async throws in
            let reply = try await api.send(.POST, "/api/v1/monitoring/dead-letters/o1/replay", body: "{}", token: "x")
            #expect(reply.status == 403 && reply.code == "admin_token_missing" && reply.text.contains("http.tokens.admin"))
        }
    }

    @Test func `the queue, the gateways and dead letters are listed, and a dead letter is decided once`() async throws {
        try await serving { scene async throws in
            let posted = try await InProcessScene.admitted(to: scene.store)
            let worker = WorkerRecord(
                holder: .current(gateway: "gw-other", purpose: "account"), programVersion: "1.2.3", configurationHash: "0", startedAt: SystemClock().wallTime)
            try await scene.store.heartbeat(worker)
            let workers = try #require(try await scene.api.send(.GET, "/api/v1/monitoring/workers").json["data"] as? [[String: Any]])
            #expect(workers.map { $0["state"] as? String } == ["live"])
            #expect(workers.first?["program_version"] as? String == "1.2.3")
            func queue() async throws -> [String: Any]? { try await (scene.api.send(.GET, "/api/v1/monitoring/queue").json["data"] as? [[String: Any]])?.first }
            #expect(try await queue()?["depth"] as? Int == 1)
            #expect(try await (queue()?["age"] as? Double).map { $0 >= 0 } == true)

            // Five crashes of processes that are gone.
            var tenure: Tenure?
            for number in 1...6 {
                var holder = HolderIdentity.current(gateway: "gw-other", purpose: "account")
                holder.processStart += UInt64(number)
                let opened = try await scene.store.openTenure(
                    TenureRequest(account: "a", owner: .random(), holder: holder, leaseFence: scene.lease.fence, configurationHash: "0", at: SystemClock().wallTime))
                if let tenure { _ = try await scene.store.countCrash(of: tenure, under: opened.tenure, limit: 5, at: SystemClock().wallTime) }
                tenure = opened.tenure
            }
            let letters = try #require(try await scene.api.send(.GET, "/api/v1/monitoring/dead-letters").json["data"] as? [[String: Any]])
            #expect(letters.count == 1 && (letters.first?["crashes"] as? [Any])?.count == 5)
            #expect((letters.first?["order"] as? [String: Any])?["id"] as? String == posted.rawValue)
            #expect(try await queue()?["dead_letters"] as? Int == 1)

            let path = "/api/v1/monitoring/dead-letters/\(posted)"
            let decision = #"{"actor":"ada","reason":"too late"}"#
            #expect(try await scene.api.send(.POST, path + "/discard", body: decision, token: APIFixture.token).status == 401)
            #expect(try await scene.api.send(.POST, path + "/discard", body: #"{"actor":"ada"}"#, token: APIFixture.adminToken).code == "missing_field")
            let discarded = try await scene.api.send(.POST, path + "/discard", body: decision, token: APIFixture.adminToken)
            #expect(discarded.status == 200)
            #expect(try discarded.json["status"] as? String == "blocked")
            #expect(try discarded.json["reason"] as? String == "discarded")
            for word in ["discard", "replay"] {
                let again = try await scene.api.send(.POST, path + "/\(word)", body: decision, token: APIFixture.adminToken)
                #expect(again.status == 404 && again.code == "dead_letter_not_found")
            }
            #expect(try await scene.api.send(.POST, path + "/forget", body: decision, token: APIFixture.adminToken).status == 404)
            #expect(try await scene.journal("order.dead_letter.discarded").first?.data.contains("too late") == true)
        }
    }
}

extension OrderStore {
    /// Any change under the tenure, which a fenced holder is refused.
    fileprivate func permitAnything(under tenure: Tenure) async throws(StoreError) {
        _ = try await permit(
            PermitRequest(
                orderID: "none", tenure: tenure, now: tenure.openedAt, notAfter: SystemClock().monotonic + .seconds(1), notAfterWall: tenure.openedAt + .seconds(1))
        ) { _ in .wait(reason: "test") }
    }

    fileprivate func openTenureCount(of account: AccountID) async throws(StoreError) -> Int {
        try await journal(after: 0, limit: 1000).count { $0.type == "tenure.opened" && $0.account == account }
    }
}
