import BrokerContract
import FailPoints
import Logging
import OrderFlow
import StoreContract
import TradingModel

/// Sends one account's orders: one after the other, in the order in which they came, each under its own permit.
actor AccountDesk {
    private let account: AccountID
    private let settings: GatewaySettings
    private let broker: any Broker
    private let store: any OrderStore
    private let keeper: TenureKeeper
    private let tracker: OrderTracker
    private let catchUp: CatchUp
    private let alerts: AlertDesk
    private let clock: any TradingClock
    private let logger: Logger
    private nonisolated let mailbox = Mailbox()

    /// Called when orders were given up because the account is not ours: somebody should try for it.
    private let onTurnedAway: @Sendable () -> Void

    private var queue = DeskQueue()
    /// How often orders were handed over.
    private var deliveries = 0
    private var isDraining = false
    private var isWorking = false
    /// Cancels the stops and targets of a symbol, for an order that is to leave the position.
    private var clearTheWay: (@Sendable (Symbol) async -> Void)?

    func connect(clearTheWay: @escaping @Sendable (Symbol) async -> Void) { self.clearTheWay = clearTheWay }

    init(
        account: AccountID, settings: GatewaySettings, broker: any Broker, store: any OrderStore, keeper: TenureKeeper,
        tracker: OrderTracker, catchUp: CatchUp, alerts: AlertDesk, clock: any TradingClock, logger: Logger,
        onTurnedAway: @escaping @Sendable () -> Void
    ) {
        self.onTurnedAway = onTurnedAway
        self.catchUp = catchUp
        self.account = account
        self.settings = settings
        self.broker = broker
        self.store = store
        self.keeper = keeper
        self.tracker = tracker
        self.alerts = alerts
        self.clock = clock
        self.logger = logger
    }

    var queued: Int { queue.count }
    var isIdle: Bool { queue.isEmpty && !isWorking }
    /// An order is being sent or its outcome recorded.
    var isWorkingNow: Bool { isWorking }

    /// Takes an order that is committed as queued or absent. A repeat is ignored, and so is a leg: its entry's request makes it.
    func enqueue(_ order: OrderRecord, after delay: Duration = .zero) {
        guard order.bracketRole == nil else { return }
        add([DeskQueue.Entry(order, notBefore: clock.monotonic + delay)])
    }

    /// The same for many at once, none of them a leg.
    func add(_ entries: [DeskQueue.Entry]) {
        var isMore = false
        deliveries += 1
        for entry in entries where queue.add(entry) { isMore = true }
        if isMore { mailbox.signal() }
    }

    /// An order that will not be sent any more.
    func forget(_ order: OrderRecord) { queue.remove(DeskQueue.Entry(order, notBefore: clock.monotonic)) }

    /// Looks at the queue again.
    nonisolated func wake() { mailbox.signal() }

    /// Sends nothing new from now on; what is in flight is finished.
    func drain() { isDraining = true }

    func run() async throws {
        while !Task.isCancelled {
            await mailbox.wait()
            if !isDraining { await work() }
        }
        throw CancellationError()
    }

    private enum Step {
        case done, wait, stop
        /// Nothing left the process: another attempt is safe after a pause.
        case again(OrderRecord, after: Duration)
    }

    private func work() async {
        isWorking = true
        defer { isWorking = false }
        // Orders of an instrument behind one that waits keep waiting with it; other instruments go on.
        var held: Set<Symbol> = []
        // As many as wait now: what comes meanwhile waits for the next look, at which the held ones have their turn again.
        for _ in 0..<queue.count {
            guard !Task.isCancelled, !isDraining else { return }
            guard let first = queue.next(except: held) else { return }
            guard first.notBefore <= clock.monotonic else {
                held.insert(first.symbol)
                continue
            }
            let known = deliveries
            guard let grant = await keeper.grant() else { return giveUp(knowing: known) }
            // With the account comes what waited for it before: an older order goes first.
            guard let entry = queue.next(except: held), entry.notBefore <= clock.monotonic else { continue }
            failPoint("desk.claimed")
            switch await send(entry, under: grant) {
            case .done: queue.remove(entry)
            case .again(let record, let pause):
                queue.remove(entry)
                enqueue(record, after: pause)
                held.insert(record.symbol)
            case .wait: held.insert(entry.symbol)
            case .stop: return
            }
        }
        if queue.next(except: held) != nil { mailbox.signal() }
    }

    private func send(_ order: DeskQueue.Entry, under grant: TenureKeeper.Grant) async -> Step {
        let hold = await hold(grant)
        // What the decision would be on whatever facts: while a venue is away, the orders that wait for it cost the store nothing.
        // Only where rules are missing it goes on, because asking for them may load them.
        if let hold, hold.reason != Self.rulesMissing, order.isFirst, clock.wallTime < order.expiresAt {
            logger.debug("order waits", metadata: ["order_id": .string(order.id.rawValue), "reason": .string(hold.reason)])
            return .wait
        }
        let instrument = await instrument(order.symbol)
        if instrument == nil, hold == nil, clock.wallTime < order.expiresAt {
            await alerts.raise("instrument_rules_missing", .medium, subject: "account:\(account)", "no rules for \(order.symbol); its orders wait")
        }
        if instrument != nil { await alerts.clear("instrument_rules_missing", subject: "account:\(account)") }
        let equity: Equity = order.needsEquity && hold == nil ? await EquityReading.read(broker, instrument, order.price) : .unsupported
        let decision = PermitDecision(instrument: instrument, capabilities: broker.capabilities, hold: hold, equity: equity)
        let now = clock.monotonic
        let notAfter = min(now + settings.sendWindow, grant.validUntil)
        guard notAfter > now else { return .stop }
        let wallNow = clock.wallTime
        let request = PermitRequest(
            orderID: order.id, tenure: grant.tenure, now: wallNow, notAfter: notAfter, notAfterWall: wallNow + (notAfter - now))
        do {
            switch try await store.permit(request, deciding: { decision.decide($0) }) {
            case .waiting(let reason):
                if reason == PermitDecision.protectionOpen { await clearTheWay?(order.symbol) }
                logger.debug("order waits", metadata: ["order_id": .string(order.id.rawValue), "reason": .string(reason)])
                return .wait
            case .closed(let record):
                log(record)
                await alertIfNotTraded(record)
                return .done
            case .granted(let permit, let record):
                failPoint("desk.permitted")
                await alerts.clear("store_failing", subject: "store")
                return await place(permit, record, instrument)
            }
        } catch {
            return await failed(error, order, grant.tenure)
        }
    }

    /// Forgets what waits, unless something was handed over meanwhile: the store is the queue, and whoever gets the account is handed all
    /// of it. A gateway that works few accounts of many holds no more in memory than those.
    private func giveUp(knowing known: Int) {
        guard deliveries == known else { return }
        queue = DeskQueue()
        onTurnedAway()
    }

    private func failed(_ error: StoreError, _ order: DeskQueue.Entry, _ tenure: Tenure) async -> Step {
        switch error {
        case .fenced:
            await keeper.lose(tenure, "\(error)")
            return .stop
        case .refused, .notFound:
            // A commit whose answer was lost may have left a permit that nobody uses: then evidence must end it.
            let record = try? await store.order(order.id)?.order
            if let record, record.state == .permitted {
                await tracker.expect(record, base: nil)
                await tracker.doubt(record.id)
            }
            // What somebody else has settled meanwhile, and a dead letter, are no fault.
            logger.notice(
                "order is not permitted",
                metadata: ["order_id": .string(order.id.rawValue), "status": .string(record?.state.rawValue ?? "?"), "error": .string("\(error)")])
            return .done
        case .unavailable, .limiterUnavailable, .mixedVersions:
            await alerts.raise("store_failing", .critical, subject: "store", "no permits: \(error)")
            return .stop
        }
    }

    private static let rulesMissing = "instrument_rules_missing"

    /// Why nothing may be sent now.
    private func hold(_ grant: TenureKeeper.Grant) async -> (reason: String, detail: String)? {
        if clock.monotonic < grant.permitsFrom { return ("lock_delay", "the account's last holder did not release; waiting out the lock delay") }
        let health = await broker.health
        guard health.isConnected else { return ("venue_disconnected", "no session with the venue: \(health.detail)") }
        guard health.rulesAreLoaded else { return (Self.rulesMissing, "the venue's instrument rules are not loaded: \(health.detail)") }
        if let offset = health.clockOffset, offset > .seconds(2) || offset < .seconds(-2) {
            await alerts.raise("clock_skew", .high, subject: "account:\(account)", "our clock differs from the venue's by \(offset); nothing is sent")
            return ("clock_skew", "our clock differs from the venue's by \(offset)")
        }
        await alerts.clear("clock_skew", subject: "account:\(account)")
        if let reason = catchUp.reason {
            catchUp.mailbox.signal()
            return ("catching_up", "\(reason); it is being compared with the venue")
        }
        if await tracker.isRecovering { return ("recovering", "orders from before the start are not resolved yet") }
        return nil
    }

    private func instrument(_ symbol: Symbol) async -> Instrument? {
        do { return try await broker.instrument(symbol) } catch {
            logger.warning("no instrument rules", metadata: ["symbol": .string(symbol.rawValue), "error": .string("\(error)")])
            return nil
        }
    }

    private func place(_ permit: Permit, _ order: OrderRecord, _ instrument: Instrument?) async -> Step {
        await tracker.expect(order, base: instrument?.base)
        let window = SendWindow(notAfter: permit.notAfter)
        let outcome: PlaceOutcome
        if window.isOpen(at: clock.monotonic) {
            outcome = await broker.place(permit.order, within: window)
        } else {
            outcome = .notSent(.windowClosed, Evidence(mayHaveLeft: false, message: "the send window closed before the first byte"))
        }
        failPoint("desk.placed")
        let base = instrument?.base
        let now = clock.wallTime
        for delay in [Duration.zero, .milliseconds(100), .milliseconds(400)] {
            do {
                if delay > .zero { try await clock.sleep(for: delay) }
                let record = try await store.update(permit.orderID, under: permit.tenure, at: now) { snapshot in
                    OrderReducer.outcome(outcome, attempt: permit.attempt, of: snapshot, base: base, at: now)
                }
                failPoint("desk.outcome_recorded")
                await keeper.worked(permit.tenure)
                log(record)
                await tracker.note(record)
                guard record.state == .absent else { return .done }
                return .again(record, after: .milliseconds(250) * (1 << min(record.attempts - 1, 4)))
            } catch let error as StoreError {
                if case .fenced = error {
                    await keeper.lose(permit.tenure, "\(error)")
                    break
                }
                if case .refused = error {
                    await alerts.raise(
                        "evidence_refused", .critical, subject: "order:\(permit.orderID)", "the venue's answer contradicts what is stored and is not recorded: \(error)")
                    break
                }
                await alerts.raise("store_failing", .critical, subject: "store", "the outcome of order \(permit.orderID) is not recorded: \(error)")
            } catch {
                break
            }
        }
        // The permit is committed and its outcome is not: evidence must settle it.
        await tracker.doubt(permit.orderID)
        return .done
    }

    /// A trade that was wanted and is not made is told to a person; one that a rule made pointless is not.
    private func alertIfNotTraded(_ order: OrderRecord) async {
        guard order.state == .abandoned || order.state == .blocked || order.state == .stale else { return }
        await alerts.raise(
            "order_not_traded", .high, subject: "order:\(order.id)",
            "\(order.account) \(order.side.rawValue) \(order.requestedQuantity) \(order.symbol) ended \(order.state.rawValue) (\(order.reason ?? "")): \(order.detail ?? "")")
    }

    private func log(_ order: OrderRecord) {
        logger.info(
            "order",
            metadata: [
                "order_id": .string(order.id.rawValue), "signal_id": .string(order.signalID.rawValue), "account": .string(order.account.rawValue),
                "status": .string(order.state.rawValue), "reason": .string(order.reason ?? ""), "request_id": .string(order.requestID),
            ])
    }
}
