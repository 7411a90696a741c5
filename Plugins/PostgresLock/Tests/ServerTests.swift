import ConformanceKit
import Foundation
import LockContract
import TestSupport
import Testing
import TradingModel

@testable import PostgresLock

@Suite struct PostgresLockServerTests {
    /// What a handle says to a server that must not be used.
    private func refusal(_ locks: PostgresLock, _ scene: Scene) async throws -> String? {
        do throws(LockError) {
            _ = try await locks.acquire(scene.resource, owner: .random(), ttl: .seconds(290), holder: scene.holder)
        } catch {
            if case .refused(let why) = error { return why }
            throw error
        }
        return nil
    }

    @Test(arguments: ["fsync", "full_page_writes", "synchronous_commit"])
    func `a server that may lose commits is refused for every call, and taken after its settings were changed`(_ setting: String) async throws {
        try await Scene.with { scene in
            try await scene.server.sql("ALTER SYSTEM SET \(setting) = off")
            try await scene.server.sql("SELECT pg_reload_conf()")
            // A setting on the command line stands above the file: fsync is on there.
            if setting == "fsync" {
                try await PostgresUnderTest.with(["fsync=off"]) { unsafe in
                    let why = try await refusal(Scene(server: unsafe).open(), scene)
                    #expect(why?.contains("fsync") == true)
                }
                return
            }
            let locks = scene.open()
            try await waitUntil("refused", within: .seconds(60)) { try await refusal(scene.open(), scene)?.contains(setting) == true }
            let error = await #expect(throws: LockError.self) { try await locks.check() }
            #expect(error?.description.contains("refused") == true)
            #expect(try await refusal(locks, scene)?.contains(setting) == true)
            try await scene.server.sql("ALTER SYSTEM RESET \(setting)")
            try await scene.server.sql("SELECT pg_reload_conf()")
            try await waitUntil("the server is taken", within: .seconds(60)) { (try? await scene.acquire(locks)) != nil }
        }
    }

    @Test(arguments: ["transaction", "session"])
    func `a pooler is refused, because what a session holds must be our own`(_ mode: String) async throws {
        try await Scene.with { scene in
            try await PgBouncerUnderTest.with(scene.server, mode: mode) { pooler in
                let why = try await refusal(scene.open(port: pooler.port, parameters: "?sslmode=disable"), scene)
                #expect(why?.contains("pooler") == true)
            }
            // Directly it is taken.
            #expect(try await scene.acquire(scene.open()) != nil)
        }
    }

    @Test func `a user who may only use the schema takes locks, and cannot take a counter back`() async throws {
        try await Scene.with { scene in
            let locks = scene.open()
            let first = try #require(try await scene.acquire(locks))
            _ = try await locks.release(first)
            try await scene.server.sql(
                """
                CREATE ROLE turnstile LOGIN; GRANT USAGE ON SCHEMA turnstile_locks TO turnstile;
                GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA turnstile_locks TO turnstile;
                """)
            let second = try #require(try await scene.acquire(scene.open(user: "turnstile")))
            #expect(second.fence > first.fence && !second.predecessorExpired)
            for statement in ["DELETE FROM turnstile_locks.leases", "UPDATE turnstile_locks.leases SET counter = 1", "UPDATE turnstile_locks.leases SET owner = 'x'"] {
                await #expect(throws: (any Error).self) { try await scene.server.sql(statement) }
            }
            #expect(try await locks.inspect(scene.resource).fence == second.fence)
        }
    }

    @Test func `keys stay readable, and forced releases are on record`() async throws {
        try await Scene.with { scene in
            let locks = scene.open()
            let lease = try #require(try await scene.acquire(locks))
            #expect(try await scene.server.sql("SELECT counter FROM turnstile_locks.leases WHERE resource = 'account_lock:spot1'").contains("\(lease.fence.counter)"))
            #expect(try await locks.forceRelease(scene.resource, expected: lease.fence, actor: "ann", reason: "stuck"))
            let record = try await scene.server.sql("SELECT actor, reason FROM turnstile_locks.forced_releases")
            #expect(record.contains("ann|stuck"))
        }
    }

    @Test func `at the server's connection limit nothing is granted, and the handle works when there is room again`() async throws {
        try await Scene.with(["max_connections=8", "superuser_reserved_connections=1", "max_wal_senders=0"]) { scene in
            let lease = try #require(try await scene.acquire(scene.open()))
            try await scene.server.sql("CREATE ROLE crowd LOGIN CONNECTION LIMIT 0; GRANT USAGE ON SCHEMA turnstile_locks TO crowd")
            let locks = scene.open(user: "crowd")
            let error = await #expect(throws: LockError.self) { try await locks.inspect(scene.resource) }
            if case .unavailable? = error {} else { Issue.record("\(String(describing: error))") }
            try await scene.server.sql("ALTER ROLE crowd CONNECTION LIMIT 2; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA turnstile_locks TO crowd")
            #expect(try await locks.inspect(scene.resource).fence == lease.fence)
        }
    }

    @Test func `a cancelled waiter leaves the line at once`() async throws {
        try await Scene.with { scene in
            let locks = scene.open()
            _ = try #require(try await scene.acquire(locks))
            let error = try await withThrowingTaskGroup(of: LockError?.self) { group in
                group.addTask {
                    do throws(LockError) {
                        _ = try await locks.acquire(
                            scene.resource, owner: .random(), ttl: .seconds(290), holder: scene.holder, waitingUpTo: .seconds(600), clock: SystemClock())
                    } catch { return error }
                    return nil
                }
                try await waitUntil("it stands in line") { try await locks.inspect(scene.resource).waiters == 1 }
                group.cancelAll()
                return try await group.next() ?? nil
            }
            if case .cancelled? = error {} else { Issue.record("\(String(describing: error))") }
            // Not even its place is left, which would only count as dead after its time.
            #expect(try await scene.server.sql("SELECT count(*) FROM turnstile_locks.waiters").hasPrefix("0"))
        }
    }

    @Test func `a waiter that died without a word is skipped after its time`() async throws {
        try await Scene.with { scene in
            let locks = scene.open()
            let first = try #require(try await scene.acquire(locks))
            // As a killed process leaves it: a place that nobody keeps alive.
            try await scene.server.sql(
                "INSERT INTO turnstile_locks.waiters (resource, owner, alive_until) VALUES ('account_lock:spot1', 'dead', clock_timestamp() + interval '5 s')")
            #expect(try await locks.inspect(scene.resource).waiters == 1)
            _ = try await locks.release(first)
            let result = try await locks.acquire(
                scene.resource, owner: .random(), ttl: .seconds(290), holder: scene.holder, waitingUpTo: .seconds(60), clock: SystemClock())
            guard case .granted(let lease) = result else {
                Issue.record("\(result)")
                return
            }
            #expect(lease.fence > first.fence)
            #expect(try await locks.inspect(scene.resource).waiters == 0)
        }
    }
}
