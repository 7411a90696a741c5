import FailPoints
import PostgresKit
import StoreContract
import StoreKit
import TradingModel

extension WriteTransaction {
    func reconcile(
        _ request: ReconciliationRequest, deciding decide: (ReconciliationFacts) -> ReconciliationChange?
    ) async throws -> ReconciliationChange? {
        let facts = try await facts(for: request)
        guard let wanted = decide(facts) else { return nil }
        let change = try ReconciliationRules.prepare(wanted, on: facts)
        if let run = change.run {
            try await write(ReconciliationQuestions.saveRun, rows: 1) {
                $0.add(run.account)
                $0.add(word: run.depth)
                $0.add(run.isComplete)
                $0.add(run.number)
                $0.add(try RecordText.write(run))
            }
        }
        for order in change.external {
            try await write(ReconciliationQuestions.saveExternal, rows: 1) {
                $0.add(order.account)
                $0.add(order.symbol)
                $0.add(order.venueOrderID)
                $0.add(order.firstSeenAt)
                $0.add(try RecordText.write(order))
            }
        }
        for finding in change.findings {
            try await write(ReconciliationQuestions.saveFinding, rows: 1) {
                $0.add(finding.id)
                $0.add(finding.account)
                $0.add(word: finding.kind)
                $0.add(finding.subject)
                $0.add(word: finding.state)
                $0.add(finding.action?.rawValue)
                $0.add(finding.firstSeenAt)
                $0.add(try RecordText.write(finding))
            }
        }
        for position in change.corrections {
            try await save(position)
            // What is held moves the instrument's episode, whoever traded.
            let place: [PostgresValue] = [.text(position.account.rawValue), .text(position.symbol.rawValue)]
            guard let open = try await ask([EpisodeQuestions.open(place)])[0].first else { continue }
            let episode: EpisodeRecord = try RecordText.read(open.text(0))
            let entry = try await ask("SELECT \(OrderRecord.columns.list) FROM orders WHERE id = $1", [.text(episode.entryID.rawValue)])
            if let entry = try entry.first.map({ try OrderRecord(row: $0) }) { try await settleEpisode(after: entry, at: request.now) }
        }
        for admission in change.admissions { guard case .admitted = try await admit(admission) else { throw ReconciliationRules.ordered } }
        if let halt = change.halt {
            try await write(ReconciliationQuestions.addHalt, rows: 1) {
                $0.add(halt.account)
                $0.add(try RecordText.write(halt))
            }
        }
        for draft in change.journal { try await note(draft, at: request.now) }
        for alert in change.alerts { try await raise(alert, at: request.now) }
        for alert in change.resolvedAlerts { try await resolveAlert(type: alert.type, subject: alert.subject, at: request.now) }
        failPoint("store.reconcile.before_commit")
        return change
    }

    private func facts(for request: ReconciliationRequest) async throws -> ReconciliationFacts {
        let account = request.tenure.account
        let answers = try await ask([
            Self.tenure(of: account),
            PostgresStatement(
                "SELECT \(PositionRecord.columns.list) FROM positions WHERE account = $1 ORDER BY symbol COLLATE \"C\" FOR UPDATE", [.text(account.rawValue)]),
            PostgresStatement("SELECT DISTINCT symbol, state, type FROM orders WHERE is_open AND attempts >= 1 AND account = $1", [.text(account.rawValue)]),
            ReconciliationQuestions.findings(of: account, includeResolved: false, limit: .integer(1_000_000)),
            ReconciliationQuestions.runs(of: account), Self.halt(of: account),
            PostgresStatement(
                """
                SELECT record FROM external_orders WHERE account = $1
                AND (symbol, venue_order_id) IN (SELECT * FROM unnest($2::text[], $3::text[]))
                """,
                [.text(account.rawValue), textArray(request.external.map(\.symbol.rawValue)), textArray(request.external.map(\.venueOrderID.rawValue))]),
        ])
        try Self.check(request.tenure, isCurrent: answers[0].first)
        var unsettled: Set<Symbol> = []
        for source in answers[2].rows {
            var row = ColumnReader(source)
            let (symbol, state, type): (Symbol, OrderState, OrderType) = (try row.id(), try row.word(), try row.word())
            if ReconciliationRules.isUnsettled(state, type) { unsettled.insert(symbol) }
        }
        let findings: [DriftFinding] = try answers[3].rows.map { try RecordText.read($0.text(0)) }
        return ReconciliationFacts(
            now: request.now, account: account, positions: try answers[1].rows.map { try PositionRecord(row: $0) }, unsettled: unsettled,
            findings: findings, external: try answers[6].rows.map { try RecordText.read($0.text(0)) },
            runs: try answers[4].rows.map { try RecordText.read($0.text(0)) }, halt: try answers[5].first.map { try RecordText.read($0.text(0)) },
            left: try await left(findings, of: account))
    }

