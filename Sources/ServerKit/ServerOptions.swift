/// What a server needs to know before it starts.
public struct ServerOptions: Sendable {
    /// A certificate chain and its private key, both PEM files.
    public struct TLS: Sendable {
        public let certificatePath: String
        public let keyPath: String
        public init(certificatePath: String, keyPath: String) {
            self.certificatePath = certificatePath
            self.keyPath = keyPath
        }
    }

    /// Name or address to bind.
    public var host: String
    /// 0 takes a free port; the bound one is reported when the server listens.
    public var port: Int
    /// Nil serves plain HTTP.
    public var tls: TLS?
    /// Handlers of WebSocket connections, by exact path, or by a path that ends in `/*` for any one component there. Every other path,
    /// and every other `Upgrade`, is plain HTTP.
    public var webSockets: [String: WebSocketHandler]

    func webSocketHandler(for path: String) -> WebSocketHandler? {
        webSockets[path] ?? path.lastIndex(of: "/").flatMap { webSockets[path[...$0] + "*"] }
    }
    /// A connection without traffic for this long is closed, unless a reply is still being written.
    public var idleTimeout: Duration
    /// A new connection that has not sent a whole request head within this time is closed. TLS handshake included.
    public var headerTimeout: Duration
    /// Of all header fields of a request together; beyond it the answer is 431 and the connection ends.
    public var maximumHeaderBytes: Int
    /// Header fields of one request; beyond it the answer is 431 and the connection ends.
    public var maximumHeaderFields: Int
    /// Of one WebSocket message, all its fragments together; beyond it the connection ends with code 1009.
    public var maximumMessageBytes: Int
    /// Between two pings that the server sends on a WebSocket connection; three without a pong end it.
    public var webSocketPingInterval: Duration
    /// Open connections; further ones wait in the listen backlog.
    public var maximumConnections: Int

    public init(
        host: String = "127.0.0.1", port: Int = 0, tls: TLS? = nil, webSockets: [String: WebSocketHandler] = [:],
        idleTimeout: Duration = .seconds(60), headerTimeout: Duration = .seconds(10), maximumHeaderBytes: Int = 16 * 1024,
        maximumHeaderFields: Int = 64, maximumMessageBytes: Int = 1 << 20, webSocketPingInterval: Duration = .seconds(20),
        maximumConnections: Int = 8192
    ) {
        self.host = host
        self.port = port
        self.tls = tls
        self.webSockets = webSockets
        self.idleTimeout = idleTimeout
        self.headerTimeout = headerTimeout
        self.maximumHeaderBytes = maximumHeaderBytes
        self.maximumHeaderFields = maximumHeaderFields
        self.maximumMessageBytes = maximumMessageBytes
        self.webSocketPingInterval = webSocketPingInterval
        self.maximumConnections = maximumConnections
    }
}
