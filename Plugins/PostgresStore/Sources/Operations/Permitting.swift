import FailPoints
import PostgresKit
import StoreContract
import StoreKit
import TradingModel

extension WriteTransaction {
    private static let attemptInsertion = insertStatement(into: "attempts", AttemptRecord.columns)

    func permit(_ request: PermitRequest, deciding decide: (PermitFacts) -> PermitVerdict) async throws -> PermitResult {
        let id = request.orderID
        let questions = OrderQuestions.all(id, isLocked: true)
        let answers = try await ask(
            questions + [
                Self.tenure(of: request.tenure.account), Self.lastTrade(id, atAccount: true), Self.lastTrade(id, atAccount: false),
                Self.working(id), Self.entry(id), Self.isDeadLetter(id), EpisodeQuestions.open(beside: id), Self.predecessor(of: id),
                Self.halt(of: request.tenure.account),
            ])
        let others = answers[questions.count...].map { $0 }
        try Self.check(request.tenure, isCurrent: others[0].first)
        guard let snapshot = try OrderQuestions.snapshot(answers[..<questions.count]) else { throw StoreError.notFound("order \(id)") }
        let order = snapshot.order
        try PermitRules.check(order, request)
        guard others[5].first == nil else { throw StoreError.refused("order \(id) is a dead letter, which waits for a person") }
        let trade = (order.policy.cooldownScope == .strategyAccount ? others[1] : others[2]).first
        let facts = PermitFacts(
            now: request.now, order: order, attempts: snapshot.attempts, position: snapshot.position,
            lastTrade: try trade.map { (OrderID(try $0.text(0)), Timestamp(microseconds: try $0.integer(1))) },
            others: try others[3].rows.map { try WorkingOrder(row: $0) }, entryOfSameSignal: try others[4].first.map { OrderID(try $0.text(0)) },
            legs: snapshot.legs.map(\.order), predecessor: try others[7].first.map { try OrderRecord(row: $0) },
            episode: try others[6].first.map { try RecordText.read(try $0.text(0)) }, halt: try others[8].first.map { try RecordText.read($0.text(0)) })
        switch decide(facts) {
        case .wait(let reason): return .waiting(reason: reason)
        case .close(let state, let reason, let detail):
            let closed = try PermitRules.close(order, legs: facts.legs, as: state, reason: reason, detail: detail, at: request.now)
            for order in closed {
                try await replace(order, isPermit: true)
                try await note(.closed(order), at: request.now)
            }
            if facts.episode != nil { try await settleEpisode(after: closed[0], at: request.now) }
            return .closed(closed[0])
        case .grant(let newOrder, let notes):
            try PermitRules.checkNotHalted(facts)
            let grant = try PermitRules.grant(newOrder, for: order, request, notes: notes)
            try await write(grant, at: request.now)
            for leg in facts.legs {
                try await write(PermitRules.grant(leg: leg, with: newOrder, number: grant.attempt.number, request), at: request.now)
            }
            try await settleEpisode(after: grant.order, isPermitted: grant.attempt.number == 1, at: request.now)
            failPoint("store.permit.before_commit")
            return .granted(PermitRules.permit(newOrder, grant, request), grant.order)
        }
    }

    private func write(_ grant: PermitRules.Grant, at: Timestamp) async throws {
        try await replace(grant.order, isPermit: true)
        try await write(Self.attemptInsertion, rows: 1) { grant.attempt.write(to: &$0) }
        try await note(grant.line, at: at)
    }

    // MARK: Facts

    // Each takes its terms from the order itself, so that one round trip brings all.
    private static func of(_ column: String) -> String { "(SELECT \(column) FROM orders WHERE id = $1)" }

    private static func lastTrade(_ id: OrderID, atAccount: Bool) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT id, traded_at FROM orders
            WHERE traded_at IS NOT NULL AND strategy = \(of("strategy"))\(atAccount ? " AND account = \(of("account"))" : "") AND id <> $1
              AND id IS DISTINCT FROM (SELECT intent::json ->> 'after' FROM orders WHERE id = $1)
            ORDER BY traded_at DESC LIMIT 1
            """, [.text(id.rawValue)])
    }

    private static func working(_ id: OrderID) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT \(WorkingOrder.columns) FROM orders
            WHERE is_open AND attempts >= 1 AND account = \(of("account")) AND symbol = \(of("symbol")) AND id <> $1
              AND entry_id IS DISTINCT FROM $1 ORDER BY sequence
            """, [.text(id.rawValue)])
    }

    private static func entry(_ id: OrderID) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT id FROM orders WHERE signal_id = \(of("signal_id")) AND account = \(of("account")) AND symbol = \(of("symbol"))
              AND side = \(of("side")) AND attempts >= 1 AND id <> $1 AND entry_id IS NULL AND NOT reduce_only ORDER BY sequence LIMIT 1
            """, [.text(id.rawValue)])
    }

    private static func predecessor(of id: OrderID) -> PostgresStatement {
        PostgresStatement(
            "SELECT \(OrderRecord.columns.list) FROM orders WHERE id = (SELECT intent::json ->> 'after' FROM orders WHERE id = $1)", [.text(id.rawValue)])
    }

    private static func isDeadLetter(_ id: OrderID) -> PostgresStatement {
        PostgresStatement("SELECT order_id FROM dead_letters WHERE order_id = $1", [.text(id.rawValue)])
    }
}

extension WorkingOrder {
    static let columns = "id, side, state, quantity, filled_quantity, bracket_role, reduce_only, intent"

    init(row source: PostgresRow) throws {
        var row = ColumnReader(source)
        let (id, side, state): (OrderID, Side, OrderState) = (try row.id(), try row.word(), try row.word())
        let (quantity, filled): (Quantity, Quantity) = (try row.decimal(), try row.decimal())
        self.init(
            id: id, side: side, state: state, unfilled: quantity - filled, role: try row.optionalWord(), onlyReduces: try row.flag(),
            intent: try row.optionalText().map { try RecordText.read($0) })
    }
}
