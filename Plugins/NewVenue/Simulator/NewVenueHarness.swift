import BrokerContract
import ConformanceKit
import PluginSettings
import ServerKit
import SimulatorKit
import TradingModel

/// The simulator as the conformance suite, `adapter verify` and `simulate` use it.
public struct NewVenueHarness: AdapterVenue {
    /// The key of the suite's account. It must appear in no evidence.
    static let key = "conformance-key"

    public static let clauses = BrokerConformance.clauses
    public let profile: VenueProfile
    private let makeBroker: @Sendable (BrokerWiring) throws -> any Broker

    public init(makeBroker: @escaping @Sendable (BrokerWiring) throws -> any Broker) throws {
        self.makeBroker = makeBroker
        // To be built: the requests that each operation is made of, so that the suite can count them and play faults on them. The clauses
        // with faults on an operation that is not here are absent. A path has no query; `*` at its end stands for any rest.
        profile = try .spot(
            name: "newvenue", symbol: "BTC-USD", other: "ETH-USD", operations: [.time: [.init("GET", "/v1/time")]], secrets: [Self.key])
    }

    public static func settings(_ wiring: BrokerWiring) -> [String: String] {
        [
            "endpoint.rest": "http://127.0.0.1:\(wiring.restPort)", "credentials.key": key,
            // The suite may ask for more than a configuration takes.
            "request_timeout": min(wiring.requestTimeout, .seconds(60)).settingsText,
        ]
    }

    public func withVenue(_ body: @escaping @Sendable (SimulatedVenue) async throws -> Void) async throws {
        try await NewVenueSimulator.withServer { simulator, port in
            let controls = HTTPVenueControls(port: port) { count in try Self.seed(count, at: simulator.exchange) }
            try await body(SimulatedVenue(restPort: port, streamPort: nil, controls: controls, makeBroker: makeBroker))
        }
    }

    public static func serve(
        _ options: VenueServing, onListening: @escaping @Sendable (_ rest: String, _ webSocket: String) async -> Void
    ) async throws {
        var venue = NewVenueSimulator.Options()
        venue.host = options.host
        venue.port = options.port
        venue.tls = options.tls.map { ServerOptions.TLS(certificatePath: $0.certificatePath, keyPath: $0.keyPath) }
        let scheme = options.tls == nil ? "http" : "https"
        try await NewVenueSimulator(venue, logger: options.logger).run { port in
            await onListening("\(scheme)://\(options.host):\(port)", "")
        }
    }

    private static func seed(_ count: Int, at exchange: SimulatedExchange) throws {
        for number in 0..<count {
            _ = try exchange.place(
                OrderRequest(
                    account: key, clientOrderID: "seed-\(number)", symbol: "BTC-USD", side: .buy, kind: .market,
                    quantity: try Quantity("0.001")))
        }
    }
}
