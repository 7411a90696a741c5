import BrokerContract
import ExchangeContract
import TradingModel

/// The wire parameters of one new order, without time and signature.
struct BinanceOrderRequest: Sendable {
    /// Why an order is not sent at all.
    struct Refusal: Error, Equatable {
        let reason: NotSentReason
        let message: String
    }

    let clientOrderID: ClientOrderID
    let symbol: Symbol
    let side: Side
    /// Absent for an order by quote amount.
    let quantity: Quantity?
    let parameters: BinanceParameters
    let path: String
    /// The protective orders that go with it, by their ids.
    let legs: [ClientOrderID]

    init(_ order: NewOrder, rules: BinanceSymbolRules) throws(Refusal) {
        let instrument = rules.instrument
        try Self.check(id: order.clientOrderID)
        let type = try Self.venueType(of: order)
        guard instrument.orderTypes.contains(order.type) else {
            throw Refusal(reason: .unsupported, message: "\(order.symbol) takes no \(order.type.rawValue) orders")
        }
        try Self.check(order, against: instrument)
        clientOrderID = order.clientOrderID
        symbol = order.symbol
        side = order.side
        quantity = order.quantity
        if let bracket = order.bracket {
            let list = try BinanceBracketRequest(order, bracket, type: type, rules: rules)
            (path, parameters, legs) = (list.path, list.parameters, list.legs)
            return
        }
        (path, legs) = (Self.orderPath, [])
        var parameters: BinanceParameters = [
            "symbol": order.symbol.rawValue, "side": order.side.binance, "type": type,
        ]
        if type == "LIMIT" || type == "STOP_LOSS_LIMIT" { parameters.add("timeInForce", order.timeInForce.rawValue.uppercased()) }
        parameters.add("quantity", order.quantity.description)
        parameters.add("price", order.limitPrice?.description)
        parameters.add("stopPrice", order.stopPrice?.description)
        parameters.add("newClientOrderId", order.clientOrderID.rawValue)
        parameters.add("newOrderRespType", "FULL")
        self.parameters = parameters
    }

    init(
        clientOrderID: ClientOrderID, symbol: Symbol, side: Side, quantity: Quantity?, parameters: BinanceParameters, path: String,
        legs: [ClientOrderID]
    ) {
        self.clientOrderID = clientOrderID
        self.symbol = symbol
        self.side = side
        self.quantity = quantity
        self.parameters = parameters
        self.path = path
        self.legs = legs
    }

    init(_ order: QuoteSizedOrder) throws(Refusal) {
        try Self.check(id: order.clientOrderID)
        clientOrderID = order.clientOrderID
        symbol = order.symbol
        side = order.side
        quantity = nil
        (path, legs) = (Self.orderPath, [])
        parameters = [
            "symbol": order.symbol.rawValue, "side": order.side.binance, "type": "MARKET",
            "quoteOrderQty": order.notional.description, "newClientOrderId": order.clientOrderID.rawValue, "newOrderRespType": "FULL",
        ]
    }

    private static let orderPath = "/api/v3/order"

    static func check(id: ClientOrderID) throws(Refusal) {
        guard BinanceDialect.clientOrderIDRules.accepts(id) else {
            throw Refusal(reason: .invalid, message: "the venue does not take the client order id \(id)")
        }
    }

    /// A market order's rest is dropped by the venue, so it is honest as `gtc` or `ioc` only; `day` and `gtd` do not exist.
    private static func venueType(of order: NewOrder) throws(Refusal) -> String {
        guard !order.reduceOnly else { throw Refusal(reason: .unsupported, message: "Binance spot has no reduce-only orders") }
        guard !order.postOnly || (order.type == .limit && order.timeInForce == .gtc) else {
            throw Refusal(reason: .unsupported, message: "post-only needs a limit order with gtc")
        }
        let (type, times): (String, Set<TimeInForce>)
        switch order.type {
        case .market: (type, times) = ("MARKET", [.gtc, .ioc])
        case .limit: (type, times) = (order.postOnly ? "LIMIT_MAKER" : "LIMIT", [.gtc, .ioc, .fok])
        case .stop: (type, times) = ("STOP_LOSS", [.gtc])
        case .stopLimit: (type, times) = ("STOP_LOSS_LIMIT", [.gtc, .ioc, .fok])
        case .trailingStop: throw Refusal(reason: .unsupported, message: "trailing stops are not supported")
        }
        guard times.contains(order.timeInForce) else {
            throw Refusal(reason: .unsupported, message: "\(order.type.rawValue) orders cannot be \(order.timeInForce.rawValue)")
        }
        return type
    }

    static func check(_ order: NewOrder, against instrument: Instrument) throws(Refusal) {
        let lots = order.type == .market ? [instrument.lotSize, instrument.marketLotSize] : [instrument.lotSize]
        guard lots.allSatisfy({ order.quantity.isMultiple(of: $0) }) else {
            throw Refusal(reason: .invalid, message: "quantity \(order.quantity) is not on the lot \(instrument.lotSize)")
        }
        for price in [order.limitPrice, order.stopPrice, order.bracket?.stopLoss, order.bracket?.takeProfit].compactMap({ $0 }) where !price.isMultiple(of: instrument.tickSize) {
            throw Refusal(reason: .invalid, message: "price \(price) is not on the tick \(instrument.tickSize)")
        }
    }
}
