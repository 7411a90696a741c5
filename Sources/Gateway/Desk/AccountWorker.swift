import BrokerContract
import LockContract
import Logging
import OrderFlow
import StoreContract
import TradingModel

/// Everything that runs for one account: its broker's connection, its desk, its tracker, its tenure.
struct AccountWorker: Sendable {
    let settings: AccountSettings
    let broker: any Broker
    let keeper: TenureKeeper
    let desk: AccountDesk
    let tracker: OrderTracker
    let canceller: OrderCanceller
    let parked: ParkedOrders
    let reconciler: Reconciler
    private let catchUp = CatchUp()
    let protection: ProtectionKeeper
    /// Set by whoever knows of work while the account is not ours.
    let demand: Demand
    private let crashes: CrashCounter
    private let gateway: GatewaySettings
    private let supervisor: Supervisor
    private let store: any OrderStore
    private let clock: any TradingClock

    init(
        _ account: AccountSettings, gateway: GatewaySettings, broker: any Broker, store: any OrderStore, locks: any LockBackend,
        holder: HolderIdentity, gate: VersionGate, alerts: AlertDesk, clock: any TradingClock, logger: Logger, host: any GatewayHost
    ) async {
        var logger = logger
        logger[metadataKey: "account"] = .string(account.id.rawValue)
        let tracker = OrderTracker(account: account.id, settings: gateway, broker: broker, store: store, catchUp: catchUp, alerts: alerts, clock: clock, logger: logger, host: host)
        let handover = Handover()
        let crashes = CrashCounter(holder: holder, store: store, alerts: alerts, clock: clock, logger: logger, host: host)
        let keeper = TenureKeeper(
            account: account.id, settings: gateway, store: store, locks: locks, holder: holder, gate: gate, alerts: alerts, clock: clock,
            logger: logger, host: host,
            onOpened: { (opened) async throws(StoreError) in
                await crashes.opened(opened.tenure, predecessor: opened.predecessor, leaseExpired: opened.leaseExpired)
                let waiting = try await tracker.recover(under: opened.tenure, predecessorUnclosed: opened.predecessor != nil)
                await handover.deliver(waiting)
            })
        let demand = Demand()
        let desk = AccountDesk(
            account: account.id, settings: gateway, broker: broker, store: store, keeper: keeper, tracker: tracker, catchUp: catchUp, alerts: alerts,
            clock: clock, logger: logger, onTurnedAway: { demand.set(true) })
        // What is made earlier knows what is made later weakly: the worker holds all of it, and nothing outlives it in a circle.
        await handover.connect { [weak desk] orders in for order in orders { await desk?.enqueue(order) } }
        let reconciler = Reconciler(
            account: account, settings: gateway.tracking, broker: broker, store: store, keeper: keeper, tracker: tracker, catchUp: catchUp, alerts: alerts,
            clock: clock, logger: logger, onCaughtUp: { desk.wake() }, onOrders: { for order in $0 { await desk.enqueue(order) } })
        parked = ParkedOrders(
            broker: broker, store: store, keeper: keeper, desk: desk, tracker: tracker, alerts: alerts, clock: clock, logger: logger)
        canceller = OrderCanceller(
            broker: broker, store: store, keeper: keeper, desk: desk, tracker: tracker, sendWindow: gateway.sendWindow, clock: clock, logger: logger)
        let protection = ProtectionKeeper(
            account: account.id, isExpected: gateway.strategies.contains { $0.protection != nil && $0.accounts.contains { $0.id == account.id } },
            broker: broker, store: store, keeper: keeper, desk: desk, tracker: tracker, canceller: canceller, alerts: alerts, clock: clock, logger: logger)
        await desk.connect { [weak protection] in await protection?.clearTheWay(of: $0) }
        await tracker.connect(
            grant: { [weak keeper] in await keeper?.grant() }, lose: { [weak keeper] in await keeper?.lose($0, $1) },
            onAbsent: { [weak desk] in await desk?.enqueue($0) }, onChange: { [weak protection] in protection?.note($0) },
            onStranger: { [weak reconciler] in await reconciler?.note($0) })
        self.protection = protection
        self.reconciler = reconciler
        self.settings = account
        self.gateway = gateway
        self.broker = broker
        self.keeper = keeper
        self.desk = desk
        self.tracker = tracker
        self.demand = demand
        self.crashes = crashes
        self.store = store
        self.clock = clock
        supervisor = Supervisor(alerts: alerts, clock: clock, logger: logger)
    }

