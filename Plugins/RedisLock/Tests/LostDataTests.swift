import ConformanceKit
import Foundation
import LockContract
import RedisKit
import TestSupport
import Testing
import TradingModel

@testable import RedisLock

/// Redis grants twice in each of these; what must hold is that the two fences differ and that the later one is greater.
@Suite struct RedisLostDataTests {
    @Test func `the server's clock an hour ahead drops the lease: the successor's fence is greater and the former holder is told`() async throws {
        let shim = try ClockShim.make(source: root.appending(path: "Tests/Shims/clockshim.c").path())
        defer { shim.remove() }
        try await Scene.with(environment: shim.environment) { scene in
            let locks = scene.open()
            let first = try #require(try await scene.acquire(locks))
            #expect(try await scene.acquire(locks) == nil)
            try shim.jump(to: .seconds(3600))
            var granted: Lease?
            try await waitUntil("the lease is dropped", within: .seconds(30)) {
                granted = try await scene.acquire(locks)
                return granted != nil
            }
            let second = try #require(granted)
            #expect(second.fence > first.fence && second.predecessorExpired)
            #expect(try await locks.renew(first, ttl: .seconds(60)) == .lost)
            #expect(try await locks.release(first) == .notOwner)
            #expect(try await locks.recover(scene.resource, owner: second.owner)?.fence == second.fence)
        }
    }

    @Test func `the server's clock an hour behind keeps the lease too long: it shows, and force ends it`() async throws {
        let shim = try ClockShim.make(source: root.appending(path: "Tests/Shims/clockshim.c").path())
        defer { shim.remove() }
        try await Scene.with(environment: shim.environment) { scene in
            let locks = scene.open()
            let first = try #require(try await scene.acquire(locks, ttl: .seconds(5)))
            try shim.jump(to: .seconds(-3600))
            try await waitUntil("the clock is back", within: .seconds(30)) {
                (try await locks.inspect(scene.resource).remaining ?? .zero) > .seconds(3000)
            }
            // Longer than its time: nobody else gets it, and the holder's own bound is over.
            try await waitUntil("the holder's bound is over", within: .seconds(30)) { SystemClock().monotonic > first.localExpiry }
            #expect(try await scene.acquire(locks) == nil)
            #expect(try await locks.forceRelease(scene.resource, expected: first.fence, actor: "ann", reason: "clock"))
            let second = try #require(try await scene.acquire(locks))
            #expect(second.fence > first.fence && second.predecessorExpired)
        }
    }

    @Test func `after a flush with the clock set back a handle that knows the old epoch still gets a greater one`() async throws {
        let shim = try ClockShim.make(source: root.appending(path: "Tests/Shims/clockshim.c").path())
        defer { shim.remove() }
        try await Scene.with(environment: shim.environment) { scene in
            let locks = scene.open()
            let first = try #require(try await scene.acquire(locks))
            try shim.jump(to: .seconds(-3600))
            _ = try await scene.server.command("FLUSHALL")
            let second = try #require(try await scene.acquire(locks))
            #expect(second.fence > first.fence && second.predecessorExpired)
        }
    }

    @Test func `a promoted replica that missed grants never repeats a fence of the lost primary`() async throws {
        try await Scene.with { primary in
            let link = try await TCPProxy.start(to: primary.server.port)
            try await Scene.with(["--replicaof", "127.0.0.1", "\(link.port)"]) { replica in
                let onPrimary = primary.open()
                var fences: [FencingToken] = []
                for _ in 0..<3 {
                    let lease = try #require(try await primary.acquire(onPrimary))
                    fences.append(lease.fence)
                    _ = try await onPrimary.release(lease)
                }
                try await waitUntil("the replica has caught up", within: .seconds(60)) {
                    try await replica.server.command("HGET", "fence:account_lock:spot1", "counter").contains("\(fences[2].counter)")
                }
                // A replica is not used while it is one.
                await #expect(throws: LockError.self) { try await replica.open().check() }
                await link.refuse()
                // The primary goes on alone: these grants never reach the replica.
                let lost = try #require(try await primary.acquire(onPrimary))
                fences.append(lost.fence)
                _ = try await replica.server.command("REPLICAOF", "NO", "ONE")
                let promoted = try #require(try await primary.acquire(replica.open()))
                #expect(!fences.contains(promoted.fence))
                #expect(promoted.fence > lost.fence && promoted.predecessorExpired)
                // The former holder asks the new server: it is not its lease.
                let onReplica = replica.open()
                #expect(try await onReplica.renew(lost, ttl: .seconds(60)) == .lost)
                #expect(try await onReplica.release(lost) == .notOwner)
            }
            await link.stop()
        }
    }

    @Test func `a restart without persistence loses the lease, and the next fence is greater`() async throws {
        try await Scene.with(["--appendonly", "no"]) { scene in
            let first = try #require(try await scene.acquire(scene.open()))
            try await scene.server.stop()
            try await scene.server.start()
            let second = try #require(try await scene.acquire(scene.open()))
            #expect(second.fence > first.fence && second.predecessorExpired)
        }
    }
}
