import ConformanceKit
import EtcdLock
import LockContract
import Logging
import PostgresLock
import RedisKit
import RedisLock
import Testing
import TestSupport
import TradingModel

/// The link to the lock server goes down: packets vanish in both directions, nobody is told. Unlike a proxy that swallows bytes, the
/// kernel does not acknowledge them either, and repeats them once the link is back.
@Suite(.serialized, .timeLimit(.minutes(10))) struct LinkDownTests {
    enum Kind: String, CaseIterable { case redis, etcd, postgres }

    private static let ttl = Duration.seconds(4)

    @Test(
        "behind a link that is down nobody gets or keeps a lock, and it works again by itself",
        .enabled("network namespaces need root and the right to make them") { await NetworkNamespace.isAvailable() }, arguments: Kind.allCases)
    func down(_ kind: Kind) async throws {
        let network = try await NetworkNamespace.make()
        let result: Result<Void, any Error>
        do {
            result = .success(try await Self.withServer(kind, at: network.place) { open in try await check(open, network) })
        } catch { result = .failure(error) }
        await network.remove()
        try result.get()
    }

    private func check(_ open: () throws -> any LockBackend, _ network: NetworkNamespace) async throws {
        let clock = SystemClock()
        let (holder, other) = (try open(), try open())
        let resource = LockResource.account("a1")
        let lease = try #require(try await granted(holder, resource))
        if case .granted? = try? await acquire(other, resource) { Issue.record("granted twice") }

        try await network.setLink(up: false)
        // As long as the lease may last, and longer.
        while clock.monotonic < lease.localExpiry + Self.ttl {
            if case .renewed? = try? await holder.renew(lease, ttl: Self.ttl) { Issue.record("renewed through a link that is down") }
            if case .granted? = try? await acquire(other, resource) { Issue.record("granted through a link that is down") }
        }

        try await network.setLink(up: true)
        var next: Lease?
        try await waitUntil("the lock works again", within: .seconds(120)) {
            next = try? await granted(other, resource)
            return next != nil
        }
        let successor = try #require(next)
        #expect(successor.fence > lease.fence)
        // The first holder comes back last, and finds itself replaced.
        var end: RenewResult?
        try await waitUntil("the first holder is told", within: .seconds(120)) {
            end = try? await holder.renew(lease, ttl: Self.ttl)
            return end != nil
        }
        #expect(end == .lost)
        #expect(try await holder.release(lease) != .released)
        #expect(try await other.inspect(resource).fence == successor.fence)
    }

    private func acquire(_ locks: any LockBackend, _ resource: LockResource) async throws -> AcquireResult {
        try await locks.acquire(resource, owner: .random(), ttl: Self.ttl, holder: .current(gateway: "link", purpose: "test"))
    }

    private func granted(_ locks: any LockBackend, _ resource: LockResource) async throws -> Lease? {
        guard case .granted(let lease) = try await acquire(locks, resource) else { return nil }
        return lease
    }

    /// Starts the server there; `body` opens handles to it.
    private static func withServer(_ kind: Kind, at place: ServerPlace, _ body: (() throws -> any LockBackend) async throws -> Void) async throws {
        let context = LockContext(clock: SystemClock(), logger: Logger(label: "link", factory: { _ in SwiftLogNoOpLogHandler() }), stateDirectory: "/nonexistent")
        let remove: () async -> Void
        let open: () throws -> any LockBackend
        switch kind {
        case .redis:
            let server = try await RedisUnderTest.start(at: place)
            remove = { await server.remove() }
            open = { try RedisLockPlugin.makeBackend(.init(options: RedisOptions(host: place.host, port: server.port)), context: context) }
        case .etcd:
            let server = try await EtcdUnderTest.start(at: place)
            remove = { await server.remove() }
            open = { try EtcdLockPlugin.makeBackend(.init(endpoints: ["http://\(place.host):\(server.port)"]), context: context) }
        case .postgres:
            let server = try await PostgresUnderTest.start(at: place)
            remove = { await server.remove() }
            open = { try PostgresLockPlugin.makeBackend(.init(url: Secret(server.url(parameters: "?sslmode=disable"))), context: context) }
        }
        let result: Result<Void, any Error>
        do { result = .success(try await body(open)) } catch { result = .failure(error) }
        await remove()
        try result.get()
    }
}
