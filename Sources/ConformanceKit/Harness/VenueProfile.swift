import TradingModel

/// What the suite may trade at a venue, and how the venue's requests look on the wire.
///
/// Prices and quantities are on the instrument's tick and lot, and the account can pay for ten orders of ``quantity``.
public struct VenueProfile: Sendable {
    /// For reports.
    public var name: String
    public var symbol: Symbol
    /// A second instrument of the venue, if it has one, with the terms of a buy that rests there.
    public var other: (symbol: Symbol, quantity: Quantity, restingBuyPrice: Price)?
    /// The price of ``symbol`` when the venue starts.
    public var marketPrice: Price
    /// Of an ordinary order; twice a ``partialQuantity`` at least.
    public var quantity: Quantity
    public var partialQuantity: Quantity
    /// Far below the market, so that a buy rests, but inside the venue's price band.
    public var restingBuyPrice: Price
    /// Above the market, so that a limit buy fills at once, at a better price than its own.
    public var crossingBuyPrice: Price
    /// Above the market, for a stop that waits.
    public var stopBuyPrice: Price
    /// Of a stop-limit buy, not below ``stopBuyPrice``.
    public var stopLimitBuyPrice: Price
    public var trailingDistance: Price
    /// More than the account can pay at ``restingBuyPrice``; nil if the venue does not refuse that in its reply.
    public var unaffordableQuantity: Quantity?
    /// Resting buys whose decimals no binary fraction holds, on tick and lot.
    public var awkward: [(quantity: Quantity, price: Price)]
    /// Not on the lot, and not on the tick.
    public var offLotQuantity: Quantity?
    public var offTickPrice: Price?
    /// The time in force of market and of resting orders in clauses about something else.
    public var marketTimeInForce: TimeInForce
    public var restingTimeInForce: TimeInForce
    /// The requests that an operation is made of.
    public var operations: [VenueOperation: [RequestPattern]]
    /// A status and body with which the venue would refuse in words that are on no list.
    public var unlistedRefusalBody: String
    /// Texts that must appear in no evidence and no error.
    public var secrets: [String]
    /// Whether the proxies see TLS, so that only clauses about connections can be played by them.
    public var usesTLS: Bool

    public init(
        name: String, symbol: Symbol, other: (symbol: Symbol, quantity: Quantity, restingBuyPrice: Price)? = nil, marketPrice: Price, quantity: Quantity, partialQuantity: Quantity,
        restingBuyPrice: Price, crossingBuyPrice: Price, stopBuyPrice: Price, stopLimitBuyPrice: Price, trailingDistance: Price,
        unaffordableQuantity: Quantity? = nil, awkward: [(quantity: Quantity, price: Price)], offLotQuantity: Quantity? = nil,
        offTickPrice: Price? = nil, marketTimeInForce: TimeInForce = .ioc, restingTimeInForce: TimeInForce = .gtc,
        operations: [VenueOperation: [RequestPattern]], unlistedRefusalBody: String = #"{"code":-99999,"msg":"never heard of"}"#,
        secrets: [String] = [], usesTLS: Bool = false
    ) {
        self.name = name
        self.symbol = symbol
        self.other = other
        self.marketPrice = marketPrice
        self.quantity = quantity
        self.partialQuantity = partialQuantity
        self.restingBuyPrice = restingBuyPrice
        self.crossingBuyPrice = crossingBuyPrice
        self.stopBuyPrice = stopBuyPrice
        self.stopLimitBuyPrice = stopLimitBuyPrice
        self.trailingDistance = trailingDistance
        self.unaffordableQuantity = unaffordableQuantity
        self.awkward = awkward
        self.offLotQuantity = offLotQuantity
        self.offTickPrice = offTickPrice
        self.marketTimeInForce = marketTimeInForce
        self.restingTimeInForce = restingTimeInForce
        self.operations = operations
        self.unlistedRefusalBody = unlistedRefusalBody
        self.secrets = secrets
        self.usesTLS = usesTLS
    }
}

/// What a broker asks a venue for.
public enum VenueOperation: String, Sendable, Hashable, CaseIterable {
    case place, cancel, replace, lookup, history, fills, balances, positions, time
    case openOrders = "open_orders", closePosition = "close_position", exitPair = "exit_pair"
}

/// A kind of HTTP request.
public struct RequestPattern: Sendable, Hashable {
    public let method: String
    /// The path without its query; a `*` at the end stands for any rest.
    public let path: String

    public init(_ method: String, _ path: String) {
        self.method = method
        self.path = path
    }

    func matches(_ request: SeenRequest) -> Bool {
        guard request.method == method else { return false }
        return path.hasSuffix("*") ? request.path.hasPrefix(path.dropLast()) : request.path == path
    }
}
