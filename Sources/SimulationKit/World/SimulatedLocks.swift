import LockContract
import TradingModel

/// The lock server: keeps leases, forgets them, or grants everybody, as the spell has it. Its fences are its own; the store decides.
///
/// Unchecked for the same reason as ``Scheduler``.
final class LockServer: @unchecked Sendable {
    private struct Holding {
        let owner: OwnerToken
        let holder: HolderIdentity
        let grantedAt: Int64
        var expiry: Int64
        let predecessorExpired: Bool
    }
    private let scheduler: Scheduler
    private var holdings: [LockResource: Holding] = [:]
    private var wasForced: Set<LockResource> = []
    private var counter: Int64 = 0
    private var fences: [LockResource: FencingToken] = [:]
    var spells: Set<Spell> = []
    /// Who was ever granted what.
    private(set) var granted: Set<OwnerToken> = []
    var random: SeededRandom

    init(scheduler: Scheduler, seed: UInt64) {
        self.scheduler = scheduler
        random = SeededRandom(seed: seed, stream: 3)
    }

    func forgetAll() { holdings = [:] }

    func acquire(_ resource: LockResource, _ owner: OwnerToken, ttl: Int64, _ holder: HolderIdentity, asked: MonotonicInstant) -> AcquireResult {
        let now = scheduler.now
        if let holding = holdings[resource], holding.expiry > now, holding.owner != owner, !spells.contains(.locksLie) { return .held(status(resource)) }
        counter += 1
        let fence = FencingToken(epoch: 1, counter: counter)
        let expired = holdings[resource] != nil || wasForced.remove(resource) != nil
        holdings[resource] = Holding(owner: owner, holder: holder, grantedAt: now, expiry: now + ttl, predecessorExpired: expired)
        fences[resource] = fence
        granted.insert(owner)
        return .granted(
            Lease(
                resource: resource, owner: owner, fence: fence, localExpiry: Lease.localExpiry(requestedAt: asked, ttl: .microseconds(ttl)),
                predecessorExpired: expired))
    }

    func recover(_ resource: LockResource, _ owner: OwnerToken, asked: MonotonicInstant) -> Lease? {
        guard let holding = holdings[resource], holding.owner == owner, holding.expiry > scheduler.now, let fence = fences[resource] else { return nil }
        return Lease(
            resource: resource, owner: owner, fence: fence, localExpiry: asked + .microseconds((holding.expiry - scheduler.now) / 2),
            predecessorExpired: holding.predecessorExpired)
    }

    func renew(_ lease: Lease, ttl: Int64, asked: MonotonicInstant) -> RenewResult {
        if !spells.contains(.locksLie) {
            guard holdings[lease.resource]?.owner == lease.owner, let expiry = holdings[lease.resource]?.expiry, expiry > scheduler.now else { return .lost }
            holdings[lease.resource]?.expiry = max(expiry, scheduler.now + ttl)
        }
        return .renewed(
            Lease(
                resource: lease.resource, owner: lease.owner, fence: lease.fence,
                localExpiry: max(lease.localExpiry, Lease.localExpiry(requestedAt: asked, ttl: .microseconds(ttl))),
                predecessorExpired: lease.predecessorExpired))
    }

    func release(_ lease: Lease) -> ReleaseResult {
        guard holdings[lease.resource]?.owner == lease.owner else { return .notOwner }
        holdings[lease.resource] = nil
        return .released
    }

    func forceRelease(_ resource: LockResource, _ expected: FencingToken) -> Bool {
        guard holdings[resource] != nil, fences[resource] == expected else { return false }
        holdings[resource] = nil
        wasForced.insert(resource)
        return true
    }

    func status(_ resource: LockResource) -> LockStatus {
        let holding = holdings[resource]
        return LockStatus(
            resource: resource, holder: holding?.holder, ownerPrefix: holding?.owner.prefix, fence: fences[resource],
            age: holding.map { .microseconds(scheduler.now - $0.grantedAt) }, remaining: holding.map { .microseconds($0.expiry - scheduler.now) })
    }

    func list(prefix: String) -> [LockStatus] { holdings.keys.filter { $0.rawValue.hasPrefix(prefix) }.sorted().map(status) }
}

/// One process' connection to the lock server.
struct SimulatedLocks: LockBackend {
    let server: LockServer
    let process: SimulatedProcess
    private var asked: MonotonicInstant { SimulatedClock(process: process).monotonic }

    let capabilities = LockCapabilities(isShared: true, isDurable: false, minimumTTL: .milliseconds(200), maximumTTL: .seconds(300), notice: "simulated")

    init(server: LockServer, process: SimulatedProcess) {
        self.server = server
        self.process = process
    }

    /// Nil for an answer that was lost.
    private func call<T: Sendable>(_ work: @escaping @Sendable () -> T) async throws(LockError) -> T? {
        let server = server
        let result: T?? = await process.ask(out: server.random.between(100, 4000), back: server.random.between(100, 4000)) {
            server.spells.contains(.locksDown) ? .none : .some(.some(work()))
        }
        guard let result else { throw .unavailable("no answer") }
        return server.spells.contains(.lockRepliesLost) && server.random.chance(50) ? nil : result
    }

    private func must<T: Sendable>(_ work: @escaping @Sendable () -> T) async throws(LockError) -> T {
        guard let result = try await call(work) else { throw .unavailable("the answer was lost") }
        return result
    }

    func acquire(_ resource: LockResource, owner: OwnerToken, ttl: Duration, holder: HolderIdentity) async throws(LockError) -> AcquireResult {
        let (server, asked) = (server, asked)
        return try await call { server.acquire(resource, owner, ttl: ttl.wholeMicroseconds, holder, asked: asked) } ?? .ambiguous
    }
    func recover(_ resource: LockResource, owner: OwnerToken) async throws(LockError) -> Lease? {
        let (server, asked) = (server, asked)
        return try await must { server.recover(resource, owner, asked: asked) }
    }
    func renew(_ lease: Lease, ttl: Duration) async throws(LockError) -> RenewResult {
        let (server, asked) = (server, asked)
        return try await must { server.renew(lease, ttl: ttl.wholeMicroseconds, asked: asked) }
    }
    func release(_ lease: Lease) async throws(LockError) -> ReleaseResult {
        let server = server
        return try await call { server.release(lease) } ?? .ambiguous
    }
    func inspect(_ resource: LockResource) async throws(LockError) -> LockStatus {
        let server = server
        return try await must { server.status(resource) }
    }
    func list(prefix: String) async throws(LockError) -> [LockStatus] {
        let server = server
        return try await must { server.list(prefix: prefix) }
    }
    func forceRelease(_ resource: LockResource, expected: FencingToken, actor: String, reason: String) async throws(LockError) -> Bool {
        let server = server
        return try await must { server.forceRelease(resource, expected) }
    }
}
