import ConformanceKit
import Foundation
import GRDBSQLite
import TestSupport
import Testing

/// The lock server or the order store goes away under a running gateway, and comes back.
@Suite(.serialized) struct FailClosedTests {
    private func alert(_ type: String, _ gateway: GatewayUnderTest) async throws -> [[String: Any]] {
        try await gateway.get("/api/v1/monitoring/alerts?resolved=true").list.filter { $0["type"] as? String == type }
    }

    @Test func `without its Redis a gateway stores signals and sends nothing, and goes on when Redis is back`() async throws {
        let redis = try await RedisUnderTest.start()
        try await TemporaryFolder.with { folder in
            let venue = try await VenueUnderTest.start(in: folder)
            let port = try freePort()
            try GatewayUnderTest.configure(
                in: folder, port: port, venuePort: venue.port, locks: #"{ type: redis, url: "redis://127.0.0.1:\#(redis.port)", ttl: 3s }"#)
            let gateway = try await GatewayUnderTest.start(in: folder, port: port)
            try await gateway.waitForAccount()
            #expect(try await gateway.post(GatewayUnderTest.signal(), headers: ["Idempotency-Key": "before"]).status == 202)
            try await waitUntil("the first order is filled") { try await gateway.orders().first?["status"] as? String == "filled" }

            try await redis.stop()
            try await waitUntil("the loss is alerted as critical") {
                try await alert("lock_unavailable", gateway).contains { $0["severity"] as? String == "critical" && $0["resolved_at"] is NSNull }
            }
            // What is left of a lease may still be used, and no longer.
            try await waitUntil("the account is given up") {
                try await gateway.get("/api/v1/accounts").list.first?["tenure"] is NSNull
            }
            #expect(try await gateway.post(GatewayUnderTest.signal(), headers: ["Idempotency-Key": "during"]).status == 202)
            let locks = try await gateway.get("/api/v1/monitoring/locks/status")
            #expect(locks.status == 503 && locks.json["code"] as? String == "locks_unavailable")
            let ready = try await gateway.get("/readyz?verbose")
            #expect(ready.status == 200 && ready.json["status"] as? String == "warn")
            // Longer than any lease lives, with the keeper trying all the time.
            try await Task.sleep(for: .seconds(4))
            #expect(try await venue.orders().count == 1)
            #expect(try await gateway.orders().first?["status"] as? String == "queued")

            try await redis.start()
            try await waitUntil("the waiting order is filled: \(gateway.process.text.suffix(1500))") {
                try await gateway.orders().allSatisfy { $0["status"] as? String == "filled" }
            }
            #expect(try await venue.orders().count == 2)
            try await waitUntil("the alerts are resolved") { try await alert("lock_unavailable", gateway).allSatisfy { $0["resolved_at"] is String } }
            let status = try await gateway.command(["locks", "status", "--json"], in: folder)
            #expect(status.exitCode == 0 && status.text.contains("account_lock:spot1"), "\(status.text)")
            try await gateway.process.kill9()
            try await venue.process.kill9()
        }
        await redis.remove()
    }

    @Test func `with a store that takes no commits signals are refused and nothing is sent, and it goes on by itself`() async throws {
        try await GatewayScene.with { scene in
            #expect(try await scene.gateway.post(GatewayUnderTest.signal(), headers: ["Idempotency-Key": "before"]).status == 202)
            try await scene.settled(1)
            let intruder = try Intruder(scene.folder.file("turnstile.db"))
            try intruder.run("BEGIN IMMEDIATE")
            let refused = try await TestHTTP.send(
                "POST", scene.gateway.url + "/hooks/tv/" + GatewayUnderTest.secret, bytes: Array(GatewayUnderTest.signal().utf8),
                headers: ["Content-Type": "application/json", "Idempotency-Key": "during"], timeout: .seconds(60))
            #expect(refused.status == 503 && refused.json["code"] as? String == "not_stored")
            #expect(scene.gateway.process.text.contains("store_failing"))
            #expect(try await scene.venue.orders().count == 1)

            try intruder.run("ROLLBACK")
            // What the store could not take at the time is there afterwards, resolved.
            try await waitUntil("the alert is stored and resolved: \(scene.gateway.process.text.suffix(1500))") {
                let alerts = try await alert("store_failing", scene.gateway)
                return !alerts.isEmpty && alerts.allSatisfy { $0["severity"] as? String == "critical" && $0["resolved_at"] is String }
            }
            #expect(try await scene.gateway.post(GatewayUnderTest.signal(), headers: ["Idempotency-Key": "during"]).status == 202)
            try await scene.settled(2)
            #expect(try await scene.venue.orders().count == 2)
            #expect(try await scene.storeEqualsVenue())
        }
    }
}

/// Another process' hand on the database file.
private final class Intruder {
    private var database: OpaquePointer?

    init(_ path: String) throws {
        guard sqlite3_open(path, &database) == SQLITE_OK else { throw TimedOut(description: "\(path) not opened") }
        sqlite3_busy_timeout(database, 30_000)
    }

    func run(_ sql: String) throws {
        guard sqlite3_exec(database, sql, nil, nil, nil) == SQLITE_OK else { throw TimedOut(description: "\(sql): \(String(cString: sqlite3_errmsg(database)))") }
    }

    deinit { sqlite3_close(database) }
}
