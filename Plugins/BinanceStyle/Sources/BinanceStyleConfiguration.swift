import AdapterKit
import Foundation
import PluginSettings
import TradingModel

/// One Binance account, as its block of the configuration states it.
public struct BinanceStyleConfiguration: PluginConfiguration {
    /// Base of the REST API, without `/api/v3`. Default: the spot testnet.
    public var rest: URL?
    /// The WebSocket API, whole. Default: the spot testnet.
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
    /// A stream without a byte for so long is dead. The venue pings every 20 s. Source: web-socket-api, "General API information".
    public var streamSilenceLimit: Duration

    public enum SigningKey: Sendable, Hashable {
        case hmac(Secret)
        case ed25519(Secret)
    }

    /// Source: Binance spot API documentation, rest-api "Timing security", commit a5e0bc3 of 2026-07-21.
    public static let defaultReceiveWindow = Duration.seconds(5)
    public static let defaultVisibilityHorizon = Duration.seconds(10)
    /// Source: testnet/general-info of the same documentation.
    public static let defaultREST = "https://testnet.binance.vision"
    public static let defaultWebSocket = "wss://ws-api.testnet.binance.vision/ws-api/v3"

    public init(
        rest: URL? = URL(string: defaultREST), webSocket: URL? = URL(string: defaultWebSocket), apiKey: Secret,
        signingKey: SigningKey, receiveWindow: Duration = defaultReceiveWindow,
        visibilityHorizon: Duration = defaultVisibilityHorizon, connectTimeout: Duration = .seconds(3),
        requestTimeout: Duration = .seconds(12), streamSilenceLimit: Duration = .seconds(60)
    ) {
        self.rest = rest
        self.webSocket = webSocket
        self.apiKey = apiKey
        self.signingKey = signingKey
        self.receiveWindow = receiveWindow
        self.visibilityHorizon = visibilityHorizon
        self.connectTimeout = connectTimeout
        self.requestTimeout = requestTimeout
        self.streamSilenceLimit = streamSilenceLimit
    }

    public init(reading settings: SettingsReader) {
        let endpoint = settings.block("endpoint") { block in
            let stated = (rest: block.has("rest"), webSocket: block.has("websocket"))
            if stated.rest != stated.webSocket {
                block.problem("state both endpoint.rest and endpoint.websocket, or neither: they must be the same venue")
            }
            return (
                rest: block.url("rest", schemes: ["https", "http"]) ?? URL(string: Self.defaultREST),
                webSocket: block.url("websocket", schemes: ["wss", "ws"]) ?? URL(string: Self.defaultWebSocket)
            )
        }
        let credentials = settings.block("credentials", Self.readCredentials)
        self.init(
            rest: endpoint.rest, webSocket: endpoint.webSocket, apiKey: credentials.key, signingKey: credentials.signing,
            receiveWindow: settings.duration("recv_window", default: Self.defaultReceiveWindow, in: .seconds(1) ... .seconds(60)),
            visibilityHorizon: settings.duration(
                "visibility_horizon", default: Self.defaultVisibilityHorizon, in: .zero ... .seconds(600)),
            connectTimeout: settings.duration("connect_timeout", default: .seconds(3), in: .milliseconds(100) ... .seconds(30)),
            requestTimeout: settings.duration("request_timeout", default: .seconds(12), in: .milliseconds(500) ... .seconds(60)))
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

    /// Everything of Binance that is neither its testnet nor its demo mode counts as live, names of the future included.
    var isLive: Bool {
        let families = ["binance.com", "binance.us", "binance.vision"]
        guard families.contains(where: { name == $0 || name.hasSuffix("." + $0) }) else { return false }
        let isTestnet = name == "testnet.binance.vision" || name.hasSuffix(".testnet.binance.vision")
        let isDemo = ["demo-api.binance.com", "demo-ws-api.binance.com"].contains(name)
        return !isTestnet && !isDemo
    }
}
