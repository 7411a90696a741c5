import TradingModel

/// How a request's answer is to be put on the wire.
public enum WireReply<Reply: Sendable>: Sendable {
    case reply(Reply)
    /// The connection ends without an answer.
    case drop
    /// Success in form, unreadable in content.
    case garbage
    /// The answer stops after so many bytes, and the connection ends.
    case truncated(Reply, bytes: Int?)
}

/// What a venue answers where the fault plan wants an error.
public struct FaultReplies<Reply: Sendable>: Sendable {
    public var status: @Sendable (Int, Fault) -> Reply
    public var reject: @Sendable (Fault) -> Reply
    public var rateLimit: @Sendable (Fault) -> Reply

    public init(
        status: @escaping @Sendable (Int, Fault) -> Reply, reject: @escaping @Sendable (Fault) -> Reply,
        rateLimit: @escaping @Sendable (Fault) -> Reply
    ) {
        self.status = status
        self.reject = reject
        self.rateLimit = rateLimit
    }
}

extension FaultPlan {
    static let hangTime = Duration.seconds(600)
    static let delayTime = Duration.seconds(1)

    /// Does a request's work under the fault that is due, if one is.
    ///
    /// - Parameter work: Gets the fault, for the actions that the venue itself must play: `surface_late`, `stale_lookup`.
    /// - Returns: What to put on the wire, and the fault that was played.
    public func perform<Reply: Sendable>(
        _ point: FaultPoint, symbol: String?, clock: any TradingClock, replies: FaultReplies<Reply>,
        work: (Fault?) async throws -> Reply
    ) async throws -> (reply: WireReply<Reply>, fault: Fault?) {
        guard let fault = take(on: point, symbol: symbol) else { return (.reply(try await work(nil)), nil) }
        let reply: WireReply<Reply>
        switch fault.action {
        case .dropBeforeRead, .close: reply = .drop
        case .dropAfterAccept:
            _ = try await work(fault)
            reply = .drop
        case .hang:
            if fault.afterAccept { _ = try await work(fault) }
            try await clock.sleep(for: fault.duration(default: Self.hangTime))
            reply = .drop
        case .delay:
            if fault.afterAccept {
                let done = try await work(fault)
                try await clock.sleep(for: fault.duration(default: Self.delayTime))
                reply = .reply(done)
            } else {
                try await clock.sleep(for: fault.duration(default: Self.delayTime))
                reply = .reply(try await work(fault))
            }
        case .statusBefore: reply = .reply(replies.status(fault.status ?? 503, fault))
        case .statusAfterAccept:
            _ = try await work(fault)
            reply = .reply(replies.status(fault.status ?? 504, fault))
        case .garbageBody:
            _ = try await work(fault)
            reply = .garbage
        case .truncateBody: reply = .truncated(try await work(fault), bytes: fault.bytes)
        case .reject: reply = .reply(replies.reject(fault))
        case .rateLimit: reply = .reply(replies.rateLimit(fault))
        case .surfaceLate:
            // The order is taken, but neither a reply nor a query shows it for a while.
            _ = try await work(fault)
            reply = .drop
        case .staleLookup, .dropEvent, .duplicateEvent, .reorderEvents, .silence:
            reply = .reply(try await work(fault))
        }
        return (reply, fault)
    }
}
