import SimulatorKit
import Synchronization
import TradingModel

/// The venue behind both wires: checks a request as the venue would and works on the shared exchange.
final class CoinbaseEngine: Sendable {
    struct Settings: Sendable {
        var refusesDuplicates = false
        var cancelDelay = Duration.milliseconds(20)
        var fillDelay = Duration.milliseconds(200)
    }

    /// What the exchange itself does not keep of an order.
    struct Details: Sendable {
        var configuration: JSONValue
        var attached: AttachedBracket?
        var endTime: Timestamp?
        var edits: [JSONValue] = []
        /// The order whose bracket this one is.
        var entry: Int64?
    }

    struct State {
        var details: [Int64: Details] = [:]
        /// Cancels that were taken and not yet done.
        var cancelling: [Int64: MonotonicInstant] = [:]
        var expired: Set<Int64> = []
        /// Orders that queries do not show yet.
        var hiddenUntil: [Int64: MonotonicInstant] = [:]
        /// Brackets that wait for the end of their entry, by the entry.
        var waiting: [Int64: AttachedBracket] = [:]
        /// Brackets whose stop has not been triggered, by their own order.
        var guarding: [Int64: AttachedBracket] = [:]
        /// The bracket's order of an entry, for ever.
        var attached: [Int64: Int64] = [:]
    }

    let exchange: SimulatedExchange
    let markets: [CoinbaseMarket]
    let clock: any TradingClock
    let settings: Settings
    let state = Mutex(State())

    init(exchange: SimulatedExchange, markets: [CoinbaseMarket], clock: any TradingClock, settings: Settings) {
        self.exchange = exchange
        self.markets = markets
        self.clock = clock
        self.settings = settings
    }

    func reset() { state.withLock { $0 = State() } }

    func market(_ symbol: Symbol) -> CoinbaseMarket? { markets.first { $0.instrument.symbol == symbol } }

    /// Does what is asked. `fault` is played where only the venue can play it.
    func perform(_ request: CoinbaseRequest, account: String, fault: Fault?) throws(CoinbaseError) -> JSONValue {
        let stale = fault?.action == .staleLookup
        switch request.operation {
        case .time:
            let now = exchange.now
            return .object([
                "iso": .string(now.description), "epochSeconds": .string(String(now.milliseconds / 1000)),
                "epochMillis": .string(String(now.milliseconds)),
            ])
        case .products: return products(request)
        case .product(let id):
            guard let market = market(Symbol(id)) else { throw .noSuchProduct }
            return market.json(price: price(market))
        case .keyPermissions:
            return .object([
                "can_view": true, "can_trade": true, "can_transfer": false, "portfolio_uuid": .string(CoinbaseIDs.portfolio),
                "portfolio_type": "DEFAULT",
            ])
        case .portfolios:
            return .object([
                "portfolios": .array([.object(["name": "Default", "uuid": .string(CoinbaseIDs.portfolio), "type": "DEFAULT", "deleted": false])])
            ])
        case .transactionSummary: return Self.feeTier
        case .accounts: return try accounts(request, account: account)
        case .place: return try place(request, account: account, fault: fault)
        case .edit: return try edit(request, account: account)
        case .cancel: return try cancel(request, account: account)
        case .order(let id):
            guard let number = number(id), let order = visible(exchange.read({ core in core.order(number) }), account: account) else {
                throw .noSuchOrder
            }
            return .object(["order": json(order, stale: stale)])
        case .orders: return try orders(request, account: account, stale: stale)
        case .fills: return try fills(request, account: account)
        }
    }

    // MARK: What time does

    /// Cancels, expiries and brackets that have fallen due.
    func tick() {
        let now = clock.monotonic
        let wall = exchange.now
        let due = state.withLock { state in
            let cancels = state.cancelling.filter { $0.value <= now }.map(\.key)
            for id in cancels { state.cancelling[id] = nil }
            let ended = state.details.filter { entry in entry.value.endTime.map { $0 <= wall } ?? false }.map(\.key)
            for id in ended {
                state.details[id]?.endTime = nil
                state.expired.insert(id)
            }
            return cancels + ended
        }
        for id in due {
            guard let order = exchange.read({ core in core.order(id) }) else { continue }
            // Filled meanwhile: then there is nothing left to end.
            _ = try? exchange.cancel(id, account: order.account)
        }
        guardBrackets()
    }

    // MARK: Commands

