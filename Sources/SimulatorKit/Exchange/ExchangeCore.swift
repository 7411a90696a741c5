import Foundation
import TradingModel

/// A small exchange as a value: one price per symbol, balances, and orders that rest, trigger and fill.
///
/// It has no book. A taker trades at the symbol's price, as far as liquidity goes; a resting order fills at its own limit
/// when the price reaches it. It reads no clock and does no I/O, so the same calls give the same history.
public struct ExchangeCore: Sendable {
    /// When a client order id is refused as used.
    public enum DuplicateRule: Sendable {
        case never, amongOpen, forever
    }

    public struct Settings: Sendable {
        public var instruments: [Instrument]
        public var prices: [Symbol: Price]
        /// What an account starts with at its first use.
        public var initialBalances: [Asset: Quantity]
        /// Part of what is received, for example 0.001.
        public var makerFee: Quantity
        public var takerFee: Quantity
        /// Whether fees are paid in the quote asset by both sides, on top of what a buy costs, instead of out of what is received.
        public var feesInQuote: Bool
        public var duplicateRule: DuplicateRule
        /// Whether the pending orders of a list close exactly what their working order filled: less a fee that was taken out of it, and
        /// also if it ended with a part. Otherwise they enter the market only behind a whole fill, with their own quantity.
        public var pendingFollowsFills = false

        public init(
            instruments: [Instrument], prices: [Symbol: Price], initialBalances: [Asset: Quantity], makerFee: Quantity = .zero,
            takerFee: Quantity = .zero, feesInQuote: Bool = false, duplicateRule: DuplicateRule
        ) {
            self.instruments = instruments
            self.prices = prices
            self.initialBalances = initialBalances
            self.makerFee = makerFee
            self.takerFee = takerFee
            self.feesInQuote = feesInQuote
            self.duplicateRule = duplicateRule
        }
    }

    public let settings: Settings
    let instruments: [Symbol: Instrument]
    public internal(set) var prices: [Symbol: Price]
    /// What takers can still get per symbol; a symbol that is not here has no bound.
    public internal(set) var liquidity: [Symbol: Quantity] = [:]
    /// Every order ever accepted, oldest first; its id is its index plus one.
    public internal(set) var orders: [SimulatedOrder] = []
    public internal(set) var trades: [SimulatedTrade] = []
    var balances: [String: [Asset: SimulatedBalance]] = [:]
    var openByID: [AccountKey: Int64] = [:]
    var latestByID: [AccountKey: Int64] = [:]
    var openBySymbol: [Symbol: Set<Int64>] = [:]
    /// Every list ever accepted, oldest first; its id is its index plus one.
    public internal(set) var lists: [SimulatedList] = []
    var openLists: Set<Int64> = []
    var tradesByOrder: [Int64: [Int]] = [:]
    var nextTradeID: [Symbol: Int64] = [:]
    var nextExecutionID: Int64 = 1
    public var lastExecutionID: Int64 { nextExecutionID - 1 }

    struct AccountKey: Hashable {
        let account: String
        let id: String
    }

    public init(_ settings: Settings) {
        self.settings = settings
        instruments = Dictionary(settings.instruments.map { ($0.symbol, $0) }, uniquingKeysWith: { first, _ in first })
        prices = settings.prices
    }

    // MARK: Queries

    public func instrument(_ symbol: Symbol) -> Instrument? { instruments[symbol] }

    public func order(_ id: Int64) -> SimulatedOrder? { id > 0 && id <= orders.count ? orders[Int(id) - 1] : nil }

    /// The newest order of the account with this client id.
    public func order(_ clientOrderID: String, account: String) -> SimulatedOrder? {
        let key = AccountKey(account: account, id: clientOrderID)
        return (openByID[key] ?? latestByID[key]).flatMap(order)
    }

    public func openOrders(account: String, symbol: Symbol? = nil) -> [SimulatedOrder] {
        let ids = symbol.map { openBySymbol[$0] ?? [] } ?? openBySymbol.values.reduce(into: []) { $0.formUnion($1) }
        return ids.sorted().compactMap(order).filter { $0.account == account }
    }

    /// Oldest first.
    public func trades(of orderID: Int64) -> [SimulatedTrade] { tradesByOrder[orderID, default: []].map { trades[$0] } }

