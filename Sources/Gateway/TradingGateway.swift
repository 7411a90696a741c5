import BrokerContract
import LockContract
import Logging
import OrderFlow
import RateLimitContract
import ServiceLifecycle
import StoreContract
import Synchronization
import TradingModel

/// The gateway: takes signals, works the accounts, and tells how it is doing. One per process.
public final class TradingGateway: Service {
    public let settings: GatewaySettings
    public let store: any OrderStore
    private let brokers: [AccountID: any Broker]
    let locks: any LockBackend
    let alerts: AlertDesk
    let clock: any TradingClock
    let logger: Logger
    let host: any GatewayHost
    private let admissions: Admissions
    private let arrivals: Arrivals
    /// Closed while an older gateway on the store has other rules.
    private let gate = VersionGate()
    /// Signalled when the store has work that no desk knows of.
    let workIsThere = Mailbox()
    private let workers = Mutex<[AccountID: AccountWorker]>([:])
    private let isStopping = Mutex(false)

    /// - Parameter limiter: Limits the signals of each source; nil if the store does.
    public init(
        settings: GatewaySettings, store: any OrderStore, locks: any LockBackend, brokers: [AccountID: any Broker],
        limiter: (any RateLimiter)? = nil, clock: any TradingClock, logger: Logger, host: any GatewayHost = SystemHost()
    ) {
        self.settings = settings
        self.store = store
        self.locks = locks
        self.brokers = brokers
        self.clock = clock
        self.logger = logger
        self.host = host
        let alerts = AlertDesk(store: store, clock: clock, logger: logger)
        let arrivals = Arrivals()
        self.alerts = alerts
        self.arrivals = arrivals
        admissions = Admissions(
            settings: settings, clientOrderIDRules: brokers.mapValues { $0.semantics.clientOrderIDRules },
            bracketAccounts: Set(brokers.filter { $0.value.capabilities.canBracket }.keys), store: store, limiter: limiter,
            alerts: alerts, clock: clock, logger: logger, host: host, onAdmitted: { arrivals.add($0, at: clock.monotonic) })
    }

    /// Works the accounts until cancelled or asked to shut down gracefully.
    public func run() async throws {
        let holder = host.holder(gateway: settings.gatewayID, purpose: "account")
        var made: [AccountID: AccountWorker] = [:]
        for account in settings.accounts {
            guard let broker = brokers[account.id] else { continue }
            made[account.id] = await AccountWorker(
                account, gateway: settings, broker: broker, store: store, locks: locks, holder: holder, gate: gate, alerts: alerts, clock: clock,
                logger: logger, host: host)
        }
        let workers = made
        self.workers.withLock { $0 = workers }
        let supervisor = Supervisor(alerts: alerts, clock: clock, logger: logger)
        let finder = WorkFinder(store: store, workers: workers, alerts: alerts, clock: clock, logger: logger, mailbox: workIsThere)
        let heartbeats = Heartbeats(
            worker: WorkerRecord(
                holder: holder, programVersion: settings.programVersion, configurationHash: settings.configurationHash, startedAt: clock.wallTime),
            store: store, gate: gate, alerts: alerts, clock: clock, logger: logger, host: host)
        try? await store.append([JournalDraft(type: "gateway.started", data: JSONValue.fields(["gateway": settings.gatewayID]).text)], at: clock.wallTime)
        // Before any tenure: who started first decides whose rules hold.
        await heartbeats.beat()
        await withTaskGroup { group in
            group.addTask { [host] in
                await host.waitForStop()
                return true
            }
            for worker in workers.values {
                group.addTask {
                    await worker.run()
                    return false
                }
            }
            group.addTask { [arrivals] in
                await supervisor.keep("arrivals") { try await arrivals.deliver { await workers[$0]?.desk.add($1) } }
                return false
            }
            group.addTask {
                await supervisor.keep("finder") { try await finder.run() }
                return false
            }
            group.addTask {
                await supervisor.keep("heartbeats") { try await heartbeats.run() }
                return false
            }
            if let account = settings.accounts.first?.id {
                let watch = LockWatch(locks: locks, account: account, alerts: alerts, clock: clock)
                group.addTask {
                    await supervisor.keep("locks") { try await watch.run() }
                    return false
                }
            }
            // The first to end is the stop; everything else ends by cancellation.
            for await isStop in group where isStop { break }
            isStopping.withLock { $0 = true }
            await withDiscardingTaskGroup { stopping in
                for worker in workers.values { stopping.addTask { await worker.shutDown(within: self.settings.sendWindow + .seconds(10)) } }
            }
            group.cancelAll()
        }
        await heartbeats.stop()
        try? await store.append([JournalDraft(type: "gateway.stopped", data: JSONValue.fields(["gateway": settings.gatewayID]).text)], at: clock.wallTime)
    }

    /// Takes one webhook request. Never throws: every case has an answer.
    public func receive(_ request: HookRequest) async -> HookAnswer {
        if let answer = stopping(request) { return answer }
        return await admissions.receive(request)
    }

