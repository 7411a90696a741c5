import BinanceStyle
import BinanceStyleSimulator
import BrokerContract
import Coinbase
import CoinbaseSimulator
import ConformanceKit
import Foundation
import Logging
import TradingModel
import Tradovate
import TradovateSimulator

/// A venue under its real adapter, with what a cut request may look like there.
struct SweptVenue: Sendable, CustomStringConvertible {
    let name: String
    let harness: @Sendable () throws -> any VenueHarness
    /// A client order id of the venue's form.
    let mintID: @Sendable (Int) -> ClientOrderID
    var description: String { name }

    static let all = [tradovate, coinbase, binance]

    static let binance = SweptVenue(name: "binance") {
        try BinanceVenue { wiring in
            let configuration = BinanceStyleConfiguration(
                dialect: .standard, rest: URL(string: "http://127.0.0.1:\(wiring.restPort)"), webSocket: URL(string: "ws://127.0.0.1:\(wiring.streamPort)/ws-api/v3"),
                apiKey: Secret(BinanceVenue.key), signingKey: .hmac(Secret(BinanceVenue.secret)), requestTimeout: wiring.requestTimeout)
            return try BinanceStylePlugin.makeBroker(configuration, context: wiring.context)
        }
    } mintID: { ClientOrderID("sweep-\($0 + 10_000)") }

    static let coinbase = SweptVenue(name: "coinbase") {
        try CoinbaseVenue { wiring in
            let configuration = CoinbaseConfiguration(
                rest: URL(string: "http://127.0.0.1:\(wiring.restPort)"), webSocket: URL(string: "ws://127.0.0.1:\(wiring.streamPort)"),
                keyName: CoinbaseVenue.keyName, privateKey: Secret(CoinbaseVenue.privateKey), requestTimeout: wiring.requestTimeout)
            return try CoinbasePlugin.makeBroker(configuration, context: wiring.context)
        }
    } mintID: { ClientOrderID("55555555-5555-4555-8555-\(String($0 + 100_000_000_000))") }

    static let tradovate = SweptVenue(name: "tradovate") {
        try TradovateConformanceVenue { wiring in
            let configuration = TradovateConfiguration(
                rest: URL(string: "http://127.0.0.1:\(wiring.restPort)/v1"), webSocket: URL(string: "ws://127.0.0.1:\(wiring.streamPort)/v1/websocket"),
                credentials: .init(
                    username: Secret(TradovateConformanceVenue.username), password: Secret(TradovateConformanceVenue.password)),
                requestTimeout: wiring.requestTimeout)
            return try TradovatePlugin.makeBroker(configuration, context: wiring.context)
        }
    } mintID: { ClientOrderID("sweep-\($0 + 10_000)") }

    /// Runs the venue, the adapter and a proxy between them.
    func with(_ body: @escaping @Sendable (Running) async throws -> Void) async throws {
        let harness = try harness()
        try await harness.withVenue { venue in
            let proxy = try await FaultProxy.start(venuePort: venue.restPort ?? 0)
            let folder = FileManager.default.temporaryDirectory.appending(path: "sweep-\(UUID().uuidString)").path()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let context = BrokerContext(
                account: "sweep", mode: .sandbox, clock: SystemClock(), logger: Logger(label: "sweep", factory: { _ in SwiftLogNoOpLogHandler() }),
                stateDirectory: folder)
            let wiring = BrokerWiring(restPort: proxy.port, streamPort: venue.streamPort ?? 0, requestTimeout: .seconds(20), context: context)
            let broker = try venue.makeBroker(wiring)
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                group.addTask { try await broker.run() }
                group.addTask { for await _ in broker.events {} }
                group.addTask {
                    try await body(
                        Running(venue: self, profile: harness.profile, controls: venue.controls, broker: broker, proxy: proxy))
                    throw Finished()
                }
                do { while try await group.next() != nil {} } catch is Finished {}
            }
            await proxy.stop()
        }
    }

    private struct Finished: Error {}

    struct Running: Sendable {
        let venue: SweptVenue
        let profile: VenueProfile
        let controls: any VenueControls
        let broker: any Broker
        let proxy: FaultProxy
        var placements: [RequestPattern] { profile.operations[.place] ?? [] }
    }
}
