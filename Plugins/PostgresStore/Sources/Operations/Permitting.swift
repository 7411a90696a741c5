import FailPoints
import PostgresKit
import StoreContract
import StoreKit
import TradingModel

extension WriteTransaction {
    private static let attemptInsertion = insertStatement(into: "attempts", AttemptRecord.columns)

    func permit(_ request: PermitRequest, deciding decide: (PermitFacts) -> PermitVerdict) async throws -> PermitResult {
        let id = request.orderID
        let answers = try await ask([
            Self.tenure(of: request.tenure.account), OrderQuestions.order(id, isLocked: true), OrderQuestions.attempts(id),
            OrderQuestions.position(id), Self.lastTrade(id, atAccount: true), Self.lastTrade(id, atAccount: false), Self.working(id), Self.entry(id),
        ])
        try Self.check(request.tenure, isCurrent: answers[0].first)
        guard let row = answers[1].first else { throw StoreError.notFound("order \(id)") }
        let order = try OrderRecord(columns: row)
        try PermitRules.check(order, request)
        let trade = (order.policy.cooldownScope == .strategyAccount ? answers[4] : answers[5]).first
        let facts = PermitFacts(
            now: request.now, order: order, attempts: try answers[2].rows.map { try AttemptRecord(columns: $0) },
            position: try answers[3].first.map { try PositionRecord(columns: $0) },
            lastTrade: try trade.map { (OrderID(try $0.text(0)), Timestamp(microseconds: try $0.integer(1))) },
            others: try answers[6].rows.map { try WorkingOrder(columns: $0) }, entryOfSameSignal: try answers[7].first.map { OrderID(try $0.text(0)) })
        switch decide(facts) {
        case .wait(let reason): return .waiting(reason: reason)
        case .close(let state, let reason, let detail):
            let closed = try PermitRules.close(order, as: state, reason: reason, detail: detail, at: request.now)
            try await replace(closed, isPermit: true)
            try await note(.closed(closed), at: request.now)
            return .closed(closed)
        case .grant(let newOrder, let notes):
            let grant = try PermitRules.grant(newOrder, for: order, request, notes: notes)
            try await replace(grant.order, isPermit: true)
            try await write(Self.attemptInsertion, rows: 1) { grant.attempt.write(to: &$0) }
            try await note(grant.line, at: request.now)
            failPoint("store.permit.before_commit")
            return .granted(grant.permit, grant.order)
        }
    }

    // MARK: Facts

    // Each takes its terms from the order itself, so that one round trip brings all.
    private static func of(_ column: String) -> String { "(SELECT \(column) FROM orders WHERE id = $1)" }

    private static func lastTrade(_ id: OrderID, atAccount: Bool) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT id, traded_at FROM orders
            WHERE traded_at IS NOT NULL AND strategy = \(of("strategy"))\(atAccount ? " AND account = \(of("account"))" : "") AND id <> $1
            ORDER BY traded_at DESC LIMIT 1
            """, [.text(id.rawValue)])
    }

    private static func working(_ id: OrderID) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT \(WorkingOrder.columns.list) FROM orders
            WHERE is_open AND attempts >= 1 AND account = \(of("account")) AND symbol = \(of("symbol")) AND id <> $1 ORDER BY sequence
            """, [.text(id.rawValue)])
    }

    private static func entry(_ id: OrderID) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT id FROM orders WHERE signal_id = \(of("signal_id")) AND account = \(of("account")) AND symbol = \(of("symbol"))
              AND side = \(of("side")) AND attempts >= 1 AND id <> $1 ORDER BY sequence LIMIT 1
            """, [.text(id.rawValue)])
    }
}
