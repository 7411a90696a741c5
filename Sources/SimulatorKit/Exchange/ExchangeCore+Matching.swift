import Foundation
import TradingModel

extension ExchangeCore {
    /// Decimals that a fee is cut to.
    static let feePlaces = 8

    /// Lets a new or triggered order trade against the price, and ends or rests what is left.
    mutating func work(_ id: Int64, at now: Timestamp, into events: inout [ExchangeEvent]) {
        guard let order = order(id), let price = prices[order.symbol] else { return }
        let isReached = order.limitPrice.map { crosses(order.side, limit: $0, price: price) } ?? true
        let available = isReached ? min(order.openQuantity, liquidity[order.symbol] ?? order.openQuantity) : .zero
        if order.timeInForce == .fok, available < order.openQuantity {
            end(id, .expired, .unfilledFOK, at: now)
            return events.append(event(.expired(.unfilledFOK), id, at: now))
        }
        if available > 0 {
            guard canPay(order, quantity: available, price: price) else {
                end(id, .expired, .rejectedOnTrigger, at: now)
                return events.append(event(.expired(.rejectedOnTrigger), id, at: now))
            }
            endSibling(of: id, at: now, into: &events)
            takeLiquidity(available, of: order.symbol)
            events.append(trade(id, quantity: available, price: price, isMaker: false, at: now))
        }
        guard let rest = self.order(id), !rest.status.isTerminal else { return }
        let ending: SimulatedOrder.Ending? =
            !rest.kind.hasLimit ? .insufficientLiquidity : rest.timeInForce == .ioc ? .unfilledIOC : nil
        if let ending {
            end(id, .expired, ending, at: now)
            events.append(event(.expired(ending), id, at: now))
        }
    }

    /// Triggers and fills what the price reaches.
    mutating func match(_ symbol: Symbol, at now: Timestamp) -> [ExchangeEvent] {
        guard let price = prices[symbol] else { return [] }
        var events: [ExchangeEvent] = []
        for id in openBySymbol[symbol, default: []].sorted() {
            guard let order = order(id), !order.status.isTerminal, order.status != .pendingNew else { continue }
            if !order.isWorking {
                guard let stop = order.stopPrice, isTriggered(order.kind, order.side, stop: stop, price: price) else { continue }
                endSibling(of: id, at: now, into: &events)
                orders[Int(id) - 1].isWorking = true
                orders[Int(id) - 1].workingAt = now
                orders[Int(id) - 1].updatedAt = now
                events.append(event(.triggered, id, at: now))
                work(id, at: now, into: &events)
            } else if let limit = order.limitPrice, crosses(order.side, limit: limit, price: price) {
                let quantity = min(order.openQuantity, liquidity[symbol] ?? order.openQuantity)
                guard quantity > 0 else { continue }
                endSibling(of: id, at: now, into: &events)
                takeLiquidity(quantity, of: symbol)
                events.append(trade(id, quantity: quantity, price: limit, isMaker: true, at: now))
            }
        }
        return events
    }

    mutating func trade(_ id: Int64, quantity: Quantity, price: Price, isMaker: Bool, at now: Timestamp) -> ExchangeEvent {
        var order = orders[Int(id) - 1]
        let isPaidInBase = order.side == .buy && !settings.feesInQuote
        let received = isPaidInBase ? quantity.value : (quantity * price).value
        let fee = Self.cut(received * (isMaker ? settings.makerFee : settings.takerFee).value)
        let trade = SimulatedTrade(
            id: nextTradeID[order.symbol, default: 1], orderID: id, account: order.account, clientOrderID: order.clientOrderID,
            symbol: order.symbol, side: order.side, price: price, quantity: quantity, fee: Notional(fee),
            feeAsset: isPaidInBase || order.side == .sell ? receivedAsset(order) : givenAsset(order), isMaker: isMaker, executedAt: now)
        nextTradeID[order.symbol] = trade.id + 1
        settle(trade, of: &order)
        order.filledQuantity += quantity
        order.filledNotional += quantity * price
        order.status = order.openQuantity.isZero ? .filled : .partiallyFilled
        order.updatedAt = now
        orders[Int(id) - 1] = order
        tradesByOrder[id, default: []].append(trades.count)
        trades.append(trade)
        if order.status == .filled { close(id) }
        return event(.traded(trade), id, at: now)
    }

