import Foundation

/// An error body: `{"code":-2010,"msg":"…"}`.
struct BinanceErrorReply: Decodable, Sendable {
    let code: Int
    let msg: String
}

/// An order as placements, queries and cancels return it. Amounts are decimal text; what may be missing is optional.
struct BinanceOrderReply: Decodable, Sendable {
    let symbol: String
    let orderId: Int64
    let clientOrderId: String
    /// On a cancel's reply the order's own id; `clientOrderId` is then the cancel's.
    let origClientOrderId: String?
    let price: String?
    let stopPrice: String?
    let origQty: String?
    let executedQty: String?
    /// The venue spells it so.
    let cummulativeQuoteQty: String?
    /// The futures' names.
    let cumQuote: String?
    let avgPrice: String?
    let status: String?
    let type: String?
    let timeInForce: String?
    let side: String?
    /// -1 for an order that belongs to no list.
    let orderListId: Int64?
    let origQuoteOrderQty: String?
    let transactTime: Int64?
    let time: Int64?
    let updateTime: Int64?
    let expiryReason: String?
    let fills: [BinanceFillReply]?
}

/// The answer to a list's placement, and to a cancel that took a whole list.
struct BinanceListReply: Decodable, Sendable {
    let orderListId: Int64
    let orderReports: [BinanceOrderReply]
}

/// The answer to an amendment, which names some fields in ways of its own.
struct BinanceAmendReply: Decodable, Sendable {
    struct Order: Decodable, Sendable {
        let symbol: String
        let orderId: Int64
        let clientOrderId: String
        let price: String?
        let stopPrice: String?
        let qty: String
        let executedQty: String
        let cumulativeQuoteQty: String?
        let status: String
        let type: String?
        let side: String
    }
    let transactTime: Int64
    let amendedOrder: Order
}

/// What came of the two steps of a cancel-replace: the answer itself, or the `data` of its error.
struct BinanceCancelReplaceReply: Decodable, Sendable {
    struct Failure: Decodable, Sendable {
        let data: BinanceCancelReplaceReply
    }

    /// Either what the step's own request would have answered, or its error. Neither for a step that was not attempted.
    struct Step: Decodable, Sendable {
        let order: BinanceOrderReply?
        let error: BinanceErrorReply?

        init(from decoder: any Decoder) throws {
            order = try? BinanceOrderReply(from: decoder)
            error = try? BinanceErrorReply(from: decoder)
        }
    }

    let cancelResult: String
    let newOrderResult: String
    let cancelResponse: Step?
    let newOrderResponse: Step?
}

/// A fill within the reply to a placement.
struct BinanceFillReply: Decodable, Sendable {
    let price: String
    let qty: String
    let commission: String?
    let commissionAsset: String?
    let tradeId: Int64
}

/// A row of `myTrades`.
struct BinanceTradeReply: Decodable, Sendable {
    let symbol: String
    let id: Int64
    let orderId: Int64
    let price: String
    let qty: String
    let commission: String?
    let commissionAsset: String?
    let time: Int64
    /// On the futures it is `buyer`.
    let isBuyer: Bool?
    let buyer: Bool?
}

struct BinanceAccountReply: Decodable, Sendable {
    struct Balance: Decodable, Sendable {
        let asset: String
        let free: String
        let locked: String
    }
    let balances: [Balance]
}

/// A row of the futures' `balance`.
struct BinanceFuturesBalanceReply: Decodable, Sendable {
    let asset: String
    let balance: String
    let availableBalance: String
}

/// A row of the futures' `positionRisk`.
struct BinancePositionReply: Decodable, Sendable {
    let symbol: String
    let positionSide: String
    /// Negative for short.
    let positionAmt: String
    let entryPrice: String
}

struct BinancePositionModeReply: Decodable, Sendable {
    let dualSidePosition: Bool
}

struct BinanceTimeReply: Decodable, Sendable {
    let serverTime: Int64
}

struct BinanceExchangeInfoReply: Decodable, Sendable {
    struct RateLimit: Decodable, Sendable {
        let rateLimitType: String
        let interval: String
        let intervalNum: Int
        let limit: Int
    }
    struct Filter: Decodable, Sendable {
        let filterType: String
        let minPrice: String?
        let maxPrice: String?
        let tickSize: String?
        let minQty: String?
        let maxQty: String?
        let stepSize: String?
        let minNotional: String?
        /// The futures' name for it.
        let notional: String?
        let applyMinToMarket: Bool?
        let applyToMarket: Bool?
    }
    struct Symbol: Decodable, Sendable {
        let symbol: String
        let status: String
        let baseAsset: String
        let quoteAsset: String
        let orderTypes: [String]
        let filters: [Filter]
        /// Whether it takes pairs, lists behind a working order, amendments, and replacements by another order. Absent means no.
        let ocoAllowed: Bool?
        let otoAllowed: Bool?
        let amendAllowed: Bool?
        let cancelReplaceAllowed: Bool?
    }
    let rateLimits: [RateLimit]?
    let symbols: [Symbol]
}
