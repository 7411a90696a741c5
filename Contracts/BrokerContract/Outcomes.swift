import TradingModel

/// The time in which bytes of a request may leave. It comes from a permit.
public struct SendWindow: Sendable, Hashable {
    /// No byte leaves at or after this instant of the boot clock.
    public let notAfter: MonotonicInstant
    public init(notAfter: MonotonicInstant) { self.notAfter = notAfter }
    public func isOpen(at now: MonotonicInstant) -> Bool { now < notAfter }
}

/// What was seen on the wire, kept with the attempt for ever.
public struct Evidence: Sendable, Hashable, Codable {
    /// Whether bytes of the request may have left this process.
    public var mayHaveLeft: Bool
    public var httpStatus: Int?
    /// The venue's own code.
    public var venueCode: String?
    /// The venue's own words, or the transport's error, cut to 500 characters. Carries no secret.
    public var message: String?
    /// From the start of the request to its end.
    public var elapsed: Duration?

    public init(mayHaveLeft: Bool, httpStatus: Int? = nil, venueCode: String? = nil, message: String? = nil, elapsed: Duration? = nil) {
        self.mayHaveLeft = mayHaveLeft
        self.httpStatus = httpStatus
        self.venueCode = venueCode
        self.message = message.map { String($0.prefix(500)) }
        self.elapsed = elapsed
    }
}

/// Why nothing left this process.
public enum NotSentReason: String, Sendable, Codable, CaseIterable {
    /// The send window had closed.
    case windowClosed = "window_closed"
    case connectionRefused = "connection_refused"
    case connectTimedOut = "connect_timed_out"
    case nameNotResolved = "name_not_resolved"
    case tlsFailed = "tls_failed"
    /// The outbound limiter held it back.
    case throttled
    /// The adapter has no session.
    case notConnected = "not_connected"
    /// The adapter cannot do this; nothing to retry.
    case unsupported
    /// The order breaks a rule that the adapter knows; nothing to retry.
    case invalid
    /// The same order is being placed already.
    case alreadyPlacing = "already_placing"
    /// The caller was cancelled before the first byte.
    case cancelled

    /// Whether the same bytes could be sent again later with hope.
    public var isRetryable: Bool { self != .unsupported && self != .invalid }
}

/// Why the effect of a request is not known.
public enum UnknownCause: String, Sendable, Codable, CaseIterable {
    case timedOut = "timed_out"
    case connectionLost = "connection_lost"
    case serverError = "server_error"
    case unreadableReply = "unreadable_reply"
    /// A refusal that is not on the adapter's list of definitive ones.
    case unlistedRefusal = "unlisted_refusal"
    /// The caller was cancelled with the request in flight.
    case cancelled
    /// The process died with a permit committed.
    case processDied = "process_died"
    /// The outcome was seen and could not be stored.
    case notRecorded = "not_recorded"
    /// The reply contradicts the request.
    case contradiction
}

/// How a placement ended. Nothing is thrown, so that nothing thrown can be mistaken for a refusal.
public enum PlaceOutcome: Sendable, Hashable {
    /// The venue has the order. `fills` are those that came with the reply.
    case accepted(OrderReport, fills: [Fill], Evidence)
    /// The venue said no, in words that allow no other reading.
    case refused(RejectReason, Evidence)
    /// Nothing left this process.
    case notSent(NotSentReason, Evidence)
    /// The order may exist. Only evidence settles it.
    case unknown(UnknownCause, Evidence)

    public var evidence: Evidence {
        switch self {
        case .accepted(_, _, let evidence), .refused(_, let evidence), .notSent(_, let evidence), .unknown(_, let evidence): evidence
        }
    }
}

/// How a cancel ended. A cancel may be repeated: it is idempotent by its target.
public enum CancelOutcome: Sendable, Hashable {
    /// The venue confirmed the cancel; the report is absent where the reply does not carry the order.
    case cancelled(OrderReport?, Evidence)
    /// The venue took the request; the end comes by stream or lookup.
    case requested(Evidence)
    /// The venue does not have it open. It may have been filled: look it up.
    case notOpen(Evidence)
    case refused(RejectReason, Evidence)
    case notSent(NotSentReason, Evidence)
    case unknown(UnknownCause, Evidence)
}

