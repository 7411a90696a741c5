/// Why a venue or a guard said no, in words that are the same for every venue.
public enum RejectReason: Sendable, Hashable, Codable, CustomStringConvertible {
    case insufficientFunds, invalidPrice, priceOutOfRange, invalidQuantity, belowMinimum, aboveMaximum, invalidSymbol
    case invalidParameter, marketClosed, noLiquidity, postOnlyWouldTake, wouldTriggerImmediately, duplicateClientOrderID
    case tooManyOpenOrders, positionLimit, permissionDenied, unauthenticated, rateLimited, requestExpired, unsupported
    case venueUnavailable, selfTradePrevented
    /// The venue's own text, where none of the words above fits.
    case other(String)

    /// A stable code in snake case, for the API and the store.
    public var code: String {
        switch self {
        case .insufficientFunds: "insufficient_funds"
        case .invalidPrice: "invalid_price"
        case .priceOutOfRange: "price_out_of_range"
        case .invalidQuantity: "invalid_quantity"
        case .belowMinimum: "below_minimum"
        case .aboveMaximum: "above_maximum"
        case .invalidSymbol: "invalid_symbol"
        case .invalidParameter: "invalid_parameter"
        case .marketClosed: "market_closed"
        case .noLiquidity: "no_liquidity"
        case .postOnlyWouldTake: "post_only_would_take"
        case .wouldTriggerImmediately: "would_trigger_immediately"
        case .duplicateClientOrderID: "duplicate_client_order_id"
        case .tooManyOpenOrders: "too_many_open_orders"
        case .positionLimit: "position_limit"
        case .permissionDenied: "permission_denied"
        case .unauthenticated: "unauthenticated"
        case .rateLimited: "rate_limited"
        case .requestExpired: "request_expired"
        case .unsupported: "unsupported"
        case .venueUnavailable: "venue_unavailable"
        case .selfTradePrevented: "self_trade_prevented"
        case .other: "venue_other"
        }
    }

    public var description: String {
        if case .other(let text) = self { "venue_other: \(text)" } else { code }
    }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        self = Self.named[text] ?? .other(text.hasPrefix("venue_other: ") ? String(text.dropFirst(13)) : text)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    private static let named: [String: RejectReason] = Dictionary(
        uniqueKeysWithValues: [
            .insufficientFunds, .invalidPrice, .priceOutOfRange, .invalidQuantity, .belowMinimum, .aboveMaximum, .invalidSymbol,
            .invalidParameter, .marketClosed, .noLiquidity, .postOnlyWouldTake, .wouldTriggerImmediately, .duplicateClientOrderID,
            .tooManyOpenOrders, .positionLimit, .permissionDenied, .unauthenticated, .rateLimited, .requestExpired, .unsupported,
            .venueUnavailable, .selfTradePrevented,
        ].map { ($0.code, $0) })
}

/// Where an order stands, as the gateway sees it. The one list used by the store, the API and the pages.
///
/// Whatever is not terminal is open, for every index and every limit, so that a state added later is protected by default.
public enum OrderState: String, Sendable, Codable, CaseIterable {
    /// Stored, waiting for its turn.
    case queued
    /// A permit is committed: bytes may be out.
    case permitted
    /// An attempt ended without evidence of what the venue did.
    case unknown
    /// Evidence is being gathered.
    case resolving
    /// A person must decide.
    case parked
    /// It is proven that the attempt did not reach the market.
    case absent
    case accepted
    case partiallyFilled = "partially_filled"
    case cancelPending = "cancel_pending"
    case replacePending = "replace_pending"

    case filled, cancelled, expired, rejected
    /// Proven absent, and not to be sent again.
    case abandoned
    /// It made no sense when its turn came.
    case skipped
    /// A guard forbade it.
    case blocked
    /// Its signal had grown too old.
    case stale

    public var isTerminal: Bool {
        switch self {
        case .filled, .cancelled, .expired, .rejected, .abandoned, .skipped, .blocked, .stale: true
        case .queued, .permitted, .unknown, .resolving, .parked, .absent, .accepted, .partiallyFilled, .cancelPending, .replacePending:
            false
        }
    }

    /// The terminal states, in the order of declaration. Predicates in a store negate this list.
    public static let terminal = allCases.filter(\.isTerminal)
}
