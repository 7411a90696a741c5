import AdapterKit
import BrokerContract
import TradingModel

/// The endpoint and the body of one new order, alone or with its bracket.
struct TradovateOrderRequest: Sendable {
    /// Why an order is not sent at all.
    struct Refusal: Error, Equatable {
        let reason: NotSentReason
        let message: String
    }

    let order: NewOrder
    let path: String
    let body: WireJSON

    init(_ order: NewOrder, listing: Listing, account: TradovateAccount) throws(Refusal) {
        let timeInForce = try Self.check(order)
        try Self.check(order, against: listing)
        self.order = order
        let alias = order.symbol == listing.name ? nil : order.symbol
        let note = OrderNote(id: order.clientOrderID, alias: alias)
        let longest = OrderNote(id: order.bracket == nil ? order.clientOrderID : order.clientOrderID.leg(.stopLoss), alias: alias)
        guard longest.text.utf8.count <= TradovateDialect.maximumText else {
            throw Refusal(reason: .invalid, message: "the symbol \(order.symbol) is too long")
        }
        var body = Self.body(order, timeInForce, note, listing: listing, account: account)
        let legs = Self.legs(of: order, alias: alias)
        for (index, leg) in legs.enumerated() { body = body.adding("bracket\(index + 1)", leg) }
        self.body = body
        path = legs.isEmpty ? "/order/placeorder" : "/order/placeoso"
    }

    /// Stop and target for what is held: the stop is the order, the target the `other` one that it is linked with. Source: OpenAPI, `placeOCO`.
    init(_ pair: ExitPair, listing: Listing, account: TradovateAccount) throws(Refusal) {
        try Self.check(pair)
        let stop: NewOrder
        do {
            stop = try NewOrder(
                clientOrderID: pair.id.leg(.stopLoss), symbol: pair.symbol, side: pair.side, type: .stop, quantity: pair.quantity,
                stopPrice: pair.stopLoss, timeInForce: .gtc)
        } catch { throw Refusal(reason: .invalid, message: "\(error)") }
        try Self.check(stop, against: listing)
        guard pair.takeProfit.isMultiple(of: listing.product.tickSize) else {
            throw Refusal(reason: .invalid, message: "price \(pair.takeProfit) is not on the tick \(listing.product.tickSize)")
        }
        let alias = pair.symbol == listing.name ? nil : pair.symbol
        let note = OrderNote(id: stop.clientOrderID, alias: alias)
        guard note.text.utf8.count <= TradovateDialect.maximumText else {
            throw Refusal(reason: .invalid, message: "the symbol \(pair.symbol) is too long")
        }
        order = stop
        path = "/order/placeoco"
        body = Self.body(stop, "GTC", note, listing: listing, account: account).adding(
            "other", Self.leg(.takeProfit, of: pair.id, side: pair.side, price: pair.takeProfit, alias: alias))
    }

    static func check(_ pair: ExitPair) throws(Refusal) {
        guard TradovateDialect.clientOrderIDRules.accepts(pair.id) else {
            throw Refusal(reason: .invalid, message: "the venue does not take the client order id \(pair.id)")
        }
    }

    private static func body(
        _ order: NewOrder, _ timeInForce: String, _ note: OrderNote, listing: Listing, account: TradovateAccount
    ) -> WireJSON {
        var body = WireJSON.object([
            "accountSpec": .string(account.name), "accountId": .integer(account.id), "clOrdId": .string(order.clientOrderID.rawValue),
            "action": .string(order.side.tradovate), "symbol": .string(listing.contract.name),
            "orderQty": .number(order.quantity.description), "orderType": .string(order.type.tradovate),
        ])
        for (name, price) in [("price", order.limitPrice), ("stopPrice", order.stopPrice), ("pegDifference", order.trailingDistance)] {
            if let price { body = body.adding(name, .number(price.description)) }
        }
        return body.adding("timeInForce", .string(timeInForce)).adding("text", .string(note.text)).adding("isAutomated", true)
    }

