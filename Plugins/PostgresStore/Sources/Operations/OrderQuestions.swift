import PostgresKit
import StoreContract
import StoreKit
import TradingModel

/// The questions of which an order's snapshot is made: of the order itself and of the legs of its bracket.
enum OrderQuestions {
    /// The order first, then its legs, the stop before the target.
    private static func orders(_ id: OrderID, isLocked: Bool) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT \(OrderRecord.columns.list) FROM orders WHERE id = $1 OR entry_id = $1
            ORDER BY entry_id IS NOT NULL AND entry_id = $1, bracket_role\(isLocked ? " FOR UPDATE" : "")
            """, [.text(id.rawValue)])
    }

    private static let ids = "(SELECT id FROM orders WHERE id = $1 OR entry_id = $1)"

    static func all(_ id: OrderID, isLocked: Bool) -> [PostgresStatement] {
        [
            orders(id, isLocked: isLocked),
            PostgresStatement(
                "SELECT \(AttemptRecord.columns.list) FROM attempts WHERE order_id IN \(ids) ORDER BY order_id, number", [.text(id.rawValue)]),
            // In the order in which they became known.
            PostgresStatement(
                "SELECT order_id, \(Fill.columns.list) FROM fills WHERE order_id IN \(ids) ORDER BY sequence", [.text(id.rawValue)]),
            PostgresStatement(
                """
                SELECT \(PositionRecord.columns.list) FROM positions
                WHERE account = (SELECT account FROM orders WHERE id = $1) AND symbol = (SELECT symbol FROM orders WHERE id = $1)
                """, [.text(id.rawValue)]),
        ]
    }

    /// - Parameter answers: To ``all(_:isLocked:)``.
    static func snapshot(_ answers: ArraySlice<PostgresResult>) throws -> OrderSnapshot? {
        let answers = Array(answers)
        let orders = try answers[0].rows.map { try OrderRecord(row: $0) }
        guard let order = orders.first else { return nil }
        let attempts = try answers[1].rows.map { try AttemptRecord(row: $0) }
        let fills = try answers[2].rows.map { (OrderID(try $0.text(0)), try Fill(row: $0, from: 1)) }
        let position = try answers[3].first.map { try PositionRecord(row: $0) }
        func snapshot(_ order: OrderRecord, legs: [OrderSnapshot]) -> OrderSnapshot {
            // A leg trades what its entry trades, so that the position is the same.
            OrderSnapshot(
                order: order, attempts: attempts.filter { $0.orderID == order.id }, fills: fills.filter { $0.0 == order.id }.map(\.1),
                position: position, legs: legs)
        }
        return snapshot(order, legs: orders.dropFirst().map { snapshot($0, legs: []) })
    }
}
