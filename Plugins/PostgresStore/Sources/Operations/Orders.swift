import FailPoints
import PostgresKit
import StoreContract
import StoreKit
import TradingModel

/// The questions of which an order's snapshot is made.
enum OrderQuestions {
    static func order(_ id: OrderID, isLocked: Bool = false) -> PostgresStatement {
        PostgresStatement("SELECT \(OrderRecord.columns.list) FROM orders WHERE id = $1\(isLocked ? " FOR UPDATE" : "")", [.text(id.rawValue)])
    }

    static func attempts(_ id: OrderID) -> PostgresStatement {
        PostgresStatement("SELECT \(AttemptRecord.columns.list) FROM attempts WHERE order_id = $1 ORDER BY number", [.text(id.rawValue)])
    }

    /// In the order in which they became known.
    static func fills(_ id: OrderID) -> PostgresStatement {
        PostgresStatement("SELECT \(Fill.columns.list) FROM fills WHERE order_id = $1 ORDER BY sequence", [.text(id.rawValue)])
    }

    static func position(_ id: OrderID) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT \(PositionRecord.columns.list) FROM positions
            WHERE account = (SELECT account FROM orders WHERE id = $1) AND symbol = (SELECT symbol FROM orders WHERE id = $1)
            """, [.text(id.rawValue)])
    }

    static func snapshot(_ order: PostgresRow, _ attempts: PostgresResult, _ fills: PostgresResult, _ position: PostgresResult) throws -> OrderSnapshot {
        OrderSnapshot(
            order: try OrderRecord(columns: order), attempts: try attempts.rows.map { try AttemptRecord(columns: $0) },
            fills: try fills.rows.map { try Fill(columns: $0) }, position: try position.first.map { try PositionRecord(columns: $0) })
    }
}

extension WriteTransaction {
    func update(
        _ id: OrderID, under tenure: Tenure, at: Timestamp, reducing reduce: (OrderSnapshot) -> OrderChange?
    ) async throws -> OrderRecord {
        let answers = try await ask([
            Self.tenure(of: tenure.account), OrderQuestions.order(id, isLocked: true), OrderQuestions.attempts(id), OrderQuestions.fills(id),
            OrderQuestions.position(id),
        ])
        try Self.check(tenure, isCurrent: answers[0].first)
        guard let row = answers[1].first else { throw StoreError.notFound("order \(id)") }
        let snapshot = try OrderQuestions.snapshot(row, answers[2], answers[3], answers[4])
        try UpdateRules.check(snapshot, under: tenure.account)
        guard let wanted = reduce(snapshot), let change = try UpdateRules.prepare(wanted, of: snapshot, at: at) else { return snapshot.order }
        try await replace(change.order)
        for attempt in change.attempts {
            try await write(Self.outcome, rows: 1) {
                attempt.writeOutcome(to: &$0)
                $0.add(attempt.orderID)
                $0.add(attempt.number)
            }
        }
        for fill in change.newFills {
            try await write(Self.fillInsertion, rows: 1) {
                fill.write(to: &$0)
                $0.add(tenure.account)
                $0.add(id)
            }
        }
        if let position = change.position { try await write(Self.positionSaving, rows: 1) { position.write(to: &$0) } }
        for draft in change.journal { try await note(draft, at: at) }
        for alert in change.alerts { try await raise(alert, at: at) }
        if !change.attempts.isEmpty { failPoint("store.update.before_commit") }
        if !change.newFills.isEmpty { failPoint("store.fill.before_commit") }
        return change.order
    }

    private static let outcome: String = {
        let columns = AttemptRecord.outcomeColumns
        let assignments = columns.enumerated().map { "\($1) = $\($0 + 1)" }.list
        return "UPDATE attempts SET \(assignments) WHERE order_id = $\(columns.count + 1) AND number = $\(columns.count + 2)"
    }()
    private static let fillInsertion = insertStatement(into: "fills", Fill.columns + ["account", "order_id"])
    private static let positionSaving =
        insertStatement(into: "positions", PositionRecord.columns)
        + """
         ON CONFLICT (account, symbol) DO UPDATE SET quantity = excluded.quantity, average_price = excluded.average_price, \
        realized_profit = excluded.realized_profit, updated_at = excluded.updated_at
        """

    private static func replacement(from states: [OrderState]?) -> String {
        let columns = OrderRecord.changingColumns
        let assignments = columns.enumerated().map { "\($1) = $\($0 + 1)" }.list
        let condition = states.map { " AND state IN (\($0.map { "'\($0.rawValue)'" }.list))" } ?? ""
        return "UPDATE orders SET \(assignments) WHERE id = $\(columns.count + 1) AND version = $\(columns.count + 2)\(condition)"
    }
    private static let replacement = replacement(from: nil)
    private static let replacementByPermit = replacement(from: PermitRules.permittable)

    /// Writes everything that may change, if the row still has the version before this one's.
    ///
    /// - Parameter isPermit: The order must also be in a state from which a permit may move it.
    func replace(_ order: OrderRecord, isPermit: Bool = false) async throws {
        try await write(isPermit ? Self.replacementByPermit : Self.replacement, rows: 1) {
            order.writeChanging(to: &$0)
            $0.add(order.id)
            $0.add(order.version - 1)
        }
    }
}
