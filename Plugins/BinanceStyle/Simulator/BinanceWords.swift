import SimulatorKit
import TradingModel

/// The dialects that the simulator speaks.
public enum BinanceSimulatorDialect: String, Sendable, CaseIterable {
    case spot
    /// USD-margined futures under `/fapi`.
    case usdm
    /// As spot, with listen keys, and without lists and amendments.
    case binanceUS = "binance_us"

    var hasListenKeys: Bool { self != .spot }
}

/// How a dialect writes what the engine knows.
protocol BinanceWords: Sendable {
    func placed(_ order: SimulatedOrder, _ form: BinanceResponseForm, trades: [SimulatedTrade]) -> JSONValue
    func queried(_ order: SimulatedOrder, stale: Bool) -> JSONValue
    func cancelled(_ order: SimulatedOrder, cancelID: String) -> JSONValue
    func trade(_ trade: SimulatedTrade, list: Int64?) -> JSONValue
    func symbol(_ market: BinanceMarket) -> JSONValue
    /// A refusal in the dialect's numbers.
    func error(_ error: BinanceError) -> BinanceError
}

struct BinanceSpotWords: BinanceWords {
    func placed(_ order: SimulatedOrder, _ form: BinanceResponseForm, trades: [SimulatedTrade]) -> JSONValue { order.placed(form, trades: trades) }
    func queried(_ order: SimulatedOrder, stale: Bool) -> JSONValue { order.queried(stale: stale) }
    func cancelled(_ order: SimulatedOrder, cancelID: String) -> JSONValue { order.cancelled(cancelID: cancelID) }
    func trade(_ trade: SimulatedTrade, list: Int64?) -> JSONValue { trade.binance(list: list) }
    func symbol(_ market: BinanceMarket) -> JSONValue { market.json }
    func error(_ error: BinanceError) -> BinanceError { error }
}

/// USD-M. Shapes: its documentation and the models of its published SDK, read 2026-11-21.
struct BinanceFuturesWords: BinanceWords {
    func placed(_ order: SimulatedOrder, _ form: BinanceResponseForm, trades: [SimulatedTrade]) -> JSONValue {
        // An acknowledgement says NEW even of an order that is filled by then.
        body(order, asNew: form == .ack)
    }

    func queried(_ order: SimulatedOrder, stale: Bool) -> JSONValue {
        body(order, asNew: stale).adding(["time": .milliseconds(order.acceptedAt)])
    }

    func cancelled(_ order: SimulatedOrder, cancelID: String) -> JSONValue { body(order, asNew: false) }

    func trade(_ trade: SimulatedTrade, list: Int64?) -> JSONValue {
        .object([
            "symbol": .string(trade.symbol.rawValue), "id": .integer(trade.id), "orderId": .integer(trade.orderID),
            "side": .string(trade.side == .buy ? "BUY" : "SELL"), "price": .places(trade.price), "qty": .places(trade.quantity),
            "realizedPnl": "0", "quoteQty": .places(trade.quantity * trade.price), "commission": .places(trade.fee),
            "commissionAsset": .string(trade.feeAsset.rawValue), "time": .milliseconds(trade.executedAt), "positionSide": "BOTH",
            "buyer": .boolean(trade.side == .buy), "maker": .boolean(trade.isMaker),
        ])
    }

