import TradingModel

extension ExchangeCore {
    public func list(_ id: Int64) -> SimulatedList? { id > 0 && id <= lists.count ? lists[Int(id) - 1] : nil }

    /// The newest list of the account with this client id.
    public func list(_ clientListID: String, account: String) -> SimulatedList? {
        lists.last { $0.clientListID == clientListID && $0.account == account }
    }

    /// Takes a list. Nothing has changed when it throws.
    ///
    /// What a pending order may cost is reserved when it enters the market, and for a pair only once: at the first of the two.
    public mutating func place(_ request: OrderListRequest, at now: Timestamp) throws(ExchangeRefusal) -> [ExchangeEvent] {
        let parts = [request.working].compactMap { $0 } + request.pending
        guard let first = parts.first, (1...2).contains(request.pending.count), request.working != nil || request.pending.count == 2 else {
            throw .invalidRequest("a list is a working order with one or two others, or a pair")
        }
        guard Set(parts.map(\.clientOrderID)).count == parts.count, parts.allSatisfy({ $0.symbol == first.symbol && $0.account == first.account })
        else { throw .invalidRequest("the orders of a list have one symbol and ids of their own") }
        var trial = self
        let events = try trial.placeList(request, parts, at: now)
        self = trial
        return events
    }

    private mutating func placeList(
        _ request: OrderListRequest, _ parts: [OrderRequest], at now: Timestamp
    ) throws(ExchangeRefusal) -> [ExchangeEvent] {
        let id = Int64(lists.count) + 1
        let firstID = Int64(orders.count) + 1
        lists.append(
            SimulatedList(
                id: id, clientListID: request.clientListID, account: parts[0].account, symbol: parts[0].symbol,
                workingOrderID: request.working == nil ? nil : firstID, memberIDs: parts.indices.map { firstID + Int64($0) }, acceptedAt: now))
        openLists.insert(id)
        var events: [ExchangeEvent] = []
        if let working = request.working { events += [try add(working, list: id, at: now)] }
        for pending in request.pending { events += [try addPending(pending, list: id, at: now)] }
        if request.working == nil {
            let ids = request.pending.indices.map { firstID + Int64($0) }
            let arePlaceable = ids.compactMap { order($0) }.allSatisfy { isPlaceable($0) }
            guard enterMarket(ids, at: now, into: &events) else { throw arePlaceable ? .insufficientFunds : .wouldTriggerImmediately }
        } else if order(firstID)?.isWorking == true {
            work(firstID, at: now, into: &events)
        }
        settleLists(at: now, into: &events)
        return events
    }

    /// Cancels all that is open of a list.
    public mutating func cancelList(
        _ id: Int64, account: String, cancelID: String? = nil, at now: Timestamp
    ) throws(ExchangeRefusal) -> [ExchangeEvent] {
        guard let list = list(id), list.account == account, !list.isDone else { throw .noSuchOpenOrder }
        var events: [ExchangeEvent] = []
        for member in list.memberIDs where order(member)?.status.isTerminal == false {
            end(member, .cancelled, .byRequest, at: now)
            events.append(event(.cancelled(cancelID: cancelID), member, at: now))
        }
        settleLists(at: now, into: &events)
        return events
    }

    /// Cancels one open order of the account, and of its list what cannot stay without it: all that waits behind a working order, or the
    /// other one of a pair. Its own event is the first.
    public mutating func cancelMember(
        _ id: Int64, account: String, cancelID: String? = nil, at now: Timestamp
    ) throws(ExchangeRefusal) -> [ExchangeEvent] {
        var events = [try cancel(id, account: account, cancelID: cancelID, at: now)]
        if let list = events[0].order.listID.flatMap(list), list.workingOrderID != id {
            endAll(list.memberIDs.filter { $0 != list.workingOrderID }, .cancelled, .byRequest, at: now, into: &events)
        }
        settleLists(at: now, into: &events)
        return events
    }

    // MARK: What one member does to the others

    /// Ends the other order of a pair, because this one starts to trade.
    mutating func endSibling(of id: Int64, at now: Timestamp, into events: inout [ExchangeEvent]) {
        guard let order = order(id), let list = order.listID.flatMap(list), id != list.workingOrderID else { return }
        for other in list.memberIDs where other != id && other != list.workingOrderID && self.order(other)?.status.isTerminal == false {
            end(other, .expired, .pairTriggered, at: now)
            events.append(event(.expired(.pairTriggered), other, at: now))
        }
        // The pair's money was reserved at one of the two.
        reserve(id)
    }

