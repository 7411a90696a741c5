import ConformanceKit
import Foundation
import LockContract
import TestSupport
import Testing
import TradingModel

@testable import PostgresLock

/// Postgres may grant twice in some of these; what must hold is that the fences differ and that the later one is greater.
@Suite struct PostgresLockLostDataTests {
    @Test func `a promoted standby that missed grants raises the epoch, and never repeats a fence`() async throws {
        try await Scene.with { primary in
            let locks = primary.open()
            let first = try #require(try await primary.acquire(locks))
            _ = try await locks.release(first)
            let link = try await TCPProxy.start(to: primary.server.port)
            let standby = try await primary.server.makeStandby(link: link.port)
            let copy = Scene(server: standby)
            let result: Result<Void, any Error>
            do {
                // It is not used while it follows.
                let error = await #expect(throws: LockError.self) { try await copy.open().check() }
                #expect(error?.description.contains("standby") == true)
                #expect(try await locks.check().contains { $0.contains("standby") })
                try await waitUntil("it has caught up", within: .seconds(60)) {
                    try await standby.sql("SELECT count(*) FROM turnstile_locks.leases WHERE state = 'released'").contains("1")
                }
                await link.refuse()
                // The primary goes on alone: this grant never reaches the standby.
                let lost = try #require(try await primary.acquire(locks))
                try await standby.promote()
                let promoted = try #require(try await copy.acquire(copy.open()))
                #expect(promoted.fence.epoch > lost.fence.epoch && promoted.predecessorExpired)
                // The former holder asks the new server: it is not its lease.
                #expect(try await copy.open().renew(lost, ttl: .seconds(290)) == .lost)
                #expect(try await copy.open().release(lost) == .notOwner)
                result = .success(())
            } catch { result = .failure(error) }
            await standby.remove()
            await link.stop()
            try result.get()
        }
    }

    @Test func `dropped tables are made anew, and the epoch rises also for a handle that has seen none`() async throws {
        try await Scene.with { scene in
            let locks = scene.open()
            let first = try #require(try await scene.acquire(locks))
            for handle in [locks, scene.open()] {
                try await scene.server.sql("DROP SCHEMA turnstile_locks CASCADE")
                let next = try #require(try await scene.acquire(handle))
                #expect(next.fence > first.fence && next.predecessorExpired)
            }
        }
    }

    @Test func `the server's clock an hour ahead ends the lease: the successor's fence is greater and the former holder is told`() async throws {
        let shim = try ClockShim.make(source: root.appending(path: "Tests/Shims/clockshim.c").path())
        defer { shim.remove() }
        try shim.open()
        try await Scene.with(environment: shim.environment) { scene in
            let locks = scene.open()
            let first = try #require(try await scene.acquire(locks))
            #expect(try await scene.acquire(locks) == nil)
            try shim.jump(to: .seconds(3600))
            var granted: Lease?
            try await waitUntil("the lease has ended", within: .seconds(60)) {
                granted = try await scene.acquire(locks)
                return granted != nil
            }
            let second = try #require(granted)
            #expect(second.fence > first.fence && second.predecessorExpired)
            #expect(try await locks.renew(first, ttl: .seconds(290)) == .lost)
            #expect(try await locks.release(first) == .notOwner)
        }
    }

    @Test func `the server's clock an hour behind keeps the lease too long: it shows, and force ends it`() async throws {
        let shim = try ClockShim.make(source: root.appending(path: "Tests/Shims/clockshim.c").path())
        defer { shim.remove() }
        try shim.open()
        try await Scene.with(environment: shim.environment) { scene in
            let locks = scene.open()
            let first = try #require(try await scene.acquire(locks))
            try shim.jump(to: .seconds(-3600))
            try await waitUntil("the clock is back", within: .seconds(60)) {
                (try await locks.inspect(scene.resource).remaining ?? .zero) > .seconds(3000)
            }
            #expect(try await scene.acquire(locks) == nil)
            #expect(try await locks.forceRelease(scene.resource, expected: first.fence, actor: "ann", reason: "clock"))
            let second = try #require(try await scene.acquire(locks))
            #expect(second.fence > first.fence && second.predecessorExpired)
            // Nor does it hold up those who wait: a place from before the jump counts as dead until it is kept alive again.
            try await scene.server.sql(
                "INSERT INTO turnstile_locks.waiters (resource, owner, alive_until) VALUES ('account_lock:spot1', 'dead', clock_timestamp() + interval '1 h')")
            #expect(try await locks.inspect(scene.resource).waiters == 0)
        }
    }
}
