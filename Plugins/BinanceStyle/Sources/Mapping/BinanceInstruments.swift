import BrokerContract
import TradingModel

/// What the adapter knows of one symbol: its rules, and which kinds of request it takes.
struct BinanceSymbolRules: Sendable {
    let instrument: Instrument
    var takesPairs = false
    var takesAttached = false
    var takesAmendments = false
    var takesReplacements = false
}

extension BinanceExchangeInfoReply.Symbol {
    func rules() throws -> BinanceSymbolRules {
        BinanceSymbolRules(
            instrument: try instrument(), takesPairs: ocoAllowed ?? false, takesAttached: otoAllowed ?? false,
            takesAmendments: amendAllowed ?? false, takesReplacements: cancelReplaceAllowed ?? false)
    }

    /// The filters as rules. A field of zero disables its rule, at the venue as in ``Instrument``.
    func instrument() throws -> Instrument {
        let price = filter("PRICE_FILTER")
        let lot = filter("LOT_SIZE")
        let market = filter("MARKET_LOT_SIZE")
        let notional = filter("NOTIONAL") ?? filter("MIN_NOTIONAL")
        let lotSize = try Quantity(lot?.stepSize ?? "0")
        let marketStep = try Quantity(market?.stepSize ?? "0")
        let maximum = try Quantity(lot?.maxQty ?? "0")
        let marketMaximum = try Quantity(market?.maxQty ?? "0")
        return Instrument(
            symbol: Symbol(symbol), base: Asset(baseAsset), quote: Asset(quoteAsset), tickSize: try Price(price?.tickSize ?? "0"),
            lotSize: lotSize, marketLotSize: marketStep.isZero ? lotSize : marketStep,
            minimumQuantity: try Quantity(lot?.minQty ?? "0"), maximumQuantity: maximum,
            maximumMarketQuantity: marketMaximum.isZero ? maximum : marketMaximum,
            minimumNotional: try Notional(notional?.minNotional ?? notional?.notional ?? "0"),
            minimumNotionalAppliesToMarket: notional?.applyMinToMarket ?? notional?.applyToMarket ?? true,
            minimumPrice: try Price(price?.minPrice ?? "0"), maximumPrice: try Price(price?.maxPrice ?? "0"),
            orderTypes: Set(orderTypes.compactMap(OrderType.init(binance:))), isTrading: status == "TRADING")
    }

    private func filter(_ type: String) -> BinanceExchangeInfoReply.Filter? { filters.first { $0.filterType == type } }
}

extension BinanceExchangeInfoReply.RateLimit {
    /// Nil for a kind or an interval that we do not know.
    var limitOfVenue: VenueRateLimit? {
        let units: [String: Int64] = ["SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400]
        guard let unit = units[interval], intervalNum > 0, limit > 0 else { return nil }
        return VenueRateLimit(scope: rateLimitType.lowercased(), limit: limit, interval: .seconds(unit * Int64(intervalNum)))
    }
}
