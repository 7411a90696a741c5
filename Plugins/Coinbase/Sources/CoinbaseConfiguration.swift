import Foundation
import PluginSettings
import TradingModel

/// One Coinbase Advanced Trade account, as its block of the configuration states it.
public struct CoinbaseConfiguration: PluginConfiguration {
    /// Base of the REST API, without `/api/v3/brokerage`. Default: the live venue.
    public var rest: URL?
    /// The WebSocket of the user channel, whole. Default: the live venue.
    public var webSocket: URL?
    /// A PEM file whose certificates are trusted instead of the system's.
    public var trustRootsFile: String?
    /// Name of the CDP key: `organizations/…/apiKeys/…`, or a UUID.
    public var keyName: String
    /// An EC P-256 key as PEM, or an Ed25519 key as PEM or base64.
    public var privateKey: Secret
    /// UUID of the portfolio that the key must belong to. Nil takes whatever the key belongs to.
    public var portfolio: String?
    /// The longest time from our send until a list shows the order.
    public var visibilityHorizon: Duration
    /// How far back closed orders are searched for a client order id. Open orders are searched without a bound.
    public var lookupWindow: Duration
    /// For a connection including TLS.
    public var connectTimeout: Duration
    /// From the start of a request to the end of its reply.
    public var requestTimeout: Duration
    /// A stream that says nothing for this long, heartbeats included, is given up. The venue sends one each second.
    public var heartbeatTimeout: Duration

    /// The venue publishes no figure; this is a cautious one.
    public static let defaultVisibilityHorizon = Duration.seconds(30)
    public static let defaultLookupWindow = Duration.seconds(7 * 86400)
    public static let defaultREST = "https://api.coinbase.com"
    public static let defaultWebSocket = "wss://advanced-trade-ws-user.coinbase.com"

    public init(
        rest: URL? = URL(string: defaultREST), webSocket: URL? = URL(string: defaultWebSocket), trustRootsFile: String? = nil,
        keyName: String, privateKey: Secret, portfolio: String? = nil, visibilityHorizon: Duration = defaultVisibilityHorizon,
        lookupWindow: Duration = defaultLookupWindow, connectTimeout: Duration = .seconds(3), requestTimeout: Duration = .seconds(10),
        heartbeatTimeout: Duration = .seconds(10)
    ) {
        self.rest = rest
        self.webSocket = webSocket
        self.trustRootsFile = trustRootsFile
        self.keyName = keyName
        self.privateKey = privateKey
        self.portfolio = portfolio
        self.visibilityHorizon = visibilityHorizon
        self.lookupWindow = lookupWindow
        self.connectTimeout = connectTimeout
        self.requestTimeout = requestTimeout
        self.heartbeatTimeout = heartbeatTimeout
    }

    public init(reading settings: SettingsReader) {
        let endpoint = settings.block("endpoint") { block in
            if block.has("rest") != block.has("websocket") {
                block.problem("state both endpoint.rest and endpoint.websocket, or neither: they must be the same venue")
            }
            return (
                rest: block.url("rest", schemes: ["https", "http"]) ?? URL(string: Self.defaultREST),
                webSocket: block.url("websocket", schemes: ["wss", "ws"]) ?? URL(string: Self.defaultWebSocket),
                trustRoots: block.text("trust_roots")
            )
        }
        let credentials = settings.block("credentials", Self.readCredentials)
        self.init(
            rest: endpoint.rest, webSocket: endpoint.webSocket, trustRootsFile: endpoint.trustRoots, keyName: credentials.name,
            privateKey: credentials.key, portfolio: Self.readPortfolio(settings),
            visibilityHorizon: settings.duration(
                "visibility_horizon", default: Self.defaultVisibilityHorizon, in: .zero ... .seconds(600)),
            lookupWindow: settings.duration(
                "lookup_window", default: Self.defaultLookupWindow, in: .seconds(3600) ... .seconds(90 * 86400)),
            connectTimeout: settings.duration("connect_timeout", default: .seconds(3), in: .milliseconds(100) ... .seconds(30)),
            requestTimeout: settings.duration("request_timeout", default: .seconds(10), in: .milliseconds(500) ... .seconds(60)),
            heartbeatTimeout: settings.duration("heartbeat_timeout", default: .seconds(10), in: .seconds(2) ... .seconds(60)))
    }

    /// `key_name` and `private_key` as the venue calls them, or `key` and `secret` as every broker here has them.
    private static func readCredentials(_ block: SettingsReader) -> (name: String, key: Secret) {
        func one(of venue: String, or common: String) -> String {
            guard block.has(venue) else { return block.has(common) ? common : venue }
            if block.has(common) { block.problem("state either \(venue) or \(common), not both: they mean the same") }
            return venue
        }
        let name = block.requiredSecret(one(of: "key_name", or: "key"))
        let key = block.requiredSecret(one(of: "private_key", or: "secret"))
        if !key.isEmpty {
            do { _ = try CoinbaseKey(key) } catch { block.problem("\(error)") }
        }
        return (name.reveal(), key)
    }

    private static func readPortfolio(_ settings: SettingsReader) -> String? {
        guard let text = settings.text("portfolio") else { return nil }
        guard UUID(uuidString: text) != nil else {
            settings.problem("portfolio must be the UUID of a portfolio, not \"\(text)\"", at: settings.position(of: "portfolio"))
            return nil
        }
        return text.lowercased()
    }

    var restHost: VenueHost { VenueHost(rest?.host() ?? "") }
    var webSocketHost: VenueHost { VenueHost(webSocket?.host() ?? "") }
}

/// A host name, and whether real money moves behind it.
struct VenueHost: Sendable {
    private let name: String
    init(_ name: String) { self.name = name.lowercased() }

    /// Everything of Coinbase that is not its sandbox counts as live, names of the future included.
    var isLive: Bool {
        guard name == "coinbase.com" || name.hasSuffix(".coinbase.com") else { return false }
        return name != "api-sandbox.coinbase.com"
    }
}
