import SimulatorKit
import TradingModel

/// The commands on single orders.
extension BinanceEngine {
    func place(_ order: OrderRequest, _ parameters: BinanceParameters, fault: Fault?) throws(BinanceError) -> JSONValue {
        let form = try responseForm(parameters, kind: order.kind)
        // Checked again right before the engine: rest-api.md, "Timing security".
        try BinanceWindow(parameters).check(at: exchange.now)
        let events = try refusable { () throws(ExchangeRefusal) in try exchange.place(order) }
        guard let placed = events.last?.order else { throw .timedOut }
        if dialect == .usdm, parameters["reduceOnly"] == "true" { state.withLock { _ = $0.reduceOnly.insert(placed.id) } }
        if fault?.action == .surfaceLate {
            let until = clock.monotonic + (fault?.duration(default: .seconds(1)) ?? .zero)
            state.withLock { $0.hiddenUntil[placed.id] = until }
        }
        let trades = events.compactMap { event -> SimulatedTrade? in if case .traded(let trade) = event.kind { trade } else { nil } }
        return told(placed, asPlaced: form, trades: trades)
    }

    /// The exchange's refusals in the venue's words.
    func refusable<Value>(_ body: () throws(ExchangeRefusal) -> Value) throws(BinanceError) -> Value {
        do throws(ExchangeRefusal) { return try body() } catch {
            switch error {
            case .unknownSymbol: throw .invalidSymbol
            case .insufficientFunds: throw .insufficientBalance
            case .duplicateClientOrderID: throw .duplicateOrder
            case .wouldTakeLiquidity: throw .wouldTake
            case .wouldTriggerImmediately: throw .wouldTrigger
            case .invalidRequest(let message): throw BinanceError(-2010, message)
            case .noPrice, .noSuchOpenOrder, .notWorking: throw BinanceError(-2010, "Market is closed.")
            }
        }
    }

    func cancel(_ parameters: BinanceParameters, account: String) throws(BinanceError) -> JSONValue {
        let symbol = try symbol(parameters)
        let cancelID = try parameters.clientID("newClientOrderId") ?? mintedID()
        let target = try target(parameters, symbol: symbol, account: account)
        try checkRestrictions(parameters, target)
        try BinanceWindow(parameters).check(at: exchange.now)
        return try cancel(target, cancelID: cancelID)
    }

    func cancelAll(_ parameters: BinanceParameters, account: String) throws(BinanceError) -> JSONValue {
        let symbol = try symbol(parameters)
        let open = exchange.read { core in core.openOrders(account: account, symbol: symbol) }
        guard !open.isEmpty || dialect == .usdm else { throw .unknownOrder }
        var cancelled: [JSONValue] = []
        for order in open {
            // An order may be gone with the list of one before it.
            if let reply = try? cancel(order, cancelID: mintedID()) { cancelled.append(reply) }
        }
        return dialect == .usdm ? .object(["code": 200, "msg": "The operation of cancel all open order is done."]) : .array(cancelled)
    }

    /// Ends the old order and places a new one: two steps, of which the second may fail. Source: rest-api.md, "Cancel an
    /// Existing Order and Send a New Order".
    func cancelReplace(_ parameters: BinanceParameters, account: String) throws(BinanceError) -> JSONValue {
        let mode = try parameters.required("cancelReplaceMode")
        guard mode == "STOP_ON_FAILURE" || mode == "ALLOW_FAILURE" else {
            throw .illegal("cancelReplaceMode", legal: "STOP_ON_FAILURE, ALLOW_FAILURE")
        }
        let symbol = try symbol(parameters)
        let order = try newOrder(parameters, account: account)
        let cancelID = try parameters.clientID("cancelNewClientOrderId") ?? mintedID()
        let names = ["cancelOrderId": "orderId", "cancelOrigClientOrderId": "origClientOrderId", "cancelRestrictions": "cancelRestrictions"]
        let old = BinanceParameters(parameters.all.compactMap { pair in names[pair.name].map { ($0, pair.value) } })
        try BinanceWindow(parameters).check(at: exchange.now)
        let cancelled = Result { () throws(BinanceError) in
            let target = try target(old, symbol: symbol, account: account)
            try checkRestrictions(old, target)
            return try cancel(target, cancelID: cancelID)
        }
        guard mode == "ALLOW_FAILURE" || cancelled.isSuccess else {
            throw .cancelReplaceFailed(cancel: cancelled, new: nil)
        }
        let placed = Result { () throws(BinanceError) in try place(order, parameters, fault: nil) }
        guard case .success(let cancelReply) = cancelled, case .success(let newReply) = placed else {
            throw .cancelReplaceFailed(cancel: cancelled, new: placed)
        }
        return .object([
            "cancelResult": "SUCCESS", "newOrderResult": "SUCCESS", "cancelResponse": cancelReply, "newOrderResponse": newReply,
        ])
    }

