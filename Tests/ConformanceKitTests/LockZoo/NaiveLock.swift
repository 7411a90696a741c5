import LockContract
import Synchronization
import TradingModel

/// A lock as they are written again and again, with one mistake or another. Without a mistake it keeps the contract.
final class NaiveLock: LockBackend {
    enum Mistake: Sendable, CaseIterable {
        /// Release deletes whatever is there.
        case noOwnerOnDelete
        /// Release deletes the counter with the lock.
        case counterDeletedOnRelease
        /// The counter is read in one step and written in another.
        case fenceOutsideScript
        /// A flush takes the counter with it, and the epoch does not rise.
        case fenceResetOnFlush
        /// The holder's bound counts from the reply.
        case ttlFromRequestEnd
        /// No margin between the holder's bound and the end.
        case noMargin
        /// The end is an instant of the wall clock.
        case wallClockExpiry
        case reentrant
        /// `SET NX` with the value "locked": everybody is the owner.
        case valueLocked
        /// Checked and set in two steps.
        case checkThenSet
        /// Renewing looks at the owner only, not whether the lease still runs.
        case renewsTheDead
        case renewRaisesFence
        /// Renewing for a shorter time ends the lease earlier.
        case renewShortens
        /// The lease ends a tenth early.
        case endsEarly
        case forcesAnything
        case forcedCountsAsReleased
        case expiredCountsAsReleased
        /// `recover` gives whatever lease there is.
        case recoversAnybody
        case showsToken
        /// `list` takes its prefix as a pattern.
        case listTakesPatterns
        case releaseRepeatedFrees
    }

    private struct Entry {
        var counter: Int64 = 0
        var owner: OwnerToken?
        var holder: HolderIdentity?
        var granted = MonotonicInstant(sinceBoot: .zero)
        var expiry = MonotonicInstant(sinceBoot: .zero)
        var wallExpiry = Timestamp(microseconds: 0)
        var releasedBy: OwnerToken?
        var isLeft = false
        var predecessorExpired = false
    }

    private let mistake: Mistake?
    private let clock: any TradingClock
    private let epoch: Int64
    private let entries = Mutex<[LockResource: Entry]>([:])

    init(_ mistake: Mistake?, clock: any TradingClock) {
        self.mistake = mistake
        self.clock = clock
        epoch = mistake == .fenceResetOnFlush ? 1 : clock.wallTime.milliseconds
    }

    let capabilities = LockCapabilities(
        isShared: false, isDurable: false, minimumTTL: .milliseconds(200), maximumTTL: .seconds(300), notice: "naive")

    private func has(_ mistake: Mistake) -> Bool { self.mistake == mistake }
    private func fence(_ entry: Entry) -> FencingToken { FencingToken(epoch: epoch, counter: entry.counter) }

    private func isLive(_ entry: Entry) -> Bool {
        guard entry.owner != nil else { return false }
        if has(.wallClockExpiry) { return entry.wallExpiry > clock.wallTime }
        return entry.expiry > clock.monotonic
    }

    private func isOwner(_ entry: Entry, _ owner: OwnerToken) -> Bool { has(.valueLocked) || entry.owner == owner }

    func acquire(_ resource: LockResource, owner: OwnerToken, ttl: Duration, holder: HolderIdentity) async throws(LockError) -> AcquireResult {
        let asked = clock.monotonic
        let seen = entries.withLock { $0[resource] ?? Entry() }
        if has(.checkThenSet) || has(.fenceOutsideScript) { await pause() }
        let result = entries.withLock { entries -> AcquireResult in
            var entry = entries[resource] ?? Entry()
            let isFree = has(.checkThenSet) ? !isLive(seen) : !isLive(entry)
            if !isFree, !(has(.reentrant) && entry.holder == holder) {
                guard entry.owner == owner else { return .held(status(resource, entry)) }
                return .granted(lease(resource, entry, entry.expiry - (entry.expiry - entry.granted) / 10))
            }
            let life = has(.endsEarly) ? ttl * 9 / 10 : ttl
            entry.predecessorExpired = entry.isLeft && !has(.expiredCountsAsReleased)
            entry.isLeft = true
            entry.counter = (has(.fenceOutsideScript) ? seen.counter : entry.counter) + 1
            entry.owner = owner
            entry.holder = holder
            entry.releasedBy = nil
            entry.granted = clock.monotonic
            entry.expiry = clock.monotonic + life
            entry.wallExpiry = clock.wallTime + life
            entries[resource] = entry
            let from = has(.ttlFromRequestEnd) ? clock.monotonic : asked
            return .granted(lease(resource, entry, has(.noMargin) ? from + ttl : Lease.localExpiry(requestedAt: from, ttl: ttl)))
        }
        return result
    }

