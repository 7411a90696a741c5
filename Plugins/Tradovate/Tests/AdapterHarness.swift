import BrokerContract
import Foundation
import Logging
import SimulatorKit
import Synchronization
import Testing
import TradingModel

@testable import Tradovate
@testable import TradovateSimulator

/// Everything that an adapter has told so far.
final class EventRecord: Sendable {
    private let events = Mutex<[BrokerEvent]>([])
    var all: [BrokerEvent] { events.withLock { $0 } }
    func add(_ event: BrokerEvent) { events.withLock { $0.append(event) } }

    /// Waits until an event fits, for at most a minute.
    func wait(from index: Int = 0, for fits: (BrokerEvent) -> Bool) async throws -> Bool {
        for _ in 0..<6000 {
            if all.dropFirst(index).contains(where: fits) { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    /// Waits for a report of this order with this status.
    func wait(_ id: ClientOrderID, _ status: VenueOrderStatus) async throws -> OrderReport? {
        _ = try await wait { if case .order(let report) = $0 { report.clientOrderID == id && report.status == status } else { false } }
        return all.lazy.compactMap { if case .order(let report) = $0, report.clientOrderID == id, report.status == status { report } else { nil } }.last
    }
}

/// A running adapter against a running simulator.
struct AdapterHarness: Sendable {
    let broker: TradovateBroker
    let simulator: TradovateSimulator
    let address: TradovateSimulator.Address
    let events: EventRecord
    /// The front contract of MNQ.
    let symbol: Symbol

    static func with(
        _ options: TradovateSimulator.Options = .init(), roll: [String: RollRule] = [:], requestTimeout: Duration = .seconds(30),
        lockPause: Duration = .seconds(3600), _ body: @escaping @Sendable (AdapterHarness) async throws -> Void
    ) async throws {
        try await TradovateSimulator.withServer(options) { simulator, address in
            let broker = try TradovateBroker(
                testConfiguration(address, roll: roll, requestTimeout: requestTimeout, lockPause: lockPause), context: testContext())
            let harness = AdapterHarness(
                broker: broker, simulator: simulator, address: address, events: EventRecord(),
                symbol: Symbol(simulator.contracts(of: "MNQ").first ?? ""))
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

    func order(
        _ type: OrderType = .limit, side: Side = .buy, quantity: Quantity = 1, limit: Price? = nil, stop: Price? = nil, trail: Price? = nil,
        timeInForce: TimeInForce = .day, bracket: Bracket? = nil, symbol: Symbol? = nil, id: ClientOrderID
    ) throws -> NewOrder {
        try testOrder(
            type, side: side, quantity: quantity, limit: limit, stop: stop, trail: trail, timeInForce: timeInForce, bracket: bracket,
            symbol: symbol ?? self.symbol, id: id)
    }

    func reference(_ id: ClientOrderID, venueID: VenueOrderID? = nil) -> OrderReference {
        OrderReference(symbol: symbol, clientOrderID: id, venueOrderID: venueID)
    }

    /// How many orders with this id the exchange has ever taken.
    func taken(_ id: ClientOrderID) -> Int {
        simulator.exchange.read { core in core.orders }.filter { $0.clientOrderID == id.rawValue }.count
    }
}

func testConfiguration(
    _ address: TradovateSimulator.Address, user: String = "sim_user", password: String = "pass", account: String? = nil,
    roll: [String: RollRule] = [:], requestTimeout: Duration = .seconds(30), lockPause: Duration = .seconds(3600)
) -> TradovateConfiguration {
    TradovateConfiguration(
        rest: URL(string: address.rest), webSocket: URL(string: address.webSocket),
        credentials: .init(username: Secret(user), password: Secret(password)), account: account, roll: roll, requestTimeout: requestTimeout,
        lockPause: lockPause)
}

func testContext(_ account: AccountID = "fut1") -> BrokerContext {
    BrokerContext(account: account, mode: .sandbox, clock: SystemClock(), logger: Logger(label: "test"), stateDirectory: "")
}

func testOrder(
    _ type: OrderType = .limit, side: Side = .buy, quantity: Quantity = 1, limit: Price? = nil, stop: Price? = nil, trail: Price? = nil,
    timeInForce: TimeInForce = .day, postOnly: Bool = false, reduceOnly: Bool = false, bracket: Bracket? = nil, symbol: Symbol = "MNQZ6",
    id: ClientOrderID = "gw-0001"
) throws -> NewOrder {
    try NewOrder(
        clientOrderID: id, symbol: symbol, side: side, type: type, quantity: quantity, limitPrice: limit, stopPrice: stop,
        trailingDistance: trail, timeInForce: timeInForce, postOnly: postOnly, reduceOnly: reduceOnly, bracket: bracket)
}

extension PlaceOutcome {
    var refusal: RejectReason? { if case .refused(let reason, _) = self { reason } else { nil } }
    var doubt: UnknownCause? { if case .unknown(let cause, _) = self { cause } else { nil } }
    var acceptance: OrderReport? { if case .accepted(let report, _, _) = self { report } else { nil } }
    var notSentReason: NotSentReason? { if case .notSent(let reason, _) = self { reason } else { nil } }
}

extension LookupResult {
    var report: OrderReport? { if case .found(let report) = self { report } else { nil } }
}
