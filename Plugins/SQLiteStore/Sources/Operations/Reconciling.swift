import FailPoints
import GRDB
import StoreContract
import StoreKit
import TradingModel

extension StoreTransaction {
    func reconcile(_ request: ReconciliationRequest, deciding decide: (ReconciliationFacts) -> ReconciliationChange?) throws -> ReconciliationChange? {
        try checkCurrent(request.tenure)
        let facts = try facts(for: request)
        guard let wanted = decide(facts) else { return nil }
        let change = try ReconciliationRules.prepare(wanted, on: facts)
        try change.run?.save(db)
        for order in change.external { try order.save(db) }
        for finding in change.findings { try finding.save(db) }
        for position in change.corrections {
            try position.save(db)
            // What is held moves the instrument's episode, whoever traded.
            guard let episode = try openEpisode(position.account, position.symbol), let entry = try OrderRecord.find(db, episode.entryID) else { continue }
            try settleEpisode(after: entry, at: request.now)
        }
        for admission in change.admissions { guard case .admitted = try admit(admission) else { throw ReconciliationRules.ordered } }
        if let halt = change.halt { try halt.insert(db) }
        for draft in change.journal { try journal.write(draft, at: request.now) }
        for alert in change.alerts { try raise(alert, at: request.now) }
        for alert in change.resolvedAlerts { try resolveAlert(type: alert.type, subject: alert.subject, at: request.now) }
        failPoint("store.reconcile.before_commit")
        return change
    }

    private func facts(for request: ReconciliationRequest) throws -> ReconciliationFacts {
        let account = request.tenure.account
        let positions = try Row.fetchAll(
            db.cachedStatement(sql: "SELECT \(PositionRecord.columns) FROM positions WHERE account = ? ORDER BY symbol"), arguments: [account.rawValue])
        let working = try db.cachedStatement(sql: "SELECT DISTINCT symbol, state, type FROM orders WHERE is_open = 1 AND attempts >= 1 AND account = ?")
        var unsettled: Set<Symbol> = []
        for row in try Row.fetchAll(working, arguments: [account.rawValue])
        where ReconciliationRules.isUnsettled(try row.word(1), try row.word(2)) { unsettled.insert(row.identifier(0)) }
        let known = try db.cachedStatement(sql: "SELECT record FROM external_orders WHERE account = ? AND symbol = ? AND venue_order_id = ?")
        let external: [ExternalOrder] = try request.external.compactMap { key in
            try String.fetchOne(known, arguments: [account.rawValue, key.symbol.rawValue, key.venueOrderID.rawValue]).map { try RecordText.read($0) }
        }
        let findings = try DriftFinding.find(db, of: account, includeResolved: false, limit: -1)
        return ReconciliationFacts(
            now: request.now, account: account, positions: try positions.map { try PositionRecord(row: $0) }, unsettled: unsettled,
            findings: findings, external: external, runs: try ReconciliationRun.find(db, of: account), halt: try halt(of: account),
            left: try left(findings, of: account))
    }

    private func left(_ findings: [DriftFinding], of account: AccountID) throws -> Set<String> {
        let filled = try db.cachedStatement(
            sql: "SELECT 1 FROM orders WHERE strategy = ? AND account = ? AND traded_at IS NOT NULL AND request_id = ? AND state = ?")
        return Set(try ReconciliationRules.flattened(findings).filter { id in
            try Int.fetchOne(filled, arguments: [DriftFinding.orderStrategy.rawValue, account.rawValue, id, OrderState.filled.rawValue]) != nil
        })
    }

    /// The halt that nobody has released yet.
    func halt(of account: AccountID) throws -> AccountHalt? {
        let statement = try db.cachedStatement(sql: "SELECT record FROM halts WHERE account = ? AND released_at IS NULL")
        return try String.fetchOne(statement, arguments: [account.rawValue]).map { try RecordText.read($0) }
    }

