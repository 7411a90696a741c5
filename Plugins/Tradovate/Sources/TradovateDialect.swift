import BrokerContract
import TradingModel

/// What the adapter can do and what Tradovate guarantees. Sources: this adapter's README.
enum TradovateDialect {
    static let capabilities = BrokerCapabilities(
        orderTypes: [.market, .limit, .stop, .stopLimit, .trailingStop], timesInForce: [.day, .gtc, .ioc, .fok], canReplace: true, repricing: .inPlace,
        canBracket: true, canPlaceExitPair: true, canClosePosition: true, canSellShort: true, hasStream: true, hasPositions: true)

    /// A resend executes twice, and the lists that show client order ids prove nothing by what they lack.
    static func semantics(visibilityHorizon: Duration) -> VenueSemantics {
        VenueSemantics(
            deduplication: .none, lookup: .openOnly, visibilityHorizon: visibilityHorizon, requestExpiry: .none, stream: .unsequenced,
            fillKey: .venueOrderID, cancelKey: .venueOrderID, definitiveRefusals: TradovateRefusals.list, rateLimits: rateLimits,
            clientOrderIDRules: clientOrderIDRules)
    }

    /// Of one user, REST and WebSocket together; windows roll over an hour. Source: core-concepts/rate-limits.
    static let rateLimits = [
        VenueRateLimit(scope: Scope.requests, limit: 5000, interval: .seconds(3600)),
        VenueRateLimit(scope: Scope.renewals, limit: 15, interval: .seconds(3600)),
        VenueRateLimit(scope: Scope.synchronisations, limit: 300, interval: .seconds(3600)),
    ]

    /// Of the request limit, for cancels, exits and lookups: a locked user cannot even leave a position.
    static let reservePercent = [Scope.requests: 20]

    /// The venue takes 64 characters. The rest of them is for the endings `-tp` and `-sl` of a bracket's legs, and for the symbol that
    /// is noted beside the id in the order's text.
    static let clientOrderIDRules = ClientOrderIDRules(form: .token, maximumLength: 40)

    /// Of `clOrdId` and `text`. Source: orders/place-order.
    static let maximumText = 64

    enum Scope {
        static let requests = "requests"
        static let renewals = "renewals"
        static let synchronisations = "synchronisations"
    }
}
