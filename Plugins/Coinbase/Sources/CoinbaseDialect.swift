import BrokerContract
import TradingModel

/// What the adapter can do and what Coinbase guarantees. Sources: this adapter's README.
enum CoinbaseDialect {
    static let capabilities = BrokerCapabilities(
        orderTypes: [.market, .limit, .stopLimit], timesInForce: [.gtc, .ioc, .fok, .gtd], canReplace: true, repricing: .inPlace, canBracket: true,
        canPostOnly: true, hasStream: true)

    /// A reused id brings back the first order, but for how long is not published: the declared time is far below any that was seen.
    static let recognition = Duration.seconds(60)

    static func semantics(visibilityHorizon: Duration, lookupWindow: Duration) -> VenueSemantics {
        VenueSemantics(
            deduplication: .window(recognition), lookup: .openAndClosed(retention: lookupWindow),
            visibilityHorizon: visibilityHorizon, requestExpiry: .none, stream: .sequenced, fillKey: .venueOrderID,
            cancelKey: .venueOrderID, definitiveRefusals: CoinbaseRefusals.place, rateLimits: rateLimits,
            clientOrderIDRules: clientOrderIDRules)
    }

    /// Not in the venue's current documentation; its older pages and other clients agree on these.
    static let rateLimits = [
        VenueRateLimit(scope: Scope.account, limit: 30, interval: .seconds(1)),
        VenueRateLimit(scope: Scope.address, limit: 10, interval: .seconds(1)),
    ]

    /// The venue takes more; a UUID in lower case is what its own SDK sends and what no product refuses.
    static let clientOrderIDRules = ClientOrderIDRules(form: .uuid, maximumLength: 36)

    enum Scope {
        /// Requests with a token.
        static let account = "account_requests"
        /// Requests without one.
        static let address = "public_requests"
    }
}
