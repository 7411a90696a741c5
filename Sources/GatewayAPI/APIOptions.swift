import BrokerContract
import TradingModel

/// What the composition root decides about the HTTP side.
public struct APIOptions: Sendable {
    /// A certificate chain and its private key, both PEM files.
    public struct TLS: Sendable {
        public var certificatePath: String
        public var keyPath: String
        public init(certificatePath: String, keyPath: String) {
            self.certificatePath = certificatePath
            self.keyPath = keyPath
        }
    }

    /// Name or address to bind.
    public var host: String
    /// 0 takes a free port; ``onListening`` tells which.
    public var port: Int
    /// Any of them opens the reading of `/api`; none keeps it shut.
    public var readTokens: [Secret]
    /// Any of them may cancel orders, and read too; none keeps that shut.
    public var tradeTokens: [Secret]
    /// Any of them may take locks away and decide dead letters, and read too; none keeps that shut.
    public var adminTokens: [Secret]
    /// Nil serves plain HTTP.
    public var tls: TLS?
    /// The program's version, shown by the health checks.
    public var build: String
    /// What `GET /api/v1/adapters` lists.
    public var adapters: [AdapterDescription]
    /// Between the head of a hook and the end of its body.
    public var bodyDeadline: Duration
    /// Between two comments on an event stream.
    public var pingInterval: Duration
    /// Event streams open at the same time; a further one is answered 503.
    public var maximumEventStreams: Int
    /// Called once, with the bound port.
    public var onListening: @Sendable (Int) -> Void

    public init(
        host: String = "127.0.0.1", port: Int, readTokens: [Secret], tradeTokens: [Secret] = [], adminTokens: [Secret] = [], tls: TLS? = nil,
        build: String, adapters: [AdapterDescription] = [], bodyDeadline: Duration = .seconds(10), pingInterval: Duration = .seconds(15),
        maximumEventStreams: Int = 64, onListening: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.host = host
        self.port = port
        self.readTokens = readTokens
        self.tradeTokens = tradeTokens
        self.adminTokens = adminTokens
        self.tls = tls
        self.build = build
        self.adapters = adapters
        self.bodyDeadline = bodyDeadline
        self.pingInterval = pingInterval
        self.maximumEventStreams = maximumEventStreams
        self.onListening = onListening
    }
}

/// One kind of broker that this program knows, for `GET /api/v1/adapters`.
public struct AdapterDescription: Sendable {
    /// The word after `broker:` in the configuration.
    public var id: String
    public var displayName: String
    /// The mode of an account that states none.
    public var defaultMode: AccountMode
    public var capabilities: BrokerCapabilities
    public var semantics: VenueSemantics

    public init(id: String, displayName: String, defaultMode: AccountMode, capabilities: BrokerCapabilities, semantics: VenueSemantics) {
        self.id = id
        self.displayName = displayName
        self.defaultMode = defaultMode
        self.capabilities = capabilities
        self.semantics = semantics
    }

    /// What a plugin says about itself.
    public init(_ plugin: (some BrokerPlugin).Type) {
        self.init(
            id: plugin.id, displayName: plugin.displayName, defaultMode: plugin.defaultMode, capabilities: plugin.capabilities,
            semantics: plugin.semantics)
    }
}
