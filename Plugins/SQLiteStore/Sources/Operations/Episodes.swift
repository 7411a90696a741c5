import FailPoints
import GRDB
import StoreContract
import StoreKit
import TradingModel

extension StoreTransaction {
    func openEpisode(_ account: AccountID, _ symbol: Symbol) throws -> EpisodeRecord? {
        let statement = try db.cachedStatement(sql: "SELECT record FROM episodes WHERE is_open = 1 AND account = ? AND symbol = ?")
        return try String.fetchOne(statement, arguments: [account.rawValue, symbol.rawValue]).map { try RecordText.read($0) }
    }

    /// Moves the instrument's episode to where the orders and the position, as they are now, put it.
    func settleEpisode(after order: OrderRecord, isPermitted: Bool = false, hasNewFills: Bool = false, at: Timestamp) throws {
        let open = try openEpisode(order.account, order.symbol)
        guard open != nil || isPermitted || hasNewFills else { return }
        let earlier = try Int.fetchOne(db.cachedStatement(sql: "SELECT count(*) FROM episodes WHERE entry_id = ?"), arguments: [order.id.rawValue]) ?? 0
        let held = try PositionRecord.find(db, account: order.account, symbol: order.symbol)?.quantity ?? .zero
        let scene = EpisodeRules.Scene(
            open: open, held: held, working: try workingOrders(order.account, order.symbol), earlier: earlier, now: at)
        for episode in EpisodeRules.settle(scene, after: order, isPermitted: isPermitted, hasNewFills: hasNewFills) {
            try write(episode, isNew: episode.id != open?.id)
            try journal.write(.moved(episode), at: at)
            guard episode.state.isTerminal else { continue }
            for step in EpisodeRules.ending(try steps(of: episode.id), of: episode, at: at) { try write(step, of: episode, at: at) }
        }
    }

    private func write(_ episode: EpisodeRecord, isNew: Bool) throws {
        let record = try RecordText.write(episode)
        guard isNew else {
            try db.cachedStatement(sql: "UPDATE episodes SET state = ?, record = ? WHERE id = ?")
                .execute(arguments: [episode.state.rawValue, record, episode.id.rawValue])
            return
        }
        try db.cachedStatement(sql: "INSERT INTO episodes (id, account, symbol, state, entry_id, record) VALUES (?, ?, ?, ?, ?, ?)")
            .execute(arguments: [
                episode.id.rawValue, episode.account.rawValue, episode.symbol.rawValue, episode.state.rawValue, episode.entryID.rawValue, record,
            ])
    }

