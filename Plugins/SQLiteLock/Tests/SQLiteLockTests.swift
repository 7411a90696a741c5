import Foundation
import GRDB
import LockContract
import TestSupport
import Testing
import TradingModel

@testable import SQLiteLock

@Suite struct SQLiteLockTests {
    let clock = ManualClock()
    let resource = LockResource.account("spot1")
    let alive = HolderIdentity.current(gateway: "g", purpose: "test")

    @Test func `of a hundred acquisitions at once, through two handles, one is granted`() async throws {
        try await withFile { path async throws in
            let locks = [try open(path), try open(path)]
            let granted = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<100 { group.addTask { try await acquired(locks[number % 2], .random()) != nil } }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(granted == 1)
        }
    }

    @Test func `the fence rises over release, expiry, force and reopening`() async throws {
        try await withFile { path async throws in
            var lock = try open(path)
            var last = FencingToken(epoch: 0, counter: 0)
            for step in 0..<40 {
                let lease = try #require(try await acquired(lock, OwnerToken("o\(step)")))
                #expect(lease.fence > last)
                last = lease.fence
                switch step % 4 {
                case 0: #expect(try await lock.release(lease) == .released)
                case 1: clock.advance(by: .seconds(10))
                case 2: #expect(try await lock.forceRelease(resource, expected: lease.fence, actor: "me", reason: "test"))
                default:
                    lock = try open(path)
                    clock.advance(by: .seconds(10))
                }
            }
        }
    }

    @Test func `a lease runs for its whole time and no call of a former owner touches its successor`() async throws {
        try await withFile { path async throws in
            let lock = try open(path)
            let first = try #require(try await acquired(lock, "o1"))
            #expect(first.localExpiry == clock.monotonic + .seconds(9) && !first.predecessorExpired)
            clock.advance(by: .milliseconds(9999))
            #expect(try await acquired(lock, "o2") == nil)
            clock.advance(by: .milliseconds(1))
            #expect(try await lock.renew(first, ttl: .seconds(10)) == .lost)
            let second = try #require(try await acquired(lock, "o2"))
            #expect(second.predecessorExpired)
            #expect(try await lock.release(first) == .notOwner)
            #expect(try await lock.renew(first, ttl: .seconds(10)) == .lost)
            #expect(try await lock.recover(resource, owner: "o1") == nil)
            #expect(try await lock.recover(resource, owner: "o2")?.fence == second.fence)
            guard case .renewed(let renewed) = try await lock.renew(second, ttl: .seconds(20)) else { throw LockError.unavailable("") }
            #expect(renewed.fence == second.fence && renewed.localExpiry == clock.monotonic + .seconds(18))
            #expect(try await lock.release(renewed) == .released)
            #expect(try await lock.release(renewed) == .released)
            #expect(try #require(try await acquired(lock, "o3")).predecessorExpired == false)
        }
    }

    @Test func `setting the wall clock moves no lease`() async throws {
        try await withFile { path async throws in
            let lock = try open(path)
            _ = try await acquired(lock, "o1")
            for hours in [1, -2] {
                clock.setWallTime(clock.wallTime + .seconds(3600 * hours))
                #expect(try await acquired(lock, "o2") == nil)
                #expect(try await lock.inspect(resource).remaining == .seconds(10))
            }
        }
    }

    @Test func `a lease of another boot is over, with the lock delay`() async throws {
        try await withFile { path async throws in
            let before = try SQLiteLock(path: path, clock: clock, bootID: "another-boot")
            let old = try #require(try await acquired(before, "o1"))
            let lock = try open(path)
            let lease = try #require(try await acquired(lock, "o2"))
            #expect(lease.fence > old.fence && lease.predecessorExpired)
        }
    }

