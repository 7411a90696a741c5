import SimulatorKit
import TradingModel

extension SimulatedOrder.Kind {
    /// The venue's word.
    var binance: String {
        switch self {
        case .market: "MARKET"
        case .limit: "LIMIT"
        case .limitMaker: "LIMIT_MAKER"
        case .stop: "STOP_LOSS"
        case .stopLimit: "STOP_LOSS_LIMIT"
        case .takeProfit: "TAKE_PROFIT"
        case .takeProfitLimit: "TAKE_PROFIT_LIMIT"
        }
    }

    static let byBinance = Dictionary(uniqueKeysWithValues: allCases.map { ($0.binance, $0) })
}

extension SimulatedOrder {
    var binanceStatus: String {
        switch status {
        case .pendingNew: "PENDING_NEW"
        case .accepted: "NEW"
        case .partiallyFilled: "PARTIALLY_FILLED"
        case .filled: "FILLED"
        case .cancelled: "CANCELED"
        case .expired: "EXPIRED"
        case .rejected, .unrecognised: "REJECTED"
        }
    }

    var binanceSide: String { side == .buy ? "BUY" : "SELL" }
    var binanceTimeInForce: String { timeInForce.rawValue.uppercased() }
    var workingTime: JSONValue { workingAt.map { .milliseconds($0) } ?? -1 }

    /// The answer to a placement, in the form asked for.
    func placed(_ form: BinanceResponseForm, trades: [SimulatedTrade]) -> JSONValue {
        let acknowledgement = JSONValue.object([
            "symbol": .string(symbol.rawValue), "orderId": .integer(id), "orderListId": listNumber, "clientOrderId": .string(clientOrderID),
            "transactTime": .milliseconds(acceptedAt),
        ])
        guard form != .ack else { return acknowledgement }
        let result = acknowledgement.adding(state).adding(trigger).adding(expiry).adding(
            ["workingTime": workingTime, "selfTradePreventionMode": "EXPIRE_MAKER"])
        guard form == .full else { return result }
        return result.adding([
            "fills": .array(
                trades.map { trade in
                    .object([
                        "price": .places(trade.price), "qty": .places(trade.quantity), "commission": .places(trade.fee),
                        "commissionAsset": .string(trade.feeAsset.rawValue), "tradeId": .integer(trade.id),
                    ])
                })
        ])
    }

    /// The answer to a query, and an entry of the lists.
    func queried(stale: Bool) -> JSONValue {
        let quantityDone = stale ? Quantity.zero : filledQuantity
        return .object([
            "symbol": .string(symbol.rawValue), "orderId": .integer(id), "orderListId": listNumber, "clientOrderId": .string(clientOrderID),
            "price": .places(limitPrice ?? .zero), "origQty": .places(quantity), "executedQty": .places(quantityDone),
            "cummulativeQuoteQty": .places(stale ? .zero : filledNotional), "status": .string(stale ? "NEW" : binanceStatus),
            "timeInForce": .string(binanceTimeInForce), "type": .string(kind.binance), "side": .string(binanceSide),
            "stopPrice": .places(stopPrice ?? .zero), "icebergQty": .places(Quantity.zero), "time": .milliseconds(acceptedAt),
            "updateTime": .milliseconds(stale ? acceptedAt : updatedAt), "isWorking": .boolean(isWorking), "workingTime": workingTime,
            "origQuoteOrderQty": .places(quoteQuantity ?? .zero), "selfTradePreventionMode": "EXPIRE_MAKER",
        ]).adding(stale ? [:] : expiry)
    }

    /// The answer to an amendment, whose fields are named in ways of their own.
    func amended(from original: String) -> JSONValue {
        .object([
            "symbol": .string(symbol.rawValue), "orderId": .integer(id), "orderListId": listNumber, "origClientOrderId": .string(original),
            "clientOrderId": .string(clientOrderID), "price": .places(limitPrice ?? .zero), "qty": .places(quantity),
            "executedQty": .places(filledQuantity), "preventedQty": .places(Quantity.zero), "quoteOrderQty": .places(quoteQuantity ?? .zero),
            "cumulativeQuoteQty": .places(filledNotional), "status": .string(binanceStatus), "timeInForce": .string(binanceTimeInForce),
            "type": .string(kind.binance), "side": .string(binanceSide), "workingTime": workingTime,
            "selfTradePreventionMode": "EXPIRE_MAKER",
        ])
    }

    /// `orderListId`, -1 for an order of its own.
    var listNumber: JSONValue { listID.map { .integer($0) } ?? -1 }

    /// Told of orders that expired, since 2026-03-26.
    private var expiry: KeyValuePairs<String, JSONValue> {
        guard status == .expired, let ending else { return [:] }
        return ["expiryReason": .string(ending.binance)]
    }

    /// The answer to a cancel: `clientOrderId` is the cancel's own id.
    func cancelled(cancelID: String) -> JSONValue {
        JSONValue.object([
            "symbol": .string(symbol.rawValue), "origClientOrderId": .string(clientOrderID), "orderId": .integer(id), "orderListId": listNumber,
            "clientOrderId": .string(cancelID), "transactTime": .milliseconds(updatedAt),
        ]).adding(state).adding(trigger).adding(["selfTradePreventionMode": "EXPIRE_MAKER"])
    }

    private var state: KeyValuePairs<String, JSONValue> {
        [
            "price": .places(limitPrice ?? .zero), "origQty": .places(quantity), "executedQty": .places(filledQuantity),
            "origQuoteOrderQty": .places(quoteQuantity ?? .zero), "cummulativeQuoteQty": .places(filledNotional),
            "status": .string(binanceStatus), "timeInForce": .string(binanceTimeInForce), "type": .string(kind.binance),
            "side": .string(binanceSide),
        ]
    }

    /// Only conditional orders carry it in answers to commands.
    private var trigger: KeyValuePairs<String, JSONValue> { kind.isConditional ? ["stopPrice": .places(stopPrice ?? .zero)] : [:] }
}

extension SimulatedTrade {
    func binance(list: Int64?) -> JSONValue {
        .object([
            "symbol": .string(symbol.rawValue), "id": .integer(id), "orderId": .integer(orderID), "orderListId": list.map { .integer($0) } ?? -1,
            "price": .places(price), "qty": .places(quantity), "quoteQty": .places(quantity * price), "commission": .places(fee),
            "commissionAsset": .string(feeAsset.rawValue), "time": .milliseconds(executedAt), "isBuyer": .boolean(side == .buy),
            "isMaker": .boolean(isMaker), "isBestMatch": true,
        ])
    }
}

enum BinanceResponseForm: String, Sendable {
    case ack = "ACK"
    case result = "RESULT"
    case full = "FULL"
}
