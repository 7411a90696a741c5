import SimulatorKit
import Synchronization
import TradingModel

/// The venue behind both wires: checks a request as the venue would and works on the shared exchange.
final class BinanceEngine: Sendable {
    /// Trades and orders are kept for ever, so an archive code never comes; ids that the venue mints look like this.
    static let mintedIDPrefix = "sim"

    let exchange: SimulatedExchange
    let markets: [Symbol: BinanceMarket]
    let clock: any TradingClock
    let limits: BinanceLimits
    let dialect: BinanceSimulatorDialect
    let words: any BinanceWords
    let listenKeys: BinanceListenKeys
    /// What an account of the futures starts with.
    let futuresDeposit: Quantity
    private let marketList: [BinanceMarket]
    let state = Mutex(State())

    struct State {
        var nextMintedID = 1
        /// Orders that queries do not show yet.
        var hiddenUntil: [Int64: MonotonicInstant] = [:]
        /// Orders of the futures that may only make a position smaller.
        var reduceOnly: Set<Int64> = []
    }

    init(
        exchange: SimulatedExchange, markets: [BinanceMarket], clock: any TradingClock, limits: BinanceLimits,
        dialect: BinanceSimulatorDialect, listenKeys: BinanceListenKeys, futuresDeposit: Quantity
    ) {
        self.exchange = exchange
        self.markets = Dictionary(uniqueKeysWithValues: markets.map { ($0.instrument.symbol, $0) })
        self.clock = clock
        self.limits = limits
        self.dialect = dialect
        words = dialect == .usdm ? BinanceFuturesWords() : BinanceSpotWords()
        self.listenKeys = listenKeys
        self.futuresDeposit = futuresDeposit
        marketList = markets
    }

    func reset() {
        state.withLock { $0 = State() }
        limits.reset()
        listenKeys.reset()
    }

    /// Does what is asked. `fault` is played where only the venue can play it.
    func perform(
        _ operation: BinanceOperation, _ parameters: BinanceParameters, account: String, fault: Fault?
    ) throws(BinanceError) -> JSONValue {
        do throws(BinanceError) { return try performed(operation, parameters, account: account, fault: fault) } catch { throw words.error(error) }
    }

    /// What happened, as the account's stream tells it.
    func events(_ batch: [ExchangeEvent], account: String, sentAt: Timestamp) -> [JSONValue] {
        dialect == .usdm
            ? futuresEvents(batch, account: account, sentAt: sentAt) : binanceEvents(batch, sentAt: sentAt, list: { listJSON($0) })
    }

    private func performed(
        _ operation: BinanceOperation, _ parameters: BinanceParameters, account: String, fault: Fault?
    ) throws(BinanceError) -> JSONValue {
        let stale = fault?.action == .staleLookup
        switch operation {
        case .ping: return .object([])
        case .time: return .object(["serverTime": .milliseconds(exchange.now)])
        case .exchangeInfo: return try exchangeInfo(parameters)
        case .tickerPrice: return try tickerPrice(parameters)
        case .account: return dialect == .usdm ? futuresAccount(account) : accountInformation(account, parameters)
        case .balance: return futuresBalance(account)
        case .positions: return futuresPositions(account, try optionalSymbol(parameters))
        case .positionMode: return .object(["dualSidePosition": false])
        case .createListenKey: return .object(["listenKey": .string(listenKeys.create(account))])
        case .keepListenKey: return .object(["listenKey": .string(try listenKeys.prolong(account))])
        case .closeListenKey:
            listenKeys.close(account)
            return .object([])
        case .modify: return try modify(parameters, account: account)
        case .place: return try place(try anyOrder(parameters, account: account), parameters, fault: fault)
        case .placeOCO, .placeOTO, .placeOTOCO: return try placeList(operation, parameters, account: account)
        case .cancelList: return try cancelList(parameters, account: account)
        case .queryList: return try queryList(parameters, account: account)
        case .openLists: return try lists(parameters, account: account, openOnly: true)
        case .allLists: return try lists(parameters, account: account, openOnly: false)
        case .cancelReplace: return try cancelReplace(parameters, account: account)
        case .amend: return try amend(parameters, account: account)
        case .orderLimits: return limits.orderUsage(account: account, at: exchange.now)
        case .test:
            _ = try anyOrder(parameters, account: account)
            return .object([])
        case .query: return queried(try find(parameters, account: account), stale: stale)
        case .cancel: return try cancel(parameters, account: account)
        case .cancelAll: return try cancelAll(parameters, account: account)
        case .openOrders:
            let symbol = try optionalSymbol(parameters)
            let open = exchange.read { core in core.openOrders(account: account, symbol: symbol) }
            return .array(visible(open).map { queried($0, stale: stale) })
        case .allOrders: return try allOrders(parameters, account: account, stale: stale)
        case .myTrades: return try myTrades(parameters, account: account)
        }
    }

    /// Of `startTime` and `endTime`, in milliseconds.
    var longestSpan: Int64 { dialect == .usdm ? 7 * BinanceRange.day : BinanceRange.day }

    // MARK: Finding

    func symbol(_ parameters: BinanceParameters) throws(BinanceError) -> Symbol {
        let symbol = Symbol(try parameters.required("symbol"))
        guard markets[symbol] != nil else { throw .invalidSymbol }
        return symbol
    }

    private func optionalSymbol(_ parameters: BinanceParameters) throws(BinanceError) -> Symbol? {
        parameters["symbol"] == nil ? nil : try symbol(parameters)
    }

    /// An order that queries show.
    private func find(_ parameters: BinanceParameters, account: String) throws(BinanceError) -> SimulatedOrder {
        let found = try order(parameters, symbol: try symbol(parameters), account: account)
        guard visible([found]).count == 1 else { throw .noSuchOrder }
        return found
    }