    /// What can be said without the contract. Returns the venue's word for the time in force.
    @discardableResult
    static func check(_ order: NewOrder) throws(Refusal) -> String {
        guard TradovateDialect.clientOrderIDRules.accepts(order.clientOrderID) else {
            throw Refusal(reason: .invalid, message: "the venue does not take the client order id \(order.clientOrderID)")
        }
        guard !order.postOnly, !order.reduceOnly else {
            throw Refusal(reason: .unsupported, message: "Tradovate has no post-only and no reduce-only orders")
        }
        let isImmediate = order.timeInForce == .ioc || order.timeInForce == .fok
        guard let word = order.timeInForce.tradovate, !isImmediate || order.type == .market || order.type == .limit else {
            throw Refusal(reason: .unsupported, message: "\(order.type.rawValue) orders cannot be \(order.timeInForce.rawValue)")
        }
        if let bracket = order.bracket, bracket.stopLoss == nil, bracket.takeProfit == nil {
            throw Refusal(reason: .invalid, message: "a bracket needs a stop loss or a take profit")
        }
        return word
    }

    private static func check(_ order: NewOrder, against listing: Listing) throws(Refusal) {
        guard order.quantity.isMultiple(of: 1) else {
            throw Refusal(reason: .invalid, message: "quantity \(order.quantity) is no whole number of contracts")
        }
        let prices = [order.limitPrice, order.stopPrice, order.trailingDistance, order.bracket?.stopLoss, order.bracket?.takeProfit]
        for price in prices.compactMap({ $0 }) where !price.isMultiple(of: listing.product.tickSize) {
            throw Refusal(reason: .invalid, message: "price \(price) is not on the tick \(listing.product.tickSize)")
        }
    }

    /// The legs rest until the entry has filled, and the fill of one cancels the other. They have to outlast the day.
    private static func legs(of order: NewOrder, alias: Symbol?) -> [WireJSON] {
        [BracketRole.takeProfit, .stopLoss].compactMap { role in
            order.bracket?.price(role).map { leg(role, of: order.clientOrderID, side: order.side.opposite, price: $0, alias: alias) }
        }
    }

    private static func leg(_ role: BracketRole, of id: ClientOrderID, side: Side, price: Price, alias: Symbol?) -> WireJSON {
        let (type, name) = role == .takeProfit ? ("Limit", "price") : ("Stop", "stopPrice")
        let id = id.leg(role)
        return .object([
            "action": .string(side.tradovate), "orderType": .string(type), name: .number(price.description), "timeInForce": "GTC",
            "clOrdId": .string(id.rawValue), "text": .string(OrderNote(id: id, alias: alias).text),
        ])
    }
}

/// A modification. It replaces all terms, so what stays the same is sent as well: a time in force that is left out would become `Day`.
struct TradovateModification: Sendable {
    let body: WireJSON

    init(_ current: OrderJoin, _ terms: Replacement, listing: Listing) throws(TradovateOrderRequest.Refusal) {
        guard let order = current.order, let version = current.version else {
            throw .init(reason: .notConnected, message: "the order's terms are not known yet")
        }
        guard let timeInForce = version.timeInForce else {
            throw .init(reason: .notConnected, message: "the order's time in force is not known, and leaving it out would change it")
        }
        if version.type == "TrailingStop", terms.limitPrice != nil || terms.stopPrice != nil {
            throw .init(reason: .unsupported, message: "only the quantity of a trailing stop can be changed")
        }
        let type = OrderType(tradovate: version.type)
        guard terms.limitPrice == nil || type?.needsLimitPrice == true, terms.stopPrice == nil || type?.needsStopPrice == true else {
            throw .init(reason: .invalid, message: "a \(version.type) order has no such price")
        }
        let quantity = terms.quantity ?? version.quantity
        guard quantity > 0, quantity.isMultiple(of: 1) else {
            throw .init(reason: .invalid, message: "quantity \(quantity) is no whole number of contracts")
        }
        for price in [terms.limitPrice, terms.stopPrice].compactMap({ $0 }) where price <= 0 || !price.isMultiple(of: listing.product.tickSize) {
            throw .init(reason: .invalid, message: "price \(price) is not on the tick \(listing.product.tickSize)")
        }
        var body = WireJSON.object([
            "orderId": .integer(order.id), "orderQty": .number(quantity.description), "orderType": .string(version.type),
        ])
        let prices: [(String, Price?)] = [
            ("price", terms.limitPrice ?? version.price.map(listing.snapped)), ("stopPrice", terms.stopPrice ?? version.stopPrice.map(listing.snapped)),
            ("pegDifference", version.pegDifference.map(listing.snapped)),
        ]
        for (name, price) in prices { if let price { body = body.adding(name, .number(price.description)) } }
        body = body.adding("timeInForce", .string(timeInForce))
        for (name, text) in [("expireTime", version.expireTime), ("text", version.text)] {
            if let text { body = body.adding(name, .string(text)) }
        }
        self.body = body.adding("isAutomated", true)
    }
}