    /// Takes an order that a person places; the caller has checked who. Like ``receive(_:)`` in everything else: stored before it is
    /// answered, sent under the same guards and permit, and a repeat with the same idempotency key gets the first answer again.
    public func place(_ request: HookRequest) async -> HookAnswer {
        if let answer = stopping(request) { return answer }
        return await admissions.place(request)
    }

    private func stopping(_ request: HookRequest) -> HookAnswer? {
        guard isStopping.withLock({ $0 }) else { return nil }
        return Answers.problem(503, "stopping", "The gateway is stopping", "send it again in a moment", request: request, headers: ["Retry-After": "5"])
    }

    /// Asks for the cancel of an order. A repeat is safe; a cancellation of the calling task does not take the request back.
    ///
    /// - Parameter who: Who wished it, for the record; no secret.
    public func cancel(_ id: OrderID, by who: String) async throws(StoreError) -> Cancellation {
        guard let order = try await store.order(id)?.order else { return .noSuchOrder }
        guard !isStopping.withLock({ $0 }), let worker = workers.withLock({ $0[order.account] }) else {
            return order.state.isTerminal ? .ended(order) : .notSent(TenureKeeper.notOurs(order.account))
        }
        return try await worker.canceller.cancel(id, by: who)
    }

    func worker(of account: AccountID) -> AccountWorker? { workers.withLock { $0[account] } }

    /// Carries out what a person decides about a parked order, after asking the venue. A repeat does nothing.
    ///
    /// - Parameter venueOrderID: Where the venue knows the order under an id that the record does not have.
    public func decide(
        _ id: OrderID, _ decision: ParkedDecision, venueOrderID: VenueOrderID?, by person: Deciding.Operator
    ) async throws(StoreError) -> DecisionOutcome {
        guard let order = try await store.order(id)?.order else { return .noSuchOrder }
        guard !isStopping.withLock({ $0 }), let worker = workers.withLock({ $0[order.account] }) else {
            return .notNow(TenureKeeper.notOurs(order.account))
        }
        return try await worker.parked.decide(id, decision, venueOrderID: venueOrderID, by: person)
    }

    /// In the order of the configuration.
    public func accountStatuses() async -> [AccountStatus] {
        let workers = workers.withLock { $0 }
        let halts = (try? await store.halts()) ?? []
        var statuses: [AccountStatus] = []
        for account in settings.accounts {
            let halt = halts.first { $0.account == account.id }
            guard let worker = workers[account.id] else {
                statuses.append(AccountStatus(settings: account, health: .starting, tenure: nil, openOrders: 0, halt: halt))
                continue
            }
            statuses.append(
                AccountStatus(
                    settings: account, health: await worker.broker.health, tenure: await worker.keeper.tenure,
                    openOrders: await worker.tracker.open + worker.desk.queued, halt: halt))
        }
        return statuses
    }

    public func readiness() async -> ReadinessReport {
        var checks: [(name: String, status: ReadinessReport.Status, detail: String)] = []
        if isStopping.withLock({ $0 }) { checks.append(("gateway", .fail, "stopping")) }
        do {
            try await store.checkHealth(at: clock.wallTime)
            checks.append(("store", .pass, "a commit reached the disk"))
        } catch {
            checks.append(("store", .fail, "\(error)"))
        }
        do {
            _ = try await locks.list(prefix: "account_lock:")
            checks.append(("locks", .pass, "answers"))
        } catch {
            checks.append(("locks", .warn, "\(error); nothing is sent until it is back"))
        }
        if let why = gate.why { checks.append(("versions", .warn, why)) }
        for status in await accountStatuses() {
            let isReady = status.health.isConnected && status.health.rulesAreLoaded
            checks.append(("account:\(status.settings.id)", isReady ? .pass : .warn, status.health.detail))
        }
        return ReadinessReport(checks: checks)
    }
}

/// Orders on their way from admission to their desks: of each what its desk needs to know. Bounded: what does not fit is found by the ``WorkFinder``.
final class Arrivals: Sendable {
    private struct Arrival {
        let account: AccountID
        let entry: DeskQueue.Entry
    }

    private let waiting = Mutex<[Arrival]>([])
    private let mailbox = Mailbox()
    private static let limit = 10_000

    /// Legs are left out: their entry's request makes them.
    func add(_ orders: [OrderRecord], at now: MonotonicInstant) {
        waiting.withLock { waiting in
            guard waiting.count < Self.limit else { return }
            for order in orders where order.bracketRole == nil {
                waiting.append(Arrival(account: order.account, entry: DeskQueue.Entry(order, notBefore: now)))
            }
        }
        mailbox.signal()
    }

    func deliver(to desk: @Sendable (AccountID, [DeskQueue.Entry]) async -> Void) async throws {
        while !Task.isCancelled {
            await mailbox.wait()
            let arrivals = waiting.withLock { waiting in
                defer { waiting = [] }
                return waiting
            }
            // One visit to a desk for all of its orders, which stay in their order.
            for (account, arrivals) in Dictionary(grouping: arrivals, by: \.account) { await desk(account, arrivals.map(\.entry)) }
        }
        throw CancellationError()
    }
}
