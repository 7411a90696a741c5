import BrokerContract
import CoinbaseSimulator
import ExchangeContract
import Foundation
import Logging
import SimulatorKit
import Synchronization
import Testing
import TradingModel

@testable import Coinbase

/// Everything that the adapter has told so far.
final class EventRecord: Sendable {
    private let events = Mutex<[BrokerEvent]>([])
    var all: [BrokerEvent] { events.withLock { $0 } }
    func add(_ event: BrokerEvent) { events.withLock { $0.append(event) } }

    /// Waits until an event fits, for at most 30 seconds.
    func wait(from index: Int = 0, for fits: (BrokerEvent) -> Bool) async throws -> Bool {
        for _ in 0..<3000 {
            if all.dropFirst(index).contains(where: fits) { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    /// Waits until the stream has told a status of an order.
    func tells(_ id: ClientOrderID, _ status: VenueOrderStatus) async throws -> Bool {
        try await wait { if case .order(let report) = $0 { report.clientOrderID == id && report.status == status } else { false } }
    }
}

/// A running adapter against a running simulator.
struct AdapterHarness: Sendable {
    let broker: CoinbaseBroker
    let simulator: CoinbaseSimulator
    let events: EventRecord

    static func with(
        _ options: CoinbaseSimulator.Options = .init(), privateKey: String = TestKeys.sec1, requestTimeout: Duration = .seconds(30),
        heartbeatTimeout: Duration = .seconds(10), trustRootsFile: String? = nil,
        _ body: @escaping @Sendable (AdapterHarness) async throws -> Void
    ) async throws {
        try await CoinbaseSimulator.withServer(options) { simulator, address in
            let configuration = CoinbaseConfiguration(
                rest: URL(string: address.rest.replacing("127.0.0.1", with: options.tls == nil ? "127.0.0.1" : "localhost")),
                webSocket: URL(string: address.webSocket.replacing("127.0.0.1", with: options.tls == nil ? "127.0.0.1" : "localhost")),
                trustRootsFile: trustRootsFile, keyName: TestKeys.name, privateKey: Secret(privateKey), requestTimeout: requestTimeout,
                heartbeatTimeout: heartbeatTimeout)
            let broker = try CoinbaseBroker(configuration, context: testContext())
            let harness = AdapterHarness(broker: broker, simulator: simulator, events: EventRecord())
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await broker.run() }
                group.addTask { for await event in broker.events { harness.events.add(event) } }
                #expect(try await harness.events.wait { $0 == .connected })
                try await body(harness)
                group.cancelAll()
            }
        }
    }

    var window: SendWindow { SendWindow(notAfter: SystemClock().monotonic + .seconds(60)) }

    func place(_ order: NewOrder) async -> PlaceOutcome { await broker.place(order, within: window) }

    func reference(_ id: ClientOrderID, venue: VenueOrderID? = nil) -> OrderReference {
        OrderReference(symbol: "BTC-USD", clientOrderID: id, venueOrderID: venue)
    }

    /// How many orders with this id the venue has ever taken.
    func taken(_ id: ClientOrderID) -> Int {
        simulator.exchange.read { core in core.orders }.filter { $0.clientOrderID == id.rawValue }.count
    }

    /// Requests of one kind that reached the venue.
    func requests(_ method: String, _ path: String) -> Int {
        simulator.controls.log.entries.filter { $0.method == method && $0.path == "/api/v3/brokerage/" + path }.count
    }
}

func testContext() -> BrokerContext {
    BrokerContext(
        account: "cb1", mode: .sandbox, clock: SystemClock(), logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
        stateDirectory: "")
}
