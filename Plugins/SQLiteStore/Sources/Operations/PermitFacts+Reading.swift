import GRDB
import StoreContract
import StoreKit
import TradingModel

extension StoreTransaction {
    /// Everything that the decision rests on, read in the permit's own transaction.
    func facts(for order: OrderRecord, at now: Timestamp) throws -> PermitFacts {
        let trade = try lastTrade(in: order.policy.cooldownScope, than: order)
        return PermitFacts(
            now: now, order: order, attempts: try AttemptRecord.all(db, of: order.id),
            position: try PositionRecord.find(db, account: order.account, symbol: order.symbol), lastTrade: trade,
            others: try workingOrders(order.account, order.symbol, besides: order.id), entryOfSameSignal: try entryOfSameSignal(as: order),
            legs: order.bracket == nil ? [] : try OrderRecord.legs(db, of: order.id),
            predecessor: try order.intent?.after.flatMap { try OrderRecord.find(db, $0) }, episode: try openEpisode(order.account, order.symbol),
            halt: try halt(of: order.account))
    }

    /// The account's open orders in the symbol that have had a permit, oldest first; not the one that is named, nor its own legs.
    func workingOrders(_ account: AccountID, _ symbol: Symbol, besides order: OrderID? = nil) throws -> [WorkingOrder] {
        let statement = try db.cachedStatement(
            sql: """
                SELECT id, side, state, quantity, filled_quantity, bracket_role, reduce_only, intent FROM orders
                WHERE is_open = 1 AND attempts >= 1 AND account = ? AND symbol = ? AND id IS NOT ? AND (entry_id IS NULL OR entry_id IS NOT ?)
                ORDER BY sequence
                """)
        return try Row.fetchAll(
            statement, arguments: [account.rawValue, symbol.rawValue, order?.rawValue, order?.rawValue]
        ).map { row in
            WorkingOrder(
                id: row.identifier(0), side: try row.word(1), state: try row.word(2),
                unfilled: try row.decimal(3, as: Quantity.self) - row.decimal(4, as: Quantity.self), role: try row.optionalWord(5),
                onlyReduces: row[6], intent: try (row[7] as String?).map { try RecordText.read($0) })
        }
    }

    private func lastTrade(in scope: OrderPolicy.CooldownScope, than order: OrderRecord) throws -> (id: OrderID, at: Timestamp)? {
        let row: Row?
        switch scope {
        case .strategyAccount:
            row = try Row.fetchOne(
                db.cachedStatement(
                    sql: """
                        SELECT id, traded_at FROM orders WHERE traded_at IS NOT NULL AND strategy = ? AND account = ? AND id <> ? AND id IS NOT ?
                        ORDER BY traded_at DESC LIMIT 1
                        """), arguments: [order.strategy.rawValue, order.account.rawValue, order.id.rawValue, order.intent?.after?.rawValue])
        case .strategy:
            row = try Row.fetchOne(
                db.cachedStatement(
                    sql: """
                        SELECT id, traded_at FROM orders WHERE traded_at IS NOT NULL AND strategy = ? AND id <> ? AND id IS NOT ?
                        ORDER BY traded_at DESC LIMIT 1
                        """), arguments: [order.strategy.rawValue, order.id.rawValue, order.intent?.after?.rawValue])
        }
        return row.map { ($0.identifier(0), $0.time(1)) }
    }

    /// The plus sign leaves the index of signals as the only choice: by account, SQLite would look at every order that it ever had.
    private func entryOfSameSignal(as order: OrderRecord) throws -> OrderID? {
        let statement = try db.cachedStatement(
            sql: """
                SELECT id FROM orders WHERE signal_id = ? AND +account = ? AND symbol = ? AND side = ? AND attempts >= 1 AND id <> ?
                AND entry_id IS NULL AND reduce_only = 0 ORDER BY sequence LIMIT 1
                """)
        return try Row.fetchOne(
            statement,
            arguments: [
                order.signalID.rawValue, order.account.rawValue, order.symbol.rawValue, order.side.rawValue, order.id.rawValue,
            ]
        ).map { $0.identifier(0) }
    }
}
