import LockContract
import StoreContract
import TradingModel

/// What must hold with every commit.
extension Checker {
    func committed(_ work: CommittedWork) {
        isDirty = true
        checkSignals(work)
        checkTenures(work)
        noteHalts(work)
        noteCorrections(work)
        var seen: Set<OrderID> = []
        for id in work.after.touched where seen.insert(id).inserted {
            guard let order = work.after.order(id) else { continue }
            let before = work.before.order(id)
            changedAt[order.account] = world.scheduler.now
            world.scheduler.note("\(id) \(order.state.rawValue) \(order.filledQuantity)")
            if before?.state != order.state { count("state \(order.state.rawValue)") }
            checkMove(order, before, work)
            if let before, order.attempts > before.attempts { checkPermit(order, before, work) }
            checkTruth(order, before)
            checkPosition(order, work.after)
        }
    }

    private func checkSignals(_ work: CommittedWork) {
        for signal in work.after.signals.dropFirst(work.before.signals.count) {
            firstSeen[signal.id] = world.scheduler.now
            let key = "\(signal.source) \(signal.key.hash)"
            if let first = keys[key] { fail("I1", "signal \(signal.id) has the key of \(first)") }
            keys[key] = signal.id
        }
        for order in work.after.orders.dropFirst(work.before.orders.count) {
            // By what the signal means, so that a second row of the same signal is a second intent.
            let signal = work.after.signalIndex[order.signalID].map { work.after.signals[$0].key.hash } ?? "?"
            if !intents.insert("\(signal) \(order.strategy) \(order.account) \(order.leg)").inserted { fail("I2", "order \(order.id) is a second intent") }
        }
    }

    private func checkTenures(_ work: CommittedWork) {
        for (account, stored) in work.after.tenures.sorted(by: { $0.key < $1.key }) {
            let known = current[account]
            if known == nil || known?.owner != stored.tenure.owner || known?.fence != stored.tenure.fence {
                if let known, stored.tenure.fence <= known.fence { fail("I6", "the fence of \(account) does not rise: \(stored.tenure.fence) after \(known.fence)") }
                if !world.locks.granted.contains(stored.tenure.owner) { fail("I17", "a tenure of \(account) without a lease") }
                count("tenure")
                current[account] = (stored.tenure.fence, stored.tenure.owner, stored.isClosed)
            }
            current[account]?.isClosed = stored.isClosed
        }
        guard let tenure = work.after.worksUnder, !work.after.touched.isEmpty else { return }
        guard let now = current[tenure.account], now.owner == tenure.owner, now.fence == tenure.fence, !now.isClosed else {
            return fail(work.name == "permit" ? "I6" : "I7", "\(work.name) by a stale holder of \(tenure.account) (\(tenure.fence)) is committed")
        }
    }

    private func noteHalts(_ work: CommittedWork) {
        guard work.before.halts != work.after.halts else { return }
        for venue in world.venues {
            guard work.after.halt(of: venue.account) != nil else {
                haltedSince[venue.account] = nil
                continue
            }
            guard haltedSince[venue.account] == nil else { continue }
            haltedSince[venue.account] = world.scheduler.now
            count("halt")
        }
    }

    /// Outside of fills a position changes only by a correction that the journal names, and only where the account wants that. *(I24)*
    private func noteCorrections(_ work: CommittedWork) {
        guard work.name == "reconcile" else { return }
        for run in work.after.runs where run.isComplete && !work.before.runs.contains(run) {
            comparedAt[run.account] = (comparedAt[run.account] ?? []).suffix(1) + [world.scheduler.now]
        }
        for (pair, position) in work.after.positions {
            let change = position.quantity - (work.before.positions[pair]?.quantity ?? .zero)
            guard !change.isZero else { continue }
            count("correction")
            corrected[pair, default: .zero] += change
            changedAt[position.account] = world.scheduler.now
            let isNamed = work.lines.contains { $0.type == "reconcile.adopted" && $0.account == position.account }
            if !isNamed || (world.plan.drift != .adopt && world.plan.drift != .flatten) { fail("I24", "the position in \(position.symbol) is corrected by \(change) without a reason") }
        }
    }

    // MARK: One order

    private func checkMove(_ order: OrderRecord, _ before: OrderRecord?, _ work: CommittedWork) {
        guard let before else { return }
        if before.state.isTerminal, order.state != before.state { fail("I15", "order \(order.id) goes from \(before.state.rawValue) to \(order.state.rawValue)") }
        if order.version != before.version + 1 { fail("I7", "order \(order.id) has version \(order.version) after \(before.version)") }
        if order.clientOrderID != before.clientOrderID { fail("I9", "order \(order.id) has another id") }
        if order.filledQuantity < before.filledQuantity { fail("I14", "what is filled of order \(order.id) falls") }
        if order.state != before.state, !work.lines.contains(where: { $0.orderID == order.id && $0.type == "order.\(order.state.rawValue)" }) {
            fail("I18", "order \(order.id) becomes \(order.state.rawValue) without a line in the journal")
        }
    }

