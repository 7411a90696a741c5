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
    private let makeBroker: @Sendable (BrokerWiring) throws -> any Broker

    public init(makeBroker: @escaping @Sendable (BrokerWiring) throws -> any Broker) throws {
        self.makeBroker = makeBroker
        profile = try .spot(
            name: "binance", symbol: "BTCUSDT", other: "ETHUSDT",
            operations: [
                .place: [
                    .init("POST", "/api/v3/order"), .init("POST", "/api/v3/orderList/otoco"), .init("POST", "/api/v3/orderList/oto"),
                ], .replace: [.init("PUT", "/api/v3/order/amend/keepPriority")], .cancel: [.init("DELETE", "/api/v3/order")],
                .lookup: [.init("GET", "/api/v3/order")], .openOrders: [.init("GET", "/api/v3/openOrders")],
                .history: [.init("GET", "/api/v3/allOrders")], .fills: [.init("GET", "/api/v3/myTrades")],
                .balances: [.init("GET", "/api/v3/account")], .time: [.init("GET", "/api/v3/time")],
            ], secrets: [Self.secret])
    }

    public func withVenue(_ body: @escaping @Sendable (SimulatedVenue) async throws -> Void) async throws {
        try await withVenue(.init(), body)
    }

    public func withLimitedVenue(_ body: @escaping @Sendable (SimulatedVenue) async throws -> Void) async throws {
        try await withVenue(.init(enforcesLimits: true, ordersPerTenSeconds: 10), body)
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