    private func place(_ request: CoinbaseRequest, account: String, fault: Fault?) throws(CoinbaseError) -> JSONValue {
        let order = try CoinbaseNewOrder(request.body)
        do throws(CoinbaseRefusal) {
            let placed = try place(order, account: account)
            if fault?.action == .surfaceLate {
                let until = clock.monotonic + (fault?.duration(default: .seconds(1)) ?? .zero)
                state.withLock { $0.hiddenUntil[placed] = until }
            }
            // For a client id that it knows, the venue names the old order and repeats the new request.
            return .object([
                "success": true,
                "success_response": .object([
                    "order_id": .string(CoinbaseIDs.text(placed)), "product_id": .string(order.productID), "side": .string(order.side),
                    "client_order_id": .string(order.clientOrderID), "attached_order_id": .string(attachedID(of: placed)),
                ]),
                "order_configuration": order.configuration,
            ])
        } catch {
            return error.json(order.configuration)
        }
    }

    private func place(_ order: CoinbaseNewOrder, account: String) throws(CoinbaseRefusal) -> Int64 {
        if let old = exchange.read({ core in core.order(order.clientOrderID, account: account) }) {
            guard !settings.refusesDuplicates else { throw CoinbaseRefusal("DUPLICATE_CLIENT_ORDER_ID") }
            return old.id
        }
        let request = try newOrder(order, account: account)
        do throws(ExchangeRefusal) {
            // Held over the call, so that whoever hears of the order finds its details.
            return try state.withLock { state throws(ExchangeRefusal) in
                let events = try exchange.place(request)
                guard let id = events.last?.order.id else { throw ExchangeRefusal.noPrice }
                state.details[id] = Details(configuration: order.configuration, attached: order.attached, endTime: order.endTime)
                if let bracket = order.attached { state.waiting[id] = bracket }
                return id
            }
        } catch {
            switch error {
            case .duplicateClientOrderID(let existing): return existing.id
            case .insufficientFunds:
                throw CoinbaseRefusal("INSUFFICIENT_FUND", preview: "PREVIEW_INSUFFICIENT_FUND", "Insufficient balance in source account")
            case .unknownSymbol: throw CoinbaseRefusal("INVALID_PRODUCT_ID")
            case .wouldTakeLiquidity: throw CoinbaseRefusal("INVALID_LIMIT_PRICE_POST_ONLY")
            case .wouldTriggerImmediately:
                let isUp = request.side == .buy
                throw CoinbaseRefusal(
                    "UNKNOWN_FAILURE_REASON",
                    preview: isUp ? "PREVIEW_STOP_PRICE_BELOW_LAST_TRADE_PRICE" : "PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE")
            case .invalidRequest(let text): throw CoinbaseRefusal("INVALID_REQUEST", text)
            case .noPrice, .noSuchOpenOrder, .notWorking: throw CoinbaseRefusal("UNTRADABLE_PRODUCT")
            }
        }
    }

    private func cancel(_ request: CoinbaseRequest, account: String) throws(CoinbaseError) -> JSONValue {
        guard case .array(let entries)? = request.body["order_ids"] else { throw .argument("order_ids is required") }
        guard entries.count <= 100 else { throw .argument("too many order ids") }
        let due = clock.monotonic + settings.cancelDelay
        let results = entries.map { entry -> JSONValue in
            let text = entry.scalarText ?? ""
            let order = number(text).flatMap { id in exchange.read { core in core.order(id) } }
            let failure: String? = state.withLock { state in
                guard let order, order.account == account else { return "UNKNOWN_CANCEL_ORDER" }
                if order.status == .filled { return "ORDER_IS_FULLY_FILLED" }
                if order.status.isTerminal { return "UNKNOWN_CANCEL_ORDER" }
                if state.cancelling[order.id] != nil { return "DUPLICATE_CANCEL_REQUEST" }
                state.cancelling[order.id] = due
                return nil
            }
            if failure == nil, settings.cancelDelay == .zero { tick() }
            return .object([
                "success": .boolean(failure == nil), "failure_reason": .string(failure ?? "UNKNOWN_CANCEL_FAILURE_REASON"),
                "order_id": .string(text),
            ])
        }
        return .object(["results": .array(results)])
    }

