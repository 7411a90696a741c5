import TradingModel

/// Where a venue can be made to misbehave.
public enum FaultPoint: String, Sendable, Hashable, CaseIterable {
    case place, cancel, lookup, history, fills, balances, rules, time
    case openOrders = "open_orders"
    /// Events of the private stream, and its connections.
    case stream
    /// Any request.
    case any
}

/// In which way.
public enum FaultAction: String, Sendable, Hashable, CaseIterable {
    /// The connection ends before the venue has read the request.
    case dropBeforeRead = "drop_before_read"
    /// The venue does the work, then the connection ends without a reply.
    case dropAfterAccept = "drop_after_accept"
    /// No reply for `ms` (default ten minutes), then the connection ends. With `after_accept`, the work is done first.
    case hang
    /// The work is done `ms` later (default 1000). On the stream: the events come `ms` later.
    case delay
    /// `status` (default 503) instead of the work.
    case statusBefore = "status_before"
    /// `status` (default 504) although the work was done.
    case statusAfterAccept = "status_after_accept"
    /// The work is done; the reply is 200 with something that cannot be read.
    case garbageBody = "garbage_body"
    /// The work is done; the reply stops after `bytes` (default half of it) and the connection ends.
    case truncateBody = "truncate_body"
    /// The venue says no, with `code` and `message`.
    case reject
    /// The order is taken, but queries do not show it for `ms` (default 1000).
    case surfaceLate = "surface_late"
    /// The query answers as the order stood when it was accepted.
    case staleLookup = "stale_lookup"
    case dropEvent = "drop_event"
    case duplicateEvent = "duplicate_event"
    /// The event comes after the next one, or after 250 ms if there is none.
    case reorderEvents = "reorder_events"
    /// The connection stays open and says nothing more, for `ms` or for good.
    case silence
    /// The connection ends. On the stream at once, or after `skip` events.
    case close
    /// 429, or `status` 418.
    case rateLimit = "rate_limit"

    private static let ofStream: Set<FaultAction> = [.delay, .dropEvent, .duplicateEvent, .reorderEvents, .silence, .close]
    private static let onlyOfStream: Set<FaultAction> = [.dropEvent, .duplicateEvent, .reorderEvents, .silence]

    func isPossible(on point: FaultPoint) -> Bool {
        switch self {
        case .surfaceLate: point == .place
        case .staleLookup: point == .lookup || point == .openOrders || point == .history
        default: point == .stream ? Self.ofStream.contains(self) : !Self.onlyOfStream.contains(self)
        }
    }
}

/// One planned misbehaviour.
public struct Fault: Sendable, Hashable {
    public var on: FaultPoint
    public var action: FaultAction
    /// How often it happens.
    public var times: Int
    /// How many occasions pass before it happens first.
    public var skip: Int
    /// In how many of a hundred occasions it happens, drawn by ``seed``; the others pass as if it were not planned. Nil means in all.
    public var percent: Int?
    /// Where the draw begins: the same seed takes the same occasions.
    public var seed: Int?
    /// How often a duplicated event comes in all; nil means twice.
    public var copies: Int?
    public var milliseconds: Int?
    public var status: Int?
    public var code: Int?
    public var message: String?
    public var bytes: Int?
    public var afterAccept: Bool
    /// Nil means any symbol.
    public var symbol: String?

    public init(
        on: FaultPoint, _ action: FaultAction, times: Int = 1, skip: Int = 0, percent: Int? = nil, seed: Int? = nil, copies: Int? = nil, milliseconds: Int? = nil, status: Int? = nil,
        code: Int? = nil, message: String? = nil, bytes: Int? = nil, afterAccept: Bool = false, symbol: String? = nil
    ) {
        self.on = on
        self.action = action
        self.times = times
        self.skip = skip
        self.percent = percent
        self.seed = seed
        self.copies = copies
        self.milliseconds = milliseconds
        self.status = status
        self.code = code
        self.message = message
        self.bytes = bytes
        self.afterAccept = afterAccept
        self.symbol = symbol
    }

    /// How long a fault with a time takes.
    public func duration(default fallback: Duration) -> Duration { milliseconds.map { .milliseconds($0) } ?? fallback }
}
