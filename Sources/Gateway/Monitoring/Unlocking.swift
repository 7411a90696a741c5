import LockContract
import Logging
import OrderFlow
import StoreContract
import TradingModel

/// An operator's wish to take an account from whoever holds it.
public struct UnlockRequest: Sendable {
    public var account: AccountID
    /// The fence that the operator saw: if it is another one by now, nothing happens.
    public var expected: FencingToken
    /// Who wishes it and why, for the record.
    public var actor: String
    public var reason: String
    public init(account: AccountID, expected: FencingToken, actor: String, reason: String) {
        self.account = account
        self.expected = expected
        self.actor = actor
        self.reason = reason
    }
}

public enum UnlockOutcome: Sendable {
    case noSuchAccount
    /// Nobody holds the lock, or somebody else than the operator saw. Nothing was done.
    case fenceChanged(LockStatus)
    /// The lease was taken away. `tenure` is the one that fences its former holder in the store; nil if another gateway had the account
    /// before we could open it: then that one's does.
    case released(LockStatus, tenure: Tenure?)
}

/// Takes an account's lease away, and fences its holder in the order store at once.
///
/// The former holder may have a permit in its hand. So our own tenure is left unclosed: the next holder sees that its predecessor did
/// not end well, waits out the lock delay, and settles every permit by evidence before it sends, as after a crash.
struct Unlocking: Sendable {
    /// The purpose of the holder of such a tenure.
    static let purpose = "unlock"

    let settings: GatewaySettings
    let store: any OrderStore
    let locks: any LockBackend
    let clock: any TradingClock
    let logger: Logger
    let host: any GatewayHost

    /// Throws `LockError` or `StoreError`. After the latter the lease may be gone; whoever takes the account next fences the holder.
    func unlock(_ request: UnlockRequest) async throws -> UnlockOutcome {
        let resource = LockResource.account(request.account)
        let before = try await locks.inspect(resource)
        guard before.holder != nil, before.fence == request.expected else { return .fenceChanged(before) }
        // On record before it is done: a store that does not answer lets nothing happen.
        try await record("lock.unlock_requested", request, holder: before.holder)
        guard try await locks.forceRelease(resource, expected: request.expected, actor: request.actor, reason: request.reason) else {
            try await record("lock.unlock_refused", request, holder: before.holder)
            return .fenceChanged(try await locks.inspect(resource))
        }
        let tenure = try await fence(request)
        try await record("lock.force_released", request, holder: before.holder, tenure: tenure)
        logger.notice(
            "lock taken away by an operator",
            metadata: ["account": .string(request.account.rawValue), "actor": .string(request.actor), "holder": .string(before.holder?.words ?? "?")])
        return .released(before, tenure: tenure)
    }

    private func fence(_ request: UnlockRequest) async throws -> Tenure? {
        let resource = LockResource.account(request.account)
        let owner = host.newOwner()
        let holder = host.holder(gateway: settings.gatewayID, purpose: Self.purpose)
        // Held for the moment, so that nobody comes between: he would be fenced too.
        let lease: Lease?
        do {
            switch try await locks.acquire(resource, owner: owner, ttl: settings.lockTTL, holder: holder) {
            case .granted(let granted): lease = granted
            case .held: return nil
            case .ambiguous: lease = try? await locks.recover(resource, owner: owner)
            }
        } catch {
            lease = nil
        }
        let result: Result<Tenure, StoreError>
        do throws(StoreError) {
            result = .success(
                try await store.openTenure(
                    TenureRequest(
                        account: request.account, owner: owner, holder: holder, leaseFence: lease?.fence ?? request.expected,
                        configurationHash: settings.configurationHash, at: clock.wallTime)).tenure)
        } catch {
            result = .failure(error)
        }
        if let lease {
            // Taken away instead of given back: the next holder shall wait the lock delay, because the former one did not release.
            _ = try? await locks.forceRelease(resource, expected: lease.fence, actor: request.actor, reason: request.reason)
        }
        return try result.get()
    }

    private func record(_ type: String, _ request: UnlockRequest, holder: HolderIdentity?, tenure: Tenure? = nil) async throws(StoreError) {
        let data = JSONValue.fields([
            "actor": request.actor, "reason": request.reason, "fence": request.expected.description, "holder": holder?.words, "gateway": settings.gatewayID,
            "tenure": tenure?.fence.description,
        ])
        try await store.append([JournalDraft(type: type, account: request.account, data: data.text)], at: clock.wallTime)
    }
}
