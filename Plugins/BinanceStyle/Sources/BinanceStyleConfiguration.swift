import AdapterKit
import Foundation
import PluginSettings
import TradingModel

/// One Binance account, as its block of the configuration states it.
public struct BinanceStyleConfiguration: PluginConfiguration {
    /// Which venue of the family it is. Default: the spot testnet.
    public var dialect: BinanceDialect
    /// Base of the REST API, without `/api/v3` or `/fapi`. Default: the dialect's.
    public var rest: URL?
    /// The WebSocket API, or the user stream without its key. Default: the dialect's.
    public var webSocket: URL?
    public var apiKey: Secret
    /// An HMAC secret, or an Ed25519 key in PKCS#8 form.
    public var signingKey: SigningKey
    /// `recvWindow`: the venue refuses a request that reaches its engine later than this after its timestamp.
    public var receiveWindow: Duration
    /// Time after a request's expiry in which a query may still miss the order.
    public var visibilityHorizon: Duration
    /// For a connection including TLS.
    public var connectTimeout: Duration
    /// From the start of a request to the end of its reply. The venue itself gives up after 10 s.
    public var requestTimeout: Duration
    /// A stream without a byte for so long is dead, although we ping it. At a venue that answers no pings six times as long, because it
    /// itself pings every 20 s (source: web-socket-api, "General API information").
    public var streamSilenceLimit: Duration
    /// How often a listen key is prolonged, where there is one. It lives for an hour.
    public var listenKeyRenewal: Duration

    public enum SigningKey: Sendable, Hashable {
        case hmac(Secret)
        case ed25519(Secret)
    }

    /// Source: Binance spot API documentation, rest-api "Timing security", commit a5e0bc3 of 2026-07-21.
    public static let defaultReceiveWindow = Duration.seconds(5)
    public static let defaultVisibilityHorizon = Duration.seconds(10)
    public init(
        dialect: BinanceDialect = .standard, rest: URL? = nil, webSocket: URL? = nil, apiKey: Secret,
        signingKey: SigningKey, receiveWindow: Duration = defaultReceiveWindow,
        visibilityHorizon: Duration = defaultVisibilityHorizon, connectTimeout: Duration = .seconds(3),
        requestTimeout: Duration = .seconds(12), streamSilenceLimit: Duration = .seconds(10),
        listenKeyRenewal: Duration = .seconds(30 * 60)
    ) {
        self.dialect = dialect
        self.rest = rest ?? URL(string: dialect.rest)
        self.webSocket = webSocket ?? URL(string: dialect.webSocket)
        self.apiKey = apiKey
        self.signingKey = signingKey
        self.receiveWindow = receiveWindow
        self.visibilityHorizon = visibilityHorizon
        self.connectTimeout = connectTimeout
        self.requestTimeout = requestTimeout
        self.streamSilenceLimit = streamSilenceLimit
        self.listenKeyRenewal = listenKeyRenewal
    }

    public init(reading settings: SettingsReader) {
        let dialect = Self.readDialect(settings)
        let endpoint = settings.block("endpoint") { block in
            let stated = (rest: block.has("rest"), webSocket: block.has("websocket"))
            if stated.rest != stated.webSocket {
                block.problem("state both endpoint.rest and endpoint.websocket, or neither: they must be the same venue")
            }
            return (
                rest: block.url("rest", schemes: ["https", "http"]), webSocket: block.url("websocket", schemes: ["wss", "ws"])
            )
        }
        let credentials = settings.block("credentials", Self.readCredentials)
        self.init(
            dialect: dialect, rest: endpoint.rest, webSocket: endpoint.webSocket, apiKey: credentials.key, signingKey: credentials.signing,
            receiveWindow: settings.duration("recv_window", default: Self.defaultReceiveWindow, in: .seconds(1) ... .seconds(60)),
            visibilityHorizon: settings.duration(
                "visibility_horizon", default: Self.defaultVisibilityHorizon, in: .zero ... .seconds(600)),
            connectTimeout: settings.duration("connect_timeout", default: .seconds(3), in: .milliseconds(100) ... .seconds(30)),
            requestTimeout: settings.duration("request_timeout", default: .seconds(12), in: .milliseconds(500) ... .seconds(60)))
    }

    private static func readDialect(_ settings: SettingsReader) -> BinanceDialect {
        guard let word = settings.text("dialect") else { return .standard }
        if let dialect = BinanceDialect.named(word) { return dialect }
        let known = BinanceDialect.all.map(\.id)
        let hint = closest(to: word, among: known).map { "; did you mean '\($0)'?" } ?? ""
        settings.problem("unknown dialect '\(word)'; known: \(known.joined(separator: ", "))\(hint)", at: settings.position(of: "dialect"))
        return .standard
    }

    private static func readCredentials(_ block: SettingsReader) -> (key: Secret, signing: SigningKey) {
        let key = block.requiredSecret("key")
        let signing: SigningKey
        if block.has("private_key") {
            if block.has("secret") { block.problem("state either secret or private_key, not both") }
            signing = .ed25519(block.requiredSecret("private_key"))
        } else {
            let secret = block.requiredSecret("secret")
            signing = secret.reveal().contains("-----BEGIN") ? .ed25519(secret) : .hmac(secret)
        }
        if case .ed25519(let secret) = signing, !secret.isEmpty {
            do { _ = try RequestSigner(ed25519PrivateKey: secret) } catch { block.problem("\(error)") }
        }
        return (key, signing)
    }

    var restHost: VenueHost { VenueHost(rest?.host() ?? "") }
    var webSocketHost: VenueHost { VenueHost(webSocket?.host() ?? "") }
}

/// A host name, and whether real money moves behind it.
struct VenueHost: Sendable {
    private let name: String
    init(_ name: String) { self.name = name.lowercased() }

    /// Everything of the family that is neither its testnet nor its demo mode counts as live, names of the future included.
    var isLive: Bool {
        let families = ["binance.com", "binance.us", "binance.vision", "asterdex.com"]
        guard families.contains(where: { name == $0 || name.hasSuffix("." + $0) }) else { return false }
        let isTestnet = name == "testnet.binance.vision" || name.hasSuffix(".testnet.binance.vision")
        let isDemo = ["demo-api.binance.com", "demo-ws-api.binance.com", "demo-fapi.binance.com", "demo-fstream.binance.com"].contains(name)
        return !isTestnet && !isDemo
    }
}
