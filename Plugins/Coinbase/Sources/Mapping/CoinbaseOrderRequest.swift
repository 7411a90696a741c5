import BrokerContract
import ExchangeContract
import TradingModel

/// The wire form of one new order, and the test whether an order of the venue is this one.
struct CoinbaseOrderRequest: Sendable {
    /// Why an order is not sent at all.
    struct Refusal: Error, Equatable {
        let reason: NotSentReason
        let message: String
    }

    struct Body: Encodable, Sendable {
        let client_order_id: String
        let product_id: String
        let side: String
        let order_configuration: [String: CoinbaseOrderTerms]
        let attached_order_configuration: [String: CoinbaseOrderTerms]?
        let retail_portfolio_id: String?
    }

    let clientOrderID: ClientOrderID
    let product: CoinbaseProduct
    let side: Side
    /// The venue's key of the configuration.
    let kind: String
    let terms: CoinbaseOrderTerms
    let attached: CoinbaseOrderTerms?

    var symbol: Symbol { product.instrument.symbol }

    init(_ order: NewOrder, product: CoinbaseProduct) throws(Refusal) {
        try Self.check(id: order.clientOrderID)
        (kind, terms) = try Self.configuration(of: order)
        guard product.instrument.orderTypes.contains(order.type), !product.isPostOnly || order.postOnly else {
            throw Refusal(reason: .unsupported, message: "\(order.symbol) takes no such orders now")
        }
        try Self.check(order, against: product.instrument)
        attached = try Self.bracket(of: order, tick: product.instrument.tickSize)
        clientOrderID = order.clientOrderID
        self.product = product
        side = order.side
    }

    init(_ order: QuoteSizedOrder, product: CoinbaseProduct) throws(Refusal) {
        try Self.check(id: order.clientOrderID)
        guard product.instrument.orderTypes.contains(.market) else {
            throw Refusal(reason: .unsupported, message: "\(order.symbol) takes no market orders now")
        }
        // The venue's market orders to sell are sized in base only. Source: docs.cdp.coinbase.com, "Create Order", read 2026-11-21.
        guard order.side == .buy else { throw Refusal(reason: .unsupported, message: "a market sell cannot be sized in quote currency") }
        guard order.notional.isMultiple(of: product.quoteIncrement) else {
            throw Refusal(reason: .invalid, message: "\(order.notional) is not on the step \(product.quoteIncrement)")
        }
        clientOrderID = order.clientOrderID
        self.product = product
        side = order.side
        kind = "market_market_ioc"
        terms = CoinbaseOrderTerms(quote_size: order.notional.description)
        attached = nil
    }

    func body(portfolio: String?) -> Body {
        Body(
            client_order_id: clientOrderID.rawValue, product_id: symbol.rawValue, side: side.coinbase,
            order_configuration: [kind: terms], attached_order_configuration: attached.map { ["trigger_bracket_gtc": $0] },
            retail_portfolio_id: portfolio)
    }

    /// What of the venue's order is not as it was asked for; nil if it is this order.
    func contradiction(in order: CoinbaseOrderReply) throws -> String? {
        guard order.client_order_id.lowercased() == clientOrderID.rawValue else { return "another client order id" }
        guard try Side(coinbase: order.side) == side else { return "another side" }
        guard product.names.contains(Symbol(order.product_id)) else { return "another product, \(order.product_id)" }
        guard let configuration = order.order_configuration else { throw CoinbaseMappingError("the order's configuration is missing") }
        guard let told = configuration[kind] else { return "another kind of order, \(configuration.keys.sorted().joined(separator: ","))" }
        return try terms.difference(to: told)
    }

    private static func check(id: ClientOrderID) throws(Refusal) {
        guard CoinbaseDialect.clientOrderIDRules.accepts(id) else {
            throw Refusal(reason: .invalid, message: "the client order id \(id) is not a UUID in lower case")
        }
    }

