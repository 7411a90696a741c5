import Foundation
import SimulatorKit
import TradingModel

extension CoinbaseEngine {
    /// Rows of one page, and where the next one starts.
    private static func page<Row>(_ rows: [Row], _ request: CoinbaseRequest, most: Int) throws(CoinbaseError) -> (rows: [Row], next: String?) {
        let limit = try request.integer("limit") ?? most
        guard limit > 0 else { throw .argument("limit must be positive") }
        let start = try request.integer("cursor") ?? 0
        guard start >= 0 else { throw .argument("invalid cursor") }
        let rest = rows.dropFirst(start)
        let part = Array(rest.prefix(min(limit, most)))
        return (part, rest.count > part.count ? String(start + part.count) : nil)
    }

    func products(_ request: CoinbaseRequest) -> JSONValue {
        let wanted = request.all("product_ids")
        let isSpot = request["product_type"].map { $0 == "SPOT" || $0 == "UNKNOWN_PRODUCT_TYPE" } ?? true
        let offset = request["offset"].flatMap { Int($0) } ?? 0
        let listed = markets.filter { isSpot && (wanted.isEmpty || wanted.contains($0.instrument.symbol.rawValue)) }
        let part = listed.dropFirst(max(0, offset))
        return .object(["products": .array(part.map { $0.json(price: price($0)) }), "num_products": .integer(part.count)])
    }

    func price(_ market: CoinbaseMarket) -> Price? { exchange.read { core in core.prices[market.instrument.symbol] } }

    func accounts(_ request: CoinbaseRequest, account: String) throws(CoinbaseError) -> JSONValue {
        let balances = exchange.read { core in core.balances(of: account) }
        let (rows, next) = try Self.page(balances, request, most: 250)
        return .object([
            "accounts": .array(
                rows.map { row in
                    let currency = JSONValue.string(row.asset.rawValue)
                    let isFiat = row.asset == "USD"
                    return .object([
                        "uuid": .string(Self.wallet(row.asset)), "name": .string("\(row.asset) Wallet"), "currency": currency,
                        "available_balance": .object(["value": .string(row.free.description), "currency": currency]), "default": true,
                        "active": true, "created_at": "2021-05-31T09:59:59Z", "updated_at": "2021-05-31T09:59:59Z", "deleted_at": .null,
                        "type": isFiat ? "ACCOUNT_TYPE_FIAT" : "ACCOUNT_TYPE_CRYPTO", "ready": true,
                        "hold": .object(["value": .string(row.locked.description), "currency": currency]),
                        "retail_portfolio_id": .string(CoinbaseIDs.portfolio), "platform": "ACCOUNT_PLATFORM_CONSUMER",
                    ])
                }),
            "has_next": .boolean(next != nil), "cursor": .string(next ?? ""), "size": .integer(rows.count),
        ])
    }

    private static func wallet(_ asset: Asset) -> String {
        let hex = asset.rawValue.utf8.prefix(6).map { String($0, radix: 16) }.joined()
        return "33333333-3333-4333-8333-" + String(repeating: "0", count: max(0, 12 - hex.count)) + hex
    }

    /// Newest first, as at the venue.
    func orders(_ request: CoinbaseRequest, account: String, stale: Bool) throws(CoinbaseError) -> JSONValue {
        let states = request.all("order_status")
        if states.contains("OPEN"), states.count > 1 { throw .argument("OPEN cannot be combined with other order_status values") }
        let products = request.all("product_ids")
        let ids = request.all("order_ids")
        let start = try request.time("start_date")
        let end = try request.time("end_date")
        let all = exchange.read { core in core.orders }.reversed().filter { order in
            order.account == account && (products.isEmpty || products.contains(order.symbol.rawValue))
                && (ids.isEmpty || ids.contains(id(of: order.id)))
                && (start.map { order.acceptedAt >= $0 } ?? true) && (end.map { order.acceptedAt <= $0 } ?? true)
                && (states.isEmpty || states.contains(status(order)))
        }.compactMap { visible($0, account: account) }
        let (rows, next) = try Self.page(all, request, most: 1000)
        return .object([
            "orders": .array(rows.map { json($0, stale: stale) }), "sequence": "0", "has_next": .boolean(next != nil),
            "cursor": .string(next ?? ""),
        ])
    }

