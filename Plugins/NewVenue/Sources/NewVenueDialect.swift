import BrokerContract
import TradingModel

/// What the adapter can do and what NewVenue guarantees. Sources: this adapter's README.
enum NewVenueDialect {
    /// Level 3: name what is built. What is not named is refused before a byte leaves.
    static let capabilities = BrokerCapabilities(orderTypes: [], timesInForce: [], hasStream: false)

    /// Level 2: from the venue's documentation. Each value here is the one that promises least; the core then asks a person where
    /// it could have concluded, which is never wrong.
    static let semantics = VenueSemantics(
        deduplication: .none, lookup: .none, visibilityHorizon: .seconds(60), requestExpiry: .none, stream: .none, fillKey: .none,
        cancelKey: .none, definitiveRefusals: refusals, rateLimits: [VenueRateLimit(scope: requests, limit: 10, interval: .seconds(1))],
        clientOrderIDRules: ClientOrderIDRules(form: .token, maximumLength: 36))

    /// Replies that prove that an order was not taken: status, the venue's code, our reason. A refusal that is not here is unknown.
    static let refusals: [DefinitiveRefusal] = []

    /// The scope of the venue's limit.
    static let requests = "requests"
}
