/// A complete order, ready for the wire. There is no placeholder: what its type needs is there, or it cannot be made.
public struct NewOrder: Sendable, Hashable, Codable {
    public let clientOrderID: ClientOrderID
    public let symbol: Symbol
    public let side: Side
    public let type: OrderType
    /// In base units or contracts, greater than zero, already on the instrument's lot.
    public let quantity: Quantity
    /// In quote currency, already on the instrument's tick.
    public let limitPrice: Price?
    /// The trigger, in quote currency, already on the instrument's tick.
    public let stopPrice: Price?
    /// Distance of a trailing stop, in quote currency.
    public let trailingDistance: Price?
    public let timeInForce: TimeInForce
    /// End of a `gtd` order.
    public let goodTill: Timestamp?
    /// The order may only rest; it is refused if it would trade at once.
    public let postOnly: Bool
    /// The order may only make a position smaller.
    public let reduceOnly: Bool
    /// Stop loss and take profit attached to the entry, where the venue has them.
    public let bracket: Bracket?

    /// Throws ``OrderError`` naming the first field that is missing or must not be there.
    public init(
        clientOrderID: ClientOrderID, symbol: Symbol, side: Side, type: OrderType, quantity: Quantity, limitPrice: Price? = nil,
        stopPrice: Price? = nil, trailingDistance: Price? = nil, timeInForce: TimeInForce, goodTill: Timestamp? = nil,
        postOnly: Bool = false, reduceOnly: Bool = false, bracket: Bracket? = nil
    ) throws(OrderError) {
        guard !clientOrderID.rawValue.isEmpty else { throw .missing("client_order_id", type) }
        guard !symbol.rawValue.isEmpty else { throw .missing("symbol", type) }
        guard quantity > 0 else { throw .notPositive("quantity", quantity.description) }
        guard (limitPrice != nil) == type.needsLimitPrice else {
            throw limitPrice == nil ? .missing("limit_price", type) : .unexpected("limit_price", type)
        }
        guard (stopPrice != nil) == type.needsStopPrice else {
            throw stopPrice == nil ? .missing("stop_price", type) : .unexpected("stop_price", type)
        }
        guard (trailingDistance != nil) == (type == .trailingStop) else {
            throw trailingDistance == nil ? .missing("trailing_distance", type) : .unexpected("trailing_distance", type)
        }
        for (name, price) in [("limit_price", limitPrice), ("stop_price", stopPrice), ("trailing_distance", trailingDistance)] {
            if let price, price <= 0 { throw .notPositive(name, price.description) }
        }
        guard (goodTill != nil) == (timeInForce == .gtd) else { throw .missing("good_till", type) }
        self.clientOrderID = clientOrderID
        self.symbol = symbol
        self.side = side
        self.type = type
        self.quantity = quantity
        self.limitPrice = limitPrice
        self.stopPrice = stopPrice
        self.trailingDistance = trailingDistance
        self.timeInForce = timeInForce
        self.goodTill = goodTill
        self.postOnly = postOnly
        self.reduceOnly = reduceOnly
        self.bracket = bracket
    }
}

/// Protective orders that belong to an entry.
public struct Bracket: Sendable, Hashable, Codable {
    public let stopLoss: Price?
    public let takeProfit: Price?
    public init(stopLoss: Price?, takeProfit: Price?) {
        self.stopLoss = stopLoss
        self.takeProfit = takeProfit
    }

    /// The price at which the leg of this role closes the position; nil if there is no such leg.
    public func price(_ role: BracketRole) -> Price? { role == .stopLoss ? stopLoss : takeProfit }

    /// The legs that there are, the stop first.
    public var roles: [BracketRole] { BracketRole.allCases.filter { price($0) != nil } }
}

/// What an order is to its bracket.
public enum BracketRole: String, Sendable, Hashable, Codable, CaseIterable {
    case stopLoss = "stop_loss"
    case takeProfit = "take_profit"
}

extension ClientOrderID {
    /// The id of a leg of the bracket whose entry has this id: always the same, so that it needs no place of its own on a wire.
    ///
    /// A token gets the ending `-sl` or `-tp`; a UUID stays one, its last digit changed.
    public func leg(_ role: BracketRole) -> ClientOrderID {
        guard isUUID, let last = rawValue.last?.hexDigitValue else { return ClientOrderID(rawValue + (role == .stopLoss ? "-sl" : "-tp")) }
        return ClientOrderID(rawValue.dropLast() + String(last ^ (role == .stopLoss ? 1 : 2), radix: 16))
    }

    private var isUUID: Bool {
        let parts = rawValue.split(separator: "-", omittingEmptySubsequences: false)
        return parts.map(\.utf8.count) == [8, 4, 4, 4, 12] && parts.allSatisfy { $0.allSatisfy { $0.isASCII && $0.isHexDigit } }
    }
}

/// Why an order is not complete.
public enum OrderError: Error, Sendable, Equatable, CustomStringConvertible {
    case missing(String, OrderType)
    case unexpected(String, OrderType)
    case notPositive(String, String)
    /// Two prices that lie the wrong way round.
    case crossed(String, String)

