import LockContract
@_spi(OrderStore) import StoreContract
import StoreKit
import TradingModel

extension MemoryState {
    // MARK: Tenures

    mutating func openTenure(_ request: TenureRequest, now: Duration) throws(StoreError) -> (tenure: Tenure, unclosedPredecessor: Tenure?) {
        try WorkerRules.check(request, beside: workers(now: now), schemaVersion: Self.schemaVersion)
        let previous = tenures[request.account]
        let counter = (previous?.tenure.fence.counter ?? 0) + (plants.contains(.fenceStandsStill) && previous != nil ? 0 : 1)
        let fence = FencingToken(epoch: max(1, previous?.tenure.fence.epoch ?? 0), counter: counter)
        let tenure = Tenure(account: request.account, fence: fence, owner: request.owner, holder: request.holder, openedAt: request.at)
        tenures[request.account] = StoredTenure(tenure: tenure)
        try write(.opened(request, fence: fence), at: request.at)
        return (tenure, previous.flatMap { $0.isClosed ? nil : $0.tenure })
    }

    mutating func closeTenure(_ tenure: Tenure, at: Timestamp) throws(StoreError) {
        guard let current = tenures[tenure.account], !current.isClosed, current.tenure.fence == tenure.fence, current.tenure.owner == tenure.owner else { return }
        tenures[tenure.account]?.isClosed = true
        try write(.closed(tenure), at: at)
    }

    // MARK: Permits

    mutating func permit(_ asked: PermitRequest, deciding decide: (PermitFacts) -> PermitVerdict) throws(StoreError) -> PermitResult {
        var request = asked
        if plants.contains(.expiryIgnored), let created = order(asked.orderID)?.createdAt {
            request = PermitRequest(orderID: asked.orderID, tenure: asked.tenure, now: created, notAfter: asked.notAfter, notAfterWall: asked.notAfterWall)
        }
        worksUnder = request.tenure
        if !plants.contains(.permitIgnoresFence) { try checkCurrent(request.tenure) }
        guard let order = order(request.orderID) else { throw .notFound("order \(request.orderID)") }
        let isPlanted = plants.contains(.permitIgnoresState) && [.unknown, .resolving, .permitted].contains(order.state)
        if !isPlanted { try PermitRules.check(order, request) }
        guard deadLetters[order.id] == nil else { throw .refused("order \(order.id) is a dead letter, for a person to decide") }
        var facts = facts(for: order, at: request.now)
        if plants.contains(.unsettledIgnored) { facts.unsettled = [] }
        if plants.contains(.positionIgnored) { facts.openSellQuantity = 0 }
        if plants.contains(.haltIgnored) { facts.halt = nil }
        switch decide(facts) {
        case .wait(let reason): return .waiting(reason: reason)
        case .close(let state, let reason, let detail):
            let closed = try PermitRules.close(order, legs: facts.legs, as: state, reason: reason, detail: detail, at: request.now)
            for order in closed {
                try replace(order, onlyFrom: PermitRules.permittable)
                try write(.closed(order), at: request.now)
            }
            try settleEpisode(after: closed[0], at: request.now)
            return .closed(closed[0])
        case .grant(let newOrder, let notes):
            try PermitRules.checkNotHalted(facts)
            let grant = try PermitRules.grant(newOrder, for: order, request, notes: notes)
            try write(grant, at: request.now, isFree: isPlanted)
            for leg in facts.legs { try write(PermitRules.grant(leg: leg, with: newOrder, number: grant.attempt.number, request), at: request.now) }
            try settleEpisode(after: grant.order, isPermitted: grant.attempt.number == 1, at: request.now)
            let used = plants.contains(.windowProlonged)
                ? PermitRequest(orderID: request.orderID, tenure: request.tenure, now: request.now, notAfter: request.notAfter + .seconds(60), notAfterWall: request.notAfterWall)
                : request
            return .granted(PermitRules.permit(newOrder, grant, used), grant.order)
        }
    }

    private mutating func write(_ grant: PermitRules.Grant, at: Timestamp, isFree: Bool = false) throws(StoreError) {
        try replace(grant.order, onlyFrom: isFree ? nil : PermitRules.permittable)
        let known = attempts[grant.order.id] ?? []
        guard isFree || known.allSatisfy({ $0.outcome != nil && $0.number != grant.attempt.number }) else {
            throw .refused("order \(grant.order.id) has an attempt without outcome")
        }
        attempts[grant.order.id] = known + [grant.attempt]
        try write(grant.line, at: at)
    }

    func facts(for order: OrderRecord, at now: Timestamp) -> PermitFacts {
        let others = workingOrders(order.account, order.symbol, besides: order.id)
        let entry = orders.first {
            $0.signalID == order.signalID && $0.account == order.account && $0.symbol == order.symbol && $0.side == order.side && $0.attempts >= 1
                && $0.id != order.id && $0.entryID == nil && !$0.reduceOnly
        }
        return PermitFacts(
            now: now, order: order, attempts: attempts[order.id] ?? [], position: positions[Pair(order.account, order.symbol)],
            lastTrade: lastTrade(than: order), others: others, entryOfSameSignal: entry?.id, legs: order.bracket == nil ? [] : legs(of: order.id),
            predecessor: order.intent?.after.flatMap { self.order($0) }, episode: openEpisode(order.account, order.symbol), halt: halt(of: order.account))
    }

    /// The account's open orders in the symbol that have had a permit, oldest first; not the one that is named, nor its own legs.
    func workingOrders(_ account: AccountID, _ symbol: Symbol, besides order: OrderID? = nil) -> [WorkingOrder] {
        orders.filter {
            !$0.state.isTerminal && $0.attempts >= 1 && $0.account == account && $0.symbol == symbol && $0.id != order && ($0.entryID == nil || $0.entryID != order)
        }.map { WorkingOrder($0) }
    }

    private func lastTrade(than order: OrderRecord) -> (id: OrderID, at: Timestamp)? {
        var last: (id: OrderID, at: Timestamp)?
        for other in orders where other.strategy == order.strategy && other.id != order.id && other.attempts >= 1 && other.entryID == nil {
            guard order.policy.cooldownScope == .strategy || other.account == order.account else { continue }
            guard other.id != order.intent?.after else { continue }
            guard !other.state.isTerminal || !other.filledQuantity.isZero else { continue }
            let at = other.filledAt ?? other.createdAt
            if last.map({ $0.at < at }) ?? true { last = (other.id, at) }
        }
        return last
    }
}
