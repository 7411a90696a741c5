import FailPoints
import LockContract
import Logging
import StoreContract
import TradingModel

/// Holds one account's lease and tenure while there is work.
///
/// The lease comes from the lock backend and may lie; the tenure's fence comes from the order store and decides.
actor TenureKeeper {
    private struct Holding {
        var lease: Lease
        let tenure: Tenure
        let permitsFrom: MonotonicInstant
    }

    /// What a worker may do now.
    struct Grant: Sendable {
        let tenure: Tenure
        /// Not before this may a permit be taken: the lock delay after a holder that did not release.
        let permitsFrom: MonotonicInstant
        /// No permit reaches beyond this.
        let validUntil: MonotonicInstant
    }

    /// A tenure that was just opened, and what is known of the one before.
    struct Opened: Sendable {
        let tenure: Tenure
        /// Set if it was never closed.
        let predecessor: Tenure?
        /// The lease ran out on its former holder, who did not release it.
        let leaseExpired: Bool
    }

    private let account: AccountID
    private let settings: GatewaySettings
    private let store: any OrderStore
    private let locks: any LockBackend
    private let holder: HolderIdentity
    private let gate: VersionGate
    private let alerts: AlertDesk
    private let clock: any TradingClock
    private let logger: Logger
    private let host: any GatewayHost
    /// Called with every new tenure before anybody works under it.
    private let onOpened: @Sendable (Opened) async throws(StoreError) -> Void

    private var holding: Holding?
    private var isAcquiring = false
    private var isClosed = false
    private var nextTry: MonotonicInstant?
    private var failures = 0
    private var defeats = Defeats()

    /// Said to a person whose wish needs an account that this gateway does not work.
    static func notOurs(_ account: AccountID) -> String { "this gateway does not work the account \(account) now" }
    /// The same, where the grant cannot be had.
    static let noAccount = "this gateway cannot have the account now: another one works it, or the lock backend does not answer"

    init(
        account: AccountID, settings: GatewaySettings, store: any OrderStore, locks: any LockBackend, holder: HolderIdentity,
        gate: VersionGate, alerts: AlertDesk, clock: any TradingClock, logger: Logger, host: any GatewayHost = SystemHost(),
        onOpened: @escaping @Sendable (Opened) async throws(StoreError) -> Void
    ) {
        self.account = account
        self.settings = settings
        self.store = store
        self.locks = locks
        self.holder = holder
        self.gate = gate
        self.alerts = alerts
        self.clock = clock
        self.logger = logger
        self.host = host
        self.onOpened = onOpened
    }

    var tenure: Tenure? { holding?.tenure }

    /// Whether the lease is certainly ours at this moment.
    var isHeld: Bool { holding.map(isUsable) ?? false }

    /// So long ``grant()`` says no without asking anybody.
    var pause: Duration {
        if gate.isClosed { return .seconds(1) }
        return nextTry.map { max($0 - clock.monotonic, .zero) } ?? .zero
    }

    private func isUsable(_ holding: Holding) -> Bool { clock.monotonic < holding.lease.localExpiry - margin }

    private var margin: Duration { min(.seconds(1), settings.lockTTL / 10) }

    /// The tenure, opened if necessary; nil if somebody else holds the account or the backend does not answer.
    func grant() async -> Grant? {
        while isAcquiring {
            do { try await clock.sleep(for: .milliseconds(5)) } catch { return nil }
        }
        if let holding, isUsable(holding) { return grant(holding) }
        guard !isClosed, !gate.isClosed else { return nil }
        if let nextTry, clock.monotonic < nextTry { return nil }
        isAcquiring = true
        defer { isAcquiring = false }
        holding = nil
        guard let fresh = await open() else {
            failures += 1
            // 0.1, 0.2, 0.4 s, then every second: the work stays queued.
            let wait = min(Duration.milliseconds(100) * (1 << min(failures - 1, 4)), .seconds(1))
            let retry = clock.monotonic + host.part(0.8...1, of: wait)
            nextTry = max(nextTry ?? retry, retry)
            return nil
        }
        failures = 0
        nextTry = nil
        holding = fresh
        return grant(fresh)
    }

    private func grant(_ holding: Holding) -> Grant {
        Grant(tenure: holding.tenure, permitsFrom: holding.permitsFrom, validUntil: holding.lease.localExpiry - margin)
    }

    private func open() async -> Holding? {
        let owner = host.newOwner()
        let lease: Lease
        do {
            switch try await locks.acquire(.account(account), owner: owner, ttl: settings.lockTTL, holder: holder) {
            case .granted(let granted): lease = granted
            case .held(let status):
                logger.debug("account is held", metadata: ["holder": .string(status.holder?.gateway ?? "?")])
                return nil
            case .ambiguous:
                guard let recovered = try await locks.recover(.account(account), owner: owner) else { return nil }
                lease = recovered
            }
        } catch {
            await alerts.raise("lock_unavailable", .critical, subject: "account:\(account)", "nothing is sent: \(error)")
            return nil
        }
        failPoint("desk.lease_acquired")
        let start = clock.monotonic
        do throws(StoreError) {
            let opened = try await store.openTenure(
                TenureRequest(
                    account: account, owner: owner, holder: holder, leaseFence: lease.fence, configurationHash: settings.configurationHash,
                    at: clock.wallTime))
            failPoint("desk.tenure_opened")
            defer { defeats.effort = clock.monotonic - start }
            try await onOpened(Opened(tenure: opened.tenure, predecessor: opened.unclosedPredecessor, leaseExpired: lease.predecessorExpired))
            await alerts.clear("lock_unavailable", subject: "account:\(account)")
            await alerts.clear("store_failing", subject: "store")
            logger.debug("tenure opened", metadata: ["fence": .string(opened.tenure.fence.description)])
            let kept = await kept(lease)
            let permitsFrom = lease.predecessorExpired ? clock.monotonic + settings.lockDelay : clock.monotonic
            return Holding(lease: kept, tenure: opened.tenure, permitsFrom: permitsFrom)
        } catch {
            switch error {
            case .mixedVersions(let why):
                if gate.close(why) {
                    await alerts.raise("mixed_versions", .high, subject: "gateway:\(settings.gatewayID)", "\(why); nothing is sent until the older gateway stops")
                }
            case .fenced: await defeated("another gateway took \(account) while it was being taken over: \(error)")
            default: await alerts.raise("store_failing", .critical, subject: "store", "tenure of \(account) not opened: \(error)")
            }
            _ = try? await locks.release(lease)
            return nil
        }
    }

    /// The lease with time left, after the store took a while: a store that is slower than leases live would else be asked for one tenure after
    /// the other, each too late, and be slower still. One that cannot be renewed permits nothing, and the next wish takes the account anew.
    private func kept(_ lease: Lease) async -> Lease {
        guard clock.monotonic > lease.localExpiry - settings.lockTTL * 2 / 3 else { return lease }
        guard case .renewed(let renewed)? = try? await locks.renew(lease, ttl: settings.lockTTL) else { return lease }
        return renewed
    }

    /// To be called every third of the lease's life.
    func renew() async {
        guard !isAcquiring, let current = holding else { return }
        do {
            switch try await locks.renew(current.lease, ttl: settings.lockTTL) {
            case .renewed(let lease):
                if holding?.tenure == current.tenure { holding?.lease = lease }
                await alerts.clear("lock_unavailable", subject: "account:\(account)")
            case .lost:
                await lose(current.tenure, "the lease was lost")
            }
        } catch {
            // The lease stays usable until its own end, and no longer.
            await alerts.raise("lock_unavailable", .critical, subject: "account:\(account)", "the lease is not renewed, and nothing is sent once it has run out: \(error)")
        }
    }

    /// An order was sent under this tenure and its outcome recorded: nobody was in the way. A lease that is renewed is no such proof.
    func worked(_ tenure: Tenure) async {
        guard holding?.tenure == tenure else { return }
        defeats.forget()
        await alerts.clear("lock_lost", subject: "account:\(account)")
    }

    /// Gives the tenure up because the store or the backend says that it is not ours any more.
    func lose(_ tenure: Tenure, _ why: String) async {
        guard holding?.tenure == tenure else { return }
        holding = nil
        await defeated(why)
    }

    /// Somebody else has the account, although the backend granted it to us.
    private func defeated(_ why: String) async {
        nextTry = clock.monotonic + host.part(0...1, of: defeats.next(at: clock.monotonic))
        await alerts.raise("lock_lost", .high, subject: "account:\(account)", "\(why); no more is sent under it")
    }

    /// Gives the tenure up that stands on the lease with this fence, if it still does: an operator took the lease away.
    func loseLease(_ fence: FencingToken, _ why: String) async {
        guard let current = holding, current.lease.fence == fence else { return }
        await lose(current.tenure, why)
    }

    /// Ends the tenure for good: the process is stopping.
    func close() async {
        isClosed = true
        while isAcquiring {
            do { try await clock.sleep(for: .milliseconds(5)) } catch { return }
        }
        await release()
    }

    /// Ends the tenure cleanly, so that the next holder need not wait.
    func release() async {
        guard !isAcquiring, let current = holding else { return }
        holding = nil
        do {
            try await store.closeTenure(current.tenure, at: clock.wallTime)
            _ = try await locks.release(current.lease)
            await alerts.clear("lock_lost", subject: "account:\(account)")
        } catch {
            logger.warning("tenure not released cleanly", metadata: ["error": .string("\(error)")])
        }
    }
}

/// How long who lost an account pauses before trying for it again.
///
/// Where a backend grants one account to two gateways, each would fence the other before it has sent anything, in step, for ever. A random
/// pause that doubles lets one of them work meanwhile: who came last comes back ever later, and who has sent an order soon. The pauses begin
/// with what taking the account over costs: a store that everybody fights over would else be slowed by the fight until nobody has the
/// time to send.
private struct Defeats {
    /// Since we last sent an order of the account.
    private var count = 0
    private var last: MonotonicInstant?
    /// How long the last taking over took.
    var effort = Duration.zero

    /// Counts a defeat and returns the longest pause that may follow.
    mutating func next(at now: MonotonicInstant) -> Duration {
        // An old one says nothing of today.
        if let last, now - last > .seconds(900) { count = 0 }
        last = now
        count += 1
        return min(max(.milliseconds(50), effort) * (1 << min(count - 1, 10)), .seconds(30))
    }

    mutating func forget() { count = 0 }
}
