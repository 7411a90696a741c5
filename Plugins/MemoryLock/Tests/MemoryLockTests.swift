import LockContract
import MemoryLock
import TestSupport
import Testing
import TradingModel

@Suite struct MemoryLockTests {
    let clock = ManualClock()
    let holder = HolderIdentity(gateway: "g", host: "h", processID: 1, processStart: 1, bootID: "b", purpose: "test")
    let resource = LockResource.account("spot1")

    @Test func `of a hundred acquisitions at once one is granted`() async throws {
        let lock = MemoryLock(clock: clock)
        let granted = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<100 {
                group.addTask { try await acquired(lock, .random()) != nil }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(granted == 1)
    }

    @Test func `the fence rises over release, expiry and force, and renewing keeps it`() async throws {
        let lock = MemoryLock(clock: clock)
        let first = try #require(try await acquired(lock, "o1"))
        #expect(!first.predecessorExpired)
        #expect(try await lock.release(first) == .released)
        #expect(try await lock.release(first) == .released)
        let second = try #require(try await acquired(lock, "o2"))
        #expect(!second.predecessorExpired)
        clock.advance(by: .seconds(5))
        guard case .renewed(let renewed) = try await lock.renew(second, ttl: .seconds(10)) else { throw LockError.unavailable("") }
        #expect(renewed.fence == second.fence && renewed.localExpiry > second.localExpiry)
        clock.advance(by: .milliseconds(9999))
        #expect(try await acquired(lock, "o3") == nil)
        clock.advance(by: .milliseconds(1))
        #expect(try await lock.renew(renewed, ttl: .seconds(10)) == .lost)
        let third = try #require(try await acquired(lock, "o3"))
        #expect(third.predecessorExpired)
        #expect(try await lock.release(renewed) == .notOwner)
        #expect(try await !lock.forceRelease(resource, expected: second.fence, actor: "me", reason: "test"))
        #expect(try await lock.forceRelease(resource, expected: third.fence, actor: "me", reason: "test"))
        #expect(try await lock.renew(third, ttl: .seconds(10)) == .lost)
        let fourth = try #require(try await acquired(lock, "o4"))
        #expect(fourth.predecessorExpired)
        #expect(first.fence < second.fence && second.fence < third.fence && third.fence < fourth.fence)
    }

    @Test func `an owner recovers its lease, nobody else does`() async throws {
        let lock = MemoryLock(clock: clock)
        let lease = try #require(try await acquired(lock, "o1"))
        #expect(try await lock.recover(resource, owner: "o1")?.fence == lease.fence)
        #expect(try await lock.recover(resource, owner: "o2") == nil)
        let status = try await lock.inspect(resource)
        #expect(status.holder == holder && status.remaining == .seconds(10) && lease.localExpiry < clock.monotonic + .seconds(10))
        #expect(try await lock.list(prefix: "account_lock:").count == 1)
        #expect(try await lock.list(prefix: "bot_").isEmpty)
        clock.advance(by: .seconds(10))
        #expect(try await lock.recover(resource, owner: "o1") == nil)
    }

    @Test func `setting the wall clock moves no lease, and a later process' fences are greater`() async throws {
        let lock = MemoryLock(clock: clock)
        let lease = try #require(try await acquired(lock, "o1"))
        clock.setWallTime(clock.wallTime + .seconds(3600))
        #expect(try await acquired(lock, "o2") == nil)
        let later = MemoryLock(clock: clock)
        #expect(try #require(try await acquired(later, "o3")).fence > lease.fence)
        #expect(!later.capabilities.isShared && !later.capabilities.isDurable)
    }

    private func acquired(_ lock: MemoryLock, _ owner: OwnerToken) async throws -> Lease? {
        if case .granted(let lease) = try await lock.acquire(resource, owner: owner, ttl: .seconds(10), holder: holder) { lease } else { nil }
    }
}
