import TradingModel

/// A product with what an order needs beyond the rules that every venue has.
struct CoinbaseProduct: Sendable {
    let instrument: Instrument
    /// Step of an amount in quote currency.
    let quoteIncrement: Notional
    /// Other names under which the venue may list orders of this product.
    let aliases: Set<Symbol>
    /// The venue takes nothing but post-only limit orders now.
    let isPostOnly: Bool

    /// This product's names in lists.
    var names: [Symbol] { [instrument.symbol] + aliases.sorted() }
}

extension CoinbaseProductReply {
    func product() throws -> CoinbaseProduct {
        let isOnline = status == nil || status == "online" || status == ""
        let isShut = [is_disabled, trading_disabled, view_only, cancel_only].contains(true)
        let takesNoMarket = limit_only == true || post_only == true
        let lotSize = try Quantity(base_increment)
        let instrument = Instrument(
            symbol: Symbol(product_id), base: Asset(base_currency_id), quote: Asset(quote_currency_id),
            tickSize: try Price(price_increment.told ?? quote_increment), lotSize: lotSize,
            minimumQuantity: try Quantity(base_min_size.told ?? "0"), maximumQuantity: try Quantity(base_max_size.told ?? "0"),
            minimumNotional: try Notional(quote_min_size.told ?? "0"),
            orderTypes: takesNoMarket ? [.limit, .stopLimit] : [.market, .limit, .stopLimit], isTrading: isOnline && !isShut)
        let others = [alias.told].compactMap { $0 } + (alias_to ?? [])
        return CoinbaseProduct(
            instrument: instrument, quoteIncrement: try Notional(quote_increment), aliases: Set(others.map { Symbol($0) }),
            isPostOnly: post_only == true)
    }
}

extension String? {
    /// The venue writes an empty text where it has nothing to tell.
    var told: String? { self?.isEmpty == false ? self : nil }
}
