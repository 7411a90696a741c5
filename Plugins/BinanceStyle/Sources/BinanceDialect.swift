import BrokerContract
import TradingModel

/// What the adapter can do and what Binance spot guarantees. Sources: this adapter's README.
enum BinanceDialect {
    static let capabilities = BrokerCapabilities(
        orderTypes: [.market, .limit, .stop, .stopLimit], timesInForce: [.gtc, .ioc, .fok], canReplace: true, canBracket: true,
        canPostOnly: true, hasStream: true)

    /// A client order id is free again once its order has closed, so a resend is no query and may execute twice.
    static func semantics(requestLife: Duration, visibilityHorizon: Duration) -> VenueSemantics {
        VenueSemantics(
            deduplication: .amongOpen, lookup: .openAndClosed(retention: .seconds(90 * 86400)),
            visibilityHorizon: visibilityHorizon, requestExpiry: .enforced(after: requestLife), stream: .unsequenced,
            fillKey: .venueOrderID, cancelKey: .clientOrderID, definitiveRefusals: BinanceRefusals.place,
            rateLimits: rateLimits, clientOrderIDRules: clientOrderIDRules)
    }

    /// Until the venue's own numbers are read from exchangeInfo. Source: enums and rest-api, "Limits".
    static let rateLimits = [
        VenueRateLimit(scope: Scope.weight, limit: 6000, interval: .seconds(60)),
        VenueRateLimit(scope: Scope.orders, limit: 50, interval: .seconds(10)),
        VenueRateLimit(scope: Scope.orders, limit: 160_000, interval: .seconds(86400)),
    ]

    /// Source: fix-api, "ClOrdID": `^[a-zA-Z0-9-_]{1,36}$`, the same engine.
    static let clientOrderIDRules = ClientOrderIDRules(form: .token, maximumLength: 36)

    enum Scope {
        static let weight = "request_weight"
        static let orders = "orders"
    }
}