    /// Follows up what has happened to members until nothing more follows from it.
    mutating func settleLists(at now: Timestamp, into events: inout [ExchangeEvent]) {
        for id in openLists.sorted() {
            guard let list = list(id) else { continue }
            settle(list, at: now, into: &events)
            if list.memberIDs.allSatisfy({ order($0)?.status.isTerminal ?? true }) {
                lists[Int(id) - 1].isDone = true
                openLists.remove(id)
            }
        }
        for index in events.indices where events[index].list != nil { events[index].list = events[index].order.listID.flatMap(self.list) }
    }

    private mutating func settle(_ list: SimulatedList, at now: Timestamp, into events: inout [ExchangeEvent]) {
        let others = list.memberIDs.filter { $0 != list.workingOrderID }
        if let working = list.workingOrderID.flatMap(order), others.contains(where: { order($0)?.status == .pendingNew }) {
            guard working.status.isTerminal else { return }
            let isCovered = settings.pendingFollowsFills ? fit(others, to: working) : working.status == .filled
            guard !isCovered else {
                _ = enterMarket(others, at: now, into: &events)
                return
            }
            let isCancel = working.status == .cancelled
            return endAll(others, isCancel ? .cancelled : .expired, isCancel ? .byRequest : .workingOrderEnded, at: now, into: &events)
        }
        // A leg that was cancelled by itself takes the other with it.
        guard others.count == 2, others.contains(where: { order($0)?.status == .cancelled }) else { return }
        endAll(others, .cancelled, .byRequest, at: now, into: &events)
    }

    /// Gives the orders the quantity that closes what the working order filled; false if that is nothing.
    private mutating func fit(_ ids: [Int64], to working: SimulatedOrder) -> Bool {
        guard let instrument = instruments[working.symbol] else { return false }
        var quantity = working.filledQuantity
        if working.side == .buy {
            for trade in trades(of: working.id) where trade.feeAsset == instrument.base { quantity -= Quantity(trade.fee.value) }
        }
        quantity = quantity.rounded(.down, to: instrument.lotSize)
        guard quantity > 0 else { return false }
        for id in ids { orders[Int(id) - 1].quantity = quantity }
        return true
    }

    /// Brings one pending order, or a pair, into the market. If the market does not take one, none of them stays.
    private mutating func enterMarket(_ ids: [Int64], at now: Timestamp, into events: inout [ExchangeEvent]) -> Bool {
        for id in ids {
            guard let order = order(id), isPlaceable(order), id != ids.first || reserve(id) else {
                end(id, .expired, .rejectedOnTrigger, at: now)
                events.append(event(.expired(.rejectedOnTrigger), id, at: now))
                endAll(ids, .expired, .pairTriggered, at: now, into: &events)
                return false
            }
            orders[Int(id) - 1].status = .accepted
            orders[Int(id) - 1].updatedAt = now
            guard !order.kind.isConditional else { continue }
            orders[Int(id) - 1].isWorking = true
            orders[Int(id) - 1].workingAt = now
        }
        for id in ids { events.append(event(.entered, id, at: now)) }
        for id in ids where order(id)?.isWorking == true { work(id, at: now, into: &events) }
        return true
    }

    private func isPlaceable(_ order: SimulatedOrder) -> Bool {
        guard let price = prices[order.symbol] else { return false }
        if order.kind == .limitMaker, let limit = order.limitPrice { return !crosses(order.side, limit: limit, price: price) }
        guard order.kind.isConditional, let stop = order.stopPrice else { return true }
        return !isTriggered(order.kind, order.side, stop: stop, price: price)
    }

    private mutating func endAll(
        _ ids: [Int64], _ status: VenueOrderStatus, _ ending: SimulatedOrder.Ending, at now: Timestamp, into events: inout [ExchangeEvent]
    ) {
        for id in ids where order(id)?.status.isTerminal == false {
            end(id, status, ending, at: now)
            events.append(event(status == .cancelled ? .cancelled(cancelID: nil) : .expired(ending), id, at: now))
        }
    }

    /// Reserves what the order may still cost; false if that is not there.
    @discardableResult
    private mutating func reserve(_ id: Int64) -> Bool {
        guard let order = order(id), let price = prices[order.symbol] else { return false }
        let unit = order.limitPrice ?? order.stopPrice ?? price
        let needed = order.side == .buy ? buyReservation(order.openQuantity, at: unit) : order.openQuantity
        let asset = givenAsset(order)
        let more = needed - order.reserved
        guard more > 0 else { return true }
        guard balance(order.account, asset).free >= more else { return false }
        change(order.account, asset) {
            $0.free -= more
            $0.locked += more
        }
        orders[Int(id) - 1].reserved = needed
        return true
    }
}