/// How a replacement ended. To be treated like a placement: never repeated on doubt.
public enum ReplaceOutcome: Sendable, Hashable {
    /// The report is the successor's where one was made, under its id; the old order is then cancelled.
    case replaced(OrderReport, Evidence)
    /// The old order is gone and the new one was refused. The report is the old one's.
    case cancelledOnly(OrderReport?, RejectReason, Evidence)
    case notOpen(Evidence)
    case refused(RejectReason, Evidence)
    case notSent(NotSentReason, Evidence)
    case unknown(UnknownCause, Evidence)
}

/// How the command to close a position ended. To be treated like a placement: never repeated on doubt.
public enum CloseOutcome: Sendable, Hashable {
    /// The venue took the command. The id is that of the order that it made, if it names one; what that order does comes by stream and queries.
    case requested(VenueOrderID?, Evidence)
    /// The venue said no, in words that allow no other reading: it made no order. Where the command also cancels working orders, they may be gone.
    case refused(RejectReason, Evidence)
    case notSent(NotSentReason, Evidence)
    /// The position may be closing. Only the positions and fills settle it.
    case unknown(UnknownCause, Evidence)
}

/// What a query for one order found.
public enum LookupResult: Sendable, Hashable {
    case found(OrderReport)
    /// The venue answered that it has no such order. `complete` is true only if the answer covers open and closed orders, to
    /// the end of the list.
    case notFound(complete: Bool, Evidence)
    /// No answer that proves anything.
    case indeterminate(UnknownCause, Evidence)
}

/// New terms for a resting order; nil keeps the old one.
public struct Replacement: Sendable, Hashable {
    /// The whole quantity, what is filled included.
    public var quantity: Quantity?
    public var limitPrice: Price?
    public var stopPrice: Price?
    /// The id of the order that takes the place of the old one, where the venue makes another one of it. Never used before. Without
    /// meaning where the order stays.
    public var successor: ClientOrderID?
    public init(quantity: Quantity? = nil, limitPrice: Price? = nil, stopPrice: Price? = nil, successor: ClientOrderID? = nil) {
        self.quantity = quantity
        self.limitPrice = limitPrice
        self.stopPrice = stopPrice
        self.successor = successor
    }
}

/// Names one order in every way we can.
public struct OrderReference: Sendable, Hashable {
    public let symbol: Symbol
    public let clientOrderID: ClientOrderID
    public let venueOrderID: VenueOrderID?
    /// Set for a leg of a bracket.
    public let leg: Leg?

    /// Where a leg belongs, for venues that know it only through its entry.
    public struct Leg: Sendable, Hashable {
        public let role: BracketRole
        public let entry: ClientOrderID
        public let entryVenueOrderID: VenueOrderID?
        public init(role: BracketRole, entry: ClientOrderID, entryVenueOrderID: VenueOrderID?) {
            self.role = role
            self.entry = entry
            self.entryVenueOrderID = entryVenueOrderID
        }
    }

    public init(symbol: Symbol, clientOrderID: ClientOrderID, venueOrderID: VenueOrderID?, leg: Leg? = nil) {
        self.symbol = symbol
        self.clientOrderID = clientOrderID
        self.venueOrderID = venueOrderID
        self.leg = leg
    }
}

/// An error of a query or of the connection. Commands return outcomes instead.
public struct BrokerError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        case unsupported
        case invalidRequest
        case rejected(RejectReason)
        case notFound
        case unauthenticated
        /// The venue says when to come back, if it does.
        case rateLimited(retryAfter: Duration?)
        case timedOut
        case unavailable
        case malformedReply
        case cancelled
    }

    /// What may have happened at the venue.
    public enum Effect: String, Sendable {
        case notSent, refused, unknown
    }

    public let kind: Kind
    public let effect: Effect
    public let message: String
    public let underlying: (any Error)?

    public init(_ kind: Kind, effect: Effect, _ message: String, underlying: (any Error)? = nil) {
        self.kind = kind
        self.effect = effect
        self.message = message
        self.underlying = underlying
    }

    public var description: String {
        "\(kind): \(message)\(underlying.map { " (\($0))" } ?? "")"
    }
}
