import TradingModel

extension BinanceOrderRequest {
    /// Stop and target for what is held: one `oco` list, whose answer is read as that of the stop.
    ///
    /// The one above the market and the one below it have parameters of their own; the target may only rest. Source: rest-api, "New Order
    /// list - OCO", commit a5e0bc3.
    init(_ pair: ExitPair, rules: BinanceSymbolRules) throws(Refusal) {
        guard rules.takesPairs else { throw Refusal(reason: .unsupported, message: "\(pair.symbol) takes no order lists") }
        let (stopID, targetID) = (pair.id.leg(.stopLoss), pair.id.leg(.takeProfit))
        for id in [pair.id, stopID, targetID] { try Self.check(id: id) }
        guard pair.quantity.isMultiple(of: rules.instrument.lotSize) else {
            throw Refusal(reason: .invalid, message: "quantity \(pair.quantity) is not on the lot \(rules.instrument.lotSize)")
        }
        for price in [pair.stopLoss, pair.takeProfit] where !price.isMultiple(of: rules.instrument.tickSize) {
            throw Refusal(reason: .invalid, message: "price \(price) is not on the tick \(rules.instrument.tickSize)")
        }
        let (stop, target) = pair.side == .sell ? ("below", "above") : ("above", "below")
        self.init(
            clientOrderID: stopID, symbol: pair.symbol, side: pair.side, quantity: pair.quantity,
            parameters: [
                "symbol": pair.symbol.rawValue, "listClientOrderId": BinanceBroker.listID(of: pair.id), "side": pair.side.binance,
                "quantity": pair.quantity.description, target + "Type": "LIMIT_MAKER", target + "Price": pair.takeProfit.description,
                target + "ClientOrderId": targetID.rawValue, stop + "Type": "STOP_LOSS", stop + "StopPrice": pair.stopLoss.description,
                stop + "ClientOrderId": stopID.rawValue, "newOrderRespType": "FULL",
            ], path: "/api/v3/orderList/oco", legs: [targetID])
    }
}