    /// Nothing is missing that a comparison with the venue has to bring first.
    var isCaughtUp: Bool { catchUp.reason == nil }

    /// Runs until cancelled.
    func run() async {
        let id = settings.id
        await withDiscardingTaskGroup { group in
            group.addTask { await supervisor.keep("\(id).broker") { try await broker.run() } }
            group.addTask { await supervisor.keep("\(id).events") { try await tracker.receiveEvents() } }
            group.addTask { await supervisor.keep("\(id).apply") { try await tracker.applyEvents() } }
            group.addTask { await supervisor.keep("\(id).checks") { try await tracker.runChecks() } }
            group.addTask { await supervisor.keep("\(id).reconcile") { try await reconciler.run() } }
            group.addTask { await supervisor.keep("\(id).sweeps") { try await tracker.runSweeps() } }
            group.addTask { await supervisor.keep("\(id).desk") { try await desk.run() } }
            group.addTask { await supervisor.keep("\(id).renew") { try await renew() } }
            group.addTask { await supervisor.keep("\(id).crashes") { try await judgeCrashes() } }
            group.addTask { await supervisor.keep("\(id).lease") { try await takeWhenWanted() } }
            group.addTask { await supervisor.keep("\(id).protection") { try await protection.run() } }
            group.addTask { await supervisor.keep("\(id).idle") { try await lookAfter() } }
        }
    }

    /// Asks the lock backend alone: a store that is slow must not cost us the lease.
    private func renew() async throws {
        while true {
            try await clock.sleep(for: gateway.lockTTL / 3)
            await keeper.renew()
        }
    }

    private func judgeCrashes() async throws {
        while true {
            try await clock.sleep(for: gateway.lockTTL / 3)
            if let tenure = await keeper.tenure { await crashes.judge(under: tenure) }
        }
    }

    /// Tries for the account while it has work and is not ours: the keeper says how often. Whoever dies is succeeded within a lease's
    /// life and a second.
    private func takeWhenWanted() async throws {
        while true {
            await demand.wait()
            try Task.checkCancellation()
            while demand.isSet, await !keeper.isHeld, await keeper.grant() == nil {
                try await clock.sleep(for: max(await keeper.pause, .milliseconds(20)))
            }
        }
    }

    /// Keeps the desk looking at what waits, and gives an idle account back.
    private func lookAfter() async throws {
        var idleSince: MonotonicInstant?
        while true {
            try await clock.sleep(for: .milliseconds(100))
            let isIdle = await desk.isIdle
            if !isIdle { desk.wake() }
            guard isIdle, await tracker.isIdle, await protection.isIdle, await !reconciler.isRunning, await keeper.tenure != nil else {
                idleSince = nil
                continue
            }
            let since = idleSince ?? clock.monotonic
            idleSince = since
            if clock.monotonic - since > .seconds(2) {
                await keeper.release()
                idleSince = nil
            }
        }
    }

    /// Finishes what is in flight, sends nothing new, and gives the account back.
    func shutDown(within limit: Duration) async {
        await desk.drain()
        let end = clock.monotonic + limit
        while await desk.isWorkingNow, clock.monotonic < end {
            do { try await clock.sleep(for: .milliseconds(20)) } catch { break }
        }
        await keeper.close()
    }
}

/// Hands orders that wait from the keeper's recovery to the desk, which is made after the keeper.
private actor Handover {
    private var receiver: (@Sendable ([OrderRecord]) async -> Void)?
    func connect(_ receiver: @escaping @Sendable ([OrderRecord]) async -> Void) { self.receiver = receiver }
    func deliver(_ orders: [OrderRecord]) async { await receiver?(orders) }
}