    /// Of all assets that the account ever had, by name.
    public func balances(of account: String) -> [SimulatedBalance] {
        (balances[account] ?? initialBalances()).values.sorted { $0.asset < $1.asset }
    }

    func initialBalances() -> [Asset: SimulatedBalance] {
        Dictionary(uniqueKeysWithValues: settings.initialBalances.map { ($0, SimulatedBalance(asset: $0, free: $1)) })
    }

    // MARK: Commands

    /// Takes an order, and trades at once what can be traded. Nothing has changed when it throws.
    public mutating func place(_ request: OrderRequest, at now: Timestamp) throws(ExchangeRefusal) -> [ExchangeEvent] {
        let accepted = try add(request, list: nil, at: now)
        var events = [accepted]
        if accepted.order.isWorking { work(accepted.order.id, at: now, into: &events) }
        return events
    }

    /// Takes an order without letting it trade yet.
    mutating func add(_ request: OrderRequest, list: Int64?, at now: Timestamp) throws(ExchangeRefusal) -> ExchangeEvent {
        guard let instrument = instruments[request.symbol] else { throw .unknownSymbol }
        guard let price = prices[request.symbol] else { throw .noPrice }
        try checkID(request)
        let quantity = try quantity(of: request, instrument, price)
        if request.kind == .limitMaker, let limit = request.limitPrice, crosses(request.side, limit: limit, price: price) {
            throw .wouldTakeLiquidity
        }
        if request.kind.isConditional, let stop = request.stopPrice, isTriggered(request.kind, request.side, stop: stop, price: price) {
            throw .wouldTriggerImmediately
        }
        let needed = reservation(request, quantity: quantity, price: price)
        let asset = request.side == .buy ? instrument.quote : instrument.base
        guard balance(request.account, asset).free >= needed else { throw .insufficientFunds }
        var order = makeOrder(request, quantity: quantity, list: list, at: now)
        order.reserved = needed
        keep(order)
        change(order.account, asset) {
            $0.free -= needed
            $0.locked += needed
        }
        return event(.accepted, order.id, at: now)
    }

    /// Takes an order that is not in the market yet. What depends on the market is checked when it enters it.
    mutating func addPending(_ request: OrderRequest, list: Int64, at now: Timestamp) throws(ExchangeRefusal) -> ExchangeEvent {
        guard let instrument = instruments[request.symbol] else { throw .unknownSymbol }
        guard let price = prices[request.symbol] else { throw .noPrice }
        try checkID(request)
        var order = makeOrder(request, quantity: try quantity(of: request, instrument, price), list: list, at: now)
        order.status = .pendingNew
        order.isWorking = false
        order.workingAt = nil
        keep(order)
        return event(.accepted, order.id, at: now)
    }

    private func makeOrder(_ request: OrderRequest, quantity: Quantity, list: Int64?, at now: Timestamp) -> SimulatedOrder {
        SimulatedOrder(
            id: Int64(orders.count) + 1, account: request.account, clientOrderID: request.clientOrderID, symbol: request.symbol,
            side: request.side, kind: request.kind, timeInForce: request.timeInForce, quantity: quantity,
            quoteQuantity: request.quoteQuantity, limitPrice: request.limitPrice, stopPrice: request.stopPrice, status: .accepted,
            isWorking: !request.kind.isConditional, acceptedAt: now, updatedAt: now,
            workingAt: request.kind.isConditional ? nil : now, listID: list)
    }

    private mutating func keep(_ order: SimulatedOrder) {
        orders.append(order)
        let key = AccountKey(account: order.account, id: order.clientOrderID)
        latestByID[key] = order.id
        openByID[key] = order.id
        openBySymbol[order.symbol, default: []].insert(order.id)
    }

    /// Cancels one open order of the account.
    public mutating func cancel(_ id: Int64, account: String, cancelID: String? = nil, at now: Timestamp) throws(ExchangeRefusal) -> ExchangeEvent {
        guard let order = order(id), order.account == account, !order.status.isTerminal else { throw .noSuchOpenOrder }
        end(id, .cancelled, .byRequest, at: now)
        return event(.cancelled(cancelID: cancelID), id, at: now)
    }

