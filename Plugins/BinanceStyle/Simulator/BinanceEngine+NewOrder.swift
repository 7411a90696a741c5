import SimulatorKit
import TradingModel

extension BinanceEngine {
    /// Reads a new order and applies every check that the venue makes before the engine.
    func newOrder(_ parameters: BinanceParameters, account: String) throws(BinanceError) -> OrderRequest {
        let symbol = try symbol(parameters)
        let side = try self.side(parameters)
        let kind = try self.kind(parameters)
        try checkPresence(parameters, kind)
        let order = OrderRequest(
            account: account, clientOrderID: try parameters.clientID("newClientOrderId") ?? mintedID(), symbol: symbol, side: side,
            kind: kind, timeInForce: try timeInForce(parameters), quantity: try parameters.decimal("quantity"),
            quoteQuantity: try parameters.decimal("quoteOrderQty"), limitPrice: try parameters.decimal("price"),
            stopPrice: try parameters.decimal("stopPrice"))
        guard let market = markets[symbol], let price = exchange.read({ core in core.prices[symbol] }) else { throw .invalidSymbol }
        try market.check(order, price: price)
        let open = exchange.read { core in core.openOrders(account: account, symbol: symbol) }
        guard open.count < BinanceMarket.maximumOrders else { throw BinanceError(-2010, "Filter failure: MAX_NUM_ORDERS") }
        if kind.isConditional, open.count(where: { $0.kind.isConditional && !$0.isWorking }) >= BinanceMarket.maximumConditionalOrders {
            throw BinanceError(-2010, "Filter failure: MAX_NUM_ALGO_ORDERS")
        }
        return order
    }

    func responseForm(_ parameters: BinanceParameters, kind: SimulatedOrder.Kind) throws(BinanceError) -> BinanceResponseForm {
        guard let text = parameters["newOrderRespType"] else {
            if dialect == .usdm { return .ack }
            return kind == .market || kind == .limit ? .full : .ack
        }
        guard let form = BinanceResponseForm(rawValue: text) else { throw .illegal("newOrderRespType", legal: "ACK, RESULT, FULL") }
        return form
    }

    func side(_ parameters: BinanceParameters) throws(BinanceError) -> Side {
        switch try parameters.required("side") {
        case "BUY": .buy
        case "SELL": .sell
        default: throw BinanceError(-1117, "Invalid side.")
        }
    }

    private func kind(_ parameters: BinanceParameters) throws(BinanceError) -> SimulatedOrder.Kind {
        guard let kind = SimulatedOrder.Kind.byBinance[try parameters.required("type")] else {
            throw BinanceError(-1116, "Invalid orderType.")
        }
        return kind
    }

    func timeInForce(_ parameters: BinanceParameters) throws(BinanceError) -> TimeInForce {
        switch parameters["timeInForce"] {
        case nil, "GTC": .gtc
        case "IOC": .ioc
        case "FOK": .fok
        default: throw BinanceError(-1115, "Invalid timeInForce.")
        }
    }

    /// The mandatory and the forbidden parameters of each type. Source: rest-api.md, "New order", read 2026-11-21.
    private func checkPresence(_ parameters: BinanceParameters, _ kind: SimulatedOrder.Kind) throws(BinanceError) {
        let isMarket = kind == .market
        var mandatory: [String] = []
        var forbidden: [String] = []
        if kind.hasLimit, kind != .limitMaker { mandatory.append("timeInForce") } else { forbidden.append("timeInForce") }
        if isMarket {
            guard parameters["quantity"] != nil || parameters["quoteOrderQty"] != nil else { throw .missing("quantity") }
            if parameters["quantity"] != nil { forbidden.append("quoteOrderQty") }
        } else {
            mandatory.append("quantity")
            forbidden.append("quoteOrderQty")
        }
        if kind.hasLimit { mandatory.append("price") } else { forbidden.append("price") }
        if kind.isConditional { mandatory.append("stopPrice") } else { forbidden.append("stopPrice") }
        for name in mandatory where parameters[name] == nil { throw .missing(name) }
        for name in forbidden where parameters[name] != nil { throw .notRequired(name) }
        for name in ["icebergQty", "trailingDelta", "pegPriceType"] where parameters[name] != nil {
            throw BinanceError(-1014, "Unsupported order combination.")
        }
    }
}

/// The range of a list query: by first id, by time, and by count.
struct BinanceRange: Sendable {
    /// In milliseconds; the longest span of `startTime` and `endTime` on spot. Source: rest-api.md, read 2026-11-21.
    static let day: Int64 = 24 * 3600 * 1000
    private let firstID: Int64?
    private let start: Int64?
    private let end: Int64?
    private let limit: Int

    init(_ parameters: BinanceParameters, firstID name: String, longestSpan: Int64 = day) throws(BinanceError) {
        firstID = try parameters.integer(name)
        start = try parameters.integer("startTime")
        end = try parameters.integer("endTime")
        limit = try parameters.limit()
        if let start, let end, end - start > longestSpan {
            throw BinanceError(-1127, "More than 24 hours between startTime and endTime.")
        }
    }

    func contains(id: Int64, at time: Timestamp) -> Bool {
        let afterStart = start.map { time.milliseconds >= $0 } ?? true
        let beforeEnd = end.map { time.milliseconds <= $0 } ?? true
        return afterStart && beforeEnd && id >= (firstID ?? 0)
    }

    /// The newest entries without a beginning, else the oldest from there; oldest first either way.
    func cut<T>(_ entries: [T]) -> [T] {
        Array(firstID == nil && start == nil ? entries.suffix(limit) : entries.prefix(limit))
    }
}
