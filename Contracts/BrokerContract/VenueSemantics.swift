import TradingModel

/// What a venue guarantees, as its adapter declares it. The core decides by these alone, never by the venue's name.
///
/// Each value is documented with its source in the adapter's README.
public struct VenueSemantics: Sendable, Hashable, Codable {
    /// What the venue does with a client order id that it has seen before.
    public enum Deduplication: Sendable, Hashable, Codable {
        /// A resend executes twice.
        case none
        /// Unique among open orders only: a resend after a fast fill executes twice.
        case amongOpen
        /// A resend within this time is recognised.
        case window(Duration)
        /// A resend is recognised for ever.
        case forever
    }

    /// What a query by client order id can find.
    public enum Lookup: Sendable, Hashable, Codable {
        case none
        case openOnly
        /// Open and closed orders, the closed ones for at least this long.
        case openAndClosed(retention: Duration)
    }

    /// Whether the venue itself refuses a request that comes too late.
    public enum RequestExpiry: Sendable, Hashable, Codable {
        case none
        /// Refused when not before the matching engine within this time after the request's own timestamp.
        case enforced(after: Duration)
    }

    /// What the private stream carries.
    public enum Stream: Sendable, Hashable, Codable {
        case none
        /// Events name the client order id; a gap cannot be seen.
        case unsequenced
        /// Events are numbered, so that a gap is seen.
        case sequenced
    }

    /// By what a fill can be matched to its order.
    public enum FillKey: Sendable, Hashable, Codable {
        case none, venueOrderID, clientOrderID
    }

    /// By what an order can be cancelled.
    public enum CancelKey: Sendable, Hashable, Codable {
        case none, venueOrderID, clientOrderID
    }

    public var deduplication: Deduplication
    public var lookup: Lookup
    /// The longest time from our send until a query shows the order.
    public var visibilityHorizon: Duration
    public var requestExpiry: RequestExpiry
    public var stream: Stream
    public var fillKey: FillKey
    public var cancelKey: CancelKey
    public var cancelsOnDisconnect: Bool
    /// Replies that prove that the order was not taken. Anything else that is not an acceptance is unknown.
    public var definitiveRefusals: [DefinitiveRefusal]
    public var rateLimits: [VenueRateLimit]
    public var clientOrderIDRules: ClientOrderIDRules

    public init(
        deduplication: Deduplication, lookup: Lookup, visibilityHorizon: Duration, requestExpiry: RequestExpiry, stream: Stream,
        fillKey: FillKey, cancelKey: CancelKey, cancelsOnDisconnect: Bool = false, definitiveRefusals: [DefinitiveRefusal],
        rateLimits: [VenueRateLimit] = [], clientOrderIDRules: ClientOrderIDRules
    ) {
        self.deduplication = deduplication
        self.lookup = lookup
        self.visibilityHorizon = visibilityHorizon
        self.requestExpiry = requestExpiry
        self.stream = stream
        self.fillKey = fillKey
        self.cancelKey = cancelKey
        self.cancelsOnDisconnect = cancelsOnDisconnect
        self.definitiveRefusals = definitiveRefusals
        self.rateLimits = rateLimits
        self.clientOrderIDRules = clientOrderIDRules
    }
}

/// One reply that proves non-acceptance: all stated parts must match.
public struct DefinitiveRefusal: Sendable, Hashable, Codable {
    /// HTTP status, or nil for any.
    public let httpStatus: Int?
    /// The venue's code, as text.
    public let code: String?
    /// A part of the venue's message; nil for any.
    public let messageContains: String?
    public let reason: RejectReason

    public init(httpStatus: Int? = nil, code: String?, messageContains: String? = nil, reason: RejectReason) {
        self.httpStatus = httpStatus
        self.code = code
        self.messageContains = messageContains
        self.reason = reason
    }
}

/// A limit that the venue puts on requests.
public struct VenueRateLimit: Sendable, Hashable, Codable {
    /// For example `request_weight` or `orders`.
    public let scope: String
    public let limit: Int
    public let interval: Duration
    public init(scope: String, limit: Int, interval: Duration) {
        self.scope = scope
        self.limit = limit
        self.interval = interval
    }
}

/// What a client order id may look like at a venue.
public struct ClientOrderIDRules: Sendable, Hashable, Codable {
    public enum Form: String, Sendable, Codable {
        /// ASCII letters, digits, `-` and `_`.
        case token
        /// A UUID in lower-case text.
        case uuid
    }
    public let form: Form
    /// In characters.
    public let maximumLength: Int

    public init(form: Form, maximumLength: Int) {
        self.form = form
        self.maximumLength = maximumLength
    }

    /// Whether the venue takes this id.
    public func accepts(_ id: ClientOrderID) -> Bool {
        let bytes = id.rawValue.utf8
        guard !bytes.isEmpty, bytes.count <= maximumLength else { return false }
        switch form {
        case .token:
            return bytes.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
                default: false
                }
            }
        case .uuid:
            return bytes.count == 36
                && bytes.enumerated().allSatisfy { index, byte in
                    [8, 13, 18, 23].contains(index) ? byte == 0x2D : (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
                }
        }
    }
}

/// How a venue takes a new price, or a greater quantity, for a resting order.
public enum Repricing: String, Sendable, Hashable, Codable, CaseIterable {
    /// Not at all: a quantity goes down, and nothing else changes.
    case none
    /// The order stays the same, under its id.
    case inPlace = "in_place"
    /// Another order takes its place, under ``Replacement/successor``, and the old one ends as cancelled. Two steps of the venue, of which
    /// the second may fail.
    case successor
}

/// What an adapter can do. Whatever is not listed is refused with ``BrokerError/Kind/unsupported`` before a byte is sent.
public struct BrokerCapabilities: Sendable, Hashable, Codable {
    public var orderTypes: Set<OrderType>
    public var timesInForce: Set<TimeInForce>
    public var canReplace: Bool
    /// What becomes of the order when a replacement asks for more than a smaller quantity.
    public var repricing: Repricing
    /// Stop loss and take profit attached to an entry.
    public var canBracket: Bool
    /// Stop loss and take profit for what is held already, as one request.
    public var canPlaceExitPair: Bool
    /// A command of the venue that leaves what is held of a symbol.
    public var canClosePosition: Bool
    public var canPostOnly: Bool
    public var canReduceOnly: Bool
    public var canSellShort: Bool
    public var hasStream: Bool
    public var hasPositions: Bool

    public init(
        orderTypes: Set<OrderType>, timesInForce: Set<TimeInForce>, canReplace: Bool = false, repricing: Repricing = .none,
        canBracket: Bool = false, canPlaceExitPair: Bool = false, canClosePosition: Bool = false, canPostOnly: Bool = false, canReduceOnly: Bool = false, canSellShort: Bool = false, hasStream: Bool, hasPositions: Bool = false
    ) {
        self.orderTypes = orderTypes
        self.timesInForce = timesInForce
        self.canReplace = canReplace
        self.repricing = repricing
        self.canBracket = canBracket
        self.canPlaceExitPair = canPlaceExitPair
        self.canClosePosition = canClosePosition
        self.canPostOnly = canPostOnly
        self.canReduceOnly = canReduceOnly
        self.canSellShort = canSellShort
        self.hasStream = hasStream
        self.hasPositions = hasPositions
    }
}
