import TradingModel

/// New terms of an open order.
public struct Amendment: Sendable, Hashable {
    /// The whole quantity, what is filled included.
    public var quantity: Quantity
    public var limitPrice: Price
    /// Of a conditional order that has not triggered; ignored on any other.
    public var stopPrice: Price?
    public init(quantity: Quantity, limitPrice: Price, stopPrice: Price? = nil) {
        self.quantity = quantity
        self.limitPrice = limitPrice
        self.stopPrice = stopPrice
    }
}

extension ExchangeCore {
    /// Changes an open order with a limit price in place, and lets it trade if its new price is reached. Nothing has changed when it throws.
    public mutating func amend(_ id: Int64, account: String, to terms: Amendment, at now: Timestamp) throws(ExchangeRefusal) -> [ExchangeEvent] {
        guard let order = order(id), order.account == account, !order.status.isTerminal else { throw .noSuchOpenOrder }
        guard order.kind.hasLimit else { throw .invalidRequest("only orders with a limit price can be amended") }
        guard terms.quantity > order.filledQuantity, terms.limitPrice > 0 else {
            throw .invalidRequest("the quantity must be above what is filled, and the price above zero")
        }
        let open = terms.quantity - order.filledQuantity
        let needed = order.side == .buy ? buyReservation(open, at: terms.limitPrice) : open
        let asset = givenAsset(order)
        let more = needed - order.reserved
        guard balance(account, asset).free >= more else { throw .insufficientFunds }
        change(account, asset) {
            $0.free -= more
            $0.locked += more
        }
        let index = Int(id) - 1
        orders[index].reserved = needed
        orders[index].quantity = terms.quantity
        orders[index].limitPrice = terms.limitPrice
        if !order.isWorking, let stop = terms.stopPrice { orders[index].stopPrice = stop }
        orders[index].updatedAt = now
        var events = [event(.amended, id, at: now)]
        if order.isWorking { work(id, at: now, into: &events) }
        settleLists(at: now, into: &events)
        return events
    }

    /// Lowers the quantity of an open order in place, whatever its type.
    public mutating func reduce(_ id: Int64, account: String, to quantity: Quantity, at now: Timestamp) throws(ExchangeRefusal) -> [ExchangeEvent] {
        guard let order = order(id), order.account == account, !order.status.isTerminal else { throw .noSuchOpenOrder }
        guard quantity > order.filledQuantity, quantity < order.quantity else {
            throw .invalidRequest("the quantity must be above what is filled and below what it is")
        }
        let index = Int(id) - 1
        let open = quantity - order.filledQuantity
        let unit = order.limitPrice ?? order.stopPrice ?? prices[order.symbol] ?? .zero
        let needed = order.side == .buy ? buyReservation(open, at: unit) : open
        let freed = order.reserved - min(order.reserved, needed)
        orders[index].quantity = quantity
        orders[index].reserved -= freed
        orders[index].updatedAt = now
        change(account, givenAsset(order)) {
            $0.free += freed
            $0.locked -= freed
        }
        return [event(.amended, id, at: now)]
    }
}
