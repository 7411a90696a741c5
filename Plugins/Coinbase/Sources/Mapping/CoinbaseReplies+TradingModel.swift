import TradingModel

/// What a reply lacks or contradicts, so that it cannot be taken as told.
struct CoinbaseMappingError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension CoinbaseOrderReply {
    /// - Parameter symbol: The product as it was asked for, where the venue may tell another name of it.
    func report(as symbol: Symbol? = nil) throws -> OrderReport {
        let filled = try filled_size.told.map { try Quantity($0) } ?? .zero
        let terms = order_configuration?.values.first
        let edit = edit_history?.last
        let average = try average_filled_price.told.map { try Price($0) }
        let word = VenueOrderStatus(coinbase: status, hasFills: filled > 0)
        return OrderReport(
            venueOrderID: VenueOrderID(order_id), clientOrderID: clientOrderID,
            symbol: symbol ?? Symbol(product_id), side: try Side(coinbase: side), type: order_type.flatMap(OrderType.init(coinbase:)),
            status: word, venueStatus: status, quantity: try (edit?.size.told ?? terms?.base_size.told).map { try Quantity($0) },
            limitPrice: try (edit?.price.told ?? terms?.limit_price.told).map { try Price($0) },
            stopPrice: try terms?.stop_price.told.map { try Price($0) }, filledQuantity: filled,
            averagePrice: filled > 0 ? average.flatMap { $0 > 0 ? $0 : nil } : nil,
            reason: word == .rejected ? RejectReason(coinbaseReject: reject_reason, message: reject_message) : nil,
            updatedAt: lastTime)
    }

    var createdAt: Timestamp? { created_time.flatMap { Timestamp(rfc3339: $0) } }

    /// The entity has no time of its last change, so the latest of those that it has.
    var lastTime: Timestamp {
        let times = [created_time, last_fill_time] + (edit_history ?? []).map(\.replace_accept_timestamp)
        return times.compactMap { $0.flatMap { Timestamp(rfc3339: $0) } }.max() ?? Timestamp(milliseconds: 0)
    }
}

extension CoinbaseFillReply {
    /// Corrections and the like are told in the same list; only executions count as fills.
    var isExecution: Bool { trade_type == nil || trade_type == "FILL" }

    /// - Parameters:
    ///   - lot: The product's step, to which an amount in quote currency is turned into base.
    ///   - feeAsset: The quote currency: commissions are in it.
    func fill(as symbol: Symbol? = nil, clientOrderID: ClientOrderID? = nil, lot: Quantity, feeAsset: Asset?) throws -> Fill {
        guard let time = Timestamp(rfc3339: trade_time) else { throw CoinbaseMappingError("a fill's time cannot be read") }
        let price = try Price(price)
        let quantity: Quantity
        if size_in_quote == true {
            guard let base = try Notional(size) / price else { throw CoinbaseMappingError("a fill without a price") }
            quantity = base.rounded(.nearest, to: lot)
        } else {
            quantity = try Quantity(size)
        }
        let trade = trade_id.told.map { "\(order_id):\($0)" }
        guard let id = entry_id.told ?? trade else { throw CoinbaseMappingError("a fill without an id") }
        return Fill(
            executionID: ExecutionID(id), venueOrderID: VenueOrderID(order_id), clientOrderID: clientOrderID,
            symbol: symbol ?? Symbol(product_id), side: try Side(coinbase: side), quantity: quantity, price: price,
            fee: try commission.told.map { try Notional($0) }, feeAsset: feeAsset, executedAt: time)
    }
}

extension Side {
    init(coinbase word: String) throws {
        switch word {
        case "BUY": self = .buy
        case "SELL": self = .sell
        default: throw CoinbaseMappingError("unknown side \(word.prefix(20))")
        }
    }

    var coinbase: String { self == .buy ? "BUY" : "SELL" }
}

extension OrderType {
    /// REST writes `STOP_LIMIT`, the stream `Stop Limit`.
    init?(coinbase word: String) {
        switch word.uppercased().replacing(" ", with: "_") {
        case "MARKET": self = .market
        case "LIMIT": self = .limit
        case "STOP": self = .stop
        case "STOP_LIMIT": self = .stopLimit
        default: return nil
        }
    }
}

extension VenueOrderStatus {
    /// There is no word for a partial fill. An order that failed after a fill counts as cancelled, because its fills stand.
    init(coinbase word: String, hasFills: Bool) {
        switch word {
        case "PENDING", "QUEUED": self = hasFills ? .partiallyFilled : .pendingNew
        case "OPEN", "CANCEL_QUEUED", "EDIT_QUEUED": self = hasFills ? .partiallyFilled : .accepted
        case "FILLED": self = .filled
        case "CANCELLED": self = .cancelled
        case "EXPIRED": self = .expired
        case "FAILED": self = hasFills ? .cancelled : .rejected
        default: self = .unrecognised
        }
    }
}

extension RejectReason {
    init?(coinbaseReject word: String?, message: String?) {
        switch word {
        case "HOLD_FAILURE", "REJECT_REASON_INSUFFICIENT_FUNDS": self = .insufficientFunds
        case "TOO_MANY_OPEN_ORDERS": self = .tooManyOpenOrders
        case "RATE_LIMIT_EXCEEDED": self = .rateLimited
        case nil, "", "REJECT_REASON_UNSPECIFIED":
            guard let message = message.told else { return nil }
            self = message.contains("nsufficient") ? .insufficientFunds : .other(message)
        case .some(let text): self = .other(message.told ?? text)
        }
    }
}