    mutating func end(_ id: Int64, _ status: VenueOrderStatus, _ ending: SimulatedOrder.Ending, at now: Timestamp) {
        orders[Int(id) - 1].status = status
        orders[Int(id) - 1].ending = ending
        orders[Int(id) - 1].updatedAt = now
        close(id)
    }

    mutating func event(_ kind: ExchangeEvent.Kind, _ id: Int64, at now: Timestamp) -> ExchangeEvent {
        defer { nextExecutionID += 1 }
        let order = orders[Int(id) - 1]
        let assets = [givenAsset(order), receivedAsset(order)]
        return ExchangeEvent(
            executionID: nextExecutionID, kind: kind, order: order, balances: assets.map { balance(order.account, $0) }, at: now,
            list: order.listID.flatMap(list))
    }

    // MARK: Money

    func balance(_ account: String, _ asset: Asset) -> SimulatedBalance {
        (balances[account] ?? initialBalances())[asset] ?? SimulatedBalance(asset: asset, free: .zero)
    }

    mutating func change(_ account: String, _ asset: Asset, _ body: (inout SimulatedBalance) -> Void) {
        var balance = balance(account, asset)
        body(&balance)
        if balances[account] == nil { balances[account] = initialBalances() }
        balances[account]?[asset] = balance
    }

    /// A triggered market order may cost more than was reserved for it.
    private func canPay(_ order: SimulatedOrder, quantity: Quantity, price: Price) -> Bool {
        guard order.side == .buy else { return true }
        let cost = Quantity((quantity * price).value)
        return order.reserved + balance(order.account, givenAsset(order)).free >= cost
    }

    private mutating func settle(_ trade: SimulatedTrade, of order: inout SimulatedOrder) {
        let feeOnTop = order.side == .buy && settings.feesInQuote ? Quantity(trade.fee.value) : .zero
        let cost = Quantity(order.side == .buy ? (trade.quantity * trade.price).value : trade.quantity.value) + feeOnTop
        // What was reserved for this part, at the order's own price, is given back as far as it is not needed.
        let share = reservedShare(of: order, quantity: trade.quantity)
        order.reserved -= share
        change(order.account, givenAsset(order)) {
            $0.locked -= share
            $0.free += share - cost
        }
        let received = Quantity(order.side == .buy ? trade.quantity.value : (trade.quantity * trade.price).value)
        change(order.account, receivedAsset(order)) { $0.free += received - (Quantity(trade.fee.value) - feeOnTop) }
    }

    private func reservedShare(of order: SimulatedOrder, quantity: Quantity) -> Quantity {
        guard quantity < order.openQuantity else { return order.reserved }
        guard order.side == .buy else { return min(order.reserved, quantity) }
        let unit = order.limitPrice ?? order.stopPrice ?? (prices[order.symbol] ?? .zero)
        return min(order.reserved, buyReservation(quantity, at: unit))
    }

    private mutating func close(_ id: Int64) {
        let order = orders[Int(id) - 1]
        openBySymbol[order.symbol]?.remove(id)
        let key = AccountKey(account: order.account, id: order.clientOrderID)
        if openByID[key] == id { openByID[key] = nil }
        guard !order.reserved.isZero else { return }
        change(order.account, givenAsset(order)) {
            $0.locked -= order.reserved
            $0.free += order.reserved
        }
        orders[Int(id) - 1].reserved = .zero
    }

    private mutating func takeLiquidity(_ quantity: Quantity, of symbol: Symbol) {
        if let left = liquidity[symbol] { liquidity[symbol] = left - quantity }
    }

    func givenAsset(_ order: SimulatedOrder) -> Asset {
        let instrument = instruments[order.symbol]
        return (order.side == .buy ? instrument?.quote : instrument?.base) ?? Asset(order.symbol.rawValue)
    }

    private func receivedAsset(_ order: SimulatedOrder) -> Asset {
        let instrument = instruments[order.symbol]
        return (order.side == .buy ? instrument?.base : instrument?.quote) ?? Asset(order.symbol.rawValue)
    }

    private static func cut(_ value: Decimal) -> Decimal {
        var value = value
        var result = Decimal()
        NSDecimalRound(&result, &value, feePlaces, .down)
        return result
    }
}