    /// A market order's rest is dropped by the venue, so it is honest as `gtc` or `ioc` only; there is no `day`.
    private static func configuration(of order: NewOrder) throws(Refusal) -> (String, CoinbaseOrderTerms) {
        guard !order.reduceOnly else { throw Refusal(reason: .unsupported, message: "spot orders cannot be reduce-only") }
        guard !order.postOnly || (order.type == .limit && [.gtc, .gtd].contains(order.timeInForce)) else {
            throw Refusal(reason: .unsupported, message: "post-only needs a limit order with gtc or gtd")
        }
        var terms = CoinbaseOrderTerms(
            base_size: order.quantity.description, limit_price: order.limitPrice?.description, stop_price: order.stopPrice?.description,
            end_time: order.goodTill?.description)
        switch (order.type, order.timeInForce) {
        case (.market, .gtc), (.market, .ioc): return ("market_market_ioc", terms)
        case (.limit, .gtc):
            terms.post_only = order.postOnly
            return ("limit_limit_gtc", terms)
        case (.limit, .gtd):
            terms.post_only = order.postOnly
            return ("limit_limit_gtd", terms)
        case (.limit, .ioc): return ("sor_limit_ioc", terms)
        case (.limit, .fok): return ("limit_limit_fok", terms)
        case (.stopLimit, .gtc), (.stopLimit, .gtd):
            // Up fires at or above the stop price, down at or below it.
            terms.stop_direction = order.side == .buy ? "STOP_DIRECTION_STOP_UP" : "STOP_DIRECTION_STOP_DOWN"
            return (order.timeInForce == .gtc ? "stop_limit_stop_limit_gtc" : "stop_limit_stop_limit_gtd", terms)
        default:
            throw Refusal(reason: .unsupported, message: "\(order.type.rawValue) orders cannot be \(order.timeInForce.rawValue)")
        }
    }

    /// The venue attaches a target and a stop together, to an entry that is a market or a limit order.
    private static func bracket(of order: NewOrder, tick: Price) throws(Refusal) -> CoinbaseOrderTerms? {
        guard let bracket = order.bracket else { return nil }
        guard let stopLoss = bracket.stopLoss, let takeProfit = bracket.takeProfit else {
            throw Refusal(reason: .unsupported, message: "an attached bracket needs both a stop loss and a take profit")
        }
        guard order.type != .stopLimit else {
            throw Refusal(reason: .unsupported, message: "a bracket can be attached to market and limit orders")
        }
        guard stopLoss.isMultiple(of: tick), takeProfit.isMultiple(of: tick) else {
            throw Refusal(reason: .invalid, message: "the bracket's prices are not on the tick \(tick)")
        }
        return CoinbaseOrderTerms(limit_price: takeProfit.description, stop_trigger_price: stopLoss.description)
    }

    private static func check(_ order: NewOrder, against instrument: Instrument) throws(Refusal) {
        guard order.quantity.isMultiple(of: instrument.lotSize) else {
            throw Refusal(reason: .invalid, message: "quantity \(order.quantity) is not on the lot \(instrument.lotSize)")
        }
        for price in [order.limitPrice, order.stopPrice].compactMap({ $0 }) where !price.isMultiple(of: instrument.tickSize) {
            throw Refusal(reason: .invalid, message: "price \(price) is not on the tick \(instrument.tickSize)")
        }
    }
}

extension CoinbaseOrderTerms {
    /// The first term that differs, amounts compared as numbers.
    func difference(to told: CoinbaseOrderTerms) throws -> String? {
        let amounts: [(String, KeyPath<CoinbaseOrderTerms, String?>)] = [
            ("base_size", \.base_size), ("quote_size", \.quote_size), ("limit_price", \.limit_price), ("stop_price", \.stop_price),
        ]
        for (name, path) in amounts {
            let asked = try self[keyPath: path].told.map { try Quantity($0) }
            let answered = try told[keyPath: path].told.map { try Quantity($0) }
            if asked != answered { return "another \(name), \(told[keyPath: path] ?? "none")" }
        }
        if stop_direction.told != told.stop_direction.told { return "another stop_direction" }
        if (post_only ?? false) != (told.post_only ?? false) { return "another post_only" }
        guard let asked = end_time.flatMap({ Timestamp(rfc3339: $0) }) else { return nil }
        // The venue may keep whole seconds.
        guard let answered = told.end_time.flatMap({ Timestamp(rfc3339: $0) }),
            abs(asked.milliseconds - answered.milliseconds) < 1000
        else { return "another end_time" }
        return nil
    }
}
