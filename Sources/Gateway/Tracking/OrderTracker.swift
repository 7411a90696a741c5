import BrokerContract
import FailPoints
import LockContract
import Logging
import OrderFlow
import StoreContract
import TradingModel

/// Brings what the venue says into the store: stream events, checks on a schedule, and the resolution of unknown outcomes.
///
/// The stream is a hint, queries are the truth; both go through the same reducer, in any order and any number of times.
actor OrderTracker {
    private let account: AccountID
    private let settings: GatewaySettings
    private let broker: any Broker
    private let store: any OrderStore
    private let alerts: AlertDesk
    private let clock: any TradingClock
    private let logger: Logger
    private nonisolated let mailbox = Mailbox()
    private nonisolated let checkMailbox = Mailbox()

    private var watches: [OrderID: Watch] = [:]
    private var byClientOrderID: [ClientOrderID: OrderID] = [:]
    private var inbox: [BrokerEvent] = []
    private static let inboxLimit = 10_000
    private var streamIsUp = false
    private var grant: (@Sendable () async -> TenureKeeper.Grant?)?
    private var lose: (@Sendable (Tenure, String) async -> Void)?
    private var onAbsent: (@Sendable (OrderRecord) async -> Void)?
    private var isFirstRecovery = true

    init(
        account: AccountID, settings: GatewaySettings, broker: any Broker, store: any OrderStore, alerts: AlertDesk,
        clock: any TradingClock, logger: Logger
    ) {
        self.account = account
        self.settings = settings
        self.broker = broker
        self.store = store
        self.alerts = alerts
        self.clock = clock
        self.logger = logger
    }

    /// Connects the tracker with the keeper of the tenure and with the desk, which are made after it.
    func connect(
        grant: @escaping @Sendable () async -> TenureKeeper.Grant?, lose: @escaping @Sendable (Tenure, String) async -> Void,
        onAbsent: @escaping @Sendable (OrderRecord) async -> Void
    ) {
        self.grant = grant
        self.lose = lose
        self.onAbsent = onAbsent
    }

    /// Orders from before the start are not resolved yet.
    var isRecovering: Bool { watches.values.contains(where: \.holdsAccount) }
    var isIdle: Bool { watches.isEmpty && inbox.isEmpty }
    var open: Int { watches.count }

    // MARK: What is watched

    /// Takes over the account's open orders under a new tenure, before anybody works under it.
    /// - Returns: Orders that wait to be sent.
    func recover(under tenure: Tenure, predecessorUnclosed: Bool) async throws(StoreError) -> [OrderRecord] {
        let now = clock.monotonic
        var waiting: [OrderRecord] = []
        let open = try await store.openOrders(of: account)
        // No permit of an earlier tenure can be committed any more, so what is not open now was ended by somebody else meanwhile.
        let stillOpen = Set(open.map(\.id))
        for (id, watch) in watches where !stillOpen.contains(id) {
            watches[id] = nil
            byClientOrderID[watch.order.clientOrderID] = nil
        }
        for var order in open {
            // What becomes known of their entry settles these; it is open too, and is taken over here.
            if order.bracketRole != nil, BracketFollowing.states.contains(order.state) { continue }
            // What another gateway has found out meanwhile ends the doubt here too.
            if let watch = watches[order.id], watch.order.version < order.version { await note(order) }
            switch order.state {
            case .queued, .absent:
                waiting.append(order)
                continue
            case .permitted:
                let at = clock.wallTime
                order = try await store.update(order.id, under: tenure, at: at) { snapshot in
                    guard let attempt = snapshot.attempts.last, attempt.outcome == nil, attempt.fence < tenure.fence else { return nil }
                    return OrderReducer.lost(.processDied, "the process that had the permit ended before it recorded an outcome", snapshot, at: at)
                }
            default: break
            }
            guard watches[order.id] == nil else { continue }
            var watch = Watch(order, base: nil, now: now, firstCheckAfter: .zero)
            watch.holdsAccount = (isFirstRecovery || predecessorUnclosed) && order.state != .parked
            add(watch)
        }
        isFirstRecovery = false
        return waiting
    }

    /// An order is about to be sent.
    func expect(_ order: OrderRecord, base: Asset?) {
        add(Watch(order, base: base, now: clock.monotonic, firstCheckAfter: settings.sendWindow + .seconds(60)))
    }

    private func add(_ watch: Watch) {
        watches[watch.order.id] = watch
        byClientOrderID[watch.order.clientOrderID] = watch.order.id
        checkMailbox.signal()
    }

    /// The order's record changed.
    func note(_ order: OrderRecord) async {
        guard var watch = watches[order.id], order.version >= watch.order.version else { return }
        let wasDoubtful = watch.isDoubtful
        watch.order = order
        if order.state.isTerminal || order.state == .absent || order.state == .queued {
            watches[order.id] = nil
            byClientOrderID[order.clientOrderID] = nil
        } else {
            if order.state != .permitted { watch.isInDoubt = false }
            if watch.isDoubtful, !wasDoubtful {
                watch.checks = 0
                watch.negatives = []
                watch.nextCheck = clock.monotonic
            } else if !watch.isDoubtful {
                watch.holdsAccount = false
                watch.nextCheck = min(watch.nextCheck, clock.monotonic + watch.interval(settings.tracking, streamIsUp: streamIsUp))
            }
            watches[order.id] = watch
        }
        if wasDoubtful, !watch.isDoubtful || order.state.isTerminal || order.state == .absent {
            await alerts.resolve("unknown_order", subject: "order:\(order.id)")
        }
        // An order that is proven absent is no longer watched; its next attempt is watched anew.
        if watch.staleIsAlerted, order.state.isTerminal || order.state == .absent { await alerts.resolve("stale_order", subject: "order:\(order.id)") }
        if order.bracket != nil || order.bracketRole != nil { await lookAtBracket(of: order) }
    }

    /// The outcome of a permit could not be recorded: only evidence can settle it.
    func doubt(_ id: OrderID) {
        guard var watch = watches[id] else { return }
        watch.isInDoubt = true
        watch.nextCheck = clock.monotonic
        watches[id] = watch
    }

    // MARK: Cancels

    /// The order is asked about at once, and looked after if it was not.
    func ask(_ id: OrderID) async {
        if watches[id] == nil, let order = try? await store.order(id)?.order, !order.state.isTerminal, watches[id] == nil {
            add(Watch(order, base: nil, now: clock.monotonic, firstCheckAfter: .zero))
        }
        watches[id]?.nextCheck = clock.monotonic
    }

    /// A reply told how the order stands. Its fills are asked for.
    func learn(_ id: OrderID, _ report: OrderReport) async { await found(id, report) }

    /// The order's cancel did not happen. Returns the record, or nil if it could not be stored: then the next answer about the order does it.
    func liveOn(_ id: OrderID, reason: String, detail: String, alert: AlertDraft? = nil) async -> OrderRecord? {
        let at = clock.wallTime
        guard await update(id, { Cancelling.notDone($0, reason: reason, detail: detail, alert: alert, at: at) }) else { return nil }
        return try? await store.order(id)?.order
    }

    // MARK: Stream

    /// Receives events for as long as the broker lives.
    func receiveEvents() async throws {
        for await event in broker.events {
            failPoint("tracking.event_received")
            switch event {
            case .order, .fill:
                if inbox.count < Self.inboxLimit {
                    inbox.append(event)
                } else {
                    inbox.removeAll()
                    askAll("the inbox overflowed")
                }
            case .connected:
                streamIsUp = true
                askAll("connected")
                await alerts.resolve("stream_down", subject: "account:\(account)")
            case .disconnected(let reason):
                streamIsUp = false
                askAll("disconnected")
                await alerts.raise("stream_down", .medium, subject: "account:\(account)", "private stream down (\(reason)); asking instead")
            case .gap(let reason): askAll(reason)
            }
            mailbox.signal()
        }
        throw CancellationError()
    }

    /// Events may be missing: every order is asked about now.
    private func askAll(_ reason: String) {
        let now = clock.monotonic
        for id in watches.keys where watches[id]?.order.state != .permitted || watches[id]?.isInDoubt == true { watches[id]?.nextCheck = now }
        logger.debug("asking about all open orders", metadata: ["reason": .string(reason), "orders": .stringConvertible(watches.count)])
    }

    /// Applies events as they come.
    func applyEvents() async throws {
        while !Task.isCancelled {
            await mailbox.wait()
            while !inbox.isEmpty, !Task.isCancelled {
                let batch = inbox
                inbox.removeAll(keepingCapacity: true)
                await apply(batch)
            }
        }
        throw CancellationError()
    }

    private func apply(_ events: [BrokerEvent]) async {
        // One change per order: the best report and all fills together.
        var reports: [OrderID: OrderReport] = [:]
        var fills: [OrderID: [Fill]] = [:]
        var sequence: [OrderID] = []
        for event in events {
            let found: OrderID?
            switch event {
            case .order(let report): found = await identify(report.clientOrderID, report.symbol, report.venueOrderID)
            case .fill(let fill): found = await identify(fill.clientOrderID, fill.symbol, fill.venueOrderID)
            default: found = nil
            }
            guard let id = found else { continue }
            if reports[id] == nil, fills[id] == nil { sequence.append(id) }
            switch event {
            case .order(let report): reports[id] = reports[id].map { better($0, report) } ?? report
            case .fill(let fill): fills[id, default: []].append(fill)
            default: break
            }
        }
        for id in sequence {
            if await !record(id, report: reports[id], fills: fills[id] ?? []) {
                // Not stored: the query will bring it again.
                watches[id]?.nextCheck = clock.monotonic + .milliseconds(250)
            }
            failPoint("tracking.applied")
        }
    }

    private func better(_ a: OrderReport, _ b: OrderReport) -> OrderReport {
        if a.filledQuantity != b.filledQuantity { return a.filledQuantity > b.filledQuantity ? a : b }
        return a.status.isTerminal && !b.status.isTerminal ? a : b
    }

    private func identify(_ clientOrderID: ClientOrderID?, _ symbol: Symbol, _ venueOrderID: VenueOrderID) async -> OrderID? {
        if let clientOrderID, let id = byClientOrderID[clientOrderID] { return id }
        do {
            if let clientOrderID, let order = try await store.order(account: account, clientOrderID: clientOrderID) { return order.id }
            if let order = try await store.order(account: account, symbol: symbol, venueOrderID: venueOrderID) { return order.id }
        } catch {
            logger.warning("event not matched, will be asked about", metadata: ["error": .string("\(error)")])
            askAll("the store did not answer")
            return nil
        }
        logger.info("an order that is not ours", metadata: ["account": .string(account.rawValue), "venue_order_id": .string(venueOrderID.rawValue)])
        return nil
    }

    /// Brings evidence into the store. False if it could not be stored.
    @discardableResult
    private func record(_ id: OrderID, report: OrderReport?, fills: [Fill]) async -> Bool {
        let base = watches[id]?.base
        let at = clock.wallTime
        return await update(id) { snapshot in OrderReducer.evidence(report, fills: fills, of: snapshot, base: base, at: at) }
    }

    private func update(_ id: OrderID, _ reduce: @escaping @Sendable (OrderSnapshot) -> OrderChange?) async -> Bool {
        guard let grant = await grant?() else { return false }
        do {
            let order = try await store.update(id, under: grant.tenure, at: clock.wallTime, reducing: reduce)
            let isWatched = watches[id] != nil
            await note(order)
            // A leg may be told before it is watched, and an entry after it was given up as absent.
            if !isWatched, order.bracket != nil || order.bracketRole != nil { await lookAtBracket(of: order) }
            return true
        } catch {
            if case .fenced = error { await lose?(grant.tenure, "\(error)") }
            logger.warning("evidence not stored, will be gathered again", metadata: ["order_id": .string(id.rawValue), "error": .string("\(error)")])
            return false
        }
    }

    // MARK: Brackets

    /// After a change of an entry or a leg: watches the legs that stand by themselves, and asks soon where one change means another.
    private func lookAtBracket(of order: OrderRecord) async {
        guard let entry = try? await store.order(order.entryID ?? order.id) else { return }
        let standing = entry.legs.map(\.order).filter { !$0.state.isTerminal && !BracketFollowing.states.contains($0.state) }
        var base = watches[entry.order.id]?.base
        if base == nil, standing.contains(where: { watches[$0.id] == nil }) { base = (try? await broker.instrument(entry.order.symbol))?.base }
        let now = clock.monotonic
        for leg in standing {
            if watches[leg.id] == nil { add(Watch(leg, base: base, now: now, firstCheckAfter: settings.tracking.monitorInterval)) }
            // The end of the entry or of the other leg ends this one or sets it to work; the event that tells it may be lost.
            guard order.state.isTerminal, order.id != leg.id, let due = watches[leg.id]?.nextCheck else { continue }
            watches[leg.id]?.nextCheck = min(due, now + settings.tracking.immediateInterval)
        }
        if order.bracketRole != nil, order.state.isTerminal, BracketFollowing.hasLostProtection(entry) {
            await alerts.raise(
                "protection_lost", .critical, subject: "order:\(entry.order.id)",
                "\(account) \(entry.order.symbol): the legs ended without closing what order \(entry.order.id) opened; its position has no stop")
        }
        // A leg that the venue shows proves that the entry is there too.
        guard entry.legs.contains(where: { BracketFollowing.isAtVenue($0.order) }) else { return }
        switch entry.order.state {
        case .unknown, .resolving: watches[entry.order.id]?.nextCheck = now
        case .absent where watches[entry.order.id] == nil: add(Watch(entry.order, base: nil, now: now, firstCheckAfter: .zero))
        default: break
        }
    }

    /// How the venue is asked about the order; nil if the store cannot say now what the leg's entry is.
    func reference(to order: OrderRecord, venueOrderID: VenueOrderID?) async -> OrderReference? {
        guard let role = order.bracketRole, let entryID = order.entryID else {
            return OrderReference(symbol: order.symbol, clientOrderID: order.clientOrderID, venueOrderID: venueOrderID)
        }
        guard let entry = try? await store.order(entryID)?.order else { return nil }
        return OrderReference(
            symbol: order.symbol, clientOrderID: order.clientOrderID, venueOrderID: venueOrderID,
            leg: .init(role: role, entry: entry.clientOrderID, entryVenueOrderID: entry.venueOrderID))
    }

    // MARK: Checks

    /// Questions that may be under way at once: one that hangs must not keep the others waiting.
    private static let parallelChecks = 8

    /// Asks about orders as they fall due.
    func runChecks() async throws {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                if watches.isEmpty { await checkMailbox.wait() }
                for id in takeDue() { group.addTask { await self.check(id) } }
                do { try await clock.sleep(for: .milliseconds(25)) } catch { return }
            }
        }
        throw CancellationError()
    }

    private func takeDue() -> [OrderID] {
        let now = clock.monotonic
        let free = Self.parallelChecks - watches.values.count { $0.isChecking }
        guard free > 0 else { return [] }
        let due = watches.values.filter { !$0.isChecking && $0.nextCheck <= now }.sorted { $0.nextCheck < $1.nextCheck }.prefix(free).map(\.order.id)
        for id in due { watches[id]?.isChecking = true }
        return due
    }

    private func check(_ id: OrderID) async {
        defer { watches[id]?.isChecking = false }
        guard let watch = watches[id], watch.order.state != .parked else {
            watches[id]?.nextCheck = clock.monotonic + settings.tracking.backgroundInterval
            return
        }
        if watch.base == nil {
            // Asked first: an assignment through `?` holds its left side while the right one waits, and nobody else may look at it then.
            let base = (try? await broker.instrument(watch.order.symbol))?.base
            watches[id]?.base = base
        }
        await alertIfStale(id)
        if watch.isInDoubt, watch.order.state == .permitted {
            let at = clock.wallTime
            _ = await update(id) { OrderReducer.lost(.notRecorded, "the outcome of the attempt could not be stored", $0, at: at) }
        }
        guard let reference = await reference(to: watch.order, venueOrderID: watch.order.venueOrderID) else { return schedule(id, known: false) }
        let askedAt = clock.monotonic
        let answer = await broker.lookup(reference)
        watches[id]?.checks += 1
        switch answer {
        case .found(let report): await found(id, report)
        case .notFound(let complete, let evidence): await notFound(id, complete: complete, askedAt: askedAt, evidence)
        case .indeterminate(let cause, let evidence):
            logger.debug("no answer", metadata: ["order_id": .string(id.rawValue), "cause": .string(cause.rawValue), "message": .string(evidence.message ?? "")])
            watches[id]?.negatives = []
            await decide(id)
        }
    }

    private func found(_ id: OrderID, _ report: OrderReport) async {
        watches[id]?.negatives = []
        var fills: [Fill] = []
        if report.filledQuantity > 0, let snapshot = try? await store.order(id) {
            let known = snapshot.fills.reduce(Quantity.zero) { $0 + $1.quantity }
            if known < report.filledQuantity {
                guard let reference = await reference(to: snapshot.order, venueOrderID: report.venueOrderID) else { return schedule(id, known: false) }
                do { fills = try await broker.fills(of: reference) } catch {
                    logger.warning("fills not read, will be asked again", metadata: ["order_id": .string(id.rawValue), "error": .string("\(error)")])
                }
            }
        }
        await record(id, report: report, fills: fills)
        if let order = watches[id]?.order, order.state == .cancelPending, clock.wallTime - order.updatedAt > Cancelling.patience {
            let detail = "the venue still has it open \(Cancelling.patience.components.seconds) s after its cancel was asked for"
            let alert = AlertDraft(type: "cancel_not_done", severity: .high, subject: "order:\(id)", message: "\(account) \(order.symbol): \(detail)")
            _ = await liveOn(id, reason: "cancel_not_done", detail: detail, alert: alert)
        }
        schedule(id, known: true)
    }

    private func notFound(_ id: OrderID, complete: Bool, askedAt: MonotonicInstant, _ evidence: Evidence) async {
        guard let watch = watches[id] else { return }
        guard watch.isDoubtful else {
            if watch.order.state != .permitted, watch.checks >= 3 {
                await alerts.raise("order_missing", .high, subject: "order:\(id)", "the venue accepted it and now says that it does not have it: \(evidence.message ?? "")")
            }
            return schedule(id, known: true)
        }
        // A negative answer counts only if the open orders and the history agree.
        var isNegative = complete
        if complete {
            do {
                let since = watch.order.createdAt - .seconds(60)
                let others = try await broker.openOrders() + broker.orderHistory(watch.order.symbol, since: since)
                if let report = others.first(where: { $0.clientOrderID == watch.order.clientOrderID }) { return await found(id, report) }
                // A leg at the venue came with the same request.
                let legs = (watch.order.bracket?.roles ?? []).map(watch.order.clientOrderID.leg)
                if others.contains(where: { $0.clientOrderID.map(legs.contains) ?? false }) { isNegative = false }
            } catch {
                isNegative = false
            }
        }
        if isNegative { watches[id]?.negatives.append(askedAt) } else { watches[id]?.negatives = [] }
        await decide(id)
    }

    /// When the attempt's send window ends on this machine's boot clock. Another machine's or boot's clock says nothing here: then the
    /// whole window is waited out from the moment at which we took over.
    private func lastByteBy(_ attempt: AttemptRecord, _ watch: Watch) -> MonotonicInstant {
        attempt.holder.isOfThisBoot ? attempt.notAfterMonotonic : watch.startedAt + max(attempt.notAfter - attempt.permittedAt, settings.sendWindow)
    }

    /// What to do about an order that no answer has shown.
    private func decide(_ id: OrderID) async {
        guard let watch = watches[id], watch.isDoubtful else { return schedule(id, known: true) }
        guard let snapshot = try? await store.order(id), let attempt = snapshot.attempts.last else { return schedule(id, known: false) }
        let at = clock.wallTime
        let resolution = Resolution(
            semantics: broker.semantics, lastByteBy: lastByteBy(attempt, watch), holderIsDead: ProcessLiveness.isProvenDead(attempt.holder),
            pauseMargin: settings.pauseMargin)
        switch resolution.next(order: snapshot.order, asked: watch.checks, negatives: watch.negatives, since: watch.startedAt, now: clock.monotonic) {
        case .ask(let delay):
            if snapshot.order.state == .unknown {
                _ = await update(id) {
                    $0.order.state == .unknown
                        ? OrderReducer.move($0, to: .resolving, reason: "resolving", detail: "the venue did not show the order; asking until it does or its absence is proven", at: at) : nil
                }
            }
            watches[id]?.nextCheck = clock.monotonic + delay
        case .absent:
            let detail = "\(watch.negatives.count) complete negative answers after the last moment at which it could surface"
            if await update(id, { OrderReducer.move($0, to: .absent, reason: "proven_absent", detail: detail, at: at) }), let record = try? await store.order(id)?.order {
                if record.state == .absent { await onAbsent?(record) }
            } else {
                schedule(id, known: false)
            }
        case .park(let reason):
            let alert = AlertDraft(type: "parked_order", severity: .critical, subject: "order:\(id)", message: "a person must decide: \(reason)")
            _ = await update(id) { OrderReducer.move($0, to: .parked, reason: "parked", detail: reason, alert: alert, at: at) }
            watches[id]?.holdsAccount = false
        }
    }

    private func schedule(_ id: OrderID, known: Bool) {
        guard let watch = watches[id] else { return }
        if known { watches[id]?.holdsAccount = false }
        watches[id]?.nextCheck = clock.monotonic + (known ? watch.interval(settings.tracking, streamIsUp: streamIsUp) : .seconds(1))
    }

    private func alertIfStale(_ id: OrderID) async {
        guard let watch = watches[id], watch.order.type == .market, !watch.staleIsAlerted,
            clock.monotonic - watch.startedAt > settings.tracking.staleMarketOrder
        else { return }
        watches[id]?.staleIsAlerted = true
        await alerts.raise("stale_order", .medium, subject: "order:\(id)", "market order on \(account) is \(watch.order.state.rawValue) after \(settings.tracking.staleMarketOrder)")
    }
}
