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
        var body = WireJSON.object([
            "accountSpec": .string(account.name), "accountId": .integer(account.id), "clOrdId": .string(order.clientOrderID.rawValue),
            "action": .string(order.side.tradovate), "symbol": .string(listing.contract.name),
            "orderQty": .number(order.quantity.description), "orderType": .string(order.type.tradovate),
        ])
        for (name, price) in [("price", order.limitPrice), ("stopPrice", order.stopPrice), ("pegDifference", order.trailingDistance)] {
            if let price { body = body.adding(name, .number(price.description)) }
        }
        body = body.adding("timeInForce", .string(timeInForce)).adding("text", .string(note.text)).adding("isAutomated", true)
        let legs = Self.legs(of: order, alias: alias)
        for (index, leg) in legs.enumerated() { body = body.adding("bracket\(index + 1)", leg) }
        self.body = body
        path = legs.isEmpty ? "/order/placeorder" : "/order/placeoso"
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
        let terms: [(role: BracketRole, type: String, name: String, price: Price?)] = [
            (.takeProfit, "Limit", "price", order.bracket?.takeProfit), (.stopLoss, "Stop", "stopPrice", order.bracket?.stopLoss),
        ]
        return terms.compactMap { leg in
            guard let price = leg.price else { return nil }
            let note = OrderNote(id: order.clientOrderID.leg(leg.role), alias: alias)
            return .object([
                "action": .string(order.side.opposite.tradovate), "orderType": .string(leg.type), leg.name: .number(price.description),
                "timeInForce": "GTC", "clOrdId": .string(order.clientOrderID.leg(leg.role).rawValue), "text": .string(note.text),
            ])
        }
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
