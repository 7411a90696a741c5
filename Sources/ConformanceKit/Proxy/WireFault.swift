/// What a proxy does to one request, or to its reply.
public enum WireFault: Sendable, Hashable {
    /// The venue gets the request up to the point, then both sides are cut.
    case cutRequest(CutPoint)
    /// The venue gets the whole request and does its work; its reply is thrown away and the broker is cut off.
    case cutAfterRequest(withReset: Bool)
    /// The broker gets the reply up to the point, then it is cut off.
    case cutReply(CutPoint)
    /// The broker gets nothing, and its connection stays open.
    case hang(delivered: Bool)
    /// The broker gets this instead of the venue's reply.
    case answer(CannedReply, delivered: Bool)
    /// A text in the venue's reply is replaced by one of the same length.
    case rewrite(find: String, with: String)
    /// The whole reply, in so many pieces with a pause between them.
    case trickle(pieces: Int, every: Duration)

    /// Whether the venue gets the whole request.
    public var isDelivered: Bool {
        switch self {
        case .cutRequest: false
        case .cutAfterRequest, .cutReply, .rewrite, .trickle: true
        case .hang(let delivered), .answer(_, let delivered): delivered
        }
    }
}

/// A place in a message.
public enum CutPoint: Sendable, Hashable {
    /// After so many bytes from its beginning.
    case bytes(Int)
    /// After so many percent of it.
    case percent(Int)
    /// So many bytes before its end.
    case beforeEnd(Int)

    func offset(in length: Int) -> Int {
        let raw =
            switch self {
            case .bytes(let count): count
            case .percent(let share): length * share / 100
            case .beforeEnd(let count): length - count
            }
        return max(0, min(length, raw))
    }
}

/// A reply that the proxy makes up.
public struct CannedReply: Sendable, Hashable {
    public var status: Int
    public var contentType: String
    public var body: String
    /// What `Content-Length` says; nil says the truth.
    public var claimedLength: Int?
    public var headers: [String: String]

    public init(
        _ status: Int, _ body: String, contentType: String = "application/json", claimedLength: Int? = nil, headers: [String: String] = [:]
    ) {
        self.status = status
        self.body = body
        self.contentType = contentType
        self.claimedLength = claimedLength
        self.headers = headers
    }

    var text: String {
        var head = "HTTP/1.1 \(status) Planned\r\nContent-Type: \(contentType)\r\nConnection: close\r\n"
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) { head += "\(name): \(value)\r\n" }
        if status != 204 { head += "Content-Length: \(claimedLength ?? body.utf8.count)\r\n" }
        return head + "\r\n" + body
    }
}
