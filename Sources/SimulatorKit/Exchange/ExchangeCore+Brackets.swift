import Foundation
import TradingModel

/// An order that waits for its entry: it closes what the entry opens.
public struct LegRequest: Sendable, Hashable {
    public var clientOrderID: String
    /// `stop` or `stopLimit` for a stop loss, `limit` for a take profit.
    public var kind: SimulatedOrder.Kind
    public var limitPrice: Price?
    public var stopPrice: Price?

    public init(clientOrderID: String, kind: SimulatedOrder.Kind, limitPrice: Price? = nil, stopPrice: Price? = nil) {
        self.clientOrderID = clientOrderID
        self.kind = kind
        self.limitPrice = limitPrice
        self.stopPrice = stopPrice
    }
}

/// Brackets: the legs wait (`pendingNew`) until their entry ends, work if it has bought or sold something, and are cancelled if not.
/// As soon as one of them trades, or is cancelled, the other one is cancelled.
///
/// All that there is to know about it stands in the orders themselves, so that a restored history goes on as it would have.
extension ExchangeCore {
    /// Takes an entry with its legs, all or none. See ``place(_:at:)``.
    public mutating func place(_ entry: OrderRequest, legs: [LegRequest], at now: Timestamp) throws(ExchangeRefusal) -> [ExchangeEvent] {
        let requests = legs.map { leg in
            OrderRequest(
                account: entry.account, clientOrderID: leg.clientOrderID, symbol: entry.symbol, side: entry.side.opposite, kind: leg.kind,
                quantity: entry.quantity, limitPrice: leg.limitPrice, stopPrice: leg.stopPrice)
        }
        for leg in requests {
            guard (leg.kind == .limit || leg.kind == .stop || leg.kind == .stopLimit), entry.quantity != nil else {
                throw .invalidRequest("an entry with legs has a quantity, and a leg is a limit or a stop order")
            }
            try checkNew(leg)
        }
        var events = try accept(entry, at: now)
        guard let id = events.first?.order.id else { return events }
        for leg in requests { events.append(append(leg, behind: id, at: now)) }
        if order(id)?.isWorking == true { work(id, at: now, into: &events) }
        followBrackets(&events, from: 0, at: now)
        return events
    }

    /// Cancels one open order of the account, and whatever cannot live without it.
    ///
    /// - Returns: Its own event first.
    public mutating func cancelWithBracket(_ id: Int64, account: String, cancelID: String? = nil, at now: Timestamp) throws(ExchangeRefusal) -> [ExchangeEvent] {
        var events = [try cancelAlone(id, account: account, cancelID: cancelID, at: now)]
        followBrackets(&events, from: 0, at: now)
        return events
    }

    /// Does what the events from `start` on mean for entries and legs, and appends the events of that.
    mutating func followBrackets(_ events: inout [ExchangeEvent], from start: Int, at now: Timestamp) {
        guard !legsByEntry.isEmpty else { return }
        var index = start
        while index < events.count {
            let told = events[index].order
            index += 1
            guard let order = order(told.id) else { continue }
            if let parent = order.parentID {
                // Whatever ends or fills a leg ends the others.
                if order.status.isTerminal || order.filledQuantity > 0 { cancelLegs(of: parent, except: order.id, at: now, into: &events) }
            } else if legsByEntry[order.id] != nil, order.status.isTerminal {
                arm(order, at: now, into: &events)
            }
        }
    }

    /// Takes what is reserved for the other leg, so that both never count, and the other one is gone before this one trades.
    mutating func takeOver(_ id: Int64, at now: Timestamp, into events: inout [ExchangeEvent]) {
        guard let order = order(id), let parent = order.parentID else { return }
        cancelLegs(of: parent, except: id, at: now, into: &events)
        guard order.reserved.isZero else { return }
        reserve(id)
    }

    private mutating func append(_ leg: OrderRequest, behind entry: Int64, at now: Timestamp) -> ExchangeEvent {
        var order = SimulatedOrder(
            id: Int64(orders.count) + 1, account: leg.account, clientOrderID: leg.clientOrderID, symbol: leg.symbol, side: leg.side,
            kind: leg.kind, timeInForce: leg.timeInForce, quantity: leg.quantity ?? .zero, quoteQuantity: nil, limitPrice: leg.limitPrice,
            stopPrice: leg.stopPrice, status: .pendingNew, isWorking: false, acceptedAt: now, updatedAt: now)
        order.parentID = entry
        orders.append(order)
        enlist(order)
        return event(.accepted, order.id, at: now)
    }

    /// The entry has ended: its legs begin to work for what it has filled.
    private mutating func arm(_ entry: SimulatedOrder, at now: Timestamp, into events: inout [ExchangeEvent]) {
        let waiting = legsByEntry[entry.id, default: []].filter { order($0)?.status == .pendingNew }
        guard let first = waiting.first else { return }
        let quantity = closable(entry)
        guard quantity > 0 else { return cancelLegs(of: entry.id, except: nil, at: now, into: &events) }
        for id in waiting {
            let at = Int(id) - 1
            orders[at].quantity = quantity
            orders[at].status = .accepted
            orders[at].isWorking = !orders[at].kind.isConditional
            orders[at].workingAt = orders[at].isWorking ? now : nil
            orders[at].updatedAt = now
        }
        reserve(first)
        for id in waiting { events.append(event(.triggered, id, at: now)) }
        for id in waiting {
            guard let leg = order(id), !leg.status.isTerminal, let price = prices[leg.symbol] else { continue }
            if leg.isWorking {
                guard let limit = leg.limitPrice, crosses(leg.side, limit: limit, price: price) else { continue }
            } else {
                guard let stop = leg.stopPrice, isTriggered(leg.kind, leg.side, stop: stop, price: price) else { continue }
                trigger(id, at: now, into: &events)
            }
            takeOver(id, at: now, into: &events)
            work(id, at: now, into: &events)
        }
    }

    /// What the legs can close: what the entry filled, less a fee that was taken out of it, on the lot.
    private func closable(_ entry: SimulatedOrder) -> Quantity {
        var quantity = entry.filledQuantity
        guard let instrument = instruments[entry.symbol] else { return quantity }
        if entry.side == .buy {
            for trade in trades(of: entry.id) where trade.feeAsset == instrument.base { quantity -= Quantity(trade.fee.value) }
        }
        return quantity.rounded(.down, to: instrument.lotSize)
    }

    /// Locks what one leg of an armed pair may cost, as far as the account has it.
    private mutating func reserve(_ id: Int64) {
        guard let leg = order(id) else { return }
        let unit = legsByEntry[leg.parentID ?? 0, default: []].compactMap { order($0) }.compactMap { $0.limitPrice ?? $0.stopPrice }.max()
        let needed = leg.side == .buy ? buyReservation(leg.openQuantity, at: unit ?? prices[leg.symbol] ?? .zero) : leg.openQuantity
        let asset = givenAsset(leg)
        let taken = min(needed, balance(leg.account, asset).free)
        change(leg.account, asset) {
            $0.free -= taken
            $0.locked += taken
        }
        orders[Int(id) - 1].reserved = taken
    }

    private mutating func cancelLegs(of entry: Int64, except kept: Int64?, at now: Timestamp, into events: inout [ExchangeEvent]) {
        for id in legsByEntry[entry, default: []] where id != kept {
            guard let leg = order(id), !leg.status.isTerminal else { continue }
            end(id, .cancelled, .byRequest, at: now)
            events.append(event(.cancelled(cancelID: nil), id, at: now))
        }
    }
}
