import BinanceStyleSimulator
import BrokerContract
import ExchangeContract
import Foundation
import Logging
import SimulatorKit
import Synchronization
import Testing
import TradingModel

@testable import BinanceStyle

/// Everything that the adapter has told so far.
final class EventRecord: Sendable {
    private let events = Mutex<[BrokerEvent]>([])
    var all: [BrokerEvent] { events.withLock { $0 } }
    func add(_ event: BrokerEvent) { events.withLock { $0.append(event) } }

    /// Waits until an event fits, for at most half a minute.
    func wait(from index: Int = 0, for fits: (BrokerEvent) -> Bool) async throws -> Bool {
        for _ in 0..<3000 {
            if all.dropFirst(index).contains(where: fits) { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }
}

/// A running adapter against a running simulator.
struct AdapterHarness: Sendable {
    let broker: BinanceBroker
    let simulator: BinanceSimulator
    let events: EventRecord
    private let configuration: BinanceStyleConfiguration

    static func with(
        _ options: BinanceSimulator.Options = .init(), key: String = "key",
        signingKey: BinanceStyleConfiguration.SigningKey = .hmac(Secret("secret")), dialect: BinanceDialect = .standard,
        listenKeyRenewal: Duration = .seconds(1800), requestTimeout: Duration = .seconds(30),
        _ body: @escaping @Sendable (AdapterHarness) async throws -> Void
    ) async throws {
        try await BinanceSimulator.withServer(options) { simulator, address in
            let configuration = BinanceStyleConfiguration(
                dialect: dialect, rest: URL(string: address.rest), webSocket: URL(string: address.webSocket), apiKey: Secret(key),
                signingKey: signingKey, requestTimeout: requestTimeout, listenKeyRenewal: listenKeyRenewal)
            try await run(configuration, simulator, body)
        }
    }

    /// One more adapter for the same account, at the same venue.
    func withAnother(_ body: @escaping @Sendable (AdapterHarness) async throws -> Void) async throws { try await Self.run(configuration, simulator, body) }

    private static func run(
        _ configuration: BinanceStyleConfiguration, _ simulator: BinanceSimulator, _ body: @escaping @Sendable (AdapterHarness) async throws -> Void
    ) async throws {
        let context = BrokerContext(account: "spot1", mode: .sandbox, clock: SystemClock(), logger: Logger(label: "test"), stateDirectory: "")
        let broker = try BinanceBroker(configuration, context: context)
        let harness = AdapterHarness(broker: broker, simulator: simulator, events: EventRecord(), configuration: configuration)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await broker.run() }
            group.addTask { for await event in broker.events { harness.events.add(event) } }
            #expect(try await harness.events.wait { $0 == .connected })
            try await body(harness)
            group.cancelAll()
        }
    }

    var window: SendWindow { SendWindow(notAfter: SystemClock().monotonic + .seconds(60)) }

    func place(_ order: NewOrder) async -> PlaceOutcome { await broker.place(order, within: window) }

    func reference(_ id: ClientOrderID) -> OrderReference {
        OrderReference(symbol: "BTCUSDT", clientOrderID: id, venueOrderID: nil)
    }

    /// How many orders with this id the venue has ever taken.
    func taken(_ id: ClientOrderID) -> Int {
        simulator.exchange.read { core in core.orders }.filter { $0.clientOrderID == id.rawValue }.count
    }
}

extension LookupResult {
    var report: OrderReport? { if case .found(let report) = self { report } else { nil } }
}
