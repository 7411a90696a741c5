import FailPoints
import PostgresKit
import StoreContract
import StoreKit
import TradingModel

extension WriteTransaction {
    /// Moves the instrument's episode to where the orders and the position, as they are now, put it.
    func settleEpisode(after order: OrderRecord, isPermitted: Bool = false, hasNewFills: Bool = false, at: Timestamp) async throws {
        let place: [PostgresValue] = [.text(order.account.rawValue), .text(order.symbol.rawValue)]
        let answers = try await ask([
            EpisodeQuestions.open(place), PostgresStatement("SELECT quantity FROM positions WHERE account = $1 AND symbol = $2", place),
            PostgresStatement(
                "SELECT \(WorkingOrder.columns) FROM orders WHERE is_open AND attempts >= 1 AND account = $1 AND symbol = $2 ORDER BY sequence", place),
            PostgresStatement("SELECT count(*) FROM episodes WHERE entry_id = $1", [.text(order.id.rawValue)]),
        ])
        let open = try answers[0].first.map { try RecordText.read(try $0.text(0), as: EpisodeRecord.self) }
        let scene = EpisodeRules.Scene(
            open: open, held: try answers[1].first.map { try Quantity(try $0.text(0)) } ?? .zero,
            working: try answers[2].rows.map { try WorkingOrder(row: $0) }, earlier: Int(try answers[3].first?.integer(0) ?? 0), now: at)
        for episode in EpisodeRules.settle(scene, after: order, isPermitted: isPermitted, hasNewFills: hasNewFills) {
            try await write(episode, isNew: episode.id != open?.id)
            try await note(.moved(episode), at: at)
            guard episode.state.isTerminal else { continue }
            let steps = try await ask([EpisodeQuestions.steps(of: episode.id)])[0].rows.map { try RecordText.read(try $0.text(0), as: CompensationStep.self) }
            for step in EpisodeRules.ending(steps, of: episode, at: at) { try await write(step, of: episode, at: at) }
        }
    }

    private static let insertion = insertStatement(into: "episodes", ["id", "account", "symbol", "state", "entry_id", "record"])

    private func write(_ episode: EpisodeRecord, isNew: Bool) async throws {
        let record = try RecordText.write(episode)
        guard isNew else {
            return try await write("UPDATE episodes SET state = $1, record = $2 WHERE id = $3", rows: 1) {
                $0.add(word: episode.state)
                $0.add(record)
                $0.add(episode.id)
            }
        }
        try await write(Self.insertion, rows: 1) {
            $0.add(episode.id)
            $0.add(episode.account)
            $0.add(episode.symbol)
            $0.add(word: episode.state)
            $0.add(episode.entryID)
            $0.add(record)
        }
    }

    private static let stepSaving =
        insertStatement(into: "compensations", ["id", "episode_id", "kind", "state", "record"])
        + " ON CONFLICT (id) DO UPDATE SET state = excluded.state, record = excluded.record"

    private func write(_ step: CompensationStep, of episode: EpisodeRecord, at: Timestamp) async throws {
        let record = try RecordText.write(step)
        try await write(Self.stepSaving, rows: 1) {
            $0.add(step.id)
            $0.add(step.episode)
            $0.add(word: step.kind)
            $0.add(word: step.state)
            $0.add(record)
        }
        try await note(.moved(step, of: episode), at: at)
    }

    func tend(
        _ id: EpisodeID, under tenure: Tenure, at: Timestamp, deciding decide: (EpisodeFacts) -> EpisodeWork?
    ) async throws -> EpisodeWork? {
        let answers = try await ask([Self.tenure(of: tenure.account)] + EpisodeQuestions.facts(of: id, account: tenure.account))
        try Self.check(tenure, isCurrent: answers[0].first)
        guard let facts = try EpisodeQuestions.facts(answers[1...], at: at) else {
            throw StoreError.notFound("open episode \(id) of \(tenure.account)")
        }
        guard let work = decide(facts) else { return nil }
        try EpisodeRules.check(work, on: facts)
        if work.episode != facts.episode { try await write(work.episode, isNew: false) }
        for order in work.orders {
            try await write(OrderRecord.insertion, rows: 1) { try order.write(to: &$0) }
            try await note(.admitted(order, requestedQuantity: order.requestedQuantity.description), at: at)
        }
        for step in work.steps where !facts.steps.contains(step) { try await write(step, of: facts.episode, at: at) }
        for alert in work.alerts { try await raise(alert, at: at) }
        // What is dust decides whether anything is held that needs a stop.
        if work.episode.dust != facts.episode.dust { try await settleEpisode(after: facts.entry, at: at) }
        failPoint("store.tend.before_commit")
        return work
    }

