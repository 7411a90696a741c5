import TradingModel

/// An order as the simulated exchange keeps it, for ever.
public struct SimulatedOrder: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
        case market, limit
        /// A limit order that is refused if it would trade at once.
        case limitMaker = "limit_maker"
        /// Becomes a market order when the price moves against the side.
        case stop
        case stopLimit = "stop_limit"
        /// Becomes a market order when the price moves in favour of the side.
        case takeProfit = "take_profit"
        case takeProfitLimit = "take_profit_limit"

        public var isConditional: Bool { self == .stop || self == .stopLimit || self == .takeProfit || self == .takeProfitLimit }
        public var hasLimit: Bool { self == .limit || self == .limitMaker || self == .stopLimit || self == .takeProfitLimit }
    }

    public enum Ending: String, Sendable, Hashable, Codable {
        case insufficientLiquidity = "insufficient_liquidity"
        case unfilledIOC = "unfilled_ioc"
        case unfilledFOK = "unfilled_fok"
        /// Funds were gone when the trigger fired.
        case rejectedOnTrigger = "rejected_on_trigger"
        case byRequest = "by_request"
        /// The other order of its pair started to trade, or the market did not take it.
        case pairTriggered = "pair_triggered"
        /// The order that should have brought it into the market ended without filling.
        case workingOrderEnded = "working_order_ended"
    }

    public let id: Int64
    public let account: String
    public let clientOrderID: String
    public let symbol: Symbol
    public let side: Side
    public let kind: Kind
    public let timeInForce: TimeInForce
    /// In base units; for an order sized in quote currency what that amount bought.
    public internal(set) var quantity: Quantity
    /// What an order sized in quote currency was asked to spend or receive.
    public let quoteQuantity: Notional?
    public internal(set) var limitPrice: Price?
    public internal(set) var stopPrice: Price?
    public internal(set) var status: VenueOrderStatus
    public internal(set) var ending: Ending?
    public internal(set) var filledQuantity: Quantity = .zero
    public internal(set) var filledNotional: Notional = .zero
    /// False for a conditional order that has not triggered.
    public internal(set) var isWorking: Bool
    public let acceptedAt: Timestamp
    public internal(set) var updatedAt: Timestamp
    public internal(set) var workingAt: Timestamp?
    /// The list that it belongs to. While its status is `pendingNew` it is not in the market.
    public internal(set) var listID: Int64?
    /// Still reserved of the quote (buy) or base (sell) asset.
    var reserved: Quantity = .zero

    public var openQuantity: Quantity { quantity - filledQuantity }
    public var averagePrice: Price? { filledNotional / filledQuantity }
}

/// What a venue asks the exchange for, after its own checks of form.
public struct OrderRequest: Sendable, Hashable {
    public var account: String
    public var clientOrderID: String
    public var symbol: Symbol
    public var side: Side
    public var kind: SimulatedOrder.Kind
    public var timeInForce: TimeInForce
    /// Exactly one of `quantity` and `quoteQuantity` is there; the latter for market orders only.
    public var quantity: Quantity?
    public var quoteQuantity: Notional?
    public var limitPrice: Price?
    public var stopPrice: Price?

    public init(
        account: String, clientOrderID: String, symbol: Symbol, side: Side, kind: SimulatedOrder.Kind, timeInForce: TimeInForce = .gtc,
        quantity: Quantity? = nil, quoteQuantity: Notional? = nil, limitPrice: Price? = nil, stopPrice: Price? = nil
    ) {
        self.account = account
        self.clientOrderID = clientOrderID
        self.symbol = symbol
        self.side = side
        self.kind = kind
        self.timeInForce = timeInForce
        self.quantity = quantity
        self.quoteQuantity = quoteQuantity
        self.limitPrice = limitPrice
        self.stopPrice = stopPrice
    }
}

/// One execution of a simulated order.
public struct SimulatedTrade: Sendable, Hashable, Codable {
    /// Unique per symbol, rising.
    public let id: Int64
    public let orderID: Int64
    public let account: String
    public let clientOrderID: String
    public let symbol: Symbol
    public let side: Side
    public let price: Price
    public let quantity: Quantity
    public let fee: Notional
    /// The asset received: base for a buy, quote for a sell.
    public let feeAsset: Asset
    public let isMaker: Bool
    public let executedAt: Timestamp
}

/// What an account has of one asset.
public struct SimulatedBalance: Sendable, Hashable, Codable {
    public let asset: Asset
    public internal(set) var free: Quantity
    public internal(set) var locked: Quantity
    public init(asset: Asset, free: Quantity, locked: Quantity = .zero) {
        self.asset = asset
        self.free = free
        self.locked = locked
    }
}

/// One thing that happened to an order, in the order of happening.
public struct ExchangeEvent: Sendable, Hashable, Codable {
    public enum Kind: Sendable, Hashable, Codable {
        case accepted
        /// A conditional order started to work.
        case triggered
        /// A pending order of a list came into the market.
        case entered
        /// Its terms were changed in place.
        case amended
        case traded(SimulatedTrade)
        /// The text is the id that the cancel itself was given, if any.
        case cancelled(cancelID: String?)
        case expired(SimulatedOrder.Ending)
    }

    /// Rising over the whole exchange.
    public let executionID: Int64
    public let kind: Kind
    /// The order right after the event.
    public let order: SimulatedOrder
    /// The balances that the event may have changed, right after it.
    public let balances: [SimulatedBalance]
    public let at: Timestamp
    /// The order's list, as it stood when everything that happened together with the event had happened.
    public internal(set) var list: SimulatedList?
}

/// Why the exchange did not take a request.
public enum ExchangeRefusal: Error, Sendable, Hashable {
    case unknownSymbol
    case invalidRequest(String)
    case insufficientFunds
    /// The id is in use, by the venue's rule.
    case duplicateClientOrderID(existing: SimulatedOrder)
    case wouldTakeLiquidity
    case wouldTriggerImmediately
    case noPrice
    case noSuchOpenOrder
    /// Nothing can be filled of an order that is not working.
    case notWorking
}
