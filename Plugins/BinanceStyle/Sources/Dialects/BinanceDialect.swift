import BrokerContract
import TradingModel

/// How one venue of the family speaks: hosts, paths, user stream, limits, and what it can do.
///
/// The meaning of a request and of its answer is the same in all of them and is written once; a dialect only chooses.
public struct BinanceDialect: Sendable {
    /// The two wire languages of the family.
    enum Product: String, Sendable {
        /// `/api/v3`: balances, no positions.
        case spot
        /// `/fapi`: USD-margined futures, one-way positions.
        case usdm
    }

    /// Where the account's events come from.
    enum UserStream: Sendable {
        /// A signed subscription on the WebSocket API.
        case webSocketAPI
        /// A key that is fetched over REST, kept alive, and named in the URL of the stream.
        case listenKey(path: String, isQuery: Bool)
    }

    /// The word after `dialect:`.
    public let id: String
    public let name: String
    /// Whether real money moves behind its hosts.
    public let isLive: Bool
    /// Base of the REST API, and the WebSocket API or the base of the user stream.
    public let rest: String
    public let webSocket: String
    let product: Product
    let userStream: UserStream
    public let capabilities: BrokerCapabilities
    /// Until the venue's own numbers are read from exchangeInfo.
    public let rateLimits: [VenueRateLimit]
    let paths: BinancePaths
    /// What differs and what is missing, in words.
    public let notes: String

    func semantics(requestLife: Duration, visibilityHorizon: Duration) -> VenueSemantics {
        VenueSemantics(
            deduplication: .amongOpen, lookup: .openAndClosed(retention: product == .spot ? .seconds(90 * 86400) : .seconds(3 * 86400)),
            visibilityHorizon: visibilityHorizon, requestExpiry: .enforced(after: requestLife), stream: .unsequenced,
            fillKey: .venueOrderID, cancelKey: .clientOrderID, definitiveRefusals: refusals.place,
            rateLimits: rateLimits, clientOrderIDRules: Self.clientOrderIDRules)
    }

    /// For lists and documentation.
    var listing: BrokerDialect {
        BrokerDialect(
            id: id, name: name, rest: rest, webSocket: webSocket, isLive: isLive, capabilities: capabilities, rateLimits: rateLimits, notes: notes)
    }

    var refusals: BinanceRefusals { product == .spot ? .spot : .usdm }

    /// Source: fix-api, "ClOrdID": `^[a-zA-Z0-9-_]{1,36}$`, the same engine; the futures take more characters.
    static let clientOrderIDRules = ClientOrderIDRules(form: .token, maximumLength: 36)

    enum Scope {
        static let weight = "request_weight"
        static let orders = "orders"
    }
}

/// Paths and request weights. Sources: rest-api of the spot documentation, USD-M general info.
struct BinancePaths: Sendable {
    var time, exchangeInfo, order, openOrders, allOrders, trades, money: String
    /// Of a lookup, of all open orders, of a page of history, of a page of fills, of the fills of one order, of the money.
    var weights: (lookup: Int, openOrders: Int, history: Int, fills: Int, orderFills: Int, money: Int)
    var positions: String?
    /// The longest span of a list by time.
    var longestSpan: Duration

    static let spot = BinancePaths(
        time: "/api/v3/time", exchangeInfo: "/api/v3/exchangeInfo", order: "/api/v3/order", openOrders: "/api/v3/openOrders",
        allOrders: "/api/v3/allOrders", trades: "/api/v3/myTrades", money: "/api/v3/account", weights: (4, 80, 20, 20, 5, 20),
        longestSpan: .seconds(86400))

    static let usdm = BinancePaths(
        time: "/fapi/v1/time", exchangeInfo: "/fapi/v1/exchangeInfo", order: "/fapi/v1/order", openOrders: "/fapi/v1/openOrders",
        allOrders: "/fapi/v1/allOrders", trades: "/fapi/v1/userTrades", money: "/fapi/v3/balance", weights: (1, 40, 5, 5, 5, 5),
        positions: "/fapi/v3/positionRisk", longestSpan: .seconds(7 * 86400))

    /// A clone that has stayed at the second version of these two.
    static let usdmV2: BinancePaths = {
        var paths = usdm
        paths.money = "/fapi/v2/balance"
        paths.positions = "/fapi/v2/positionRisk"
        return paths
    }()
}
