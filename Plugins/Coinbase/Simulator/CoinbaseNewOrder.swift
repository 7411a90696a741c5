import Foundation
import SimulatorKit
import TradingModel

/// The body of a new order.
struct CoinbaseNewOrder: Sendable {
    let clientOrderID: String
    let productID: String
    let side: String
    let configuration: JSONValue
    let kind: String
    let terms: JSONValue
    let attached: AttachedBracket?
    let endTime: Timestamp?

    init(_ body: JSONValue) throws(CoinbaseError) {
        func text(_ name: String) throws(CoinbaseError) -> String {
            guard let text = body[name]?.scalarText, !text.isEmpty else { throw .argument("\(name) is required") }
            return text
        }
        clientOrderID = try text("client_order_id")
        productID = try text("product_id")
        side = try text("side")
        guard let configuration = body["order_configuration"], let members = configuration.members, members.count == 1 else {
            throw .argument("exactly one order_configuration is required")
        }
        self.configuration = configuration
        kind = members[0].name
        terms = members[0].value
        endTime = terms["end_time"]?.scalarText.flatMap { Timestamp(rfc3339: $0) }
        if let bracket = body["attached_order_configuration"]?["trigger_bracket_gtc"] {
            guard let takeProfit: Price = bracket.decimal("limit_price"), let stopLoss: Price = bracket.decimal("stop_trigger_price") else {
                throw .argument("trigger_bracket_gtc needs limit_price and stop_trigger_price")
            }
            attached = AttachedBracket(takeProfit: takeProfit, stopLoss: stopLoss)
        } else {
            attached = nil
        }
    }
}

extension CoinbaseEngine {
    /// Every check that the venue makes before the engine.
    func newOrder(_ order: CoinbaseNewOrder, account: String) throws(CoinbaseRefusal) -> OrderRequest {
        guard let market = market(Symbol(order.productID)) else { throw CoinbaseRefusal("INVALID_PRODUCT_ID") }
        guard order.side == "BUY" || order.side == "SELL" else { throw CoinbaseRefusal("INVALID_SIDE") }
        var request = OrderRequest(
            account: account, clientOrderID: order.clientOrderID, symbol: market.instrument.symbol,
            side: order.side == "BUY" ? .buy : .sell, kind: .market, quantity: order.terms.decimal("base_size"),
            quoteQuantity: order.terms.decimal("quote_size"), limitPrice: order.terms.decimal("limit_price"),
            stopPrice: order.terms.decimal("stop_price"))
        switch order.kind {
        case "market_market_ioc":
            request.timeInForce = .ioc
            if request.side == .sell, request.quoteQuantity != nil { throw CoinbaseRefusal("UNSUPPORTED_ORDER_CONFIGURATION") }
        case "limit_limit_gtc", "limit_limit_gtd": request.kind = order.terms["post_only"] == true ? .limitMaker : .limit
        case "sor_limit_ioc": (request.kind, request.timeInForce) = (.limit, .ioc)
        case "limit_limit_fok": (request.kind, request.timeInForce) = (.limit, .fok)
        case "stop_limit_stop_limit_gtc", "stop_limit_stop_limit_gtd":
            let isUp = order.terms["stop_direction"] == "STOP_DIRECTION_STOP_UP"
            // A direction against the side is a take profit.
            request.kind = isUp == (request.side == .buy) ? .stopLimit : .takeProfitLimit
        default: throw CoinbaseRefusal("UNSUPPORTED_ORDER_CONFIGURATION")
        }
        if order.kind.hasSuffix("_gtd") {
            guard let end = order.endTime, end > exchange.now else { throw CoinbaseRefusal("INVALID_REQUEST", "end_time must be in the future") }
            request.timeInForce = .gtd
        }
        try check(request, market)
        return request
    }

    private func check(_ request: OrderRequest, _ market: CoinbaseMarket) throws(CoinbaseRefusal) {
        let instrument = market.instrument
        if let quantity = request.quantity {
            guard quantity.isMultiple(of: instrument.lotSize) else { throw CoinbaseRefusal("INVALID_SIZE_PRECISION") }
            guard quantity >= instrument.minimumQuantity else { throw preview("PREVIEW_INVALID_BASE_SIZE_TOO_SMALL") }
            guard quantity <= instrument.maximumQuantity else { throw preview("PREVIEW_INVALID_BASE_SIZE_TOO_LARGE") }
        }
        if let amount = request.quoteQuantity {
            guard amount.isMultiple(of: market.quoteIncrement) else { throw preview("PREVIEW_INVALID_QUOTE_SIZE_PRECISION") }
            guard amount >= instrument.minimumNotional else { throw preview("PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL") }
        }
        for price in [request.limitPrice, request.stopPrice].compactMap({ $0 }) {
            guard price.isMultiple(of: instrument.tickSize) else { throw CoinbaseRefusal("INVALID_PRICE_PRECISION") }
        }
    }

    private func preview(_ reason: String) -> CoinbaseRefusal { CoinbaseRefusal("UNKNOWN_FAILURE_REASON", preview: reason) }
}
