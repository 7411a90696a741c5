import TradingModel

/// What a reply lacks or contradicts, so that it cannot be taken as told.
struct BinanceMappingError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension BinanceOrderReply {
    func report() throws -> OrderReport {
        guard let status, let side = try side.map(Side.init(binance:)) else {
            throw BinanceMappingError("the order's status or side is missing")
        }
        let filled = try executedQty.map { try Quantity($0) } ?? .zero
        let quote = try (cummulativeQuoteQty ?? cumQuote).map { try Notional($0) }
        let word = VenueOrderStatus(binance: status, expiry: expiryReason)
        return OrderReport(
            venueOrderID: VenueOrderID(String(orderId)), clientOrderID: ClientOrderID(origClientOrderId ?? clientOrderId),
            symbol: Symbol(symbol), side: side, type: type.flatMap(OrderType.init(binance:)), status: word, venueStatus: status,
            quantity: try origQty.map { try Quantity($0) }.flatMap { $0.isZero ? nil : $0 }, limitPrice: try Price(binance: price),
            stopPrice: try Price(binance: stopPrice), filledQuantity: filled,
            // A negative total means "not available" on some old orders.
            averagePrice: try quote.flatMap { $0 > 0 && filled > 0 ? $0 / filled : nil } ?? Price(binance: avgPrice),
            reason: RejectReason(binanceExpiry: expiryReason, status: status),
            updatedAt: Timestamp(milliseconds: updateTime ?? transactTime ?? time ?? 0))
    }

    /// The fills that came with the reply to a placement.
    func mappedFills() throws -> [Fill] {
        guard let fills, !fills.isEmpty else { return [] }
        guard let side = try side.map(Side.init(binance:)) else { throw BinanceMappingError("fills without a side") }
        return try fills.map { fill in
            Fill(
                executionID: ExecutionID(binanceSymbol: symbol, trade: fill.tradeId), venueOrderID: VenueOrderID(String(orderId)),
                clientOrderID: ClientOrderID(origClientOrderId ?? clientOrderId), symbol: Symbol(symbol), side: side,
                quantity: try Quantity(fill.qty), price: try Price(fill.price), fee: try fill.commission.map { try Notional($0) },
                feeAsset: fill.commissionAsset.map { Asset($0) }, executedAt: Timestamp(milliseconds: transactTime ?? 0))
        }
    }
}

extension BinanceAmendReply {
    func report() throws -> OrderReport {
        let order = amendedOrder
        let filled = try Quantity(order.executedQty)
        let quote = try order.cumulativeQuoteQty.map { try Notional($0) }
        return OrderReport(
            venueOrderID: VenueOrderID(String(order.orderId)), clientOrderID: ClientOrderID(order.clientOrderId), symbol: Symbol(order.symbol),
            side: try Side(binance: order.side), type: order.type.flatMap(OrderType.init(binance:)),
            status: VenueOrderStatus(binance: order.status, expiry: nil), venueStatus: order.status, quantity: try Quantity(order.qty),
            limitPrice: try Price(binance: order.price), stopPrice: try Price(binance: order.stopPrice), filledQuantity: filled,
            averagePrice: quote.flatMap { $0 > 0 && filled > 0 ? $0 / filled : nil }, updatedAt: Timestamp(milliseconds: transactTime))
    }
}

extension BinanceTradeReply {
    private var side: Side {
        get throws {
            guard let isBuy = isBuyer ?? buyer else { throw BinanceMappingError("a trade without a side") }
            return isBuy ? .buy : .sell
        }
    }

    func fill(clientOrderID: ClientOrderID? = nil) throws -> Fill {
        Fill(
            executionID: ExecutionID(binanceSymbol: symbol, trade: id), venueOrderID: VenueOrderID(String(orderId)),
            clientOrderID: clientOrderID, symbol: Symbol(symbol), side: try side, quantity: try Quantity(qty),
            price: try Price(price), fee: try commission.map { try Notional($0) }, feeAsset: commissionAsset.map { Asset($0) },
            executedAt: Timestamp(milliseconds: time))
    }
}

extension ExecutionID {
    /// Trade ids are unique per symbol only.
    init(binanceSymbol symbol: String, trade: Int64) { self.init("\(symbol):\(trade)") }
}

extension Price {
    /// Binance writes zero where an order has no such price.
    init?(binance text: String?) throws {
        guard let text else { return nil }
        let price = try Price(text)
        if price.isZero { return nil }
        self = price
    }
}

extension Side {
    init(binance word: String) throws {
        switch word {
        case "BUY": self = .buy
        case "SELL": self = .sell
        default: throw BinanceMappingError("unknown side \(word.prefix(20))")
        }
    }

    var binance: String { self == .buy ? "BUY" : "SELL" }
}

extension OrderType {
    init?(binance word: String) {
        switch word {
        case "MARKET": self = .market
        case "LIMIT", "LIMIT_MAKER": self = .limit
        case "STOP_LOSS": self = .stop
        case "STOP_LOSS_LIMIT": self = .stopLimit
        default: return nil
        }
    }
}

extension VenueOrderStatus {
    /// - Parameter expiry: Why the order expired. An order that gives way to another of its list was ended by us, in advance.
    init(binance word: String, expiry: String?) {
        if word == "EXPIRED", expiry == "OCO_TRIGGER" || expiry == "OTO_PHASE_ONE_EXPIRED" {
            self = .cancelled
            return
        }
        switch word {
        case "PENDING_NEW": self = .pendingNew
        // The futures' orders of liquidation are in the market like any other.
        case "NEW", "NEW_INSURANCE", "NEW_ADL": self = .accepted
        case "PARTIALLY_FILLED": self = .partiallyFilled
        case "FILLED": self = .filled
        case "CANCELED": self = .cancelled
        case "EXPIRED", "EXPIRED_IN_MATCH": self = .expired
        case "REJECTED": self = .rejected
        default: self = .unrecognised
        }
    }
}

extension RejectReason {
    /// Why an order expired. Source: enums, "Expiry reason" (since 2026-03-26).
    init?(binanceExpiry word: String?, status: String) {
        if status == "EXPIRED_IN_MATCH" {
            self = .selfTradePrevented
            return
        }
        switch word {
        case nil, "NONE", "", "OCO_TRIGGER", "OTO_PHASE_ONE_EXPIRED": return nil
        case "INSUFFICIENT_LIQUIDITY", "UNFILLED_IOC_QUANTITY_EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED": self = .noLiquidity
        case "EXECUTION_RULE_PRICE_RANGE_EXCEEDED": self = .priceOutOfRange
        case .some(let text): self = .other(text)
        }
    }
}
