import LockContract
import StoreContract
import StoreKit
import TradingModel

/// Several gateways, and the orders at which they die.
extension MemoryState {
    private static func waits(_ order: OrderRecord) -> Bool { PermitRules.permittable.contains(order.state) && order.entryID == nil }

    func claim(of accounts: [AccountID], limit: Int) -> [OrderRecord] {
        Array(orders.filter { Self.waits($0) && accounts.contains($0.account) && deadLetters[$0.id] == nil }.prefix(max(limit, 0)))
    }

    func queues() -> [AccountQueue] {
        var found: [AccountID: AccountQueue] = [:]
        for order in orders where Self.waits(order) {
            var queue = found[order.account] ?? AccountQueue(account: order.account, waiting: 0, deadLetters: 0, oldestCreatedAt: order.createdAt)
            queue.waiting += 1
            if deadLetters[order.id] != nil { queue.deadLetters += 1 }
            queue.oldestCreatedAt = min(queue.oldestCreatedAt, order.createdAt)
            found[order.account] = queue
        }
        return found.values.sorted { $0.account < $1.account }
    }

    // MARK: Workers

    /// - Parameter now: By the store's own clock.
    mutating func heartbeat(_ worker: WorkerRecord, now: Duration) {
        var stored = workers[worker.holder.processKey] ?? StoredWorker(record: worker, heardAt: now)
        stored.heardAt = now
        stored.record.stoppedAt = nil
        stored.record.schemaVersion = Self.schemaVersion
        workers[worker.holder.processKey] = stored
    }

    mutating func stopWorker(_ holder: HolderIdentity, at: Timestamp) {
        if workers[holder.processKey]?.record.stoppedAt == nil { workers[holder.processKey]?.record.stoppedAt = at }
    }

    func workers(now: Duration) -> [WorkerRecord] {
        workers.sorted { ($0.value.record.startedAt, $0.key) < ($1.value.record.startedAt, $1.key) }.compactMap { _, stored in
            var record = stored.record
            record.silence = max(.zero, now - stored.heardAt)
            return record.silence < .seconds(86_400) ? record : nil
        }
    }

    // MARK: Dead letters

    mutating func countCrash(of predecessor: Tenure, under tenure: Tenure, limit: Int, at: Timestamp) throws(StoreError) -> [DeadLetter] {
        worksUnder = tenure
        try checkCurrent(tenure)
        let fence = predecessor.fence
        guard !crashes.contains(where: { $0.account == tenure.account && $0.crash.fence == fence }) else { return [] }
        var fresh: [DeadLetter] = []
        for id in suspects(of: fence, account: tenure.account) {
            crashes.append(Crash(order: id, account: tenure.account, crash: .init(at: at, holder: predecessor.holder, fence: fence)))
            guard crashes(of: id).count >= limit, deadLetters[id] == nil, let order = order(id) else { continue }
            deadLetters[id] = at
            let letter = DeadLetter(order: order, since: at, crashes: crashes(of: id))
            try write(.deadLetter(letter), at: at)
            fresh.append(letter)
        }
        return fresh
    }

    private func crashes(of order: OrderID) -> [DeadLetter.Crash] {
        crashes.filter { $0.order == order && !$0.isForgotten }.map(\.crash).sorted { ($0.at, $0.fence) < ($1.at, $1.fence) }
    }

    private func suspects(of fence: FencingToken, account: AccountID) -> [OrderID] {
        let unsettled = orders.filter { order in
            order.account == account && order.entryID == nil && [.permitted, .unknown, .resolving, .absent].contains(order.state)
                && attempts[order.id]?.last?.fence == fence
        }
        let waiting = orders.filter { Self.waits($0) && $0.account == account && deadLetters[$0.id] == nil }
        let turn = waiting.first { $0.attempts > 0 } ?? waiting.first
        var seen: Set<OrderID> = []
        return (unsettled + [turn].compactMap { $0 }).map(\.id).filter { seen.insert($0).inserted }
    }

    func letters() -> [DeadLetter] {
        deadLetters.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.compactMap { id, since in
            guard let order = order(id), !order.state.isTerminal else { return nil }
            return DeadLetter(order: order, since: since, crashes: crashes(of: id))
        }
    }

    mutating func decide(_ id: OrderID, _ decision: DeadLetterDecision, by actor: String, reason: String, at: Timestamp) throws(StoreError) -> OrderRecord {
        guard deadLetters[id] != nil, let order = order(id) else { throw .notFound("dead letter \(id)") }
        try write(.decided(order, decision, by: actor, reason: reason), at: at)
        let legs = order.bracket == nil ? [] : legs(of: id)
        let ended = decision == .discard ? try DeadLetterRules.discard(order, legs: legs, by: actor, reason: reason, at: at) : []
        for order in ended {
            try replace(order, onlyFrom: PermitRules.permittable)
            try write(.closed(order), at: at)
        }
        if let order = ended.first { try settleEpisode(after: order, at: at) }
        deadLetters[id] = nil
        for index in crashes.indices where crashes[index].order == id { crashes[index].isForgotten = true }
        return ended.first ?? order
    }
}