    private func write(_ step: CompensationStep, of episode: EpisodeRecord, at: Timestamp) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO compensations (id, episode_id, kind, state, record) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET state = excluded.state, record = excluded.record
                """
        ).execute(arguments: [step.id, step.episode.rawValue, step.kind.rawValue, step.state.rawValue, try RecordText.write(step)])
        try journal.write(.moved(step, of: episode), at: at)
    }

    private func steps(of id: EpisodeID) throws -> [CompensationStep] {
        try String.fetchAll(
            db.cachedStatement(sql: "SELECT record FROM compensations WHERE episode_id = ? ORDER BY sequence"), arguments: [id.rawValue]
        ).map { try RecordText.read($0) }
    }

    func tend(_ id: EpisodeID, under tenure: Tenure, at: Timestamp, deciding decide: (EpisodeFacts) -> EpisodeWork?) throws -> EpisodeWork? {
        try checkCurrent(tenure)
        let facts = try facts(of: id, account: tenure.account, at: at)
        guard let work = decide(facts) else { return nil }
        try EpisodeRules.check(work, on: facts)
        if work.episode != facts.episode { try write(work.episode, isNew: false) }
        for order in work.orders {
            let requestedQuantity = order.requestedQuantity.description
            try order.insert(with: &statements.order, requestedQuantity: requestedQuantity)
            try journal.write(.admitted(order, requestedQuantity: requestedQuantity), at: at)
        }
        for step in work.steps where !facts.steps.contains(step) { try write(step, of: facts.episode, at: at) }
        for alert in work.alerts { try raise(alert, at: at) }
        // What is dust decides whether anything is held that needs a stop.
        if work.episode.dust != facts.episode.dust { try settleEpisode(after: facts.entry, at: at) }
        failPoint("store.tend.before_commit")
        return work
    }

    private func facts(of id: EpisodeID, account: AccountID, at: Timestamp) throws -> EpisodeFacts {
        let record = try String.fetchOne(
            db.cachedStatement(sql: "SELECT record FROM episodes WHERE id = ? AND account = ? AND is_open = 1"), arguments: [id.rawValue, account.rawValue])
        guard let record else { throw StoreError.notFound("open episode \(id) of \(account)") }
        let episode: EpisodeRecord = try RecordText.read(record)
        guard let entry = try OrderRecord.find(db, episode.entryID) else { throw StoreError.notFound("order \(episode.entryID)") }
        let open = try Row.fetchAll(
            db.cachedStatement(sql: "SELECT \(OrderRecord.columns) FROM orders WHERE is_open = 1 AND account = ? AND symbol = ? ORDER BY sequence"),
            arguments: [account.rawValue, episode.symbol.rawValue]
        ).map { try OrderRecord(row: $0) }
        // The gateway's own orders belong to the signal whose entry they protect.
        let own = try Row.fetchAll(
            db.cachedStatement(sql: "SELECT \(OrderRecord.columns) FROM orders WHERE signal_id = ? AND intent IS NOT NULL ORDER BY sequence"),
            arguments: [entry.signalID.rawValue]
        ).map { try OrderRecord(row: $0) }
        let last = try Int.fetchOne(
            db.cachedStatement(sql: "SELECT max(leg) FROM orders WHERE signal_id = ? AND strategy = ? AND +account = ?"),
            arguments: [entry.signalID.rawValue, entry.strategy.rawValue, account.rawValue])
        return EpisodeFacts(
            now: at, episode: episode, position: try PositionRecord.find(db, account: account, symbol: episode.symbol), open: open,
            own: own.filter { $0.intent?.episode == id }, steps: try steps(of: id), entry: entry, nextLeg: (last ?? 0) + 1)
    }

    func takeBack(
        _ execution: ExecutionID, of id: OrderID, under tenure: Tenure, at: Timestamp, correcting correct: (FillHistory) -> FillCorrection
    ) throws -> PositionRecord {
        try checkCurrent(tenure)
        guard let order = try OrderRecord.find(db, id), order.account == tenure.account,
            let fill = try Fill.all(db, of: id).first(where: { $0.executionID == execution })
        else { throw StoreError.notFound("fill \(execution) of order \(id)") }
        let taken = try String.fetchAll(db.cachedStatement(sql: "SELECT execution_id FROM busts WHERE account = ?"), arguments: [order.account.rawValue])
        guard !taken.contains(execution.rawValue) else { throw StoreError.refused("fill \(execution) was taken back before") }
        let fills = try Row.fetchAll(
            db.cachedStatement(sql: "SELECT \(Fill.columns) FROM fills WHERE account = ? AND symbol = ? ORDER BY rowid"),
            arguments: [order.account.rawValue, order.symbol.rawValue]
        ).map { try Fill(row: $0) }
        let correction = correct(
            FillHistory(
                order: order, fill: fill, position: try PositionRecord.find(db, account: order.account, symbol: order.symbol),
                fills: fills.filter { !taken.contains($0.executionID.rawValue) }))
        guard correction.position.account == order.account, correction.position.symbol == order.symbol else {
            throw StoreError.refused("the position is of another instrument")
        }
        try db.cachedStatement(sql: "INSERT INTO busts (account, execution_id, at) VALUES (?, ?, ?)")
            .execute(arguments: [order.account.rawValue, execution.rawValue, at.microseconds])
        try correction.position.save(db)
        for draft in correction.journal { try journal.write(draft, at: at) }
        for alert in correction.alerts { try raise(alert, at: at) }
        try settleEpisode(after: order, hasNewFills: true, at: at)
        return correction.position
    }
}

/// As readers see them.
enum EpisodeReading {
    static func episodes(_ db: Database, account: AccountID?, includeEnded: Bool, limit: Int) throws -> [EpisodeRecord] {
        var conditions = ["1 = 1"]
        var arguments: StatementArguments = []
        if let account {
            conditions.append("account = ?")
            arguments += [account.rawValue]
        }
        if !includeEnded { conditions.append("is_open = 1") }
        arguments += [limit]
        return try String.fetchAll(
            db, sql: "SELECT record FROM episodes WHERE \(conditions.joined(separator: " AND ")) ORDER BY sequence DESC LIMIT ?", arguments: arguments
        ).map { try RecordText.read($0) }
    }

    static func compensations(_ db: Database, includeEnded: Bool, limit: Int) throws -> [CompensationStep] {
        try String.fetchAll(
            db, sql: "SELECT record FROM compensations \(includeEnded ? "" : "WHERE is_open = 1 ")ORDER BY sequence DESC LIMIT ?", arguments: [limit]
        ).map { try RecordText.read($0) }
    }
}