    func recover(_ resource: LockResource, owner: OwnerToken) async throws(LockError) -> Lease? {
        entries.withLock { entries in
            guard let entry = entries[resource], isLive(entry), has(.recoversAnybody) || entry.owner == owner else { return nil }
            return lease(resource, entry, entry.expiry - (entry.expiry - entry.granted) / 10)
        }
    }

    func renew(_ lease: Lease, ttl: Duration) async throws(LockError) -> RenewResult {
        let asked = clock.monotonic
        return entries.withLock { entries in
            guard var entry = entries[lease.resource], isOwner(entry, lease.owner), has(.valueLocked) || fence(entry) == lease.fence,
                has(.renewsTheDead) || isLive(entry)
            else { return .lost }
            if has(.renewRaisesFence) { entry.counter += 1 }
            entry.expiry = has(.renewShortens) ? clock.monotonic + ttl : max(entry.expiry, clock.monotonic + ttl)
            entry.wallExpiry = clock.wallTime + ttl
            entries[lease.resource] = entry
            let bound = Lease.localExpiry(requestedAt: asked, ttl: ttl)
            return .renewed(self.lease(lease.resource, entry, has(.renewShortens) ? bound : max(lease.localExpiry, bound)))
        }
    }

    func release(_ lease: Lease) async throws(LockError) -> ReleaseResult {
        entries.withLock { entries in
            guard var entry = entries[lease.resource] else { return has(.counterDeletedOnRelease) ? .released : .notOwner }
            if has(.releaseRepeatedFrees), entry.owner != lease.owner {
                entry.owner = nil
                entries[lease.resource] = entry
                return .released
            }
            let isMine = has(.noOwnerOnDelete) || has(.valueLocked) || fence(entry) == lease.fence
            guard isMine else { return .notOwner }
            guard entry.owner != nil else { return entry.releasedBy == lease.owner ? .released : .notOwner }
            guard has(.noOwnerOnDelete) || isOwner(entry, lease.owner) else { return .notOwner }
            let wasLive = isLive(entry)
            entry.owner = nil
            entry.releasedBy = lease.owner
            entry.isLeft = false
            entries[lease.resource] = has(.counterDeletedOnRelease) ? nil : entry
            return wasLive ? .released : .alreadyExpired
        }
    }

    func inspect(_ resource: LockResource) async throws(LockError) -> LockStatus {
        entries.withLock { status(resource, $0[resource] ?? Entry()) }
    }

    func list(prefix: String) async throws(LockError) -> [LockStatus] {
        entries.withLock { entries in
            entries.filter { key, _ in
                guard has(.listTakesPatterns), let star = prefix.firstIndex(of: "*") else { return key.rawValue.hasPrefix(prefix) }
                return key.rawValue.hasPrefix(prefix[..<star])
            }.map { status($0.key, $0.value) }
        }
    }

    func forceRelease(_ resource: LockResource, expected: FencingToken, actor: String, reason: String) async throws(LockError) -> Bool {
        entries.withLock { entries in
            guard var entry = entries[resource], entry.owner != nil, has(.forcesAnything) || fence(entry) == expected else { return false }
            entry.owner = nil
            entry.isLeft = !has(.forcedCountsAsReleased)
            entries[resource] = entry
            return true
        }
    }

    /// Lets others in between two steps, as a round trip to a server does.
    private func pause() async { try? await SystemClock().sleep(for: .milliseconds(3)) }

    private func lease(_ resource: LockResource, _ entry: Entry, _ localExpiry: MonotonicInstant) -> Lease {
        Lease(
            resource: resource, owner: entry.owner ?? "", fence: fence(entry), localExpiry: localExpiry,
            predecessorExpired: entry.predecessorExpired)
    }

    private func status(_ resource: LockResource, _ entry: Entry) -> LockStatus {
        LockStatus(
            resource: resource, holder: entry.owner == nil ? nil : entry.holder,
            ownerPrefix: has(.showsToken) ? entry.owner?.rawValue : entry.owner?.prefix, fence: entry.counter > 0 ? fence(entry) : nil,
            age: entry.owner.map { _ in clock.monotonic - entry.granted }, remaining: entry.owner.map { _ in entry.expiry - clock.monotonic })
    }
}
