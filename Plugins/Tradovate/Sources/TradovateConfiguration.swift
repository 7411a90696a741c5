import Crypto
import Foundation
import PluginSettings
import TradingModel

/// One Tradovate account, as its block of the configuration states it.
public struct TradovateConfiguration: PluginConfiguration {
    /// Base of the REST API, with or without `/v1`. Default: the demo environment.
    public var rest: URL?
    /// The WebSocket, whole. Default: the demo environment.
    public var webSocket: URL?
    public var credentials: Credentials
    /// Name or number of the account; nil if the user has exactly one.
    public var account: String?
    /// By product, for example `MNQ`: which contract a symbol such as `MNQ1!` means.
    public var roll: [String: RollRule]
    /// Time from a request in which no list needs to show its order.
    public var visibilityHorizon: Duration
    /// For a connection including TLS.
    public var connectTimeout: Duration
    /// From the start of a request to the end of its reply. Lists may take over 15 s at busy times.
    public var requestTimeout: Duration
    /// How long nothing is sent after the venue has locked the user (429, 423). It asks for an hour.
    public var lockPause: Duration
    /// If nothing was heard on the stream for this long it counts as dead. Four of the server's heartbeats; the number of them is ours.
    public var streamSilenceLimit = Duration.seconds(10)

    /// Who logs in. Accounts with equal credentials and endpoints share one session.
    public struct Credentials: Sendable, Hashable {
        public var username: Secret
        public var password: Secret
        /// The name that was registered with the API key.
        public var appID: String
        public var appVersion: String
        /// Number of the API key.
        public var clientID: String?
        /// Secret of the API key.
        public var clientSecret: Secret?
        /// Must stay the same over restarts.
        public var deviceID: String

        public init(
            username: Secret, password: Secret, appID: String = "Turnstile", appVersion: String = "1.0", clientID: String? = nil,
            clientSecret: Secret? = nil, deviceID: String? = nil
        ) {
            self.username = username
            self.password = password
            self.appID = appID
            self.appVersion = appVersion
            self.clientID = clientID
            self.clientSecret = clientSecret
            self.deviceID = deviceID ?? Self.stableDeviceID(username)
        }

        /// The same for the same user, always, and without the name in it.
        private static func stableDeviceID(_ username: Secret) -> String {
            SHA256.hash(data: Data("turnstile:\(username.reveal())".utf8)).map { byte in
                let hex = String(byte, radix: 16)
                return hex.count == 1 ? "0" + hex : hex
            }.joined()
        }
    }

    /// Ours: the lists that show an order are said to be eventually consistent, without a figure.
    public static let defaultVisibilityHorizon = Duration.seconds(30)
    /// Source: example-api-js of Tradovate, read 2026-11-21.
    public static let defaultREST = "https://demo.tradovateapi.com/v1"
    public static let defaultWebSocket = "wss://demo.tradovateapi.com/v1/websocket"
    /// Source: core-concepts/rate-limits: "wait one hour".
    public static let defaultLockPause = Duration.seconds(3600)

    public init(
        rest: URL? = URL(string: defaultREST), webSocket: URL? = URL(string: defaultWebSocket), credentials: Credentials,
        account: String? = nil, roll: [String: RollRule] = [:], visibilityHorizon: Duration = defaultVisibilityHorizon,
        connectTimeout: Duration = .seconds(3), requestTimeout: Duration = .seconds(20), lockPause: Duration = defaultLockPause
    ) {
        self.rest = rest
        self.webSocket = webSocket
        self.credentials = credentials
        self.account = account
        self.roll = roll
        self.visibilityHorizon = visibilityHorizon
        self.connectTimeout = connectTimeout
        self.requestTimeout = requestTimeout
        self.lockPause = lockPause
    }

    public init(reading settings: SettingsReader) {
        let endpoint = settings.block("endpoint") { block in
            if block.has("rest") != block.has("websocket") {
                block.problem("state both endpoint.rest and endpoint.websocket, or neither: they must be the same environment")
            }
            return (
                rest: block.url("rest", schemes: ["https", "http"]) ?? URL(string: Self.defaultREST),
                webSocket: block.url("websocket", schemes: ["wss", "ws"]) ?? URL(string: Self.defaultWebSocket)
            )
        }
        self.init(
            rest: endpoint.rest, webSocket: endpoint.webSocket, credentials: settings.block("credentials", Self.readCredentials),
            account: settings.text("account"), roll: Self.readRoll(settings),
            visibilityHorizon: settings.duration(
                "visibility_horizon", default: Self.defaultVisibilityHorizon, in: .zero ... .seconds(600)),
            connectTimeout: settings.duration("connect_timeout", default: .seconds(3), in: .milliseconds(100) ... .seconds(30)),
            requestTimeout: settings.duration("request_timeout", default: .seconds(20), in: .milliseconds(500) ... .seconds(60)),
            lockPause: settings.duration("lock_pause", default: Self.defaultLockPause, in: .seconds(1) ... .seconds(86400)))
    }

    /// `key` and `secret` are the names that all brokers of the program have in common.
    private static func readCredentials(_ block: SettingsReader) -> Credentials {
        let name = block.has("key") && !block.has("username") ? "key" : "username"
        let password = block.has("secret") && !block.has("password") ? "secret" : "password"
        if (block.has("cid")) != (block.has("sec")) { block.problem("cid and sec belong together: state both, or neither") }
        return Credentials(
            username: block.requiredSecret(name), password: block.requiredSecret(password), appID: block.text("app_id") ?? "Turnstile",
            appVersion: block.text("app_version") ?? "1.0", clientID: block.secret("cid")?.reveal(), clientSecret: block.secret("sec"),
            deviceID: block.text("device_id"))
    }

    private static func readRoll(_ settings: SettingsReader) -> [String: RollRule] {
        var rules: [String: RollRule] = [:]
        for entry in settings.scalars("roll") {
            guard let rule = RollRule(entry.text) else {
                settings.problem(
                    "roll.\(entry.name) must be such as 5d_before_expiry (0 to 60 days), or venue_front, not \"\(entry.text)\"", at: entry.position)
                continue
            }
            rules[entry.name] = rule
        }
        return rules
    }

    var restHost: VenueHost { VenueHost(rest?.host() ?? "") }
    var webSocketHost: VenueHost { VenueHost(webSocket?.host() ?? "") }

    /// Without the trailing `/v1`.
    var restBase: String? {
        guard var text = rest?.absoluteString else { return nil }
        while text.hasSuffix("/") { text.removeLast() }
        return text.hasSuffix("/v1") ? String(text.dropLast(3)) : text
    }
}

/// A host name, and whether real money moves behind it.
struct VenueHost: Sendable {
    private let name: String
    init(_ name: String) { self.name = name.lowercased() }

    /// Everything of the venue that is not known as its demo environment counts as live, names of the future included.
    var isLive: Bool {
        let families = ["tradovateapi.com", "tradovate.com", "ninjatrader.com", "ninjatrader.dev"]
        guard families.contains(where: { name == $0 || name.hasSuffix("." + $0) }) else { return false }
        return !["demo.tradovateapi.com", "demo-api.staging.ninjatrader.dev"].contains(name)
    }
}
