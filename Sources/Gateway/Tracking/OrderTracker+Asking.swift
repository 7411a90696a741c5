import BrokerContract
import StoreContract
import TradingModel

/// Questions that somebody waits for: a comparison with the venue, or a person.
extension OrderTracker {
    static let isAskedAlready = "it is being asked about already"

    /// Asks about these orders now, a few at once. One that is being asked about already is left out.
    func askNow(_ orders: [OrderRecord]) async -> [OrderID: CheckAnswer] {
        var answers: [OrderID: CheckAnswer] = [:]
        var waiting = orders[...]
        await withTaskGroup(of: (OrderID, CheckAnswer).self) { group in
            func next() {
                guard let order = waiting.popFirst() else { return }
                group.addTask { (order.id, await self.askNow(order)) }
            }
            for _ in 0..<Self.parallelChecks { next() }
            for await (id, answer) in group {
                answers[id] = answer
                next()
            }
        }
        return answers
    }

    /// Asks about one order of any state that had a permit. What the answer says goes the same way as every other evidence.
    func askNow(_ order: OrderRecord) async -> CheckAnswer {
        if watches[order.id]?.isChecking == true { return .notAsked(Self.isAskedAlready) }
        guard order.state.isTerminal || order.state == .parked || order.state == .absent else {
            if watches[order.id] == nil { add(Watch(order, base: nil, now: clock.monotonic, firstCheckAfter: .zero)) }
            watches[order.id]?.isChecking = true
            return await check(order.id)
        }
        guard let reference = await reference(to: order, venueOrderID: order.venueOrderID) else { return .notAsked("its entry could not be read") }
        let result = await broker.lookup(reference)
        // What is parked waits for a person, unless the venue shows it.
        if case .found(let report) = result { await found(order.id, report) }
        return CheckAnswer(result)
    }

    /// Fills that a list showed and the store lacks.
    func learn(_ id: OrderID, fills: [Fill]) async -> Bool { await record(id, report: nil, fills: fills) }

    /// What is being watched, the next to be asked about first.
    func monitoring() -> [WatchedOrder] {
        let now = clock.monotonic
        return watches.values.sorted { ($0.nextCheck, $0.order.id) < ($1.nextCheck, $1.order.id) }.map { watch in
            WatchedOrder(
                order: watch.order, watchedFor: now - watch.startedAt, nextCheckIn: max(watch.nextCheck - now, .zero), checks: watch.checks,
                isStreamed: streamIsUp, lastAnswer: watch.lastAnswer?.answer.word, lastAnswerAt: watch.lastAnswer?.at, isStale: isStale(watch))
        }
    }
}

extension CheckAnswer {
    init(_ result: LookupResult) {
        switch result {
        case .found(let report): self = .found(report)
        case .notFound(let complete, _): self = .notFound(complete: complete)
        case .indeterminate(let cause, let evidence): self = .noAnswer("\(cause.rawValue): \(evidence.message ?? "")")
        }
    }
}
