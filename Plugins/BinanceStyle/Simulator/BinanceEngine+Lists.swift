import SimulatorKit
import TradingModel

extension BinanceEngine {
    func placeList(_ operation: BinanceOperation, _ parameters: BinanceParameters, account: String) throws(BinanceError) -> JSONValue {
        let symbol = try symbol(parameters)
        let listID = try parameters.clientID("listClientOrderId") ?? mintedID()
        let request = OrderListRequest(
            clientListID: listID, working: operation == .placeOCO ? nil : try working(parameters, account: account),
            pending: try pending(operation, parameters, account: account))
        let isUsed = exchange.read { core in core.list(listID, account: account).map { !$0.isDone } ?? false }
        guard !isUsed else { throw .duplicateOrder }
        if request.pending.count == 2 { try checkPair(request.pending[0], request.pending[1], isPlacedNow: operation == .placeOCO, symbol: symbol) }
        let form = try responseForm(parameters, kind: .limit)
        try BinanceWindow(parameters).check(at: exchange.now)
        let events = try refusable { () throws(ExchangeRefusal) in try exchange.place(request) }
        guard let list = events.last?.list else { throw .timedOut }
        // Of the orders behind the working one the answer tells how they were taken, even if they are in the market by now.
        let reports = list.memberIDs.compactMap { id -> JSONValue? in
            let isPending = list.workingOrderID != nil && id != list.workingOrderID
            let own = events.filter { $0.order.id == id }
            guard let order = isPending ? own.first?.order : own.last?.order else { return nil }
            let trades = own.compactMap { event -> SimulatedTrade? in if case .traded(let trade) = event.kind { trade } else { nil } }
            return order.placed(form, trades: isPending ? [] : trades)
        }
        return listJSON(list, status: "EXEC_STARTED").adding(["orderReports": .array(reports)])
    }

    func cancelList(_ parameters: BinanceParameters, account: String) throws(BinanceError) -> JSONValue {
        _ = try symbol(parameters)
        let cancelID = try parameters.clientID("newClientOrderId") ?? mintedID()
        let list = try findList(parameters, name: "listClientOrderId", account: account, absent: .unknownOrder)
        try BinanceWindow(parameters).check(at: exchange.now)
        return try cancel(list, account: account, cancelID: cancelID)
    }

    /// Cancels all of a list; what is left of it is told order by order.
    func cancel(_ list: SimulatedList, account: String, cancelID: String) throws(BinanceError) -> JSONValue {
        let events: [ExchangeEvent]
        do throws(ExchangeRefusal) { events = try exchange.cancelList(list.id, account: account, cancelID: cancelID) } catch { throw .unknownOrder }
        guard let done = events.last?.list else { throw .unknownOrder }
        let reports = events.map { $0.order.cancelled(cancelID: cancelID) }
        return listJSON(done, status: "ALL_DONE").adding(["orderReports": .array(reports)])
    }

    func queryList(_ parameters: BinanceParameters, account: String) throws(BinanceError) -> JSONValue {
        listJSON(try findList(parameters, name: "origClientOrderId", account: account, absent: BinanceError(-2018, "Order list does not exist.")))
    }

    func lists(_ parameters: BinanceParameters, account: String, openOnly: Bool) throws(BinanceError) -> JSONValue {
        let range = try BinanceRange(parameters, firstID: "fromId")
        let all = exchange.read { core in
            core.lists.filter { $0.account == account && !(openOnly && $0.isDone) && range.contains(id: $0.id, at: $0.acceptedAt) }
        }
        return .array((openOnly ? all : range.cut(all)).map { listJSON($0) })
    }

    private func findList(
        _ parameters: BinanceParameters, name: String, account: String, absent: BinanceError
    ) throws(BinanceError) -> SimulatedList {
        let id = try parameters.integer("orderListId")
        let clientID = parameters[name]
        guard id != nil || clientID != nil else { throw .missing("orderListId") }
        let found = exchange.read { core in id.map { core.list($0) } ?? clientID.map { core.list($0, account: account) } ?? nil }
        guard let found, found.account == account, clientID == nil || found.clientListID == clientID else { throw absent }
        return found
    }

