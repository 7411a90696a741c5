import BrokerContract

/// One HTTP request to a venue, with the bytes that go out already fixed.
public struct VenueRequest: Sendable {
    public enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case delete = "DELETE"
    }

    public var method: Method
    /// The whole URL. Its path and query go out byte for byte; everything outside RFC 3986 must be percent-encoded already.
    public var url: String
    public var headers: [(name: String, value: String)]
    /// Sent as it is, with its length. Nil sends no body.
    public var body: String?
    /// A longer reply is not read to its end: `unknown`.
    public var maximumReplyBytes: Int
    /// From the start of the request to the end of the reply.
    public var timeout: Duration
    /// No byte leaves at or after its end. Nil for queries, which have no permit.
    public var window: SendWindow?
    /// Whether the request can change something at the venue. Only commands pass the `egress.*` fail points.
    public var isCommand: Bool

    public init(
        _ method: Method, _ url: String, headers: [(name: String, value: String)] = [], body: String? = nil,
        maximumReplyBytes: Int = 4 << 20, timeout: Duration, window: SendWindow? = nil, isCommand: Bool
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.maximumReplyBytes = maximumReplyBytes
        self.timeout = timeout
        self.window = window
        self.isCommand = isCommand
    }
}

/// A reply that was read to its end.
public struct VenueReply: Sendable {
    public let status: Int
    public let headers: [(name: String, value: String)]
    public let body: [UInt8]
    /// From the start of the request to the end of the reply.
    public let elapsed: Duration

    public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8], elapsed: Duration = .zero) {
        self.status = status
        self.headers = headers
        self.body = body
        self.elapsed = elapsed
    }

    /// The first value of a header, whose name is compared without case.
    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// The body as text, for messages.
    public var text: String { String(decoding: body, as: UTF8.self) }
}

/// How one request ended, with what is known of its bytes.
public enum VenueHTTPResult: Sendable {
    /// A whole reply came, of whatever status.
    case replied(VenueReply)
    /// No byte of the request left, and none will.
    case notSent(NotSentReason, Evidence)
    /// Bytes may be out, and no whole reply came.
    case unknown(UnknownCause, Evidence)
}