    @Test func `the lease of a killed process is taken at once, of a living one never`() async throws {
        try await withFile { path async throws in
            let child = Process()
            child.executableURL = URL(fileURLWithPath: "/bin/sleep")
            child.arguments = ["60"]
            try child.run()
            defer { if child.isRunning { child.terminate() } }
            var holder = alive
            holder.processID = child.processIdentifier
            holder.processStart = try startOfProcess(child.processIdentifier)
            let lock = try open(path)
            let old = try #require(try await acquired(lock, "o1", holder: holder))
            #expect(try await acquired(lock, "o2") == nil)
            #expect(!ProcessLiveness.isProvenDead(holder))

            kill(child.processIdentifier, SIGKILL)
            child.waitUntilExit()
            #expect(ProcessLiveness.isProvenDead(holder))
            var elsewhere = holder
            elsewhere.host = "another host"
            #expect(!ProcessLiveness.isProvenDead(elsewhere))
            let lease = try #require(try await acquired(lock, "o2"))
            #expect(lease.fence > old.fence && !lease.predecessorExpired)
        }
    }

    @Test func `a process number that was given out again is another process`() {
        var holder = alive
        holder.processStart += 1
        #expect(ProcessLiveness.isProvenDead(holder))
        #expect(!ProcessLiveness.isProvenDead(alive))
        holder.bootID = ""
        #expect(!ProcessLiveness.isProvenDead(holder))
    }

    @Test func `only the expected fence is forced, and the deed is recorded`() async throws {
        try await withFile { path async throws in
            let lock = try open(path)
            let lease = try #require(try await acquired(lock, "o1"))
            let wrong = FencingToken(epoch: lease.fence.epoch, counter: lease.fence.counter + 1)
            #expect(try await !lock.forceRelease(resource, expected: wrong, actor: "me", reason: "test"))
            #expect(try await lock.forceRelease(resource, expected: lease.fence, actor: "me", reason: "stuck"))
            #expect(try await lock.release(lease) == .notOwner)
            #expect(try await lock.inspect(resource).holder == nil)
            // The former holder may still be at work.
            #expect(try #require(try await acquired(lock, "o2")).predecessorExpired)
            let database = try DatabaseQueue(path: path)
            let reasons = try await database.read { try String.fetchAll($0, sql: "SELECT reason FROM forced_releases") }
            #expect(reasons == ["stuck"])
        }
    }

    @Test func `holders are listed by prefix with all that tells who they are`() async throws {
        try await withFile { path async throws in
            let lock = try open(path)
            _ = try await acquired(lock, "0123456789abcdef")
            let status = try #require(try await lock.list(prefix: "account_lock:").first)
            #expect(status.holder == alive && status.ownerPrefix == "01234567" && status.age == .zero)
            #expect(try await lock.list(prefix: "account%").isEmpty)
        }
    }

    @Test func `a file made anew has a greater epoch, and counters cannot be removed`() async throws {
        try await withFile { path async throws in
            let old = try #require(try await acquired(try open(path), "o1"))
            let database = try DatabaseQueue(path: path)
            await #expect(throws: DatabaseError.self) { try await database.write { try $0.execute(sql: "DELETE FROM leases") } }
            clock.advance(by: .seconds(1))
            let new = try #require(try await acquired(try open(path + ".new"), "o1"))
            #expect(new.fence > old.fence)
        }
    }

    private func open(_ path: String) throws -> SQLiteLock { try SQLiteLock(path: path, clock: clock) }

    private func acquired(_ lock: SQLiteLock, _ owner: OwnerToken, holder: HolderIdentity? = nil) async throws -> Lease? {
        let result = try await lock.acquire(resource, owner: owner, ttl: .seconds(10), holder: holder ?? alive)
        if case .granted(let lease) = result { return lease }
        return nil
    }

    private func withFile(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("locks-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder + "/locks.db")
    }

    private func startOfProcess(_ id: Int32) throws -> UInt64 {
        let text = try String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8)
        let fields = try #require(text.split(separator: ")").last).split(separator: " ")
        return try #require(UInt64(fields[19]))
    }
}
