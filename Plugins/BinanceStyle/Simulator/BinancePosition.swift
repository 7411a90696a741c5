import SimulatorKit
import TradingModel

/// What an account of the futures holds of one contract, from its trades alone.
struct BinancePosition: Sendable {
    var quantity: Quantity = .zero
    /// Average entry.
    var entry: Price = .zero
    /// What closing parts of it has earned, fees not counted.
    var realised: Notional = .zero
    var fees: Notional = .zero
    var updatedAt: Timestamp?

    mutating func add(_ trade: SimulatedTrade) {
        let change = trade.side == .buy ? trade.quantity : .zero - trade.quantity
        fees = fees + trade.fee
        updatedAt = trade.executedAt
        let isOpening = quantity.isZero || (quantity > 0) == (change > 0)
        if isOpening {
            let cost = quantity.magnitude * entry + trade.quantity * trade.price
            quantity = quantity + change
            entry = cost / quantity.magnitude ?? .zero
            return
        }
        let closed = min(quantity.magnitude, trade.quantity)
        let gain = closed * trade.price - closed * entry
        realised = quantity > 0 ? realised + gain : realised - gain
        let before = quantity
        quantity = quantity + change
        // What goes beyond flat opens the other side at the trade's price.
        if quantity.isZero { entry = .zero } else if (quantity > 0) != (before > 0) { entry = trade.price }
    }

    func unrealised(at price: Price) -> Notional {
        let gain = quantity.magnitude * price - quantity.magnitude * entry
        return quantity < 0 ? .zero - gain : gain
    }
}
