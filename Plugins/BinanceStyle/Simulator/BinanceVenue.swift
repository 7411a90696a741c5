import BrokerContract
import ConformanceKit
import SimulatorKit
import TradingModel

/// This simulator as the conformance suite uses it, under whatever adapter speaks to it.
public struct BinanceVenue: VenueHarness {
    /// What the adapter must sign with: the account's key, and a secret that no evidence may show.
    public static let key = "conformance-key"
    public static let secret = "conformance-secret"

    public let profile: VenueProfile
    private let dialect: BinanceSimulatorDialect
    private let makeBroker: @Sendable (BrokerWiring) throws -> any Broker

    public init(dialect: BinanceSimulatorDialect = .spot, makeBroker: @escaping @Sendable (BrokerWiring) throws -> any Broker) throws {
        self.makeBroker = makeBroker
        self.dialect = dialect
        profile = dialect == .usdm ? try Self.futures() : try .spot(
            name: "binance", symbol: "BTCUSDT", other: "ETHUSDT",
            operations: [
                .place: [
                    .init("POST", "/api/v3/order"), .init("POST", "/api/v3/orderList/otoco"), .init("POST", "/api/v3/orderList/oto"),
                ],
                .replace: [.init("PUT", "/api/v3/order/amend/keepPriority"), .init("POST", "/api/v3/order/cancelReplace")],
                .exitPair: [.init("POST", "/api/v3/orderList/oco")], .cancel: [.init("DELETE", "/api/v3/order")],
                .lookup: [.init("GET", "/api/v3/order")], .openOrders: [.init("GET", "/api/v3/openOrders")],
                .history: [.init("GET", "/api/v3/allOrders")], .fills: [.init("GET", "/api/v3/myTrades")],
                .balances: [.init("GET", "/api/v3/account")], .time: [.init("GET", "/api/v3/time")],
            ], secrets: [Self.secret])
    }

    public func withVenue(_ body: @escaping @Sendable (SimulatedVenue) async throws -> Void) async throws {
        try await withVenue(.init(dialect: dialect), body)
    }

    public func withLimitedVenue(_ body: @escaping @Sendable (SimulatedVenue) async throws -> Void) async throws {
        try await withVenue(.init(enforcesLimits: true, ordersPerTenSeconds: 10, dialect: dialect), body)
    }

    /// Two perpetual contracts; an account with a million of margin at twentyfold leverage.
    private static func futures() throws -> VenueProfile {
        let order = "/fapi/v1/order"
        return VenueProfile(
            name: "binance-usdm", symbol: "BTCUSDT", other: ("ETHUSDT", try Quantity("0.5"), 2000), marketPrice: 60000,
            quantity: try Quantity("0.02"), partialQuantity: try Quantity("0.005"), restingBuyPrice: 50000, crossingBuyPrice: 61000,
            stopBuyPrice: 65000, stopLimitBuyPrice: 65100, trailingDistance: 100, unaffordableQuantity: 900,
            awkward: [
                (try Quantity("0.1"), try Price("50000.1")), (try Quantity("0.007"), try Price("32768.7")),
                (try Quantity("0.3"), try Price("33333.3")), (try Quantity("1.009"), try Price("45678.6")),
            ], offLotQuantity: try Quantity("0.0201"), offTickPrice: try Price("50000.01"),
            operations: [
                .place: [.init("POST", order)], .cancel: [.init("DELETE", order)], .replace: [.init("PUT", order)],
                .lookup: [.init("GET", order)], .openOrders: [.init("GET", "/fapi/v1/openOrders")],
                .history: [.init("GET", "/fapi/v1/allOrders")], .fills: [.init("GET", "/fapi/v1/userTrades")],
                .balances: [.init("GET", "/fapi/v3/balance")], .positions: [.init("GET", "/fapi/v3/positionRisk")],
                .time: [.init("GET", "/fapi/v1/time")],
            ], secrets: [Self.secret])
    }

    private func withVenue(
        _ options: BinanceSimulator.Options, _ body: @escaping @Sendable (SimulatedVenue) async throws -> Void
    ) async throws {
        try await BinanceSimulator.withServer(options) { simulator, address in
            let controls = HTTPVenueControls(port: address.port) { count in try Self.seed(count, at: simulator.exchange) }
            try await body(
                SimulatedVenue(restPort: address.port, streamPort: address.port, controls: controls, makeBroker: makeBroker))
        }
    }

    private static func seed(_ count: Int, at exchange: SimulatedExchange) throws {
        for number in 0..<count {
            _ = try exchange.place(
                OrderRequest(
                    account: key, clientOrderID: "seed-\(number)", symbol: "BTCUSDT", side: .buy, kind: .market,
                    quantity: try Quantity("0.001")))
        }
    }
}
