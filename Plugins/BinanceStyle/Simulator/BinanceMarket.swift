import Foundation
import SimulatorKit
import TradingModel

/// One symbol with the filters that its venue has for it.
struct BinanceMarket: Sendable {
    static let maximumOrders = 200
    static let maximumConditionalOrders = 5
    /// Of spot; the futures have no such filter.
    static let maximumNotional: Notional = 9_000_000
    /// PERCENT_PRICE_BY_SIDE, both sides.
    static let bandUp: Decimal = 5
    static let bandDown = Decimal(1) / 5

    let instrument: Instrument
    let hasMaximumNotional: Bool

    var json: JSONValue {
        .object([
            "symbol": .string(instrument.symbol.rawValue), "status": "TRADING", "baseAsset": .string(instrument.base.rawValue),
            "baseAssetPrecision": 8, "quoteAsset": .string(instrument.quote.rawValue), "quotePrecision": 8, "quoteAssetPrecision": 8,
            "baseCommissionPrecision": 8, "quoteCommissionPrecision": 8,
            "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"],
            "icebergAllowed": false, "ocoAllowed": true, "otoAllowed": true, "opoAllowed": false, "quoteOrderQtyMarketAllowed": true,
            "allowTrailingStop": false, "cancelReplaceAllowed": true, "amendAllowed": true, "pegInstructionsAllowed": false,
            "isSpotTradingAllowed": true, "isMarginTradingAllowed": false, "filters": filters, "permissions": [],
            "permissionSets": [["SPOT"]], "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
            "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
        ])
    }

    private var filters: JSONValue {
        .array([
            .object([
                "filterType": "PRICE_FILTER", "minPrice": .places(instrument.minimumPrice), "maxPrice": .places(instrument.maximumPrice),
                "tickSize": .places(instrument.tickSize),
            ]),
            .object([
                "filterType": "LOT_SIZE", "minQty": .places(instrument.minimumQuantity), "maxQty": .places(instrument.maximumQuantity),
                "stepSize": .places(instrument.lotSize),
            ]),
            .object([
                "filterType": "MARKET_LOT_SIZE", "minQty": .places(Quantity.zero), "maxQty": .places(instrument.maximumMarketQuantity),
                "stepSize": .places(Quantity.zero),
            ]),
            .object([
                "filterType": "NOTIONAL", "minNotional": .places(instrument.minimumNotional), "applyMinToMarket": true,
                "maxNotional": .places(Self.maximumNotional), "applyMaxToMarket": false, "avgPriceMins": 5,
            ]),
            .object([
                "filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "5", "bidMultiplierDown": "0.2", "askMultiplierUp": "5",
                "askMultiplierDown": "0.2", "avgPriceMins": 5,
            ]),
            .object(["filterType": "MAX_NUM_ORDERS", "maxNumOrders": .integer(Self.maximumOrders)]),
            .object(["filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": .integer(Self.maximumConditionalOrders)]),
        ])
    }

    /// Applies the filters to an order of this symbol.
    func check(_ order: OrderRequest, price: Price) throws(BinanceError) {
        for bound in [order.limitPrice, order.stopPrice].compactMap({ $0 }) {
            guard bound >= instrument.minimumPrice, bound <= instrument.maximumPrice, bound.isMultiple(of: instrument.tickSize) else {
                throw .filter("PRICE_FILTER")
            }
        }
        if let limit = order.limitPrice {
            guard limit.value <= price.value * Self.bandUp, limit.value >= price.value * Self.bandDown else {
                throw .filter("PERCENT_PRICE_BY_SIDE")
            }
        }
        let unit = order.limitPrice ?? order.stopPrice ?? price
        let notional: Notional
        if let quantity = order.quantity {
            guard quantity >= instrument.minimumQuantity, quantity <= instrument.maximumQuantity, quantity.isMultiple(of: instrument.lotSize)
            else { throw .filter("LOT_SIZE") }
            if order.kind == .market, quantity > instrument.maximumMarketQuantity { throw .filter("MARKET_LOT_SIZE") }
            notional = quantity * unit
        } else {
            notional = order.quoteQuantity ?? .zero
        }
        guard notional >= instrument.minimumNotional, !hasMaximumNotional || order.kind == .market || notional <= Self.maximumNotional else {
            throw .filter("NOTIONAL")
        }
    }

    /// The three symbols of every Binance-style simulator. Figures: exchangeInfo of the live venue as documented, rounded to
    /// what the fact sheet of 2026-11-21 states.
    static let standard: [BinanceMarket] = [
        BinanceMarket(
            "BTCUSDT", "BTC", "USDT", tick: (1, 2), maximumPrice: 1_000_000, lot: (1, 5), maximumQuantity: 9000, maximumMarket: 120,
            minimumNotional: 5),
        BinanceMarket(
            "ETHUSDT", "ETH", "USDT", tick: (1, 2), maximumPrice: 1_000_000, lot: (1, 4), maximumQuantity: 9000, maximumMarket: 2200,
            minimumNotional: 5),
        BinanceMarket(
            "ETHBTC", "ETH", "BTC", tick: (1, 5), maximumPrice: 922_327, lot: (1, 4), maximumQuantity: 100_000, maximumMarket: 2800,
            minimumNotional: Notional(Decimal(1) / 10_000)),
    ]

    /// Two perpetual contracts.
    static let futures: [BinanceMarket] = [
        BinanceMarket(
            "BTCUSDT", "BTC", "USDT", tick: (1, 1), maximumPrice: 1_000_000, lot: (1, 3), maximumQuantity: 1000, maximumMarket: 120,
            minimumNotional: 5, hasMaximumNotional: false),
        BinanceMarket(
            "ETHUSDT", "ETH", "USDT", tick: (1, 2), maximumPrice: 306_177, lot: (1, 3), maximumQuantity: 10_000, maximumMarket: 2000,
            minimumNotional: 5, hasMaximumNotional: false),
    ]

    private init(
        _ symbol: Symbol, _ base: Asset, _ quote: Asset, tick: (Int, Int), maximumPrice: Price, lot: (Int, Int), maximumQuantity: Quantity,
        maximumMarket: Quantity, minimumNotional: Notional, hasMaximumNotional: Bool = true
    ) {
        self.hasMaximumNotional = hasMaximumNotional
        let step = { (parts: (Int, Int)) in Decimal(sign: .plus, exponent: -parts.1, significand: Decimal(parts.0)) }
        instrument = Instrument(
            symbol: symbol, base: base, quote: quote, tickSize: Price(step(tick)), lotSize: Quantity(step(lot)),
            minimumQuantity: Quantity(step(lot)), maximumQuantity: maximumQuantity, maximumMarketQuantity: maximumMarket,
            minimumNotional: minimumNotional, minimumPrice: Price(step(tick)), maximumPrice: maximumPrice,
            orderTypes: [.market, .limit, .stop, .stopLimit])
    }
}

extension JSONValue {
    /// A decimal as the venue writes it: text with exactly eight places, the rest cut.
    static func places(_ value: some ExactDecimal) -> JSONValue {
        var exact = value.value
        var cut = Decimal()
        NSDecimalRound(&cut, &exact, 8, .down)
        let text = cut.plainText
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let fraction = parts.count > 1 ? String(parts[1]) : ""
        return .string("\(parts[0]).\(fraction)\(String(repeating: "0", count: max(0, 8 - fraction.count)))")
    }

    static func milliseconds(_ time: Timestamp) -> JSONValue { .integer(time.milliseconds) }
}