    func resume(_ account: AccountID, by actor: String, reason: String, at: Timestamp) throws -> AccountHalt {
        guard let halt = try halt(of: account) else { throw StoreError.notFound("a halt of \(account)") }
        let released = ReconciliationRules.released(halt, by: actor, reason: reason, at: at)
        try db.cachedStatement(sql: "UPDATE halts SET released_at = ?, record = ? WHERE account = ? AND released_at IS NULL")
            .execute(arguments: [at.microseconds, try RecordText.write(released), account.rawValue])
        try journal.write(.resumed(halt, by: actor, reason: reason), at: at)
        return released
    }
}

extension ReconciliationRun {
    func save(_ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO reconciliation_runs (account, depth, is_complete, number, record) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (account, depth, is_complete) DO UPDATE SET number = excluded.number, record = excluded.record
                """
        ).execute(arguments: [account.rawValue, depth.rawValue, isComplete, number, try RecordText.write(self)])
    }

    static func find(_ db: Database, of account: AccountID?) throws -> [ReconciliationRun] {
        try String.fetchAll(
            db, sql: "SELECT record FROM reconciliation_runs \(account == nil ? "" : "WHERE account = ? ")ORDER BY account, number DESC",
            arguments: account.map { [$0.rawValue] } ?? []
        ).map { try RecordText.read($0) }
    }
}

extension ExternalOrder {
    func save(_ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO external_orders (account, symbol, venue_order_id, first_seen_at, record) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (account, symbol, venue_order_id) DO UPDATE SET record = excluded.record
                """
        ).execute(arguments: [account.rawValue, symbol.rawValue, venueOrderID.rawValue, firstSeenAt.microseconds, try RecordText.write(self)])
    }

    static func find(_ db: Database, of account: AccountID?, limit: Int) throws -> [ExternalOrder] {
        let condition = account == nil ? "" : "WHERE account = ? "
        var arguments: StatementArguments = account.map { [$0.rawValue] } ?? []
        arguments += [limit]
        return try String.fetchAll(
            db, sql: "SELECT record FROM external_orders \(condition)ORDER BY first_seen_at DESC, account, symbol, venue_order_id LIMIT ?", arguments: arguments
        ).map { try RecordText.read($0) }
    }
}

extension DriftFinding {
    func save(_ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO drift_findings (id, account, kind, subject, state, action, first_seen_at, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET account = excluded.account, kind = excluded.kind, subject = excluded.subject,
                state = excluded.state, action = excluded.action, record = excluded.record
                """
        ).execute(arguments: [
            id, account.rawValue, kind.rawValue, subject, state.rawValue, action?.rawValue, firstSeenAt.microseconds, try RecordText.write(self),
        ])
    }

    /// - Parameter limit: Negative for none.
    static func find(_ db: Database, of account: AccountID?, includeResolved: Bool, limit: Int) throws -> [DriftFinding] {
        var conditions = ["1 = 1"]
        var arguments: StatementArguments = []
        if let account {
            conditions.append("account = ?")
            arguments += [account.rawValue]
        }
        if !includeResolved { conditions.append("NOT (state = 'resolved')") }
        arguments += [limit]
        return try String.fetchAll(
            db, sql: "SELECT record FROM drift_findings WHERE \(conditions.joined(separator: " AND ")) ORDER BY first_seen_at DESC, id DESC LIMIT ?",
            arguments: arguments
        ).map { try RecordText.read($0) }
    }
}

extension AccountHalt {
    func insert(_ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO halts (account, number, released_at, record)
                VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM halts WHERE account = ?), NULL, ?)
                """
        ).execute(arguments: [account.rawValue, account.rawValue, try RecordText.write(self)])
    }

    static func open(_ db: Database) throws -> [AccountHalt] {
        try String.fetchAll(db, sql: "SELECT record FROM halts WHERE released_at IS NULL ORDER BY account").map { try RecordText.read($0) }
    }
}