    private static let unsettled: Set<OrderState> = [.permitted, .unknown, .resolving, .parked, .absent, .cancelPending, .replacePending]

    private func checkPermit(_ order: OrderRecord, _ before: OrderRecord, _ work: CommittedWork) {
        count("permit")
        if order.attempts > 1 { count("permit again") }
        if let halt = work.before.halt(of: order.account) { fail("I16", "order \(order.id) is permitted while its account is halted (\(halt.cause))") }
        guard before.state == .queued || before.state == .absent, order.attempts == before.attempts + 1 else {
            return fail("I5", "order \(order.id) is permitted from \(before.state.rawValue)")
        }
        let attempts = work.after.attempts[order.id] ?? []
        if attempts.count(where: { $0.outcome == nil }) != 1 { fail("I5", "order \(order.id) has \(attempts.count(where: { $0.outcome == nil })) open attempts") }
        for other in work.before.orders where other.account == order.account && other.symbol == order.symbol && other.id != order.id && other.attempts > 0 {
            if Self.unsettled.contains(other.state) { fail("I13", "order \(order.id) is permitted beside \(other.id), which is \(other.state.rawValue)") }
        }
        if order.policy.longOnly, order.side == .sell, let quantity = order.quantity, order.attempts == 1 {
            let held = work.before.positions[.init(order.account, order.symbol)]?.quantity ?? .zero
            let selling = work.before.orders.filter {
                $0.account == order.account && $0.symbol == order.symbol && $0.side == .sell && !$0.state.isTerminal && $0.attempts > 0 && $0.id != order.id
            }.reduce(Quantity.zero) { $0 + ($1.quantity ?? .zero) - $1.filledQuantity }
            if quantity + max(selling, .zero) > held { fail("I12", "order \(order.id) sells \(quantity) of \(held), of which \(selling) is being sold") }
        }
        // Whatever was sent before must be proven not to be there, and not to be coming.
        checkAbsence(order, "a new attempt")
    }

    private func checkAbsence(_ order: OrderRecord, _ why: String) {
        let made = truth(order).filter { $0.status != .rejected }
        if let found = made.first { fail("I10", "\(why) of order \(order.id), but the venue has it as \(found.id), \(found.status.rawValue)") }
        if (venue(order.account)?.underWay[order.clientOrderID] ?? 0) > 0 { fail("I10", "\(why) of order \(order.id), but a request for it is still under way") }
    }

    /// What the store says against what the venue has.
    private func checkTruth(_ order: OrderRecord, _ before: OrderRecord?) {
        let made = truth(order)
        let filled = made.reduce(Quantity.zero) { $0 + $1.filled }
        if order.filledQuantity > filled { fail("I24", "order \(order.id) has \(order.filledQuantity) filled, the venue \(filled)") }
        guard before?.state != order.state else { return }
        switch order.state {
        case .rejected, .absent, .abandoned, .skipped, .blocked, .stale: checkAbsence(order, order.state.rawValue)
        case .filled, .cancelled, .expired:
            if made.isEmpty { fail("I24", "order \(order.id) is \(order.state.rawValue), and the venue never had it") }
            if made.contains(where: \.isOpen) { fail("I10", "order \(order.id) is \(order.state.rawValue), and open at the venue") }
        case .accepted, .partiallyFilled:
            if made.isEmpty { fail("I24", "order \(order.id) is \(order.state.rawValue), and the venue never had it") }
        case .queued, .permitted, .unknown, .resolving, .parked, .cancelPending, .replacePending: break
        }
    }

    /// A position is the sum of the executions that are stored, each of which the venue has and each once.
    func checkPosition(_ order: OrderRecord, _ state: MemoryState) {
        var sum = corrected[.init(order.account, order.symbol)] ?? .zero
        var seen: Set<ExecutionID> = []
        for other in state.orders where other.account == order.account && other.symbol == order.symbol {
            var filled = Quantity.zero
            for fill in state.fills[other.id] ?? [] {
                if !seen.insert(fill.executionID).inserted { fail("I14", "execution \(fill.executionID) is stored twice") }
                filled += fill.quantity
                sum += fill.side == .buy ? fill.quantity : -fill.quantity
            }
            if filled > other.filledQuantity { fail("I14", "the fills of order \(other.id) are \(filled), its record says \(other.filledQuantity)") }
            guard other.id == order.id else { continue }
            let atVenue = Set(truth(other).flatMap(\.fills).map(\.fill.executionID))
            if let strange = state.fills[other.id]?.first(where: { !atVenue.contains($0.executionID) }) {
                fail("I24", "execution \(strange.executionID) of order \(other.id) is not the venue's")
            }
        }
        let position = state.positions[.init(order.account, order.symbol)]?.quantity ?? .zero
        if position != sum { fail("I24", "the position in \(order.symbol) is \(position), its fills and corrections are \(sum)") }
    }
}