    public var description: String {
        switch self {
        case .missing(let field, let type): "\(field) is required for a \(type.rawValue) order"
        case .unexpected(let field, let type): "\(field) has no meaning for a \(type.rawValue) order"
        case .notPositive(let field, let value): "\(field) must be greater than zero, not \(value)"
        case .crossed(let one, let other): "\(one) and \(other) lie the wrong way round for the side"
        }
    }
}

/// An order's state as the venue tells it. Not the gateway's own state of the order, which knows more (``OrderState``).
public enum VenueOrderStatus: String, Sendable, Codable, CaseIterable {
    /// Taken, but not yet in the market: a list member waiting for its parent, or an acknowledgement before validation.
    case pendingNew = "pending_new"
    case accepted
    case partiallyFilled = "partially_filled"
    case filled
    case cancelled
    /// Ended by the venue. May carry fills: a market order whose rest found no liquidity ends here.
    case expired
    case rejected
    /// A word that the adapter does not know. Never terminal; the raw word is in ``OrderReport/venueStatus``.
    case unrecognised

    public var isTerminal: Bool {
        switch self {
        case .filled, .cancelled, .expired, .rejected: true
        case .pendingNew, .accepted, .partiallyFilled, .unrecognised: false
        }
    }
}

/// What a venue said about one order at one moment: a reply, a query's answer or a stream event.
public struct OrderReport: Sendable, Hashable, Codable {
    public let venueOrderID: VenueOrderID
    /// Absent where the venue's order entity does not carry it.
    public let clientOrderID: ClientOrderID?
    public let symbol: Symbol
    public let side: Side
    /// Absent where the venue's word for it has no counterpart here.
    public let type: OrderType?
    public let status: VenueOrderStatus
    /// The venue's own word for the status.
    public let venueStatus: String
    /// Absent where the venue's order entity does not carry it (Tradovate keeps it in the order version).
    public let quantity: Quantity?
    public let limitPrice: Price?
    public let stopPrice: Price?
    /// Cumulative. Never decreases for one order.
    public let filledQuantity: Quantity
    /// Absent while nothing is filled or where the venue does not say.
    public let averagePrice: Price?
    /// Why it was rejected or expired.
    public let reason: RejectReason?
    /// When the venue last changed the order, by the venue's clock.
    public let updatedAt: Timestamp

    public init(
        venueOrderID: VenueOrderID, clientOrderID: ClientOrderID?, symbol: Symbol, side: Side, type: OrderType?,
        status: VenueOrderStatus, venueStatus: String, quantity: Quantity?, limitPrice: Price? = nil, stopPrice: Price? = nil,
        filledQuantity: Quantity, averagePrice: Price?, reason: RejectReason? = nil, updatedAt: Timestamp
    ) {
        self.venueOrderID = venueOrderID
        self.clientOrderID = clientOrderID
        self.symbol = symbol
        self.side = side
        self.type = type
        self.status = status
        self.venueStatus = venueStatus
        self.quantity = quantity
        self.limitPrice = limitPrice
        self.stopPrice = stopPrice
        self.filledQuantity = filledQuantity
        self.averagePrice = averagePrice
        self.reason = reason
        self.updatedAt = updatedAt
    }
}

/// One execution.
public struct Fill: Sendable, Hashable, Codable {
    /// Unique per account, for ever: a fill counts once, in whatever order and however often it is told.
    public let executionID: ExecutionID
    public let venueOrderID: VenueOrderID
    public let clientOrderID: ClientOrderID?
    public let symbol: Symbol
    public let side: Side
    /// Greater than zero.
    public let quantity: Quantity
    public let price: Price
    /// Positive when paid, negative for a rebate.
    public let fee: Notional?
    /// The asset of the fee, which may be a third one.
    public let feeAsset: Asset?
    public let executedAt: Timestamp

    public init(
        executionID: ExecutionID, venueOrderID: VenueOrderID, clientOrderID: ClientOrderID?, symbol: Symbol, side: Side,
        quantity: Quantity, price: Price, fee: Notional?, feeAsset: Asset?, executedAt: Timestamp
    ) {
        self.executionID = executionID
        self.venueOrderID = venueOrderID
        self.clientOrderID = clientOrderID
        self.symbol = symbol
        self.side = side
        self.quantity = quantity
        self.price = price
        self.fee = fee
        self.feeAsset = feeAsset
        self.executedAt = executedAt
    }
}

/// What an account holds of one instrument.
public struct Position: Sendable, Hashable, Codable {
    public let symbol: Symbol
    /// Positive for long, negative for short.
    public let quantity: Quantity
    /// Average entry price in quote currency; absent when flat or not told.
    public let averagePrice: Price?

    public init(symbol: Symbol, quantity: Quantity, averagePrice: Price?) {
        self.symbol = symbol
        self.quantity = quantity
        self.averagePrice = averagePrice
    }
}
