import FailPoints
import PostgresKit
import StoreContract
import StoreKit
import TradingModel

extension WriteTransaction {
    func update(
        _ id: OrderID, under tenure: Tenure, at: Timestamp, reducing reduce: (OrderSnapshot) -> OrderChange?
    ) async throws -> OrderRecord {
        let answers = try await ask([Self.tenure(of: tenure.account), EpisodeQuestions.open(beside: id)] + OrderQuestions.all(id, isLocked: true))
        try Self.check(tenure, isCurrent: answers[0].first)
        guard let snapshot = try OrderQuestions.snapshot(answers[2...]) else { throw StoreError.notFound("order \(id)") }
        try UpdateRules.check(snapshot, under: tenure.account)
        guard let change = reduce(snapshot) else { return snapshot.order }
        let changed = try await write(change, over: snapshot, at: at)
        for leg in try UpdateRules.legs(of: change, in: snapshot) { _ = try await write(leg.change, over: leg.known, at: at) }
        if changed.version != snapshot.order.version, answers[1].first != nil || !change.newFills.isEmpty {
            try await settleEpisode(after: changed, hasNewFills: !change.newFills.isEmpty, at: at)
        }
        return changed
    }

    /// Writes one order's part of a change, if it changes anything.
    private func write(_ wanted: OrderChange, over snapshot: OrderSnapshot, at: Timestamp) async throws -> OrderRecord {
        guard let change = try UpdateRules.prepare(wanted, of: snapshot, at: at) else { return snapshot.order }
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
                $0.add(snapshot.order.account)
                $0.add(snapshot.order.id)
            }
        }
        if let position = change.position { try await save(position) }
        for draft in change.journal { try await note(draft, at: at) }
        for alert in change.alerts { try await raise(alert, at: at) }
        if !change.attempts.isEmpty { failPoint("store.update.before_commit") }
        if !change.newFills.isEmpty { failPoint("store.fill.before_commit") }
        return change.order
    }

    func save(_ position: PositionRecord) async throws {
        try await write(Self.positionSaving, rows: 1) { position.write(to: &$0) }
    }

    private static let outcome: String = {
        let columns = AttemptRecord.outcomeColumns
        let assignments = columns.enumerated().map { "\($1) = $\($0 + 1)" }.list
        return "UPDATE attempts SET \(assignments) WHERE order_id = $\(columns.count + 1) AND number = $\(columns.count + 2)"
    }()
    private static let fillInsertion = insertStatement(into: "fills", Fill.columns + ["account", "order_id"])
    static let positionSaving =
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