    private func edit(_ request: CoinbaseRequest, account: String) throws(CoinbaseError) -> JSONValue {
        let id = request.body["order_id"]?.scalarText ?? ""
        guard let number = number(id) else { return Self.editFailure("ORDER_NOT_FOUND") }
        let found = exchange.read { core in core.order(number) }
        guard let order = found, order.account == account else { return Self.editFailure("ORDER_NOT_FOUND") }
        guard !order.status.isTerminal else { return Self.editFailure("ONLY_OPEN_ORDERS_CAN_BE_EDITED") }
        guard order.kind.hasLimit, order.timeInForce == .gtc else { return Self.editFailure("ONLY_LIMIT_ORDER_EDITS_SUPPORTED") }
        guard state.withLock({ $0.cancelling[number] == nil }) else { return Self.editFailure("CANNOT_EDIT_ORDER_PENDING_CANCEL") }
        // What is left out reads as zero here.
        let size: Quantity = request.body.decimal("size") ?? .zero
        let price: Price = request.body.decimal("price") ?? .zero
        let stop: Price? = request.body.decimal("stop_price")
        guard let market = market(order.symbol) else { return Self.editFailure("ORDER_NOT_FOUND") }
        guard size > 0, size.isMultiple(of: market.instrument.lotSize) else { return Self.editFailure("INVALID_EDITED_SIZE") }
        guard price > 0, price.isMultiple(of: market.instrument.tickSize) else { return Self.editFailure("INVALID_EDITED_PRICE") }
        guard size > order.filledQuantity else { return Self.editFailure("CANNOT_EDIT_TO_BELOW_FILLED_SIZE") }
        let detaches = request.body["cancel_attached_order"] == true
        if detaches, !detach(number) { return Self.editFailure("CANNOT_CANCEL_ACTIVE_ATTACHED_ORDER") }
        if size == order.quantity, price == order.limitPrice, stop == nil || stop == order.stopPrice {
            return detaches ? Self.edited(id) : Self.editFailure("EDIT_REQUEST_EQUAL_TO_ORIGINAL_REQUEST")
        }
        do throws(ExchangeRefusal) {
            try exchange.amend(number, account: account, to: Amendment(quantity: size, limitPrice: price, stopPrice: stop))
        } catch {
            return Self.editFailure(error == .insufficientFunds ? "INSUFFICIENT_FUND" : "COMMANDER_REJECTED_EDIT_ORDER")
        }
        let entry = JSONValue.object([
            "price": .string(price.description), "size": .string(size.description),
            "replace_accept_timestamp": .string(exchange.now.description),
        ])
        state.withLock { $0.details[number]?.edits.append(entry) }
        return Self.edited(id)
    }

    private static func edited(_ id: String) -> JSONValue {
        .object(["success": true, "success_response": .object(["order_id": .string(id)]), "errors": .array([])])
    }

    static func editFailure(_ reason: String) -> JSONValue {
        .object([
            "success": false, "error_response": .object(["error_details": "", "edit_order_failure_reason": .string(reason)]),
            "errors": .array([
                .object(["edit_failure_reason": .string(reason), "preview_failure_reason": "UNKNOWN_PREVIEW_FAILURE_REASON"])
            ]),
        ])
    }

    private static let feeTier = JSONValue.object([
        "total_volume": 0, "total_fees": 0,
        "fee_tier": .object([
            "pricing_tier": "Intro 1", "usd_from": "0", "usd_to": "10000", "taker_fee_rate": "0.012", "maker_fee_rate": "0.006",
        ]),
        "total_balance": "",
    ])
}

/// The venue's ids from the exchange's numbers, and back.
enum CoinbaseIDs {
    static let portfolio = "b87a2d3f-8a1e-49b3-a4ea-402d8c389aca"
    static let user = "3e625b74-1c4e-5967-ad38-4d26f30d4439"
    private static let orderPrefix = "11111111-1111-4111-8111-"
    private static let attachedPrefix = "22222222-2222-4222-8222-"
    private static let clientPrefix = "55555555-5555-4555-8555-"

    static func text(_ order: Int64) -> String { text(orderPrefix, order) }
    static func order(_ text: String) -> Int64? { number(orderPrefix, text) }

    /// The id of the order that is attached to this one. The venue names it before there is such an order.
    static func attached(to entry: Int64) -> String { text(attachedPrefix, entry) }
    static func entry(ofAttached text: String) -> Int64? { number(attachedPrefix, text) }

    /// The client order id that the venue itself gives to an attached order.
    static func attachedClient(of entry: Int64) -> String { text(clientPrefix, entry) }

    private static func text(_ prefix: String, _ number: Int64) -> String {
        let hex = String(number, radix: 16)
        return prefix + String(repeating: "0", count: max(0, 12 - hex.count)) + hex
    }

    private static func number(_ prefix: String, _ text: String) -> Int64? {
        text.hasPrefix(prefix) ? Int64(text.dropFirst(prefix.count), radix: 16) : nil
    }
}

extension JSONValue {
    /// A member that is a decimal in a text; nil if it is none.
    func decimal<D: ExactDecimal>(_ name: String) -> D? {
        guard let text = self[name]?.scalarText else { return nil }
        return try? D(text)
    }
}
