/// What kind of order a venue can be asked for.
public enum OrderType: String, Sendable, Codable, CaseIterable {
    case market, limit, stop
    case stopLimit = "stop_limit"
    case trailingStop = "trailing_stop"

    /// Whether ``NewOrder/limitPrice`` must be there.
    public var needsLimitPrice: Bool { self == .limit || self == .stopLimit }
    /// Whether ``NewOrder/stopPrice`` must be there.
    public var needsStopPrice: Bool { self == .stop || self == .stopLimit }
}

public enum Side: String, Sendable, Codable, CaseIterable {
    case buy, sell
    public var opposite: Side { self == .buy ? .sell : .buy }
    /// +1 for a buy, -1 for a sell.
    public var sign: Int { self == .buy ? 1 : -1 }
}

public enum TimeInForce: String, Sendable, Codable, CaseIterable {
    case day, gtc, ioc, fok, gtd
}

/// A tradable thing with the venue's rules for it. A value of zero means that the venue states no such rule.
public struct Instrument: Sendable, Hashable, Codable {
    public let symbol: Symbol
    public let base: Asset
    public let quote: Asset
    /// Smallest price step, in quote currency.
    public let tickSize: Price
    /// Smallest quantity step of limit and stop orders, in base units or contracts.
    public let lotSize: Quantity
    /// Smallest quantity step of market orders; equals ``lotSize`` where the venue has one rule for both.
    public let marketLotSize: Quantity
    public let minimumQuantity: Quantity
    public let maximumQuantity: Quantity
    public let maximumMarketQuantity: Quantity
    /// Smallest price times quantity, in quote currency.
    public let minimumNotional: Notional
    /// Whether ``minimumNotional`` also holds for market orders.
    public let minimumNotionalAppliesToMarket: Bool
    public let minimumPrice: Price
    public let maximumPrice: Price
    /// Quote currency per point of price and unit of quantity: 1 on spot, 2 for MNQ.
    public let contractMultiplier: Quantity
    public let orderTypes: Set<OrderType>
    /// Whether the venue takes new orders in it now.
    public let isTrading: Bool

    public init(
        symbol: Symbol, base: Asset, quote: Asset, tickSize: Price, lotSize: Quantity, marketLotSize: Quantity? = nil,
        minimumQuantity: Quantity = .zero, maximumQuantity: Quantity = .zero, maximumMarketQuantity: Quantity? = nil,
        minimumNotional: Notional = .zero, minimumNotionalAppliesToMarket: Bool = true, minimumPrice: Price = .zero,
        maximumPrice: Price = .zero, contractMultiplier: Quantity = 1, orderTypes: Set<OrderType> = [.market, .limit],
        isTrading: Bool = true
    ) {
        self.symbol = symbol
        self.base = base
        self.quote = quote
        self.tickSize = tickSize
        self.lotSize = lotSize
        self.marketLotSize = marketLotSize ?? lotSize
        self.minimumQuantity = minimumQuantity
        self.maximumQuantity = maximumQuantity
        self.maximumMarketQuantity = maximumMarketQuantity ?? maximumQuantity
        self.minimumNotional = minimumNotional
        self.minimumNotionalAppliesToMarket = minimumNotionalAppliesToMarket
        self.minimumPrice = minimumPrice
        self.maximumPrice = maximumPrice
        self.contractMultiplier = contractMultiplier
        self.orderTypes = orderTypes
        self.isTrading = isTrading
    }
}
