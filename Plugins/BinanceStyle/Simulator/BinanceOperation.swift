import SimulatorKit

/// What can be asked of the venue, over REST or over the WebSocket API.
enum BinanceOperation: Sendable, CaseIterable {
    case ping, time, exchangeInfo, tickerPrice
    case account, place, test, query, cancel, cancelAll, cancelReplace, amend, openOrders, allOrders, myTrades, orderLimits
    case placeOCO, placeOTO, placeOTOCO, cancelList, queryList, openLists, allLists

    /// Method and path under `/api/v3`.
    var rest: (method: String, path: String) {
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
        }
    }

    var webSocketMethod: String {
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
        }
    }

    static let byRESTRoute = Dictionary(uniqueKeysWithValues: allCases.map { ("\($0.rest.method) \($0.rest.path)", $0) })
    static let byWebSocketMethod = Dictionary(uniqueKeysWithValues: allCases.map { ($0.webSocketMethod, $0) })

    var isSigned: Bool {
        switch self {
        case .ping, .time, .exchangeInfo, .tickerPrice: false
        default: true
        }
    }

    /// Orders that it adds to the count of the account's unfilled orders. Source: rest-api.md, "Unfilled Order Count" of each.
    var newOrders: Int {
        switch self {
        case .place, .cancelReplace: 1
        case .placeOCO, .placeOTO: 2
        case .placeOTOCO: 3
        default: 0
        }
    }

    var faultPoint: FaultPoint {
        switch self {
        case .ping, .time: .time
        case .exchangeInfo, .tickerPrice: .rules
        case .account, .orderLimits: .balances
        case .place, .test, .placeOCO, .placeOTO, .placeOTOCO: .place
        case .cancelReplace, .amend: .place
        case .query, .queryList: .lookup
        case .cancel, .cancelAll, .cancelList: .cancel
        case .openOrders, .openLists: .openOrders
        case .allOrders, .allLists: .history
        case .myTrades: .fills
        }
    }

    /// Request weight; successful orders and cancels cost nothing since 2026-04-02.
    /// Source: Binance spot API docs, rest-api.md and CHANGELOG of 2026-03-27, read 2026-11-21.
    func weight(_ parameters: BinanceParameters, succeeded: Bool) -> Int {
        switch self {
        case .ping, .time, .test: 1
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
