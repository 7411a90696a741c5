import TradingModel

/// The fingerprint of a complete order, kept with its attempt.
public enum OrderHash {
    public static func hash(_ order: NewOrder) -> String {
        let fields: [String?] = [
            order.clientOrderID.rawValue, order.symbol.rawValue, order.side.rawValue, order.type.rawValue, order.quantity.description,
            order.limitPrice?.description, order.stopPrice?.description, order.trailingDistance?.description, order.timeInForce.rawValue,
            order.goodTill.map { String($0.microseconds) }, String(order.postOnly), String(order.reduceOnly),
            order.bracket?.stopLoss?.description, order.bracket?.takeProfit?.description,
        ]
        return JournalHash.sha256(fields.map { $0.map { "\($0.utf8.count):\($0);" } ?? "-;" }.joined())
    }
}
