import SimulatorKit

/// What can be asked of the venue, over REST or over the WebSocket API.
enum BinanceOperation: Sendable, CaseIterable {
    case ping, time, exchangeInfo, tickerPrice
    case account, place, test, query, cancel, cancelAll, cancelReplace, amend, openOrders, allOrders, myTrades, orderLimits
    /// Of venues with listen keys, and of the futures.
    case createListenKey, keepListenKey, closeListenKey, modify, balance, positions, positionMode
    case placeOCO, placeOTO, placeOTOCO, cancelList, queryList, openLists, allLists

    /// Method and path under `/api/v3`; nil for what spot does not have.
    var rest: (method: String, path: String)? {
        switch self {
        case .ping: ("GET", "ping")
        case .time: ("GET", "time")
        case .exchangeInfo: ("GET", "exchangeInfo")
        case .tickerPrice: ("GET", "ticker/price")
        case .account: ("GET", "account")
        case .place: ("POST", "order")
        case .test: ("POST", "order/test")
        case .query: ("GET", "order")
        case .cancel: ("DELETE", "order")
        case .cancelAll: ("DELETE", "openOrders")
        case .cancelReplace: ("POST", "order/cancelReplace")
        case .amend: ("PUT", "order/amend/keepPriority")
        case .openOrders: ("GET", "openOrders")
        case .allOrders: ("GET", "allOrders")
        case .myTrades: ("GET", "myTrades")
        case .orderLimits: ("GET", "rateLimit/order")
        case .placeOCO: ("POST", "orderList/oco")
        case .placeOTO: ("POST", "orderList/oto")
        case .placeOTOCO: ("POST", "orderList/otoco")
        case .cancelList: ("DELETE", "orderList")
        case .queryList: ("GET", "orderList")
        case .openLists: ("GET", "openOrderList")
        case .allLists: ("GET", "allOrderList")
        case .createListenKey, .keepListenKey, .closeListenKey, .modify, .balance, .positions, .positionMode: nil
        }
    }

    /// Nil for what its WebSocket API does not have.
    var webSocketMethod: String? {
        switch self {
        case .ping: "ping"
        case .time: "time"
        case .exchangeInfo: "exchangeInfo"
        case .tickerPrice: "ticker.price"
        case .account: "account.status"
        case .place: "order.place"
        case .test: "order.test"
        case .query: "order.status"
        case .cancel: "order.cancel"
        case .cancelAll: "openOrders.cancelAll"
        case .cancelReplace: "order.cancelReplace"
        case .amend: "order.amend.keepPriority"
        case .openOrders: "openOrders.status"
        case .allOrders: "allOrders"
        case .myTrades: "myTrades"
        case .orderLimits: "account.rateLimits.orders"
        case .placeOCO: "orderList.place.oco"
        case .placeOTO: "orderList.place.oto"
        case .placeOTOCO: "orderList.place.otoco"
        case .cancelList: "orderList.cancel"
        case .queryList: "orderList.status"
        case .openLists: "openOrderLists.status"
        case .allLists: "allOrderLists"
        case .createListenKey, .keepListenKey, .closeListenKey, .modify, .balance, .positions, .positionMode: nil
        }
    }

    /// By method and whole path.
    static func routes(_ dialect: BinanceSimulatorDialect) -> [String: BinanceOperation] {
        let spot = Dictionary(
            uniqueKeysWithValues: allCases.compactMap { operation in operation.rest.map { ("\($0.method) /api/v3/\($0.path)", operation) } })
        switch dialect {
        case .spot: return spot
        case .binanceUS:
            let missing: Set<BinanceOperation> = [.amend, .placeOCO, .placeOTO, .placeOTOCO]
            return spot.filter { !missing.contains($0.value) }.merging([
                "POST /api/v3/userDataStream": .createListenKey, "PUT /api/v3/userDataStream": .keepListenKey,
                "DELETE /api/v3/userDataStream": .closeListenKey,
            ]) { first, _ in first }
        case .usdm: return futuresRoutes
        }
    }

