import Foundation
import SimulatorKit
import TradingModel

/// One product with its rules.
struct CoinbaseMarket: Sendable {
    let instrument: Instrument
    let quoteIncrement: Notional
    let quoteMaximum: Notional

    /// Fields: a capture of the live venue's BTC-USD of April 2026; the volume figures are made up.
    func json(price: Price?) -> JSONValue {
        let symbol = JSONValue.string(instrument.symbol.rawValue)
        let base = JSONValue.string(instrument.base.rawValue)
        let quote = JSONValue.string(instrument.quote.rawValue)
        return .object([
            "product_id": symbol, "price": .string(price?.description ?? ""), "price_percentage_change_24h": "0", "volume_24h": "1000",
            "volume_percentage_change_24h": "0", "base_increment": .string(instrument.lotSize.description),
            "quote_increment": .string(quoteIncrement.description), "price_increment": .string(instrument.tickSize.description),
            "base_min_size": .string(instrument.minimumQuantity.description), "base_max_size": .string(instrument.maximumQuantity.description),
            "quote_min_size": .string(instrument.minimumNotional.description), "quote_max_size": .string(quoteMaximum.description),
            "base_name": base, "quote_name": quote, "watched": false, "is_disabled": false, "new": false, "status": "online",
            "cancel_only": false, "limit_only": false, "post_only": false, "trading_disabled": false, "auction_mode": false,
            "product_type": "SPOT", "quote_currency_id": quote, "base_currency_id": base, "fcm_trading_session_details": .null,
            "mid_market_price": "", "alias": "", "alias_to": .array([]), "base_display_symbol": base, "quote_display_symbol": quote,
            "view_only": false, "display_name": symbol, "product_venue": "CBE",
        ])
    }

    static let standard: [CoinbaseMarket] = [
        CoinbaseMarket("BTC-USD", "BTC", "USD", tick: 2, lot: 8, maximum: 3400), CoinbaseMarket("ETH-USD", "ETH", "USD", tick: 2, lot: 8, maximum: 49000),
        CoinbaseMarket("ETH-BTC", "ETH", "BTC", tick: 5, lot: 8, maximum: 49000),
    ]

    private init(_ symbol: Symbol, _ base: Asset, _ quote: Asset, tick: Int, lot: Int, maximum: Quantity) {
        let step = { (places: Int) in Decimal(sign: .plus, exponent: -places, significand: 1) }
        let isFiat = quote == "USD"
        instrument = Instrument(
            symbol: symbol, base: base, quote: quote, tickSize: Price(step(tick)), lotSize: Quantity(step(lot)),
            minimumQuantity: Quantity(step(lot)), maximumQuantity: maximum, minimumNotional: isFiat ? 1 : Notional(step(5)),
            orderTypes: [.market, .limit, .stopLimit])
        quoteIncrement = Notional(step(isFiat ? 2 : 8))
        quoteMaximum = 150_000_000
    }
}