    func symbol(_ market: BinanceMarket) -> JSONValue {
        let instrument = market.instrument
        return .object([
            "symbol": .string(instrument.symbol.rawValue), "pair": .string(instrument.symbol.rawValue), "contractType": "PERPETUAL",
            "deliveryDate": 4_133_404_800_000, "onboardDate": 1_569_398_400_000, "status": "TRADING",
            "baseAsset": .string(instrument.base.rawValue), "quoteAsset": .string(instrument.quote.rawValue),
            "marginAsset": .string(instrument.quote.rawValue), "pricePrecision": 2, "quantityPrecision": 3, "baseAssetPrecision": 8,
            "quotePrecision": 8, "underlyingType": "COIN", "triggerProtect": "0.0500",
            "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"],
            "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
            "filters": .array([
                .object([
                    "filterType": "PRICE_FILTER", "minPrice": .places(instrument.minimumPrice), "maxPrice": .places(instrument.maximumPrice),
                    "tickSize": .places(instrument.tickSize),
                ]),
                .object([
                    "filterType": "LOT_SIZE", "minQty": .places(instrument.minimumQuantity), "maxQty": .places(instrument.maximumQuantity),
                    "stepSize": .places(instrument.lotSize),
                ]),
                .object([
                    "filterType": "MARKET_LOT_SIZE", "minQty": .places(instrument.minimumQuantity),
                    "maxQty": .places(instrument.maximumMarketQuantity), "stepSize": .places(instrument.lotSize),
                ]),
                .object(["filterType": "MAX_NUM_ORDERS", "limit": .integer(BinanceMarket.maximumOrders)]),
                .object(["filterType": "MIN_NOTIONAL", "notional": .places(instrument.minimumNotional)]),
                .object(["filterType": "PERCENT_PRICE", "multiplierUp": "5.0000", "multiplierDown": "0.2000", "multiplierDecimal": "4"]),
            ]),
        ])
    }

    func error(_ error: BinanceError) -> BinanceError {
        let (code, message): (Int, String) =
            switch (error.code, error.message) {
            case (-2010, BinanceError.duplicateOrder.message): (-4116, "ClientOrderId is duplicated.")
            case (-2010, BinanceError.insufficientBalance.message): (-2019, "Margin is insufficient.")
            case (-2010, BinanceError.wouldTake.message):
                (-5022, "Due to the order could not be executed as maker, the Post Only order will be rejected. The order will not be recorded in the order history")
            case (-1013, "Filter failure: PRICE_FILTER"): (-4014, "Price not increased by tick size.")
            case (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"): (-4016, "Limit price can't be beyond its bounds.")
            case (-1013, "Filter failure: LOT_SIZE"): (-4023, "Quantity not increased by step size.")
            case (-1013, "Filter failure: MARKET_LOT_SIZE"): (-4005, "Quantity greater than max quantity.")
            case (-1013, "Filter failure: NOTIONAL"): (-4164, "Order's notional must be no smaller than 5 (unless you choose reduce only).")
            case (-2010, "Filter failure: MAX_NUM_ORDERS"): (-2025, "Reached max open order limit.")
            default: (error.code, error.message)
            }
        guard code != error.code else { return error }
        return BinanceError(code, message)
    }

    /// An order as every answer has it.
    private func body(_ order: SimulatedOrder, asNew: Bool) -> JSONValue {
        let filled = asNew ? Quantity.zero : order.filledQuantity
        return .object([
            "orderId": .integer(order.id), "symbol": .string(order.symbol.rawValue), "status": .string(asNew ? "NEW" : order.binanceStatus),
            "clientOrderId": .string(order.clientOrderID), "price": .places(order.limitPrice ?? .zero),
            "avgPrice": .places(asNew ? .zero : order.averagePrice ?? .zero), "origQty": .places(order.quantity), "executedQty": .places(filled),
            "cumQty": .places(filled), "cumQuote": .places(asNew ? .zero : order.filledNotional), "timeInForce": .string(order.futuresTime),
            "type": .string(order.futuresType), "closePosition": false, "side": .string(order.binanceSide), "positionSide": "BOTH",
            "stopPrice": "0", "workingType": "CONTRACT_PRICE", "priceProtect": false, "origType": .string(order.futuresType),
            "priceMatch": "NONE", "selfTradePreventionMode": "EXPIRE_MAKER", "goodTillDate": 0,
            "updateTime": .milliseconds(asNew ? order.acceptedAt : order.updatedAt),
        ])
    }
}

extension SimulatedOrder {
    var futuresType: String { kind == .market ? "MARKET" : "LIMIT" }
    /// Post-only is a time in force here.
    var futuresTime: String { kind == .limitMaker ? "GTX" : binanceTimeInForce }
}
