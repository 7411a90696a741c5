import BrokerContract
import LockContract
import Logging
import OrderFlow
import StoreContract
import TradingModel

/// Questions to the venue on a schedule, and the resolution of unknown outcomes: queries are the truth.
extension OrderTracker {
    /// Questions that may be under way at once: one that hangs must not keep the others waiting.
    static let parallelChecks = 8

    /// Asks about orders as they fall due.
    func runChecks() async throws {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                if watches.isEmpty, toldStale == [] { await checkMailbox.wait() }
                for id in takeDue() { group.addTask { await self.check(id) } }
                await lookForStale()
                do { try await clock.sleep(for: .milliseconds(25)) } catch { return }
            }
        }
        throw CancellationError()
    }

    func takeDue() -> [OrderID] {
        let now = clock.monotonic
        if let nothingDueBefore, now < nothingDueBefore { return [] }
        var free = Self.parallelChecks
        var next = now + .seconds(1)
        var waiting: [(id: OrderID, at: MonotonicInstant, isDoubtful: Bool)] = []
        for watch in watches.values {
            if watch.isChecking {
                free -= 1
            } else if watch.nextCheck <= now {
                waiting.append((watch.order.id, watch.nextCheck, watch.isDoubtful))
            } else {
                next = min(next, watch.nextCheck)
            }
        }
        guard free > 0, !waiting.isEmpty else {
            // Whatever ends or changes is counted again.
            nothingDueBefore = next
            return []
        }
        // What is not known goes before what is looked at again.
        let due = waiting.sorted { $0.isDoubtful == $1.isDoubtful ? $0.at < $1.at : $0.isDoubtful }.prefix(free).map(\.id)
        for id in due { watches[id]?.isChecking = true }
        return due
    }

    @discardableResult
    func check(_ id: OrderID) async -> CheckAnswer {
        defer { watches[id]?.isChecking = false }
        guard let watch = watches[id], watch.order.state != .parked else {
            watches[id]?.nextCheck = clock.monotonic + settings.tracking.backgroundInterval
            return .notAsked("a person decides about it")
        }
        if watch.base == nil {
            // Asked first: an assignment through `?` holds its left side while the right one waits, and nobody else may look at it then.
            let base = (try? await broker.instrument(watch.order.symbol))?.base
            watches[id]?.base = base
        }
        if watch.isInDoubt, watch.order.state == .permitted {
            let at = clock.wallTime
            _ = await update(id) { OrderReducer.lost(.notRecorded, "the outcome of the attempt could not be stored", $0, at: at) }
        }
        guard let reference = await reference(to: watch.order, venueOrderID: watch.order.venueOrderID) else {
            schedule(id, known: false)
            return .notAsked("its entry could not be read")
        }
        let askedAt = clock.monotonic
        let result = await broker.lookup(reference)
        watches[id]?.checks += 1
        let answer = CheckAnswer(result)
        watches[id]?.lastAnswer = (answer, clock.wallTime)
        switch result {
        case .found(let report): await found(id, report)
        case .notFound(let complete, let evidence): await notFound(id, complete: complete, askedAt: askedAt, evidence)
        case .indeterminate(let cause, let evidence):
            logger.debug("no answer", metadata: ["order_id": .string(id.rawValue), "cause": .string(cause.rawValue), "message": .string(evidence.message ?? "")])
            watches[id]?.negatives = []
            await decide(id)
        }
        return answer
    }

    func found(_ id: OrderID, _ report: OrderReport) async {
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

    func notFound(_ id: OrderID, complete: Bool, askedAt: MonotonicInstant, _ evidence: Evidence) async {
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
    func lastByteBy(_ attempt: AttemptRecord, _ watch: Watch) -> MonotonicInstant {
        host.isOfThisBoot(attempt.holder) ? attempt.notAfterMonotonic : watch.startedAt + max(attempt.notAfter - attempt.permittedAt, settings.sendWindow)
    }

    /// What to do about an order that no answer has shown.
    func decide(_ id: OrderID) async {
        guard let watch = watches[id], watch.isDoubtful else { return schedule(id, known: true) }
        guard let snapshot = try? await store.order(id), let attempt = snapshot.attempts.last else { return schedule(id, known: false) }
        let at = clock.wallTime
        let resolution = Resolution(
            semantics: broker.semantics, lastByteBy: lastByteBy(attempt, watch), holderIsDead: host.isProvenDead(attempt.holder),
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

    func schedule(_ id: OrderID, known: Bool) {
        guard let watch = watches[id] else { return }
        if known { watches[id]?.holdsAccount = false }
        watches[id]?.nextCheck = clock.monotonic + (known ? watch.interval(settings.tracking, streamIsUp: streamIsUp) : .seconds(1))
    }
}
