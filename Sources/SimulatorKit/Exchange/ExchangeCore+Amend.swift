import TradingModel

extension ExchangeCore {
    /// Changes the terms of an open order in place: it keeps its id and what it has filled. Nothing has changed when it throws.
    ///
    /// - Parameters:
    ///   - quantity: The new total, fills included; nil keeps the old one, like the prices.
    /// - Returns: The trades that the new terms caused; the change itself is no event.
    public mutating func amend(
        _ id: Int64, account: String, quantity: Quantity? = nil, limitPrice: Price? = nil, stopPrice: Price? = nil, at now: Timestamp
    ) throws(ExchangeRefusal) -> [ExchangeEvent] {
        guard var order = order(id), order.account == account, !order.status.isTerminal else { throw .noSuchOpenOrder }
        guard let price = prices[order.symbol], let instrument = instruments[order.symbol] else { throw .noPrice }
        order.quantity = quantity ?? order.quantity
        order.limitPrice = limitPrice ?? order.limitPrice
        order.stopPrice = stopPrice ?? order.stopPrice
        guard order.quantity > order.filledQuantity else { throw .invalidRequest("the new quantity must be greater than what is filled") }
        if !order.isWorking, let stop = order.stopPrice, isTriggered(order.kind, order.side, stop: stop, price: price) {
            throw .wouldTriggerImmediately
        }
        let unit = order.limitPrice ?? order.stopPrice ?? price
        let needed = order.side == .buy ? Quantity((order.openQuantity * unit).value) : order.openQuantity
        let asset = order.side == .buy ? instrument.quote : instrument.base
        let more = needed - order.reserved
        guard balance(account, asset).free >= more else { throw .insufficientFunds }
        change(account, asset) {
            $0.free -= more
            $0.locked += more
        }
        order.reserved = needed
        order.updatedAt = now
        orders[Int(id) - 1] = order
        var events: [ExchangeEvent] = []
        if order.isWorking { work(id, at: now, into: &events) }
        settleLists(at: now, into: &events)
        return events
    }
}
