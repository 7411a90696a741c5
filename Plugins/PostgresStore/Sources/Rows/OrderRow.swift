import PostgresKit
import StoreContract
import StoreKit
import TradingModel

// A new field of an order is one line in each of the three lists.

extension OrderRecord {
    static let columns = [
        "id", "signal_id", "strategy", "account", "leg", "client_order_id", "symbol", "signal_symbol", "side", "type", "time_in_force",
        "requested_quantity", "quantity", "limit_price", "stop_price", "reduce_only", "reference_price", "policy", "state", "reason",
        "detail", "filled_quantity", "average_price", "venue_order_id", "venue_status", "attempts", "version", "request_id", "created_at",
        "updated_at", "filled_at", "expires_at", "stop_loss", "take_profit", "bracket_role", "entry_id", "intent",
    ]

    func write(to sink: inout ValueList) throws {
        sink.add(id)
        sink.add(signalID)
        sink.add(strategy)
        sink.add(account)
        sink.add(leg)
        sink.add(clientOrderID)
        sink.add(symbol)
        sink.add(signalSymbol)
        sink.add(word: side)
        sink.add(word: type)
        sink.add(word: timeInForce)
        sink.add(requestedQuantity)
        sink.add(quantity)
        sink.add(limitPrice)
        sink.add(stopPrice)
        sink.add(reduceOnly)
        sink.add(referencePrice)
        sink.add(try PolicyCodec.shared.text(policy))
        sink.add(word: state)
        sink.add(reason)
        sink.add(detail)
        sink.add(filledQuantity)
        sink.add(averagePrice)
        sink.add(venueOrderID)
        sink.add(venueStatus)
        sink.add(attempts)
        sink.add(version)
        sink.add(requestID)
        sink.add(createdAt)
        sink.add(updatedAt)
        sink.add(filledAt)
        sink.add(expiresAt)
        sink.add(bracket?.stopLoss)
        sink.add(bracket?.takeProfit)
        sink.add(bracketRole?.rawValue)
        sink.add(entryID)
        sink.add(try intent.map { try RecordText.write($0) })
    }

    /// - Parameter column: Where its columns begin.
    init(row source: PostgresRow, from column: Int = 0) throws {
        var row = ColumnReader(source, from: column)
        self.init(
            id: try row.id(), signalID: try row.id(), strategy: try row.id(), account: try row.id(), leg: try row.count(),
            clientOrderID: try row.id(), symbol: try row.id(), signalSymbol: try row.text(), side: try row.word(), type: try row.word(),
            timeInForce: try row.word(), requestedQuantity: try row.decimal(), quantity: try row.optionalDecimal(),
            limitPrice: try row.optionalDecimal(), stopPrice: try row.optionalDecimal(), reduceOnly: try row.flag(),
            referencePrice: try row.optionalDecimal(), policy: try PolicyCodec.shared.policy(try row.text()), state: try row.word(),
            reason: row.optionalText(), detail: row.optionalText(), filledQuantity: try row.decimal(),
            averagePrice: try row.optionalDecimal(), venueOrderID: row.optionalID(), venueStatus: row.optionalText(),
            attempts: try row.count(), version: try row.count(), requestID: try row.text(), createdAt: try row.time(),
            updatedAt: try row.time(), filledAt: try row.optionalTime(), expiresAt: try row.time())
        // The columns after those.
        bracket = try Bracket(stopLoss: row.optionalDecimal(), takeProfit: row.optionalDecimal()).unlessEmpty
        bracketRole = try row.optionalWord()
        entryID = row.optionalID()
        intent = try row.optionalText().map { try RecordText.read($0) }
    }

    /// What of an order may change after it was stored. All the rest is its intent.
    static let changingColumns = [
        "side", "quantity", "limit_price", "stop_price", "state", "reason", "detail", "filled_quantity", "average_price", "venue_order_id",
        "venue_status", "attempts", "version", "updated_at", "filled_at",
    ]

    func writeChanging(to sink: inout ValueList) {
        sink.add(word: side)
        sink.add(quantity)
        sink.add(limitPrice)
        sink.add(stopPrice)
        sink.add(word: state)
        sink.add(reason)
        sink.add(detail)
        sink.add(filledQuantity)
        sink.add(averagePrice)
        sink.add(venueOrderID)
        sink.add(venueStatus)
        sink.add(attempts)
        sink.add(version)
        sink.add(updatedAt)
        sink.add(filledAt)
    }
}

extension Bracket {
    /// Nil if it has no leg.
    fileprivate var unlessEmpty: Bracket? { roles.isEmpty ? nil : self }
}
