import TradingModel

/// One new order of the futures dialect. Source: USD-M documentation, "New Order".
extension BinanceOrderRequest {
    init(futures order: NewOrder, rules: BinanceSymbolRules, path: String) throws(Refusal) {
        try Self.check(id: order.clientOrderID)
        let timeInForce = try Self.futuresTime(of: order)
        guard rules.instrument.orderTypes.contains(order.type) else {
            throw Refusal(reason: .unsupported, message: "\(order.symbol) takes no \(order.type.rawValue) orders")
        }
        try Self.check(order, against: rules.instrument)
        var parameters: BinanceParameters = [
            "symbol": order.symbol.rawValue, "side": order.side.binance, "type": order.type == .market ? "MARKET" : "LIMIT",
        ]
        parameters.add("timeInForce", timeInForce)
        parameters.add("quantity", order.quantity.description)
        parameters.add("price", order.limitPrice?.description)
        if order.reduceOnly { parameters.add("reduceOnly", "true") }
        parameters.add("newClientOrderId", order.clientOrderID.rawValue)
        // The reply then tells how a market order ended; with ACK it would say NEW.
        parameters.add("newOrderRespType", "RESULT")
        self.init(
            clientOrderID: order.clientOrderID, symbol: order.symbol, side: order.side, quantity: order.quantity, parameters: parameters,
            path: path, legs: [])
    }

    /// The venue's word; nil for a market order, whose rest it drops by itself.
    private static func futuresTime(of order: NewOrder) throws(Refusal) -> String? {
        guard order.bracket == nil else { throw Refusal(reason: .unsupported, message: "attached orders are not supported on futures") }
        switch (order.type, order.timeInForce) {
        case (.market, .gtc), (.market, .ioc): break
        case (.limit, .gtc): return order.postOnly ? "GTX" : "GTC"
        case (.limit, .ioc) where !order.postOnly: return "IOC"
        case (.limit, .fok) where !order.postOnly: return "FOK"
        case (.limit, _), (.market, _):
            throw Refusal(reason: .unsupported, message: "\(order.type.rawValue) orders cannot be \(order.timeInForce.rawValue)\(order.postOnly ? " and post-only" : "")")
        default: throw Refusal(reason: .unsupported, message: "\(order.type.rawValue) orders are not supported on futures")
        }
        guard !order.postOnly else { throw Refusal(reason: .unsupported, message: "post-only needs a limit order with gtc") }
        return nil
    }
}
