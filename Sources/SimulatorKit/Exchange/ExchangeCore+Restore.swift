import TradingModel

/// Why stored events do not make a history.
public struct HistoryError: Error, Sendable, CustomStringConvertible {
    public let description: String
    public init(description: String) { self.description = description }
}

extension ExchangeCore {
    /// Applies an event that an exchange told before, so that the state is as it was right after it.
    ///
    /// Events must come whole and in their order. Prices are not part of them: they stay as the settings say.
    public mutating func restore(_ event: ExchangeEvent) throws(HistoryError) {
        let order = event.order
        guard event.executionID >= nextExecutionID else {
            throw HistoryError(description: "event \(event.executionID) is out of order")
        }
        if case .accepted = event.kind {
            guard order.id == Int64(orders.count) + 1 else { throw HistoryError(description: "order \(order.id) does not follow \(orders.count)") }
            orders.append(order)
            latestByID[AccountKey(account: order.account, id: order.clientOrderID)] = order.id
        } else {
            guard self.order(order.id) != nil else { throw HistoryError(description: "order \(order.id) was never accepted") }
            orders[Int(order.id) - 1] = order
        }
        let key = AccountKey(account: order.account, id: order.clientOrderID)
        if order.status.isTerminal {
            openBySymbol[order.symbol]?.remove(order.id)
            if openByID[key] == order.id { openByID[key] = nil }
        } else {
            openBySymbol[order.symbol, default: []].insert(order.id)
            openByID[key] = order.id
        }
        if case .traded(let trade) = event.kind {
            tradesByOrder[order.id, default: []].append(trades.count)
            trades.append(trade)
            nextTradeID[trade.symbol] = trade.id + 1
        }
        if let list = event.list { restore(list) }
        for balance in event.balances { change(order.account, balance.asset) { $0 = balance } }
        nextExecutionID = event.executionID + 1
    }

    private mutating func restore(_ list: SimulatedList) {
        if list.id == Int64(lists.count) + 1 { lists.append(list) } else if self.list(list.id) != nil { lists[Int(list.id) - 1] = list }
        if list.isDone { openLists.remove(list.id) } else { openLists.insert(list.id) }
    }
}
