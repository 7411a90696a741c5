import Foundation
import SimulatorKit
import TradingModel

/// What only the futures have: positions, margin, reduce-only, changes of price in place.
///
/// The exchange beneath keeps more money than anybody needs; whether an account can afford an order is decided here, by margin.
extension BinanceEngine {
    /// Of every account and symbol.
    static let leverage: Decimal = 20

    func position(_ account: String, _ symbol: Symbol) -> BinancePosition {
        exchange.read { core in
            core.trades.reduce(into: BinancePosition()) { position, trade in
                if trade.account == account, trade.symbol == symbol { position.add(trade) }
            }
        }
    }

    /// Wallet without open gains, and what of it no position and no open order holds.
    func margin(_ account: String) -> (wallet: Decimal, available: Decimal) {
        let prices = exchange.read { core in core.prices }
        var (wallet, held, open) = (futuresDeposit.value, Decimal.zero, Decimal.zero)
        for symbol in markets.keys {
            let position = position(account, symbol)
            wallet += position.realised.value - position.fees.value
            open += position.unrealised(at: prices[symbol] ?? .zero).value
            held += (position.quantity.magnitude * (prices[symbol] ?? .zero)).value / Self.leverage
        }
        for order in exchange.read({ core in core.openOrders(account: account) }) where !isReduceOnly(order.id) {
            held += (order.openQuantity * (order.limitPrice ?? prices[order.symbol] ?? .zero)).value / Self.leverage
        }
        return (wallet, max(wallet + open - held, 0))
    }

    func isReduceOnly(_ id: Int64) -> Bool { state.withLock { $0.reduceOnly.contains(id) } }

    // MARK: Orders

    /// Source: USD-M documentation, "New Order".
    func futuresOrder(_ parameters: BinanceParameters, account: String) throws(BinanceError) -> OrderRequest {
        let symbol = try symbol(parameters)
        let type = try parameters.required("type")
        guard type == "LIMIT" || type == "MARKET" else {
            let moved = ["STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"].contains(type)
            throw moved
                ? BinanceError(-4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.")
                : BinanceError(-1116, "Invalid orderType.")
        }
        for name in type == "LIMIT" ? ["timeInForce", "quantity", "price"] : ["quantity"] where parameters[name] == nil { throw .missing(name) }
        for name in type == "LIMIT" ? ["quoteOrderQty"] : ["quoteOrderQty", "timeInForce", "price"] where parameters[name] != nil {
            throw .notRequired(name)
        }
        guard parameters["positionSide"].map({ $0 == "BOTH" }) ?? true else {
            throw BinanceError(-4061, "Order's position side does not match user's setting.")
        }
        let word = parameters["timeInForce"]
        let kind: SimulatedOrder.Kind = type == "MARKET" ? .market : word == "GTX" ? .limitMaker : .limit
        let order = OrderRequest(
            account: account, clientOrderID: try parameters.clientID("newClientOrderId") ?? mintedID(), symbol: symbol,
            side: try side(parameters), kind: kind, timeInForce: word == "GTX" ? .gtc : try timeInForce(parameters),
            quantity: try parameters.decimal("quantity"), limitPrice: try parameters.decimal("price"))
        guard let market = markets[symbol], let price = exchange.read({ core in core.prices[symbol] }) else { throw .invalidSymbol }
        try market.check(order, price: price)
        let position = position(account, symbol)
        let reduces = position.quantity > 0 ? order.side == .sell : position.quantity < 0 && order.side == .buy
        let size = order.quantity ?? .zero
        if parameters["reduceOnly"] == "true" {
            // Checked when the order comes; the venue also shrinks or drops it later, when the position has gone.
            guard reduces, size <= position.quantity.magnitude else { throw BinanceError(-2022, "ReduceOnly Order is rejected.") }
            return order
        }
        let opening = reduces ? max(size - position.quantity.magnitude, .zero) : size
        guard (opening * (order.limitPrice ?? price)).value / Self.leverage <= margin(account).available else { throw .insufficientBalance }
        return order
    }

    /// Source: USD-M documentation, "Modify Order": limit orders only, price and quantity both.
    func modify(_ parameters: BinanceParameters, account: String) throws(BinanceError) -> JSONValue {
        let symbol = try symbol(parameters)
        let target = try order(parameters, symbol: symbol, account: account)
        guard !target.status.isTerminal else { throw .noSuchOrder }
        guard target.kind.hasLimit else { throw BinanceError(-1116, "Invalid orderType.") }
        guard let quantity: Quantity = try parameters.decimal("quantity") else { throw .missing("quantity") }
        guard let price: Price = try parameters.decimal("price") else { throw .missing("price") }
        guard try side(parameters) == target.side else { throw BinanceError(-1117, "Invalid side.") }
        guard quantity != target.quantity || price != target.limitPrice else { throw BinanceError(-5027, "No need to modify the order.") }
        guard let market = markets[symbol], let last = exchange.read({ core in core.prices[symbol] }) else { throw .invalidSymbol }
        let terms = OrderRequest(
            account: account, clientOrderID: target.clientOrderID, symbol: symbol, side: target.side, kind: target.kind, quantity: quantity,
            limitPrice: price)
        try market.check(terms, price: last)
        let more = ((quantity - target.filledQuantity) * price).value - (target.openQuantity * (target.limitPrice ?? last)).value
        guard isReduceOnly(target.id) || more / Self.leverage <= margin(account).available else { throw .insufficientBalance }
        try BinanceWindow(parameters).check(at: exchange.now)
        let crosses = target.side == .buy ? last <= price : last >= price
        if quantity <= target.filledQuantity || (target.kind == .limitMaker && crosses) {
            do throws(ExchangeRefusal) { _ = try exchange.cancel(target.id, account: account) } catch { throw .noSuchOrder }
        } else {
            _ = try refusable { () throws(ExchangeRefusal) in
                try exchange.amend(target.id, account: account, to: Amendment(quantity: quantity, limitPrice: price))
            }
        }
        return told(exchange.read { core in core.order(target.id) } ?? target, asPlaced: .result)
    }

    /// An order's JSON with what only the engine knows of it.
    func told(_ order: SimulatedOrder, asPlaced form: BinanceResponseForm, trades: [SimulatedTrade] = []) -> JSONValue {
        decorated(words.placed(order, form, trades: trades), order)
    }

    func decorated(_ json: JSONValue, _ order: SimulatedOrder) -> JSONValue {
        dialect == .usdm ? json.adding(["reduceOnly": .boolean(isReduceOnly(order.id))]) : json
    }
}
