import TradingModel

extension BinanceExecutionReport {
    /// The order's own id: on a cancel `c` names the cancel and `C` the order; on every other event `C` is empty.
    var orderClientID: ClientOrderID {
        if let C, !C.isEmpty { return ClientOrderID(C) }
        return ClientOrderID(c)
    }

    func report() throws -> OrderReport {
        let filled = try Quantity(z)
        let quote = try Z.map { try Notional($0) }
        let quantity = try Quantity(q)
        return OrderReport(
            venueOrderID: VenueOrderID(String(i)), clientOrderID: orderClientID, symbol: Symbol(s), side: try Side(binance: S),
            type: OrderType(binance: o), status: VenueOrderStatus(binance: X, expiry: eR), venueStatus: X,
            quantity: quantity.isZero ? nil : quantity, limitPrice: try Price(binance: p), stopPrice: try Price(binance: P ?? sp),
            filledQuantity: filled, averagePrice: try quote.flatMap { $0 > 0 && filled > 0 ? $0 / filled : nil } ?? Price(binance: ap),
            reason: reason, updatedAt: Timestamp(milliseconds: T))
    }

    /// The execution, if this event is one: a trade with an id and a quantity.
    func fill() throws -> Fill? {
        guard x == "TRADE", let trade = t, trade >= 0, let l, let L, case let quantity = try Quantity(l), quantity > 0 else {
            return nil
        }
        return Fill(
            executionID: ExecutionID(binanceSymbol: s, trade: trade), venueOrderID: VenueOrderID(String(i)),
            clientOrderID: orderClientID, symbol: Symbol(s), side: try Side(binance: S), quantity: quantity, price: try Price(L),
            fee: try n.map { try Notional($0) }, feeAsset: N.map { Asset($0) }, executedAt: Timestamp(milliseconds: T))
    }

    private var reason: RejectReason? {
        switch r {
        case nil, "NONE", "": RejectReason(binanceExpiry: eR, status: X)
        case "INSUFFICIENT_BALANCES": .insufficientFunds
        case "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY": .wouldTriggerImmediately
        case "WOULD_MATCH_IMMEDIATELY": .postOnlyWouldTake
        case .some(let text): .other(text)
        }
    }
}