    /// Newest first. An execution is listed some time after the stream has told of it.
    func fills(_ request: CoinbaseRequest, account: String) throws(CoinbaseError) -> JSONValue {
        let ids = request.all("order_ids")
        let products = request.all("product_ids")
        let start = try request.time("start_sequence_timestamp")
        let end = try request.time("end_sequence_timestamp")
        let newest = exchange.now - settings.fillDelay
        let all = exchange.read { core in core.trades }.reversed().filter { trade in
            trade.account == account && trade.executedAt <= newest
                && (products.isEmpty || products.contains(trade.symbol.rawValue))
                && (ids.isEmpty || ids.contains(id(of: trade.orderID)))
                && (start.map { trade.executedAt >= $0 } ?? true) && (end.map { trade.executedAt <= $0 } ?? true)
        }
        let (rows, next) = try Self.page(all, request, most: 1000)
        return .object(["fills": .array(rows.map(fill)), "cursor": .string(next ?? "")])
    }

    private func fill(_ trade: SimulatedTrade) -> JSONValue {
        let order = exchange.read { core in core.order(trade.orderID) }
        let inQuote = order?.quoteQuantity != nil
        let size = inQuote ? (trade.quantity * trade.price).description : trade.quantity.description
        let key = "\(trade.symbol)-\(trade.id)"
        return .object([
            "entry_id": .string("entry-\(key)"), "trade_id": .string("trade-\(key)"), "order_id": .string(id(of: trade.orderID)),
            "trade_time": .string(trade.executedAt.description), "trade_type": "FILL", "price": .string(trade.price.description),
            "size": .string(size), "commission": .string(trade.fee.description), "product_id": .string(trade.symbol.rawValue),
            "sequence_timestamp": .string(trade.executedAt.description), "liquidity_indicator": trade.isMaker ? "MAKER" : "TAKER",
            "size_in_quote": .boolean(inQuote), "user_id": .string(CoinbaseIDs.user), "side": .string(trade.side == .buy ? "BUY" : "SELL"),
            "retail_portfolio_id": .string(CoinbaseIDs.portfolio),
        ])
    }

    // MARK: One order

    /// The order, if it is the account's and queries show it.
    func visible(_ order: SimulatedOrder?, account: String) -> SimulatedOrder? {
        guard let order, order.account == account else { return nil }
        let now = clock.monotonic
        return state.withLock { state in
            state.hiddenUntil = state.hiddenUntil.filter { $0.value > now }
            return state.hiddenUntil[order.id] == nil ? order : nil
        }
    }

    func status(_ order: SimulatedOrder) -> String {
        state.withLock { state in
            if !order.status.isTerminal, state.cancelling[order.id] != nil { return "CANCEL_QUEUED" }
            return order.coinbaseStatus(isExpired: state.expired.contains(order.id))
        }
    }

    func json(_ order: SimulatedOrder, stale: Bool) -> JSONValue {
        let details = state.withLock { $0.details[order.id] }
        let filled = stale ? Quantity.zero : order.filledQuantity
        let fees = stale ? .zero : exchange.read { core in core.trades(of: order.id) }.reduce(Notional.zero) { $0 + $1.fee }
        let trades = stale ? 0 : exchange.read { core in core.trades(of: order.id).count }
        // Numbers that are not there yet are empty texts.
        let number = { (value: String) -> JSONValue in filled.isZero ? "" : .string(value) }
        let lastFill = exchange.read { core in core.trades(of: order.id).last?.executedAt }
        return .object([
            "order_id": .string(id(of: order.id)), "product_id": .string(order.symbol.rawValue),
            "user_id": .string(CoinbaseIDs.user), "order_configuration": details?.configuration ?? .object([]),
            "side": .string(order.side == .buy ? "BUY" : "SELL"), "client_order_id": .string(order.clientOrderID),
            "status": .string(stale ? "OPEN" : status(order)), "time_in_force": .string(order.coinbaseTimeInForce),
            "created_time": .string(order.acceptedAt.description),
            "completion_percentage": .string(order.status == .filled && !stale ? "100" : filled.isZero ? "0" : "50"),
            "filled_size": .string(filled.description), "average_filled_price": number(order.averagePrice?.description ?? "0"), "fee": "",
            "number_of_fills": .string(String(trades)), "filled_value": number(order.filledNotional.description),
            "pending_cancel": .boolean(state.withLock { $0.cancelling[order.id] != nil }),
            "size_in_quote": .boolean(order.quoteQuantity != nil), "total_fees": number(fees.description), "size_inclusive_of_fees": false,
            "total_value_after_fees": number((order.filledNotional + fees).description),
            "trigger_status": .string(triggerStatus(order)),
            "order_type": .string(details?.entry == nil ? order.coinbaseType : "BRACKET"),
            "reject_reason": "REJECT_REASON_UNSPECIFIED", "settled": .boolean(order.status == .filled && !stale), "product_type": "SPOT",
            "reject_message": "", "cancel_message": "", "order_placement_source": "RETAIL_ADVANCED", "outstanding_hold_amount": "0",
            "is_liquidation": false, "last_fill_time": stale ? .null : lastFill.map { .string($0.description) } ?? .null,
            "edit_history": .array(stale ? [] : details?.edits ?? []), "leverage": "", "margin_type": "UNKNOWN_MARGIN_TYPE",
            "retail_portfolio_id": .string(CoinbaseIDs.portfolio),
            "originating_order_id": .string(details?.entry.map(CoinbaseIDs.text) ?? ""),
            "attached_order_id": .string(attachedID(of: order.id)), "attached_order_configuration": details?.attached?.json ?? .null,
        ])
    }