    /// Source: models and docstrings of the published SDK for USD-M futures, read 2026-11-21.
    private static let futuresRoutes: [String: BinanceOperation] = [
        "GET /fapi/v1/ping": .ping, "GET /fapi/v1/time": .time, "GET /fapi/v1/exchangeInfo": .exchangeInfo,
        "GET /fapi/v1/ticker/price": .tickerPrice, "GET /fapi/v2/ticker/price": .tickerPrice, "POST /fapi/v1/order": .place,
        "POST /fapi/v1/order/test": .test, "GET /fapi/v1/order": .query, "PUT /fapi/v1/order": .modify, "DELETE /fapi/v1/order": .cancel,
        "DELETE /fapi/v1/allOpenOrders": .cancelAll, "GET /fapi/v1/openOrders": .openOrders, "GET /fapi/v1/allOrders": .allOrders,
        "GET /fapi/v1/userTrades": .myTrades, "GET /fapi/v2/balance": .balance, "GET /fapi/v3/balance": .balance,
        "GET /fapi/v2/account": .account, "GET /fapi/v3/account": .account, "GET /fapi/v2/positionRisk": .positions,
        "GET /fapi/v3/positionRisk": .positions, "GET /fapi/v1/positionSide/dual": .positionMode,
        "POST /fapi/v1/listenKey": .createListenKey, "PUT /fapi/v1/listenKey": .keepListenKey,
        "DELETE /fapi/v1/listenKey": .closeListenKey, "GET /fapi/v1/rateLimit/order": .orderLimits,
    ]

    static let byWebSocketMethod = Dictionary(
        uniqueKeysWithValues: allCases.compactMap { operation in operation.webSocketMethod.map { ($0, operation) } })

    var isSigned: Bool {
        switch self {
        case .ping, .time, .exchangeInfo, .tickerPrice: false
        // These name the key and are not signed.
        case .createListenKey, .keepListenKey, .closeListenKey: false
        default: true
        }
    }

    var needsKey: Bool { self == .createListenKey || self == .keepListenKey || self == .closeListenKey }

    /// Orders that it adds to the count of the account's unfilled orders. Source: rest-api.md, "Unfilled Order Count" of each.
    var newOrders: Int {
        switch self {
        case .place, .cancelReplace, .modify: 1
        case .placeOCO, .placeOTO: 2
        case .placeOTOCO: 3
        default: 0
        }
    }

    var faultPoint: FaultPoint {
        switch self {
        case .ping, .time, .createListenKey, .keepListenKey, .closeListenKey: .time
        case .exchangeInfo, .tickerPrice: .rules
        case .account, .orderLimits, .balance, .positions, .positionMode: .balances
        case .place, .test, .placeOCO, .placeOTO, .placeOTOCO: .place
        case .cancelReplace, .amend, .modify: .place
        case .query, .queryList: .lookup
        case .cancel, .cancelAll, .cancelList: .cancel
        case .openOrders, .openLists: .openOrders
        case .allOrders, .allLists: .history
        case .myTrades: .fills
        }
    }

    /// Request weight; successful orders and cancels cost nothing since 2026-04-02.
    /// Source: Binance spot API docs, rest-api.md and CHANGELOG of 2026-03-27, read 2026-11-21.
    func weight(_ parameters: BinanceParameters, succeeded: Bool, _ dialect: BinanceSimulatorDialect) -> Int {
        guard dialect == .usdm else { return spotWeight(parameters, succeeded: succeeded) }
        return switch self {
        case .exchangeInfo, .query, .cancel, .cancelAll: 1
        case .place: succeeded ? 0 : 1
        case .account, .allOrders, .myTrades: 5
        case .openOrders: parameters["symbol"] == nil ? 40 : 1
        default: spotWeight(parameters, succeeded: succeeded)
        }
    }

    private func spotWeight(_ parameters: BinanceParameters, succeeded: Bool) -> Int {
        switch self {
        case .ping, .time, .test, .createListenKey, .keepListenKey, .closeListenKey: 1
        case .modify: succeeded ? 0 : 1
        case .balance, .positions: 5
        case .positionMode: 30
        case .tickerPrice: parameters["symbol"] == nil ? 4 : 2
        case .place, .cancel, .cancelAll, .cancelReplace, .placeOCO, .placeOTO, .placeOTOCO, .cancelList: succeeded ? 0 : 1
        case .query, .amend, .queryList: 4
        case .openLists: 6
        case .openOrders: parameters["symbol"] == nil ? 80 : 6
        case .exchangeInfo, .account, .allOrders, .allLists: 20
        case .orderLimits: 40
        case .myTrades: parameters["orderId"] == nil ? 20 : 5
        }
    }
}
