import Foundation
import PluginSettings
import TradingModel

/// Trading rules for a symbol that has no venue: derived from its name and price, or stated in the configuration.
enum PaperRules {
    /// Quote assets that end a symbol's name, longest first.
    static let knownQuotes = [
        "FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USD", "EUR", "GBP", "JPY", "CHF", "AUD", "CAD", "TRY", "BRL", "DAI", "BTC", "ETH", "BNB",
    ]
    /// Quotes for which 5 units are a sensible smallest order.
    private static let dollarLike: Set<String> = ["FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USD", "EUR", "GBP", "CHF", "DAI"]

    /// Base and quote by a separator or a known ending; nil if the name does not tell.
    static func split(_ symbol: Symbol) -> (base: Asset, quote: Asset)? {
        let name = symbol.rawValue
        for separator in ["-", "/", "_"] {
            let parts = name.split(separator: separator, omittingEmptySubsequences: false)
            if parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty { return (Asset(String(parts[0])), Asset(String(parts[1]))) }
        }
        guard let quote = knownQuotes.first(where: { name.hasSuffix($0) && name.count > $0.count }) else { return nil }
        return (Asset(String(name.dropLast(quote.count))), Asset(quote))
    }

    static func instrument(_ symbol: Symbol, price: Price) -> Instrument? {
        split(symbol).map { instrument(symbol, $0.base, $0.quote, tick: tick(price), lot: lot(price), minimum: minimum($0.quote)) }
    }

    /// What the configuration states, and the derived rules for the rest.
    static func instrument(_ symbol: Symbol, price: Price, reading settings: SettingsReader) -> Instrument? {
        let derived = split(symbol)
        guard let base = settings.text("base").map({ Asset($0) }) ?? derived?.base,
            let quote = settings.text("quote").map({ Asset($0) }) ?? derived?.quote
        else {
            settings.problem("\(settings.path) needs base and quote")
            return nil
        }
        let tick: Price = settings.decimal("tick_size") ?? self.tick(price)
        let lot: Quantity = settings.decimal("lot_size") ?? self.lot(price)
        let minimum: Notional = settings.decimal("minimum_notional") ?? self.minimum(quote)
        if tick <= 0 { settings.problem("tick_size must be greater than zero", at: settings.position(of: "tick_size")) }
        if lot <= 0 { settings.problem("lot_size must be greater than zero", at: settings.position(of: "lot_size")) }
        if minimum < 0 { settings.problem("minimum_notional must not be negative", at: settings.position(of: "minimum_notional")) }
        return instrument(symbol, base, quote, tick: tick, lot: lot, minimum: minimum)
    }

    private static func instrument(
        _ symbol: Symbol, _ base: Asset, _ quote: Asset, tick: Price, lot: Quantity, minimum: Notional
    ) -> Instrument {
        Instrument(
            symbol: symbol, base: base, quote: quote, tickSize: tick, lotSize: lot, minimumQuantity: lot,
            maximumQuantity: 1_000_000_000, minimumNotional: minimum, minimumPrice: tick, maximumPrice: 1_000_000_000_000,
            orderTypes: PaperPlugin.capabilities.orderTypes)
    }

    private static func step(_ places: Int) -> Decimal { Decimal(sign: .plus, exponent: -places, significand: 1) }
    private static func tick(_ price: Price) -> Price { Price(step(price >= 100 ? 2 : price >= 1 ? 4 : 8)) }
    private static func lot(_ price: Price) -> Quantity { Quantity(step(price >= 10_000 ? 5 : price >= 100 ? 4 : price >= 1 ? 2 : 0)) }
    private static func minimum(_ quote: Asset) -> Notional { dollarLike.contains(quote.rawValue) ? 5 : .zero }

    /// Why an order breaks the instrument's rules; nil if it does not.
    static func violation(_ instrument: Instrument, quantity: Quantity?, prices: [Price], value: Notional) -> RejectReason? {
        if let quantity {
            guard quantity.isMultiple(of: instrument.lotSize) else { return .invalidQuantity }
            guard quantity >= instrument.minimumQuantity else { return .belowMinimum }
            guard quantity <= instrument.maximumQuantity else { return .aboveMaximum }
        }
        for price in prices {
            guard price.isMultiple(of: instrument.tickSize) else { return .invalidPrice }
            guard price >= instrument.minimumPrice, price <= instrument.maximumPrice else { return .priceOutOfRange }
        }
        return value < instrument.minimumNotional ? .belowMinimum : nil
    }
}
