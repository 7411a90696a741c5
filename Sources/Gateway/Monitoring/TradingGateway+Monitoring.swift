import LockContract
import StoreContract
import TradingModel

/// One account's lock, for operators.
public struct AccountLock: Sendable {
    public var account: AccountID
    public var status: LockStatus
    /// Set if this gateway works the account now.
    public var tenure: Tenure?
    public init(account: AccountID, status: LockStatus, tenure: Tenure?) {
        self.account = account
        self.status = status
        self.tenure = tenure
    }
}

/// What operators ask, and what they decide.
extension TradingGateway {
    /// The pools of connections of the store and of the lock backend, at this moment.
    public var pools: [PoolGauges] { store.pools + locks.pools }

    /// The locks of all configured accounts, in the order of the configuration.
    public func accountLocks() async throws(LockError) -> [AccountLock] {
        let held = Dictionary(try await locks.list(prefix: "account_lock:").map { ($0.resource, $0) }, uniquingKeysWith: { first, _ in first })
        var found: [AccountLock] = []
        for account in settings.accounts {
            let resource = LockResource.account(account.id)
            let free = LockStatus(resource: resource, holder: nil, ownerPrefix: nil, fence: nil, age: nil, remaining: nil)
            found.append(AccountLock(account: account.id, status: held[resource] ?? free, tenure: await tenure(of: account.id)))
        }
        return found
    }

    /// Nil if the configuration has no such account.
    public func accountLock(_ account: AccountID) async throws(LockError) -> AccountLock? {
        guard settings.accounts.contains(where: { $0.id == account }) else { return nil }
        return AccountLock(account: account, status: try await locks.inspect(.account(account)), tenure: await tenure(of: account))
    }

    /// Takes an account from its holder. Of two operators with the same fence one wins. Throws `LockError` or `StoreError`.
    public func unlock(_ request: UnlockRequest) async throws -> UnlockOutcome {
        guard settings.accounts.contains(where: { $0.id == request.account }) else { return .noSuchAccount }
        let unlocking = Unlocking(settings: settings, store: store, locks: locks, clock: clock, logger: logger, host: host)
        let outcome = try await unlocking.unlock(request)
        if case .released = outcome {
            await worker(of: request.account)?.keeper.loseLease(request.expected, "taken away by \(request.actor): \(request.reason)")
            workIsThere.signal()
        }
        return outcome
    }

    /// Ends a dead letter or lets it wait for its turn again. Throws `.notFound` if the order is none.
    public func decide(_ order: OrderID, _ decision: DeadLetterDecision, by actor: String, reason: String) async throws(StoreError) -> OrderRecord {
        let record = try await store.decide(order, decision, by: actor, reason: reason, at: clock.wallTime)
        await alerts.resolve("dead_letter", subject: "order:\(order)")
        workIsThere.signal()
        return record
    }

    /// The wall clock by which the gateway judges ages.
    public var wallTime: Timestamp { clock.wallTime }

    private func tenure(of account: AccountID) async -> Tenure? { await worker(of: account)?.keeper.tenure }
}