    /// A list as every answer begins with it. `contingencyType` of an OTOCO reads OTO.
    func listJSON(_ list: SimulatedList, status: String? = nil) -> JSONValue {
        let members = exchange.read { core in list.memberIDs.compactMap { core.order($0) } }
        return .object([
            "orderListId": .integer(list.id), "contingencyType": .string(list.binanceKind),
            "listStatusType": .string(status ?? (list.isDone ? "ALL_DONE" : "EXEC_STARTED")),
            "listOrderStatus": .string(list.isDone ? "ALL_DONE" : "EXECUTING"), "listClientOrderId": .string(list.clientListID),
            "transactionTime": .milliseconds(list.acceptedAt), "symbol": .string(list.symbol.rawValue),
            "orders": .array(members.map(\.listEntry)),
        ])
    }

    // MARK: The orders of a request

    private func working(_ parameters: BinanceParameters, account: String) throws(BinanceError) -> OrderRequest {
        let order = try newOrder(parameters.part("working", side: "workingSide", quantity: "workingQuantity"), account: account)
        guard order.kind == .limit || order.kind == .limitMaker else { throw BinanceError(-1116, "Invalid orderType.") }
        return order
    }

    private func pending(
        _ operation: BinanceOperation, _ parameters: BinanceParameters, account: String
    ) throws(BinanceError) -> [OrderRequest] {
        switch operation {
        case .placeOTO: return [try newOrder(parameters.part("pending", side: "pendingSide", quantity: "pendingQuantity"), account: account)]
        case .placeOTOCO:
            return [
                try newOrder(parameters.part("pendingAbove", side: "pendingSide", quantity: "pendingQuantity"), account: account),
                try newOrder(parameters.part("pendingBelow", side: "pendingSide", quantity: "pendingQuantity"), account: account),
            ]
        default:
            return [
                try newOrder(parameters.part("above", side: "side", quantity: "quantity"), account: account),
                try newOrder(parameters.part("below", side: "side", quantity: "quantity"), account: account),
            ]
        }
    }

    /// Source: rest-api.md, "New Order list - OCO", and errors.md, -1158 to -1199.
    private func checkPair(_ above: OrderRequest, _ below: OrderRequest, isPlacedNow: Bool, symbol: Symbol) throws(BinanceError) {
        let isStop = { (order: OrderRequest) in order.kind == .stop || order.kind == .stopLimit }
        for order in [above, below] where order.kind == .market || order.kind == .limit {
            throw BinanceError(-1158, "Order type not supported in OCO.")
        }
        if !above.kind.isConditional, !below.kind.isConditional { throw BinanceError(-1168, "At least one OCO order must be contingent.") }
        guard isStop(above) != isStop(below) else { throw BinanceError(-1158, "Order type not supported in OCO.") }
        if above.side == .sell, isStop(above) { throw BinanceError(-1197, "A stop loss order in a sell OCO must be below.") }
        if above.side == .buy, isStop(below) { throw BinanceError(-1196, "A stop loss order in a buy OCO must be above.") }
        let last = exchange.read { core in core.prices[symbol] }
        guard let high = above.activation, let low = below.activation, high > low, !isPlacedNow || last.map({ high > $0 && $0 > low }) ?? true
        else { throw BinanceError(-2010, "The relationship of the prices for the orders is not correct.") }
    }
}

extension OrderRequest {
    /// The price at which it becomes active.
    fileprivate var activation: Price? { stopPrice ?? limitPrice }
}

extension SimulatedList {
    var binanceKind: String { workingOrderID == nil ? "OCO" : "OTO" }
}

extension SimulatedOrder {
    var listEntry: JSONValue {
        .object(["symbol": .string(symbol.rawValue), "orderId": .integer(id), "clientOrderId": .string(clientOrderID)])
    }
}

extension BinanceParameters {
    /// The parameters of one order of a list, under the names that a single order has.
    fileprivate func part(_ prefix: String, side: String, quantity: String) -> BinanceParameters {
        let names = [
            "Type": "type", "Price": "price", "StopPrice": "stopPrice", "TimeInForce": "timeInForce", "ClientOrderId": "newClientOrderId",
            "IcebergQty": "icebergQty", "TrailingDelta": "trailingDelta", "PegPriceType": "pegPriceType",
        ]
        return BinanceParameters(
            all.compactMap { pair in
                switch pair.name {
                case "symbol": pair
                case side: ("side", pair.value)
                case quantity: ("quantity", pair.value)
                default: pair.name.hasPrefix(prefix) ? names[String(pair.name.dropFirst(prefix.count))].map { ($0, pair.value) } : nil
                }
            })
    }
}
