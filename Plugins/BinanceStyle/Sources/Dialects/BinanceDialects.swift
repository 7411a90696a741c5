import BrokerContract
import TradingModel

/// The table of dialects that the configuration can name. Sources: this adapter's README.
extension BinanceDialect {
    public static let all = [testnet, demo, binance, binanceUS, usdm, usdmTestnet, asterFutures]
    /// Of an account that names none.
    public static let standard = testnet

    public static func named(_ id: String) -> BinanceDialect? { all.first { $0.id == id } }

    static let testnet = spot(
        "testnet", "Binance spot testnet", isLive: false, "https://testnet.binance.vision", "wss://ws-api.testnet.binance.vision/ws-api/v3",
        "its data is wiped about once a month")
    static let demo = spot(
        "demo", "Binance spot demo mode", isLive: false, "https://demo-api.binance.com", "wss://demo-ws-api.binance.com/ws-api/v3",
        "keys of the demo site")
    static let binance = spot(
        "binance", "Binance spot", isLive: true, "https://api.binance.com", "wss://ws-api.binance.com:443/ws-api/v3", "")

    /// Source: binance-us-api-docs, commit 6b62304 of 2024-06-17.
    static let binanceUS = BinanceDialect(
        id: "binance_us", name: "Binance US", isLive: true, rest: "https://api.binance.us", webSocket: "wss://stream.binance.us:9443",
        product: .spot, userStream: .listenKey(path: "/api/v3/userDataStream", isQuery: false),
        capabilities: BrokerCapabilities(
            orderTypes: [.market, .limit, .stop, .stopLimit], timesInForce: [.gtc, .ioc, .fok], canPostOnly: true, hasStream: true),
        rateLimits: [
            VenueRateLimit(scope: Scope.weight, limit: 1200, interval: .seconds(60)),
            VenueRateLimit(scope: Scope.orders, limit: 50, interval: .seconds(10)),
            VenueRateLimit(scope: Scope.orders, limit: 160_000, interval: .seconds(86400)),
        ], paths: .spot, notes: "HMAC keys only; user stream by listen key; no attached orders and no amendments")

    static let usdm = futures(
        "usdm", "Binance USD-M futures", isLive: true, "https://fapi.binance.com", "wss://fstream.binance.com/private/ws", isQuery: true, .usdm,
        "one-way position mode; stop orders live in a service of their own and are not supported")
    static let usdmTestnet = futures(
        "usdm_testnet", "Binance USD-M futures testnet", isLive: false, "https://testnet.binancefuture.com", "wss://fstream.binancefuture.com/ws",
        isQuery: false, .usdm, "as usdm")
    static let asterFutures = futures(
        "aster_futures", "Aster futures, V1", isLive: true, "https://fapi.asterdex.com", "wss://fstream.asterdex.com/ws", isQuery: false, .usdmV2,
        "as usdm; keys from before 2026-03-25 only; a 429 comes without Retry-After")

    private static func spot(
        _ id: String, _ name: String, isLive: Bool, _ rest: String, _ webSocket: String, _ notes: String
    ) -> BinanceDialect {
        BinanceDialect(
            id: id, name: name, isLive: isLive, rest: rest, webSocket: webSocket, product: .spot, userStream: .webSocketAPI,
            capabilities: BrokerCapabilities(
                orderTypes: [.market, .limit, .stop, .stopLimit], timesInForce: [.gtc, .ioc, .fok], canReplace: true, repricing: .successor,
                canBracket: true, canPlaceExitPair: true, canPostOnly: true, hasStream: true),
            rateLimits: [
                VenueRateLimit(scope: Scope.weight, limit: 6000, interval: .seconds(60)),
                VenueRateLimit(scope: Scope.orders, limit: 50, interval: .seconds(10)),
                VenueRateLimit(scope: Scope.orders, limit: 160_000, interval: .seconds(86400)),
            ], paths: .spot, notes: notes)
    }

    /// Limits as documented: USD-M general info; 300 orders in 10 s is said by others only.
    private static func futures(
        _ id: String, _ name: String, isLive: Bool, _ rest: String, _ webSocket: String, isQuery: Bool, _ paths: BinancePaths, _ notes: String
    ) -> BinanceDialect {
        BinanceDialect(
            id: id, name: name, isLive: isLive, rest: rest, webSocket: webSocket, product: .usdm,
            userStream: .listenKey(path: "/fapi/v1/listenKey", isQuery: isQuery),
            capabilities: BrokerCapabilities(
                orderTypes: [.market, .limit], timesInForce: [.gtc, .ioc, .fok], canReplace: true, repricing: .inPlace, canPostOnly: true, canReduceOnly: true,
                canSellShort: true, hasStream: true, hasPositions: true),
            rateLimits: [
                VenueRateLimit(scope: Scope.weight, limit: 2400, interval: .seconds(60)),
                VenueRateLimit(scope: Scope.orders, limit: 300, interval: .seconds(10)),
                VenueRateLimit(scope: Scope.orders, limit: 1200, interval: .seconds(60)),
            ], paths: paths, notes: notes)
    }
}
