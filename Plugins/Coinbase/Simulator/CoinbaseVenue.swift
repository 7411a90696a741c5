import BrokerContract
import ConformanceKit
import SimulatorKit
import TradingModel

/// This simulator as the conformance suite uses it, under whatever adapter speaks to it.
///
/// Cancels take effect and executions are listed at once here, because clauses compare the venue's lists with the oracle's at one moment.
public struct CoinbaseVenue: VenueHarness {
    /// What the adapter must sign with: the key's name, and a key that no evidence may show. Made for this purpose only.
    public static let keyName = "organizations/conformance/apiKeys/conformance"
    public static let privateKey = """
        -----BEGIN EC PRIVATE KEY-----
        MHcCAQEEINy9JqbfgVIaqgvtp1Wl/blRL3ehdexaHX+PU1r0cYQCoAoGCCqGSM49
        AwEHoUQDQgAEptUZ6wI2DA/gR1sNYxuR796ApLfpJeB3QnQObDL70bjHRHwjBLi6
        0YxFLr7a97z366QJcSQr3PYUp70L95wtbA==
        -----END EC PRIVATE KEY-----
        """

    public let profile: VenueProfile
    /// Set by tests that can make certificates.
    public var tls: WireTLS?
    private let makeBroker: @Sendable (BrokerWiring) throws -> any Broker

    public init(makeBroker: @escaping @Sendable (BrokerWiring) throws -> any Broker) throws {
        self.makeBroker = makeBroker
        let prefix = "/api/v3/brokerage"
        let list = RequestPattern("GET", "\(prefix)/orders/historical/batch")
        var profile = try VenueProfile.spot(
            name: "coinbase", symbol: "BTC-USD", other: "ETH-USD",
            operations: [
                .place: [.init("POST", "\(prefix)/orders")], .cancel: [.init("POST", "\(prefix)/orders/batch_cancel")],
                .replace: [.init("POST", "\(prefix)/orders/edit")], .lookup: [.init("GET", "\(prefix)/orders/historical/*")],
                .openOrders: [list], .history: [list], .fills: [.init("GET", "\(prefix)/orders/historical/fills")],
                .balances: [.init("GET", "\(prefix)/accounts")], .time: [.init("GET", "\(prefix)/time")],
            ], secrets: [Self.privateKey, "MHcCAQEEINy9JqbfgVIaqgvtp1Wl"])
        profile.offLotQuantity = try Quantity("0.020000001")
        profile.unlistedRefusalBody = #"{"error":"A_REASON_OF_TOMORROW","error_details":"","message":"never heard of"}"#
        self.profile = profile
    }

    public func withVenue(_ body: @escaping @Sendable (SimulatedVenue) async throws -> Void) async throws {
        try await CoinbaseSimulator.withServer(.init(cancelDelay: .zero, fillDelay: .zero)) { simulator, address in
            let controls = HTTPVenueControls(port: address.port) { count in try Self.seed(count, at: simulator.exchange) }
            try await body(
                SimulatedVenue(restPort: address.port, streamPort: address.port, controls: controls, makeBroker: makeBroker))
        }
    }

    private static func seed(_ count: Int, at exchange: SimulatedExchange) throws {
        for number in 0..<count {
            let digits = String(number, radix: 16)
            let id = "44444444-4444-4444-8444-" + String(repeating: "0", count: 12 - digits.count) + digits
            _ = try exchange.place(
                OrderRequest(
                    account: keyName, clientOrderID: id, symbol: "BTC-USD", side: .buy, kind: .market, quantity: try Quantity("0.001")))
        }
    }
}