    /// Lowers an order's quantity; it keeps its id and its place. Source: rest-api.md, "Order Amend Keep Priority".
    func amend(_ parameters: BinanceParameters, account: String) throws(BinanceError) -> JSONValue {
        let symbol = try symbol(parameters)
        guard let quantity: Quantity = try parameters.decimal("newQty") else { throw .missing("newQty") }
        let target = try order(parameters, symbol: symbol, account: account)
        guard !target.status.isTerminal, let market = markets[symbol] else { throw .noSuchOrder }
        guard quantity <= target.quantity else { throw BinanceError(-2038, "Order amend (quantity increase) is not supported.") }
        guard quantity < target.quantity else { throw BinanceError(-2038, "The requested action would change no state; rejecting.") }
        // The engine would mint another id here if none is sent; this one keeps what the order has or takes the one that is sent.
        let id = try parameters.clientID("newClientOrderId") ?? mintedID()
        guard id == target.clientOrderID else { throw BinanceError(-2038, "This simulator keeps the client order id of an amended order.") }
        guard quantity >= market.instrument.minimumQuantity, quantity.isMultiple(of: market.instrument.lotSize) else { throw .filter("LOT_SIZE") }
        try BinanceWindow(parameters).check(at: exchange.now)
        let amended: SimulatedOrder
        if quantity <= target.filledQuantity {
            // Nothing would be left open.
            _ = try cancel(target, cancelID: mintedID())
            amended = exchange.read { core in core.order(target.id) } ?? target
        } else {
            _ = try refusable { () throws(ExchangeRefusal) in try exchange.reduce(target.id, account: account, to: quantity) }
            amended = exchange.read { core in core.order(target.id) } ?? target
        }
        return .object([
            "transactTime": .milliseconds(exchange.now), "executionId": .integer(exchange.read { core in core.lastExecutionID }),
            "amendedOrder": amended.amended(from: target.clientOrderID),
        ])
    }

    private func target(_ parameters: BinanceParameters, symbol: Symbol, account: String) throws(BinanceError) -> SimulatedOrder {
        do throws(BinanceError) { return try order(parameters, symbol: symbol, account: account) } catch {
            // A cancel of what does not exist and one of what is closed read alike; a missing parameter does not.
            throw error.code == -2013 ? .unknownOrder : error
        }
    }

    /// A member of a list takes the whole list with it, and the answer then is the list.
    private func cancel(_ order: SimulatedOrder, cancelID: String) throws(BinanceError) -> JSONValue {
        guard !order.status.isTerminal else { throw .unknownOrder }
        if let list = exchange.read({ core in order.listID.flatMap { core.list($0) } }) {
            return try cancel(list, account: order.account, cancelID: cancelID)
        }
        do throws(ExchangeRefusal) {
            let cancelled = try exchange.cancel(order.id, account: order.account, cancelID: cancelID).order
            return decorated(words.cancelled(cancelled, cancelID: cancelID), cancelled)
        } catch {
            throw .unknownOrder
        }
    }

    private func checkRestrictions(_ parameters: BinanceParameters, _ order: SimulatedOrder) throws(BinanceError) {
        guard let text = parameters["cancelRestrictions"] else { return }
        let wanted: VenueOrderStatus
        switch text {
        case "ONLY_NEW": wanted = .accepted
        case "ONLY_PARTIALLY_FILLED": wanted = .partiallyFilled
        default: throw BinanceError(-1145, "Invalid cancelRestrictions")
        }
        guard order.status.isTerminal || order.status == wanted else {
            throw BinanceError(-2011, "Order was not canceled due to cancel restrictions.")
        }
    }
}

extension Result {
    fileprivate var isSuccess: Bool { if case .success = self { true } else { false } }
}