    private func triggerStatus(_ order: SimulatedOrder) -> String {
        let (isBracket, isGuarding) = state.withLock { ($0.details[order.id]?.entry != nil, $0.guarding[order.id] != nil) }
        if isBracket { return isGuarding || order.status.isTerminal ? "STOP_PENDING" : "STOP_TRIGGERED" }
        return order.kind.isConditional ? (order.isWorking ? "STOP_TRIGGERED" : "STOP_PENDING") : "INVALID_ORDER_TYPE"
    }

    /// As the user channel tells it. Source: advanced-trade-asyncapi, read 2026-11-21.
    func update(_ order: SimulatedOrder) -> JSONValue {
        let (isExpired, isBracket) = state.withLock { ($0.expired.contains(order.id), $0.details[order.id]?.entry != nil) }
        let fees = exchange.read { core in core.trades(of: order.id) }.reduce(Notional.zero) { $0 + $1.fee }
        return .object([
            "avg_price": .string(order.averagePrice?.description ?? "0"), "cancel_reason": "",
            "client_order_id": .string(order.clientOrderID), "completion_percentage": "0",
            "contract_expiry_type": "UNKNOWN_CONTRACT_EXPIRY_TYPE", "cumulative_quantity": .string(order.filledQuantity.description),
            "filled_value": .string(order.filledNotional.description),
            "leaves_quantity": .string(order.status.isTerminal ? "0" : order.openQuantity.description),
            "limit_price": .string(order.limitPrice?.description ?? ""), "number_of_fills": "0",
            "order_id": .string(id(of: order.id)), "order_side": .string(order.side == .buy ? "BUY" : "SELL"),
            "order_type": .string(isBracket ? "Bracket" : order.kind == .market ? "Market" : order.kind.isConditional ? "Stop Limit" : "Limit"),
            "outstanding_hold_amount": "0", "post_only": .string(order.kind == .limitMaker ? "true" : "false"),
            "product_id": .string(order.symbol.rawValue), "product_type": "SPOT", "reject_reason": "",
            "retail_portfolio_id": .string(CoinbaseIDs.portfolio), "risk_managed_by": "UNKNOWN_RISK_MANAGEMENT_TYPE",
            "status": .string(order.coinbaseStatus(isExpired: isExpired)), "stop_price": .string(order.stopPrice?.description ?? ""),
            "time_in_force": .string(order.coinbaseTimeInForce), "total_fees": .string(fees.description),
            "total_value_after_fees": .string((order.filledNotional + fees).description), "trigger_status": "INVALID_ORDER_TYPE",
            "creation_time": .string(order.acceptedAt.description), "end_time": "0001-01-01T00:00:00Z", "start_time": "0001-01-01T00:00:00Z",
        ])
    }
}

extension SimulatedOrder {
    /// There is no word for a partial fill; what a market, IOC or FOK order could not get ends cancelled.
    func coinbaseStatus(isExpired: Bool) -> String {
        switch status {
        case .filled: "FILLED"
        case .cancelled: isExpired ? "EXPIRED" : "CANCELLED"
        case .expired: "CANCELLED"
        case .rejected: "FAILED"
        case .pendingNew: "PENDING"
        case .accepted, .partiallyFilled, .unrecognised: kind == .market ? "PENDING" : "OPEN"
        }
    }

    var coinbaseTimeInForce: String {
        switch timeInForce {
        case .gtc, .day: "GOOD_UNTIL_CANCELLED"
        case .gtd: "GOOD_UNTIL_DATE_TIME"
        case .ioc: "IMMEDIATE_OR_CANCEL"
        case .fok: "FILL_OR_KILL"
        }
    }

    var coinbaseType: String { kind == .market ? "MARKET" : kind.isConditional ? "STOP_LIMIT" : "LIMIT" }
}
