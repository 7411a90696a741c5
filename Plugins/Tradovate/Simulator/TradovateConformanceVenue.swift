import BrokerContract
import ConformanceKit
import Foundation
import SimulatorKit
import TradingModel

/// A fresh simulated venue for each clause of the conformance suite.
public struct TradovateConformanceVenue: VenueHarness {
    /// What the adapter must log in with; no evidence may show the password.
    public static let username = "conformance-user"
    public static let password = "conformance-password"

    public let profile: VenueProfile
    private let makeBroker: @Sendable (BrokerWiring) throws -> any Broker

    public init(makeBroker: @escaping @Sendable (BrokerWiring) throws -> any Broker) throws {
        self.makeBroker = makeBroker
        let market = TradovateMarket(at: SystemClock().wallTime)
        let front = { (root: String) in Symbol(market.contracts.first { $0.product.root == root }?.name ?? root) }
        profile = VenueProfile(
            name: "tradovate", symbol: front("MNQ"), other: (symbol: front("MES"), quantity: 2, restingBuyPrice: 5900),
            marketPrice: try Price("21250.25"), quantity: 2, partialQuantity: 1, restingBuyPrice: 21000, crossingBuyPrice: 21300,
            stopBuyPrice: 21500, stopLimitBuyPrice: 21501, trailingDistance: 10,
            awkward: [(quantity: 3, price: try Price("20999.75")), (quantity: 1, price: try Price("20000.25"))],
            offLotQuantity: try Quantity("1.5"), offTickPrice: try Price("21000.1"), marketTimeInForce: .day, restingTimeInForce: .gtc,
            operations: [
                .place: [.init("POST", "/v1/order/placeorder"), .init("POST", "/v1/order/placeoso")],
                .cancel: [.init("POST", "/v1/order/cancelorder")], .replace: [.init("POST", "/v1/order/modifyorder")],
                .closePosition: [.init("POST", "/v1/order/liquidateposition")], .exitPair: [.init("POST", "/v1/order/placeoco")],
                .lookup: [.init("GET", "/v1/command/list"), .init("GET", "/v1/order/items")],
                .openOrders: [.init("GET", "/v1/order/deps")], .history: [.init("GET", "/v1/order/deps")],
                .fills: [.init("GET", "/v1/fill/list"), .init("GET", "/v1/fill/ldeps")], .positions: [.init("GET", "/v1/position/deps")],
            ], unlistedRefusalBody: #"{"failureReason":"OfTomorrow","failureText":"never heard of"}"#, secrets: [Self.password])
    }

    public func withVenue(_ body: @escaping @Sendable (SimulatedVenue) async throws -> Void) async throws {
        try await TradovateSimulator.withServer(.init(cash: 1_000_000_000, decisionDelay: .zero)) { [profile] simulator, address in
            let controls = HTTPVenueControls(port: address.port) { count in
                for number in 0..<count {
                    _ = try simulator.venue.place(
                        .object([
                            "accountSpec": "DEMO25", "accountId": 25, "clOrdId": .string("seed-\(number)"), "action": "Buy",
                            "symbol": .string(profile.symbol.rawValue), "orderQty": 1, "orderType": "Market", "isAutomated": true,
                        ]), fault: nil)
                }
                try await simulator.venue.settled()
            }
            try await body(SimulatedVenue(restPort: address.port, streamPort: address.port, controls: controls, makeBroker: makeBroker))
        }
    }
}
