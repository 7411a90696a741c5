import StoreContract
import TradingModel

/// What a payload asks for, in one form for all formats.
public struct TradeSignal: Sendable, Hashable {
    /// Nil means every strategy of the source.
    public var strategy: StrategyID?
    /// As the sender spells it.
    public var symbol: String
    public var side: Side
    /// In units of the signal; nil only if every account of the strategy has a fixed size.
    public var quantity: Quantity?
    public var type: OrderType
    public var limitPrice: Price?
    public var stopPrice: Price?
    /// Absolute prices, on the right sides of each other and of the order's own.
    public var bracket: Bracket?
    public var timeInForce: TimeInForce
    /// The market price that the sender saw.
    public var referencePrice: Price?
    public var firedAt: Timestamp?
    /// A signal older than this is refused, if the source's own limit is not tighter.
    public var maximumAge: Duration?
    /// A key that the payload itself names.
    public var key: String?
    /// What the payload itself says that it means; nil leaves it to the strategy.
    public var kind: OrderIntent.Kind?
    /// The position that the sender wants to be at; nil if the payload does not tell one.
    public var target: Target?

    /// A position to be at.
    public struct Target: Sendable, Hashable {
        /// Nil for flat.
        public var side: Side?
        /// In units of the signal; nil where the payload tells the side alone.
        public var quantity: Quantity?
        public init(side: Side?, quantity: Quantity?) {
            self.side = side
            self.quantity = quantity
        }
    }

    public init(
        strategy: StrategyID?, symbol: String, side: Side, quantity: Quantity?, type: OrderType = .market, limitPrice: Price? = nil,
        stopPrice: Price? = nil, bracket: Bracket? = nil, timeInForce: TimeInForce = .gtc, referencePrice: Price? = nil, firedAt: Timestamp? = nil,
        maximumAge: Duration? = nil, key: String? = nil, kind: OrderIntent.Kind? = nil, target: Target? = nil
    ) {
        self.strategy = strategy
        self.symbol = symbol
        self.side = side
        self.quantity = quantity
        self.type = type
        self.limitPrice = limitPrice
        self.stopPrice = stopPrice
        self.bracket = bracket
        self.timeInForce = timeInForce
        self.referencePrice = referencePrice
        self.firedAt = firedAt
        self.maximumAge = maximumAge
        self.key = key
        self.kind = kind
        self.target = target
    }
}