    /// Moves the price; triggers and fills what it reaches, oldest order first.
    public mutating func setPrice(_ price: Price, of symbol: Symbol, at now: Timestamp) throws(ExchangeRefusal) -> [ExchangeEvent] {
        guard instruments[symbol] != nil else { throw .unknownSymbol }
        guard price > 0 else { throw .invalidRequest("price must be greater than zero") }
        prices[symbol] = price
        return settled(match(symbol, at: now), at: now)
    }

    /// Bounds what takers and reached orders can get; nil takes the bound away.
    public mutating func setLiquidity(_ quantity: Quantity?, of symbol: Symbol, at now: Timestamp) throws(ExchangeRefusal) -> [ExchangeEvent] {
        guard instruments[symbol] != nil else { throw .unknownSymbol }
        if let quantity, quantity < 0 { throw .invalidRequest("quantity must not be negative") }
        liquidity[symbol] = quantity
        return settled(match(symbol, at: now), at: now)
    }

    /// Fills a part of a resting order at its limit, whatever the price is.
    public mutating func fill(_ id: Int64, quantity: Quantity, at now: Timestamp) throws(ExchangeRefusal) -> [ExchangeEvent] {
        guard let order = order(id), !order.status.isTerminal else { throw .noSuchOpenOrder }
        guard order.isWorking, let price = order.limitPrice ?? prices[order.symbol] else { throw .notWorking }
        guard quantity > 0, quantity <= order.openQuantity else { throw .invalidRequest("quantity must be within what is open") }
        var events: [ExchangeEvent] = []
        endSibling(of: id, at: now, into: &events)
        events.append(trade(id, quantity: quantity, price: price, isMaker: true, at: now))
        return settled(events, at: now)
    }

    private mutating func settled(_ events: [ExchangeEvent], at now: Timestamp) -> [ExchangeEvent] {
        var events = events
        settleLists(at: now, into: &events)
        return events
    }

    /// Forgets everything, as at the start.
    public mutating func reset() { self = ExchangeCore(settings) }

    // MARK: Checks

    private func checkID(_ request: OrderRequest) throws(ExchangeRefusal) {
        let key = AccountKey(account: request.account, id: request.clientOrderID)
        let used: Int64? =
            switch settings.duplicateRule {
            case .never: nil
            case .amongOpen: openByID[key]
            case .forever: latestByID[key]
            }
        if let used, let existing = order(used) { throw .duplicateClientOrderID(existing: existing) }
    }

    private func quantity(of request: OrderRequest, _ instrument: Instrument, _ price: Price) throws(ExchangeRefusal) -> Quantity {
        if request.kind.hasLimit, (request.limitPrice ?? 0) <= 0 { throw .invalidRequest("a limit price is required") }
        if request.kind.isConditional, (request.stopPrice ?? 0) <= 0 { throw .invalidRequest("a stop price is required") }
        switch (request.quantity, request.quoteQuantity) {
        case (let quantity?, nil):
            guard quantity > 0 else { throw .invalidRequest("quantity must be greater than zero") }
            return quantity
        case (nil, let notional?):
            guard request.kind == .market, let raw = notional / price else { throw .invalidRequest("only a market order is sized in quote") }
            let quantity = raw.rounded(.down, to: instrument.lotSize)
            guard quantity > 0 else { throw .invalidRequest("the amount buys less than one lot") }
            return quantity
        default: throw .invalidRequest("exactly one of quantity and quote quantity is required")
        }
    }

    func crosses(_ side: Side, limit: Price, price: Price) -> Bool { side == .buy ? price <= limit : price >= limit }

    func isTriggered(_ kind: SimulatedOrder.Kind, _ side: Side, stop: Price, price: Price) -> Bool {
        let waitsForRise = (kind == .stop || kind == .stopLimit) == (side == .buy)
        return waitsForRise ? price >= stop : price <= stop
    }

    private func reservation(_ request: OrderRequest, quantity: Quantity, price: Price) -> Quantity {
        guard request.side == .buy else { return quantity }
        return buyReservation(quantity, at: request.limitPrice ?? request.stopPrice ?? price)
    }

    /// What a buy of so much may cost, its fee included where that comes on top.
    func buyReservation(_ quantity: Quantity, at unit: Price) -> Quantity {
        let cost = Quantity((quantity * unit).value)
        return settings.feesInQuote ? cost + cost * settings.takerFee.value : cost
    }
}
