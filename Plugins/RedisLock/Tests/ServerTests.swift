import ConformanceKit
import Foundation
import LockContract
import RedisKit
import TestSupport
import Testing
import TradingModel

@testable import RedisLock

@Suite struct RedisServerTests {
    @Test func `a server that may evict is refused for every call`() async throws {
        try await Scene.with(["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]) { scene in
            let locks = scene.open()
            await #expect(throws: LockError.self) { try await locks.check() }
            do throws(LockError) {
                _ = try await locks.acquire(scene.resource, owner: .random(), ttl: .seconds(30), holder: scene.holder)
                Issue.record("granted by a server that evicts")
            } catch {
                guard case .refused(let why) = error else { throw error }
                #expect(why.contains("maxmemory-policy"))
            }
            _ = try await scene.server.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
            try await waitUntil("the server is taken after its settings were changed", within: .seconds(30)) {
                (try? await scene.acquire(locks)) != nil
            }
        }
    }

    @Test(arguments: [
        ("role:slave", "not a master"), ("redis_mode:cluster", "cluster"), ("redis_mode:sentinel", "sentinel"),
        ("maxmemory:1", "maxmemory-policy"), ("run_id:", "run_id"),
    ])
    func `what makes a server unsafe is named`(_ line: String, _ words: String) throws {
        let good = ["run_id:abc", "redis_mode:standalone", "role:master", "maxmemory:0", "maxmemory_policy:allkeys-lru", "aof_enabled:1", "connected_slaves:0"]
        #expect(try ServerFacts(info: good.joined(separator: "\r\n")).warnings.isEmpty)
        let name = line.prefix { $0 != ":" }
        let bad = good.map { $0.hasPrefix(name + ":") ? line : $0 }
        let error = #expect(throws: RedisError.self) { try ServerFacts(info: bad.joined(separator: "\r\n")) }
        #expect(error?.isRefusal == true && error?.description.contains(words) == true)
    }

    @Test func `replicas and missing persistence are told at the start`() throws {
        let info = "run_id:abc\r\nredis_mode:standalone\r\nrole:master\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\naof_enabled:0\r\nconnected_slaves:2"
        #expect(try ServerFacts(info: info).warnings.count == 2)
    }

    @Test func `keys stay readable, and forced releases are on record`() async throws {
        try await Scene.with { scene in
            let locks = scene.open()
            let lease = try #require(try await scene.acquire(locks))
            #expect(try await scene.server.command("HGET", "account_lock:spot1", "owner").contains(lease.owner.rawValue))
            #expect(try await scene.server.command("HGET", "fence:account_lock:spot1", "counter").contains("\(lease.fence.counter)"))
            #expect(try await locks.forceRelease(scene.resource, expected: lease.fence, actor: "ann", reason: "stuck"))
            let record = try await scene.server.command("XRANGE", "turnstile:forced_releases", "-", "+")
            #expect(record.contains("ann") && record.contains("stuck"))
            #expect(try await scene.server.command("TTL", "fence:account_lock:spot1").hasPrefix(":-1"))
        }
    }

    @Test func `a user with a password logs in, a wrong password is refused, and the server's own scripts may be flushed`() async throws {
        try await Scene.with { scene in
            _ = try await scene.server.command("ACL", "SETUSER", "turnstile", "on", ">hunter2", "~*", "+@all", "-flushall")
            _ = try await scene.server.command("ACL", "SETUSER", "default", "off")
            let good = scene.open(RedisOptions(port: scene.server.port, username: "turnstile", password: Secret("hunter2")))
            let lease = try #require(try await scene.acquire(good))
            let bad = scene.open(RedisOptions(port: scene.server.port, username: "turnstile", password: Secret("wrong")))
            do throws(LockError) {
                _ = try await bad.inspect(scene.resource)
                Issue.record("answered without a login")
            } catch {
                guard case .refused = error else { throw error }
                #expect(!error.description.contains("wrong"))
            }
            #expect(try await good.release(lease) == .released)
        }
        try await Scene.with { scene in
            let locks = scene.open()
            let lease = try #require(try await scene.acquire(locks))
            _ = try await scene.server.command("SCRIPT", "FLUSH")
            #expect(try await locks.release(lease) == .released)
            #expect(try #require(try await scene.acquire(locks)).fence > lease.fence)
        }
    }

    @Test func `a counter that somebody deleted does not start again: the epoch rises`() async throws {
        try await Scene.with { scene in
            let locks = scene.open()
            var last = FencingToken(epoch: 0, counter: 0)
            for _ in 0..<5 {
                let lease = try #require(try await scene.acquire(locks))
                #expect(lease.fence > last)
                last = lease.fence
                _ = try await locks.release(lease)
            }
            _ = try await scene.server.command("DEL", "fence:account_lock:spot1")
            let lease = try #require(try await scene.acquire(scene.open()))
            #expect(lease.fence > last && lease.predecessorExpired)
        }
    }

    @Test func `TLS is spoken and the certificate is checked`() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try makeCertificate(in: folder)
        let port = try freePort()
        let arguments = ["--tls-port", "\(port)", "--tls-cert-file", folder.file("cert.pem"), "--tls-key-file", folder.file("key.pem"),
            "--tls-ca-cert-file", folder.file("cert.pem"), "--tls-auth-clients", "no"]
        try await Scene.with(arguments) { scene in
            let trusting = scene.open(RedisOptions(host: "localhost", port: port, tls: .init(trustRootsFile: folder.file("cert.pem"))))
            let lease = try #require(try await scene.acquire(trusting))
            let distrusting = scene.open(RedisOptions(host: "localhost", port: port, tls: .init()))
            await #expect(throws: LockError.self) { try await distrusting.inspect(scene.resource) }
            #expect(try await trusting.release(lease) == .released)
        }
    }

    private func makeCertificate(in folder: TemporaryFolder) throws {
        try #require(FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"), "openssl is not installed: scripts/setup --tests")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost", "-keyout", folder.file("key.pem"), "-out", folder.file("cert.pem"),
        ]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }

    @Test(arguments: [
        ("redis://h", RedisOptions(host: "h")), ("redis://h:7000/3", RedisOptions(host: "h", port: 7000, database: 3)),
        ("redis://u:p%40@h", RedisOptions(host: "h", username: "u", password: Secret("p@"))),
        ("redis://:p@h", RedisOptions(host: "h", password: Secret("p"))), ("rediss://h", RedisOptions(host: "h", tls: .init())),
        ("http://h", nil), ("redis://", nil), ("redis://h/x", nil), ("redis://h?x=1", nil), ("", nil),
    ] as [(String, RedisOptions?)])
    func `URLs are read whole or not at all`(_ text: String, _ options: RedisOptions?) { #expect(RedisOptions(url: text) == options) }
}