    private func left(_ findings: [DriftFinding], of account: AccountID) async throws -> Set<String> {
        let flattened = ReconciliationRules.flattened(findings)
        guard !flattened.isEmpty else { return [] }
        let answers = try await ask([
            PostgresStatement(
                """
                SELECT request_id FROM orders
                WHERE strategy = $1 AND account = $2 AND traded_at IS NOT NULL AND request_id = ANY($3) AND state = $4
                """,
                [.text(DriftFinding.orderStrategy.rawValue), .text(account.rawValue), textArray(flattened), .text(OrderState.filled.rawValue)])
        ])
        return Set(try answers[0].rows.map { try $0.text(0) })
    }

    /// The halt that nobody has released yet.
    static func halt(of account: AccountID) -> PostgresStatement {
        PostgresStatement("SELECT record FROM halts WHERE account = $1 AND released_at IS NULL FOR UPDATE", [.text(account.rawValue)])
    }

    func resume(_ account: AccountID, by actor: String, reason: String, at: Timestamp) async throws -> AccountHalt {
        guard let row = try await ask([Self.halt(of: account)])[0].first else { throw StoreError.notFound("a halt of \(account)") }
        let halt: AccountHalt = try RecordText.read(row.text(0))
        let released = ReconciliationRules.released(halt, by: actor, reason: reason, at: at)
        try await write("UPDATE halts SET released_at = $1, record = $2 WHERE account = $3 AND released_at IS NULL", rows: 1) {
            $0.add(at)
            $0.add(try RecordText.write(released))
            $0.add(account)
        }
        try await note(.resumed(halt, by: actor, reason: reason), at: at)
        return released
    }
}

/// Each gives one column, the record.
enum ReconciliationQuestions {
    static func runs(of account: AccountID?) -> PostgresStatement {
        PostgresStatement(
            "SELECT record FROM reconciliation_runs WHERE $1::text IS NULL OR account = $1 ORDER BY account COLLATE \"C\", number DESC",
            [PostgresValue(account?.rawValue)])
    }

    static func external(of account: AccountID?, limit: PostgresValue) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT record FROM external_orders WHERE $1::text IS NULL OR account = $1
            ORDER BY first_seen_at DESC, account COLLATE "C", symbol COLLATE "C", venue_order_id COLLATE "C" LIMIT $2
            """, [PostgresValue(account?.rawValue), limit])
    }

    static func findings(of account: AccountID?, includeResolved: Bool, limit: PostgresValue) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT record FROM drift_findings WHERE ($1::text IS NULL OR account = $1)\(includeResolved ? "" : " AND NOT (state = 'resolved')")
            ORDER BY first_seen_at DESC, id COLLATE "C" DESC LIMIT $2
            """, [PostgresValue(account?.rawValue), limit])
    }

    static let halts = PostgresStatement("SELECT record FROM halts WHERE released_at IS NULL ORDER BY account COLLATE \"C\"")

    static let saveRun =
        insertStatement(into: "reconciliation_runs", ["account", "depth", "is_complete", "number", "record"])
        + " ON CONFLICT (account, depth, is_complete) DO UPDATE SET number = excluded.number, record = excluded.record"
    static let saveExternal =
        insertStatement(into: "external_orders", ["account", "symbol", "venue_order_id", "first_seen_at", "record"])
        + " ON CONFLICT (account, symbol, venue_order_id) DO UPDATE SET record = excluded.record"
    static let saveFinding =
        insertStatement(into: "drift_findings", ["id", "account", "kind", "subject", "state", "action", "first_seen_at", "record"])
        + """
         ON CONFLICT (id) DO UPDATE SET account = excluded.account, kind = excluded.kind, subject = excluded.subject, \
        state = excluded.state, action = excluded.action, record = excluded.record
        """
    static let addHalt = """
        INSERT INTO halts (account, number, released_at, record)
        VALUES ($1, (SELECT coalesce(max(number), 0) + 1 FROM halts WHERE account = $1), NULL, $2)
        """
}