    func takeBack(
        _ execution: ExecutionID, of id: OrderID, under tenure: Tenure, at: Timestamp, correcting correct: (FillHistory) -> FillCorrection
    ) async throws -> PositionRecord {
        let questions = OrderQuestions.all(id, isLocked: true)
        let answers = try await ask(
            questions + [
                Self.tenure(of: tenure.account),
                PostgresStatement("SELECT execution_id FROM busts WHERE account = $1", [.text(tenure.account.rawValue)]),
                PostgresStatement(
                    """
                    SELECT \(Fill.columns.list) FROM fills WHERE account = $1 AND symbol = (SELECT symbol FROM orders WHERE id = $2) ORDER BY sequence
                    """, [.text(tenure.account.rawValue), .text(id.rawValue)]),
            ])
        try Self.check(tenure, isCurrent: answers[questions.count].first)
        guard let snapshot = try OrderQuestions.snapshot(answers[..<questions.count]), snapshot.order.account == tenure.account,
            let fill = snapshot.fills.first(where: { $0.executionID == execution })
        else { throw StoreError.notFound("fill \(execution) of order \(id)") }
        let taken = Set(try answers[questions.count + 1].rows.map { ExecutionID(try $0.text(0)) })
        guard !taken.contains(execution) else { throw StoreError.refused("fill \(execution) was taken back before") }
        let order = snapshot.order
        let fills = try answers[questions.count + 2].rows.map { try Fill(row: $0) }
        let correction = correct(
            FillHistory(order: order, fill: fill, position: snapshot.position, fills: fills.filter { !taken.contains($0.executionID) }))
        guard correction.position.account == order.account, correction.position.symbol == order.symbol else {
            throw StoreError.refused("the position is of another instrument")
        }
        try await write("INSERT INTO busts (account, execution_id, at) VALUES ($1, $2, $3)", rows: 1) {
            $0.add(order.account)
            $0.add(execution)
            $0.add(at)
        }
        try await write(Self.positionSaving, rows: 1) { correction.position.write(to: &$0) }
        for draft in correction.journal { try await note(draft, at: at) }
        for alert in correction.alerts { try await raise(alert, at: at) }
        try await settleEpisode(after: order, hasNewFills: true, at: at)
        return correction.position
    }
}

enum EpisodeQuestions {
    static func open(_ place: [PostgresValue]) -> PostgresStatement {
        PostgresStatement("SELECT record FROM episodes WHERE state NOT IN ('closed', 'rolled_back') AND account = $1 AND symbol = $2", place)
    }

    /// In the instrument of this order.
    static func open(beside id: OrderID) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT record FROM episodes WHERE state NOT IN ('closed', 'rolled_back')
              AND account = (SELECT account FROM orders WHERE id = $1) AND symbol = (SELECT symbol FROM orders WHERE id = $1)
            """, [.text(id.rawValue)])
    }

    static func steps(of id: EpisodeID) -> PostgresStatement {
        PostgresStatement("SELECT record FROM compensations WHERE episode_id = $1 ORDER BY sequence", [.text(id.rawValue)])
    }

    static func facts(of id: EpisodeID, account: AccountID) -> [PostgresStatement] {
        let key: [PostgresValue] = [.text(id.rawValue)]
        func of(_ column: String) -> String { "(SELECT \(column) FROM episodes WHERE id = $1)" }
        func ofEntry(_ column: String) -> String { "(SELECT \(column) FROM orders WHERE id = \(of("entry_id")))" }
        let columns = OrderRecord.columns.list
        return [
            PostgresStatement("SELECT record FROM episodes WHERE id = $1 AND account = $2 AND is_open FOR UPDATE", key + [.text(account.rawValue)]),
            PostgresStatement("SELECT \(columns) FROM orders WHERE id = \(of("entry_id"))", key),
            PostgresStatement(
                "SELECT \(columns) FROM orders WHERE is_open AND account = \(of("account")) AND symbol = \(of("symbol")) ORDER BY sequence FOR UPDATE", key),
            PostgresStatement("SELECT \(columns) FROM orders WHERE signal_id = \(ofEntry("signal_id")) AND intent IS NOT NULL ORDER BY sequence", key),
            steps(of: id),
            PostgresStatement(
                """
                SELECT coalesce(max(leg), 0) FROM orders WHERE signal_id = \(ofEntry("signal_id")) AND strategy = \(ofEntry("strategy"))
                  AND account = \(of("account"))
                """, key),
            PostgresStatement(
                "SELECT \(PositionRecord.columns.list) FROM positions WHERE account = \(of("account")) AND symbol = \(of("symbol"))", key),
        ]
    }

    /// - Parameter answers: To ``facts(of:account:)``. Nil if there is no such open episode.
    static func facts(_ answers: ArraySlice<PostgresResult>, at: Timestamp) throws -> EpisodeFacts? {
        let answers = Array(answers)
        guard let row = answers[0].first, let entry = try answers[1].first.map({ try OrderRecord(row: $0) }) else { return nil }
        let episode: EpisodeRecord = try RecordText.read(try row.text(0))
        let own = try answers[3].rows.map { try OrderRecord(row: $0) }
        return EpisodeFacts(
            now: at, episode: episode, position: try answers[6].first.map { try PositionRecord(row: $0) },
            open: try answers[2].rows.map { try OrderRecord(row: $0) }, own: own.filter { $0.intent?.episode == episode.id },
            steps: try answers[4].rows.map { try RecordText.read(try $0.text(0)) }, entry: entry,
            nextLeg: Int(try answers[5].first?.integer(0) ?? 0) + 1)
    }
}
