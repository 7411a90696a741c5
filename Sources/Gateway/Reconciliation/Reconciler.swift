import BrokerContract
import FailPoints
import Logging
import OrderFlow
import StoreContract
import TradingModel

/// Compares one account with its venue: at start, after each reconnect, on a schedule, and when a person asks.
///
/// It works under the account's tenure, so that of several gateways one does it. What it learns of our orders goes through the tracker like
/// all other evidence; an order that a list lacks is asked about, because absence from a list proves nothing.
actor Reconciler {
    let account: AccountID
    let broker: any Broker
    let store: any OrderStore
    let tracker: OrderTracker
    let clock: any TradingClock
    let logger: Logger
    private let settings: TrackingSettings
    private let drift: DriftPolicy
    private let keeper: TenureKeeper
    private let catchUp: CatchUp
    private let alerts: AlertDesk
    private let host: any GatewayHost
    /// Called after a complete run: what was held back may go on.
    private let onCaughtUp: @Sendable () -> Void
    /// Called with the orders that the comparison itself made, when they are stored.
    private let onOrders: @Sendable ([OrderRecord]) async -> Void

    /// Orders that are not ours, as the stream told them; bounded, what does not fit is found by the lists.
    private var strangers: [ExternalOrder.Key: ExternalOrder] = [:]
    private static let strangersLimit = 1000
    /// Orders that ended here and that the last run saw open at the venue: a list may be a moment old, two lists in a row are not.
    var openThoughEnded: Set<OrderID> = []
    private(set) var isRunning = false
    private var failures = 0
    private var nextTry: MonotonicInstant?
    private var lastStart: MonotonicInstant?
    private var lastDemands = 0

    init(
        account: AccountSettings, settings: TrackingSettings, broker: any Broker, store: any OrderStore, keeper: TenureKeeper, tracker: OrderTracker,
        catchUp: CatchUp, alerts: AlertDesk, clock: any TradingClock, logger: Logger, onCaughtUp: @escaping @Sendable () -> Void,
        onOrders: @escaping @Sendable ([OrderRecord]) async -> Void
    ) {
        self.account = account.id
        drift = account.drift
        self.settings = settings
        self.broker = broker
        self.store = store
        self.keeper = keeper
        self.tracker = tracker
        self.catchUp = catchUp
        self.alerts = alerts
        host = tracker.host
        self.clock = clock
        self.logger = logger
        self.onCaughtUp = onCaughtUp
        self.onOrders = onOrders
    }

    // MARK: When

    /// Runs until cancelled.
    func run() async throws {
        await withDiscardingTaskGroup { group in
            group.addTask { [clock, catchUp] in
                while (try? await clock.sleep(for: .milliseconds(250))) != nil { catchUp.mailbox.signal() }
            }
            group.addTask { await self.work() }
        }
        throw CancellationError()
    }

    private func work() async {
        while !Task.isCancelled {
            await catchUp.mailbox.wait()
            guard !Task.isCancelled else { return }
            await runIfDue()
        }
    }

    private func runIfDue() async {
        if let nextTry, clock.monotonic < nextTry { return }
        // Without a session nothing is sent and nothing can be asked; the connection's return is a demand of its own.
        guard await broker.health.isConnected else { return }
        let demands = catchUp.demands
        if let reason = catchUp.reason {
            // An account that is not ours is taken for it only if nobody has compared it for its interval: the demand stands, and is served
            // before anything is sent once the account comes to us.
            if await !keeper.isHeld {
                guard demands != lastDemands || !isWaiting(least: settings.reconcileInterval) else { return }
                lastDemands = demands
                lastStart = clock.monotonic
                guard await isDue(.light) else { return }
            }
            lastStart = clock.monotonic
            _ = await compare(await isDue(.deep) ? .deep : .light, because: reason == CatchUp.atStart ? "start" : "reconnect")
        } else if !strangers.isEmpty, !isWaiting(least: min(.seconds(5), settings.reconcileInterval)) {
            lastStart = clock.monotonic
            _ = await compare(.light, because: "stream")
        } else if !isWaiting(least: settings.reconcileInterval) {
            lastStart = clock.monotonic
            let isDeep = await isDue(.deep)
            guard isDeep ? true : await isDue(.light) else { return }
            _ = await compare(isDeep ? .deep : .light, because: "schedule")
        }
    }

    private func isWaiting(least pause: Duration) -> Bool { lastStart.map { clock.monotonic - $0 < pause } ?? false }

    /// Whether no gateway has made such a comparison for as long as its interval.
    private func isDue(_ depth: ReconciliationRun.Depth) async -> Bool {
        guard let runs = try? await store.reconciliationRuns(of: account) else { return false }
        let interval = depth == .deep ? settings.deepReconcileInterval : settings.reconcileInterval
        // A deep one is a light one too.
        let last = runs.filter { depth == .light || $0.depth == .deep }.map(\.startedAt).max()
        let age = last.map { clock.wallTime - $0 }
        // A clock that was set back must not stop the comparisons.
        return age.map { $0 >= interval - interval / 10 || $0 < .zero } ?? true
    }

    /// Orders that are not ours, from the stream.
    func note(_ event: BrokerEvent) {
        let seen: ExternalOrder
        switch event {
        case .order(let report): seen = ExternalOrders.seen(report, account: account, rules: broker.semantics.clientOrderIDRules, at: clock.wallTime)
        case .fill(let fill): seen = ExternalOrders.seen(fill, account: account, rules: broker.semantics.clientOrderIDRules, at: clock.wallTime)
        case .connected, .disconnected, .gap: return
        }
        guard strangers.count < Self.strangersLimit || strangers[seen.key] != nil else { return }
        strangers[seen.key] = strangers[seen.key].map { ExternalOrders.merged(seen, $0) } ?? seen
        catchUp.mailbox.signal()
    }

    // MARK: What

    /// What came of a comparison.
    enum Outcome: Sendable {
        case done(ReconciliationReport)
        /// Another gateway has the account, or the store did not take it; nothing was written.
        case notNow(String)
    }

    func compare(_ depth: ReconciliationRun.Depth, because trigger: String) async -> Outcome {
        while isRunning {
            do { try await clock.sleep(for: .milliseconds(20)) } catch { return .notNow("cancelled") }
        }
        isRunning = true
        defer { isRunning = false }
        let demands = catchUp.demands
        guard let grant = await keeper.grant() else {
            return .notNow(TenureKeeper.noAccount)
        }
        let pending = strangers
        var looking = VenueLook(account: account, depth: depth, trigger: trigger, startedAt: clock.wallTime)
        do throws(StoreError) {
            try await look(&looking, pending: pending.values.sorted { ($0.symbol, $0.venueOrderID) < ($1.symbol, $1.venueOrderID) })
        } catch {
            // The store has said what is wrong to whoever asked it; the venue's answers are of no use without it.
            return await stopped(error, grant.tenure)
        }
        failPoint("reconcile.found")
        let view = looking.view(endedAt: clock.wallTime)
        let reconciling = Reconciling(
            policy: drift, confirmAfter: min(.seconds(2), settings.reconcileInterval),
            order: DriftOrder(rules: broker.semantics.clientOrderIDRules) { [host] now in
                var random = HostRandom(host: host)
                return Minting.signalID(at: now, using: &random)
            })
        let request = ReconciliationRequest(tenure: grant.tenure, now: clock.wallTime, external: view.strangers.map(\.key))
        let change: ReconciliationChange?
        do throws(StoreError) {
            change = try await store.reconcile(request) { reconciling.change(view, on: $0) }
        } catch {
            return await stopped(error, grant.tenure)
        }
        failPoint("reconcile.recorded")
        for (key, order) in pending where strangers[key] == order && !looking.undecided.contains(key) { strangers[key] = nil }
        let run = change?.run ?? view.run
        tell(run, change)
        if let orders = change?.admissions.flatMap(\.orders), !orders.isEmpty { await onOrders(orders) }
        if run.isComplete {
            failures = 0
            nextTry = nil
            catchUp.serve(demands)
            await alerts.clear("reconcile_failed", subject: "account:\(account)")
            onCaughtUp()
        } else {
            await failed(run.problem ?? "")
        }
        return .done(ReconciliationReport(run: run, changes: looking.changes, findings: change?.findings ?? [], external: change?.external ?? []))
    }

    /// Who lost the account to another gateway pauses before it takes it again, and then compares at once: an account that is held and
    /// waits for its comparison would be lost again before anything is sent.
    private func stopped(_ error: StoreError, _ tenure: Tenure) async -> Outcome {
        if case .fenced = error { await keeper.lose(tenure, "\(error)") } else { await failed("\(error)") }
        return .notNow("\(error)")
    }

    private func failed(_ why: String) async {
        failures += 1
        nextTry = clock.monotonic + host.part(0.8...1.2, of: min(Duration.milliseconds(250) * (1 << min(failures - 1, 5)), .seconds(5)))
        logger.debug("comparison with the venue is not complete", metadata: ["reason": .string(why)])
        guard failures >= 3 else { return }
        await alerts.raise(
            "reconcile_failed", .medium, subject: "account:\(account)",
            "\(account) could not be compared with its venue \(failures) times in a row: \(why)" + (catchUp.reason == nil ? "" : "; nothing is sent before it is"))
    }

    private func tell(_ run: ReconciliationRun, _ change: ReconciliationChange?) {
        let level: Logger.Level = change?.corrections.isEmpty == false || change?.halt != nil ? .warning : .debug
        logger.log(
            level: level, "compared with the venue",
            metadata: [
                "run": .stringConvertible(run.number), "depth": .string(run.depth.rawValue), "trigger": .string(run.trigger),
                "complete": .stringConvertible(run.isComplete), "problem": .string(run.problem ?? ""), "open_orders": .stringConvertible(run.openOrders),
                "changed": .stringConvertible(run.changedOrders), "external": .stringConvertible(run.externalOrders),
            ])
    }
}

/// What one comparison found, for whoever asked for it.
public struct ReconciliationReport: Sendable {
    /// An order of ours about which the venue had news.
    public struct Changed: Sendable {
        public var order: OrderRecord
        public var before: OrderState
    }
    public var run: ReconciliationRun
    public var changes: [Changed]
    public var findings: [DriftFinding]
    public var external: [ExternalOrder]
}
