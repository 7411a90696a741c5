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
    private let gateway: GatewaySettings
    private let supervisor: Supervisor
    private let store: any OrderStore
    private let clock: any TradingClock

    init(
        _ account: AccountSettings, gateway: GatewaySettings, broker: any Broker, store: any OrderStore, locks: any LockBackend,
        alerts: AlertDesk, clock: any TradingClock, logger: Logger
    ) async {
        var logger = logger
        logger[metadataKey: "account"] = .string(account.id.rawValue)
        let tracker = OrderTracker(account: account.id, settings: gateway, broker: broker, store: store, alerts: alerts, clock: clock, logger: logger)
        let opened = OpenedTenures()
        let keeper = TenureKeeper(
            account: account.id, settings: gateway, store: store, locks: locks,
            holder: .current(gateway: gateway.gatewayID, purpose: "account"), alerts: alerts, clock: clock, logger: logger,
            onOpened: { (tenure, unclosed) async throws(StoreError) in
                let waiting = try await tracker.recover(under: tenure, predecessorUnclosed: unclosed)
                await opened.deliver(waiting)
            })
        let desk = AccountDesk(
            account: account.id, settings: gateway, broker: broker, store: store, keeper: keeper, tracker: tracker, alerts: alerts,
            clock: clock, logger: logger)
        await opened.connect { for order in $0 { await desk.enqueue(order) } }
        await tracker.connect(
            grant: { await keeper.grant() }, lose: { await keeper.lose($0, $1) }, onAbsent: { await desk.enqueue($0) })
        canceller = OrderCanceller(
            broker: broker, store: store, keeper: keeper, desk: desk, tracker: tracker, sendWindow: gateway.sendWindow, clock: clock, logger: logger)
        self.settings = account
        self.gateway = gateway
        self.broker = broker
        self.keeper = keeper
        self.desk = desk
        self.tracker = tracker
        self.store = store
        self.clock = clock
        supervisor = Supervisor(alerts: alerts, clock: clock, logger: logger)
    }

    /// Runs until cancelled.
    func run() async {
        let id = settings.id
        await withDiscardingTaskGroup { group in
            group.addTask { await supervisor.keep("\(id).broker") { try await broker.run() } }
            group.addTask { await supervisor.keep("\(id).events") { try await tracker.receiveEvents() } }
            group.addTask { await supervisor.keep("\(id).apply") { try await tracker.applyEvents() } }
            group.addTask { await supervisor.keep("\(id).checks") { try await tracker.runChecks() } }
            group.addTask { await supervisor.keep("\(id).desk") { try await desk.run() } }
            group.addTask { await supervisor.keep("\(id).renew") { try await renew() } }
            group.addTask { await supervisor.keep("\(id).idle") { try await lookAfter() } }
        }
    }

    private func renew() async throws {
        while true {
            try await clock.sleep(for: gateway.lockTTL / 3)
            await keeper.renew()
        }
    }

    /// Takes over open orders that nobody looks after, keeps the desk looking at what waits, and gives an idle account back.
    ///
    /// Such orders are left by an earlier process, or by another gateway on the same store that has died: no signal announces them.
    private func lookAfter() async throws {
        var nextLook = clock.monotonic
        var idleSince: MonotonicInstant?
        while true {
            if clock.monotonic >= nextLook {
                var isLookedAfter = true
                if await keeper.tenure == nil, try await hasOpenOrders() { isLookedAfter = await keeper.grant() != nil }
                nextLook = clock.monotonic + (isLookedAfter ? .seconds(1) : .milliseconds(100))
            }
            try await clock.sleep(for: .milliseconds(100))
            let isIdle = await desk.isIdle
            if !isIdle { desk.wake() }
            guard isIdle, await tracker.isIdle, await keeper.tenure != nil else {
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

    private func hasOpenOrders() async throws -> Bool {
        try await store.accountsWithOpenOrders().contains(settings.id)
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
private actor OpenedTenures {
    private var receiver: (@Sendable ([OrderRecord]) async -> Void)?
    func connect(_ receiver: @escaping @Sendable ([OrderRecord]) async -> Void) { self.receiver = receiver }
    func deliver(_ orders: [OrderRecord]) async { await receiver?(orders) }
}
