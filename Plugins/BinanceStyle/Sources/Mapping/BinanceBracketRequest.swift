import TradingModel

/// An entry with its stop and target as one list: `otoco`, or `oto` where only one of the two is given.
///
/// The venue keeps the others out of the market until the entry has filled wholly, then they are a pair of which one ends the
/// other. Source: rest-api, "New Order list - OTO" and "- OTOCO", commit a5e0bc3.
struct BinanceBracketRequest {
    let path: String
    let parameters: BinanceParameters
    let legs: [ClientOrderID]

    /// - Parameter type: The venue's word for the entry's type.
    init(_ order: NewOrder, _ bracket: Bracket, type: String, rules: BinanceSymbolRules) throws(BinanceOrderRequest.Refusal) {
        guard let entryPrice = order.limitPrice, type == "LIMIT" || type == "LIMIT_MAKER" else {
            throw .init(reason: .unsupported, message: "the venue takes a bracket with a limit entry only")
        }
        let isPair = bracket.stopLoss != nil && bracket.takeProfit != nil
        guard rules.takesAttached, !isPair || rules.takesPairs else {
            throw .init(reason: .unsupported, message: "\(order.symbol) takes no order lists")
        }
        let (low, high) = order.side == .buy ? (bracket.stopLoss, bracket.takeProfit) : (bracket.takeProfit, bracket.stopLoss)
        guard low != nil || high != nil else { throw .init(reason: .invalid, message: "a bracket needs a stop or a target") }
        guard low.map({ $0 < entryPrice }) ?? true, high.map({ $0 > entryPrice }) ?? true else {
            throw .init(reason: .invalid, message: "stop and target must lie on either side of the entry's price")
        }
        let (stopID, targetID) = (order.clientOrderID.leg(.stopLoss), order.clientOrderID.leg(.takeProfit))
        var parameters: BinanceParameters = [
            "symbol": order.symbol.rawValue, "listClientOrderId": BinanceBroker.listID(of: order.clientOrderID), "workingType": type,
            "workingSide": order.side.binance,
        ]
        if type == "LIMIT" { parameters.add("workingTimeInForce", order.timeInForce.rawValue.uppercased()) }
        parameters.add("workingQuantity", order.quantity.description)
        parameters.add("workingPrice", entryPrice.description)
        parameters.add("workingClientOrderId", order.clientOrderID.rawValue)
        parameters.add("pendingSide", order.side.opposite.binance)
        parameters.add("pendingQuantity", order.quantity.description)
        var legs: [ClientOrderID] = []
        if let stop = bracket.stopLoss {
            try BinanceOrderRequest.check(id: stopID)
            let name = isPair ? order.side == .buy ? "pendingBelow" : "pendingAbove" : "pending"
            parameters.add(name + "Type", "STOP_LOSS")
            parameters.add(name + "StopPrice", stop.description)
            parameters.add(name + "ClientOrderId", stopID.rawValue)
            legs.append(stopID)
        }
        if let target = bracket.takeProfit {
            try BinanceOrderRequest.check(id: targetID)
            let name = isPair ? order.side == .buy ? "pendingAbove" : "pendingBelow" : "pending"
            // In a pair the venue takes a target only as one that rests.
            parameters.add(name + "Type", isPair ? "LIMIT_MAKER" : "LIMIT")
            if !isPair { parameters.add(name + "TimeInForce", "GTC") }
            parameters.add(name + "Price", target.description)
            parameters.add(name + "ClientOrderId", targetID.rawValue)
            legs.append(targetID)
        }
        parameters.add("newOrderRespType", "FULL")
        path = isPair ? "/api/v3/orderList/otoco" : "/api/v3/orderList/oto"
        self.parameters = parameters
        self.legs = legs
    }
}