    func order(_ parameters: BinanceParameters, symbol: Symbol, account: String) throws(BinanceError) -> SimulatedOrder {
        let id = try parameters.integer("orderId")
        let clientID = parameters["origClientOrderId"]
        guard id != nil || clientID != nil else {
            throw BinanceError(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
        }
        let found = exchange.read { core in
            id.map { core.order($0) } ?? clientID.map { core.order($0, account: account) } ?? nil
        }
        guard let found, found.account == account, found.symbol == symbol else { throw .noSuchOrder }
        if let clientID, found.clientOrderID != clientID { throw .mismatchedIDs }
        return found
    }

    private func visible(_ orders: [SimulatedOrder]) -> [SimulatedOrder] {
        let now = clock.monotonic
        return state.withLock { state in
            guard !state.hiddenUntil.isEmpty else { return orders }
            state.hiddenUntil = state.hiddenUntil.filter { $0.value > now }
            return orders.filter { state.hiddenUntil[$0.id] == nil }
        }
    }

    func mintedID() -> String {
        state.withLock { state in
            defer { state.nextMintedID += 1 }
            let digits = String(state.nextMintedID)
            return Self.mintedIDPrefix + String(repeating: "0", count: max(0, 19 - digits.count)) + digits
        }
    }

    private func anyOrder(_ parameters: BinanceParameters, account: String) throws(BinanceError) -> OrderRequest {
        dialect == .usdm ? try futuresOrder(parameters, account: account) : try newOrder(parameters, account: account)
    }

    private func queried(_ order: SimulatedOrder, stale: Bool) -> JSONValue { decorated(words.queried(order, stale: stale), order) }

    // MARK: Lists

    private func allOrders(_ parameters: BinanceParameters, account: String, stale: Bool) throws(BinanceError) -> JSONValue {
        let symbol = try symbol(parameters)
        let range = try BinanceRange(parameters, firstID: "orderId", longestSpan: longestSpan)
        let all = exchange.read { core in
            core.orders.filter { $0.account == account && $0.symbol == symbol && range.contains(id: $0.id, at: $0.acceptedAt) }
        }
        return .array(range.cut(visible(all)).map { queried($0, stale: stale) })
    }

    private func myTrades(_ parameters: BinanceParameters, account: String) throws(BinanceError) -> JSONValue {
        let symbol = try symbol(parameters)
        let range = try BinanceRange(parameters, firstID: "fromId", longestSpan: longestSpan)
        let orderID = try parameters.integer("orderId")
        let all = exchange.read { core in
            (orderID.map { core.trades(of: $0) } ?? core.trades).filter {
                $0.account == account && $0.symbol == symbol && range.contains(id: $0.id, at: $0.executedAt)
            }
        }
        let rows = range.cut(all)
        let lists = exchange.read { core in rows.map { core.order($0.orderID)?.listID } }
        return .array(zip(rows, lists).map { words.trade($0, list: $1) })
    }

    // MARK: Public data

    private func exchangeInfo(_ parameters: BinanceParameters) throws(BinanceError) -> JSONValue {
        var wanted: [Symbol]?
        if let symbol = try optionalSymbol(parameters) { wanted = [symbol] }
        if let list = parameters["symbols"] {
            guard case .array(let entries)? = try? JSONValue(parsing: list) else { throw .illegal("symbols", legal: "[\"AAA\",\"BBB\"]") }
            wanted = entries.compactMap(\.scalarText).map { Symbol($0) }
            guard wanted?.allSatisfy({ markets[$0] != nil }) == true else { throw .invalidSymbol }
        }
        let listed = marketList.filter { wanted?.contains($0.instrument.symbol) ?? true }
        return .object([
            "timezone": "UTC", "serverTime": .milliseconds(exchange.now), "rateLimits": limits.rules, "exchangeFilters": [],
            "symbols": .array(listed.map { words.symbol($0) }),
        ])
    }

    private func tickerPrice(_ parameters: BinanceParameters) throws(BinanceError) -> JSONValue {
        let prices = exchange.read { core in core.prices }
        let ticker = { (symbol: Symbol) in
            JSONValue.object(["symbol": .string(symbol.rawValue), "price": .places(prices[symbol] ?? .zero)])
        }
        if let symbol = try optionalSymbol(parameters) { return ticker(symbol) }
        return .array(marketList.map { ticker($0.instrument.symbol) })
    }

    private func accountInformation(_ account: String, _ parameters: BinanceParameters) -> JSONValue {
        let balances = exchange.read { core in core.balances(of: account) }
        let listed = parameters["omitZeroBalances"] == "true" ? balances.filter { !$0.free.isZero || !$0.locked.isZero } : balances
        let fees = exchange.read { core in (core.settings.makerFee, core.settings.takerFee) }
        return .object([
            "makerCommission": 10, "takerCommission": 10, "buyerCommission": 0, "sellerCommission": 0,
            "commissionRates": .object([
                "maker": .places(fees.0), "taker": .places(fees.1), "buyer": .places(Quantity.zero), "seller": .places(Quantity.zero),
            ]),
            "canTrade": true, "canWithdraw": true, "canDeposit": true, "brokered": false, "requireSelfTradePrevention": false,
            "preventSor": false, "updateTime": .milliseconds(exchange.now), "accountType": "SPOT",
            "balances": .array(
                listed.map { .object(["asset": .string($0.asset.rawValue), "free": .places($0.free), "locked": .places($0.locked)]) }),
            "permissions": ["SPOT"], "uid": 1,
        ])
    }
}
