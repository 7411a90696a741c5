/// Limits of one WebSocket connection.
public struct WebSocketOptions: Sendable {
    /// For connection, TLS and upgrade together.
    public var connectTimeout: Duration
    /// If nothing was heard for this long, pings included, the connection counts as dead and is closed.
    public var silenceLimit: Duration
    /// Pings of our own, for a venue whose stream may be still for longer than a dead one may go unnoticed; nil sends none.
    public var pings: Pings?
    /// A longer frame is a protocol error and ends the connection.
    public var maximumFrameBytes: Int
    /// A longer message of several frames ends the connection.
    public var maximumMessageBytes: Int
    /// Messages that wait for the consumer. At the limit the connection is closed with ``WebSocketEnd/overflow``; what was
    /// buffered before is still delivered, so the consumer knows exactly where the gap begins.
    public var maximumBufferedMessages: Int
    /// A PEM file whose certificates are trusted instead of the system's. Nil trusts the system's.
    public var trustRootsFile: String?

    /// A live peer answers a ping at once (RFC 6455, 5.5.3). One that has never answered is held to ``silenceLimit`` alone.
    public struct Pings: Sendable, Hashable {
        /// Between two of them.
        public var interval: Duration
        /// The ``WebSocketOptions/silenceLimit`` from the first answer on.
        public var silenceLimit: Duration
        public init(interval: Duration, silenceLimit: Duration) {
            self.interval = interval
            self.silenceLimit = silenceLimit
        }
    }

    public init(
        connectTimeout: Duration = .seconds(5), silenceLimit: Duration = .seconds(60), pings: Pings? = nil, maximumFrameBytes: Int = 1 << 20,
        maximumMessageBytes: Int = 4 << 20, maximumBufferedMessages: Int = 1024, trustRootsFile: String? = nil
    ) {
        self.connectTimeout = connectTimeout
        self.silenceLimit = silenceLimit
        self.pings = pings
        self.maximumFrameBytes = maximumFrameBytes
        self.maximumMessageBytes = maximumMessageBytes
        self.maximumBufferedMessages = maximumBufferedMessages
        self.trustRootsFile = trustRootsFile
    }
}

/// Why a WebSocket connection ended.
public enum WebSocketEnd: Error, Sendable, Equatable, CustomStringConvertible {
    /// The other side closed it, with its code if it gave one.
    case closedByPeer(code: Int?)
    case closedByUs
    case silent
    case overflow
    case failed(String)

    public var description: String {
        switch self {
        case .closedByPeer(let code): "closed by the venue\(code.map { " with code \($0)" } ?? "")"
        case .closedByUs: "closed by us"
        case .silent: "nothing was heard for too long"
        case .overflow: "more messages than the buffer holds"
        case .failed(let text): text
        }
    }
}
