import LockContract
import Synchronization
import TradingModel

/// Leases in this process' memory, timed by the boot clock.
///
/// The counter of a resource is never reset while the process lives. The epoch is the wall clock's milliseconds at the start,
/// so that fences of a later process are greater unless the clock was set back; they are for contention only, the order store
/// mints the fence that decides. One entry per resource is kept for ever; resources are accounts and strategies, a fixed few.
public final class MemoryLock: LockBackend {
    private struct Holding {
        let owner: OwnerToken
        let holder: HolderIdentity
        let grantedAt: MonotonicInstant
        var expiry: MonotonicInstant
        /// The holder before did not release.
        let predecessorExpired: Bool
    }
    private struct Entry {
        var counter: Int64 = 0
        var holding: Holding?
        /// Who held last and released.
        var releasedBy: OwnerToken?
        var wasForced = false
    }

    private let clock: any TradingClock
    private let epoch: Int64
    private let entries = Mutex<[LockResource: Entry]>([:])

    public init(clock: any TradingClock) {
        self.clock = clock
        epoch = clock.wallTime.milliseconds
    }

    public let capabilities = LockCapabilities(
        isShared: false, isDurable: false, minimumTTL: .milliseconds(200), maximumTTL: .seconds(300),
        notice: "locks: memory: for a single process only; the leases end with it")

    public func acquire(
        _ resource: LockResource, owner: OwnerToken, ttl: Duration, holder: HolderIdentity
    ) async throws(LockError) -> AcquireResult {
        let now = clock.monotonic
        return entries.withLock { entries in
            var entry = entries[resource] ?? Entry()
            if let holding = entry.holding, holding.expiry > now {
                guard holding.owner == owner else { return .held(status(of: resource, entry, at: now)) }
                return .granted(lease(resource, holding, entry, localExpiry: localExpiry(of: holding)))
            }
            let predecessorExpired = entry.holding != nil || entry.wasForced
            entry.counter += 1
            let holding = Holding(owner: owner, holder: holder, grantedAt: now, expiry: now + ttl, predecessorExpired: predecessorExpired)
            entry.holding = holding
            entry.releasedBy = nil
            entry.wasForced = false
            entries[resource] = entry
            return .granted(
                lease(resource, holding, entry, localExpiry: Lease.localExpiry(requestedAt: now, ttl: ttl)))
        }
    }

    public func recover(_ resource: LockResource, owner: OwnerToken) async throws(LockError) -> Lease? {
        let now = clock.monotonic
        return entries.withLock { entries in
            guard let entry = entries[resource], let holding = entry.holding, holding.owner == owner, holding.expiry > now else { return nil }
            return lease(resource, holding, entry, localExpiry: localExpiry(of: holding))
        }
    }

    public func renew(_ lease: Lease, ttl: Duration) async throws(LockError) -> RenewResult {
        let now = clock.monotonic
        return entries.withLock { entries in
            guard var entry = entries[lease.resource], var holding = entry.holding, holding.owner == lease.owner,
                fence(entry) == lease.fence, holding.expiry > now
            else { return .lost }
            holding.expiry = max(holding.expiry, now + ttl)
            entry.holding = holding
            entries[lease.resource] = entry
            return .renewed(
                self.lease(
                    lease.resource, holding, entry,
                    localExpiry: max(lease.localExpiry, Lease.localExpiry(requestedAt: now, ttl: ttl))))
        }
    }

    public func release(_ lease: Lease) async throws(LockError) -> ReleaseResult {
        let now = clock.monotonic
        return entries.withLock { entries in
            guard var entry = entries[lease.resource], fence(entry) == lease.fence else { return .notOwner }
            guard let holding = entry.holding else { return entry.releasedBy == lease.owner ? .released : .notOwner }
            guard holding.owner == lease.owner else { return .notOwner }
            entry.holding = nil
            entry.releasedBy = lease.owner
            entries[lease.resource] = entry
            return holding.expiry > now ? .released : .alreadyExpired
        }
    }

    public func inspect(_ resource: LockResource) async throws(LockError) -> LockStatus {
        let now = clock.monotonic
        return entries.withLock { status(of: resource, $0[resource] ?? Entry(), at: now) }
    }

    public func list(prefix: String) async throws(LockError) -> [LockStatus] {
        let now = clock.monotonic
        return entries.withLock { entries in
            entries.filter { $0.key.rawValue.hasPrefix(prefix) }.sorted { $0.key < $1.key }.map { status(of: $0.key, $0.value, at: now) }
        }
    }

    public func forceRelease(
        _ resource: LockResource, expected: FencingToken, actor: String, reason: String
    ) async throws(LockError) -> Bool {
        entries.withLock { entries in
            guard var entry = entries[resource], entry.holding != nil, fence(entry) == expected else { return false }
            entry.holding = nil
            entry.wasForced = true
            entries[resource] = entry
            return true
        }
    }

    private func fence(_ entry: Entry) -> FencingToken { FencingToken(epoch: epoch, counter: entry.counter) }

    /// A bound that needs no memory of the request: a tenth of the whole period before the real end.
    private func localExpiry(of holding: Holding) -> MonotonicInstant { holding.expiry - (holding.expiry - holding.grantedAt) / 10 }

    private func lease(_ resource: LockResource, _ holding: Holding, _ entry: Entry, localExpiry: MonotonicInstant) -> Lease {
        Lease(
            resource: resource, owner: holding.owner, fence: fence(entry), localExpiry: localExpiry,
            predecessorExpired: holding.predecessorExpired)
    }

    private func status(of resource: LockResource, _ entry: Entry, at now: MonotonicInstant) -> LockStatus {
        LockStatus(
            resource: resource, holder: entry.holding?.holder, ownerPrefix: entry.holding?.owner.prefix,
            fence: entry.counter > 0 ? fence(entry) : nil, age: entry.holding.map { now - $0.grantedAt },
            remaining: entry.holding.map { $0.expiry - now })
    }
}
