import LockContract
import TradingModel

/// A real lock behind a real wire, with one mistake about what its answers mean.
struct WiredLock: LockBackend {
    enum Mistake: Sendable, CaseIterable {
        /// Without an answer everybody may go on.
        case failsOpen
        /// A grant is good whenever it comes.
        case acceptsLateReply
        /// A lost reply counts as a refusal.
        case lostMeansNotDone
        /// A renewal that gets no answer counts as done.
        case renewsBlindly
        /// A lost reply of a release counts as released.
        case releasesBlindly
    }

    let base: any LockBackend
    let mistake: Mistake
    let clock: any TradingClock
    var capabilities: LockCapabilities { base.capabilities }

    func acquire(_ resource: LockResource, owner: OwnerToken, ttl: Duration, holder: HolderIdentity) async throws(LockError) -> AcquireResult {
        switch mistake {
        case .failsOpen:
            do throws(LockError) { return try await base.acquire(resource, owner: owner, ttl: ttl, holder: holder) } catch { return .granted(invented(resource, owner, ttl)) }
        case .acceptsLateReply:
            // It waits for as long as it takes, and counts from when it knows.
            let result = try await base.acquire(resource, owner: owner, ttl: .seconds(60), holder: holder)
            let waited = try? await base.recover(resource, owner: owner)
            guard let lease = result.granted ?? waited else { return result }
            return .granted(
                Lease(
                    resource: resource, owner: owner, fence: lease.fence, localExpiry: Lease.localExpiry(requestedAt: clock.monotonic, ttl: ttl),
                    predecessorExpired: lease.predecessorExpired))
        case .lostMeansNotDone:
            let result = try await base.acquire(resource, owner: owner, ttl: ttl, holder: holder)
            if case .ambiguous = result { throw .unavailable("no reply") }
            return result
        case .renewsBlindly, .releasesBlindly: return try await base.acquire(resource, owner: owner, ttl: ttl, holder: holder)
        }
    }

    func recover(_ resource: LockResource, owner: OwnerToken) async throws(LockError) -> Lease? { try await base.recover(resource, owner: owner) }

    func renew(_ lease: Lease, ttl: Duration) async throws(LockError) -> RenewResult {
        do throws(LockError) { return try await base.renew(lease, ttl: ttl) } catch {
            guard mistake == .renewsBlindly else { throw error }
            return .renewed(lease)
        }
    }

    func release(_ lease: Lease) async throws(LockError) -> ReleaseResult {
        guard mistake == .releasesBlindly else { return try await base.release(lease) }
        do throws(LockError) {
            let result = try await base.release(lease)
            return result == .ambiguous ? .released : result
        } catch { return .released }
    }

    func inspect(_ resource: LockResource) async throws(LockError) -> LockStatus { try await base.inspect(resource) }
    func list(prefix: String) async throws(LockError) -> [LockStatus] { try await base.list(prefix: prefix) }
    func forceRelease(_ resource: LockResource, expected: FencingToken, actor: String, reason: String) async throws(LockError) -> Bool {
        try await base.forceRelease(resource, expected: expected, actor: actor, reason: reason)
    }

    private func invented(_ resource: LockResource, _ owner: OwnerToken, _ ttl: Duration) -> Lease {
        Lease(
            resource: resource, owner: owner, fence: FencingToken(epoch: 1, counter: 1),
            localExpiry: Lease.localExpiry(requestedAt: clock.monotonic, ttl: ttl), predecessorExpired: false)
    }
}

extension AcquireResult {
    fileprivate var granted: Lease? { if case .granted(let lease) = self { lease } else { nil } }
}
