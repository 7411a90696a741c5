import SimulatorKit

/// What can be asked of the venue, over REST or over the WebSocket API.
enum BinanceOperation: Sendable, CaseIterable {
    case ping, time, exchangeInfo, tickerPrice
    case account, place, test, query, cancel, cancelAll, openOrders, allOrders, myTrades

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
        case .openOrders: ("GET", "openOrders")
        case .allOrders: ("GET", "allOrders")
        case .myTrades: ("GET", "myTrades")
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
        case .openOrders: "openOrders.status"
        case .allOrders: "allOrders"
        case .myTrades: "myTrades"
        }
    }

    static let byRESTRoute = Dictionary(uniqueKeysWithValues: allCases.map { ("\($0.rest.method) \($0.rest.path)", $0) })
    static let byWebSocketMethod = Dictionary(uniqueKeysWithValues: allCases.map { ($0.webSocketMethod, $0) })

    var isSigned: Bool {
        switch self {
        case .ping, .time, .exchangeInfo, .tickerPrice: false
        case .account, .place, .test, .query, .cancel, .cancelAll, .openOrders, .allOrders, .myTrades: true
        }
    }

    /// Whether the request must still be in its window when it reaches the matching engine.
    var reachesEngine: Bool { self == .place || self == .cancel || self == .cancelAll }

    var faultPoint: FaultPoint {
        switch self {
        case .ping, .time: .time
        case .exchangeInfo, .tickerPrice: .rules
        case .account: .balances
        case .place, .test: .place
        case .query: .lookup
        case .cancel, .cancelAll: .cancel
        case .openOrders: .openOrders
        case .allOrders: .history
        case .myTrades: .fills
        }
    }

    /// Request weight; successful orders and cancels cost nothing since 2026-04-02.
    /// Source: Binance spot API docs, rest-api.md and CHANGELOG of 2026-03-27, read 2026-11-21.
    func weight(_ parameters: BinanceParameters, succeeded: Bool) -> Int {
        switch self {
        case .ping, .time, .test: 1
        case .tickerPrice: parameters["symbol"] == nil ? 4 : 2
        case .place, .cancel, .cancelAll: succeeded ? 0 : 1
        case .query: 4
        case .openOrders: parameters["symbol"] == nil ? 80 : 6
        case .exchangeInfo, .account, .allOrders: 20
        case .myTrades: parameters["orderId"] == nil ? 20 : 5
        }
    }
}
