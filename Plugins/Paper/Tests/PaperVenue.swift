import BrokerContract
import ConformanceKit
import Paper
import SimulatorKit
import Synchronization
import TradingModel

/// A paper account as the conformance suite uses it: broker and venue are one, and there is no wire.
struct PaperVenue: VenueHarness {
    let profile: VenueProfile

    init() throws { profile = try .spot(name: "paper", symbol: "BTCUSDT", other: "ETHUSDT", operations: [:]) }

    func withVenue(_ body: @escaping @Sendable (SimulatedVenue) async throws -> Void) async throws {
        let controls = PaperControls()
        try await body(
            SimulatedVenue(restPort: nil, streamPort: nil, controls: controls) { wiring in
                let broker = try PaperPlugin.makeBroker(PaperConfiguration(), context: wiring.context)
                controls.made(broker as? PaperBroker)
                return broker
            })
    }
}

/// Looks past the contract into the account.
final class PaperControls: VenueControls {
    private let made = Mutex<PaperBroker?>(nil)

    func made(_ broker: PaperBroker?) { made.withLock { $0 = broker } }

    private var broker: PaperBroker {
        get throws {
            guard let broker = made.withLock({ $0 }) else { throw ControlFailure("no broker was made") }
            return broker
        }
    }

    func orders() async throws -> [OracleOrder] {
        try await broker.everyOrder().map { order in
            OracleOrder(
                clientOrderID: ClientOrderID(order.clientOrderID), venueOrderID: VenueOrderID(String(order.id)), symbol: order.symbol,
                side: order.side, type: order.kind.rawValue, quantity: order.quantity, price: order.limitPrice, status: order.status,
                filledQuantity: order.filledQuantity)
        }
    }

    func setPrice(_ price: Price, of symbol: Symbol) async throws { try await broker.setPrice(price, of: symbol) }
    func fill(_ id: ClientOrderID, quantity: Quantity) async throws { try await broker.fill(id, quantity: quantity) }

    func seedFilledOrders(_ count: Int) async throws {
        let broker = try broker
        for number in 0..<count {
            let order = try NewOrder(
                clientOrderID: ClientOrderID("seed-\(number)"), symbol: "BTCUSDT", side: .buy, type: .market, quantity: try Quantity("0.001"),
                timeInForce: .ioc)
            let outcome = await broker.place(order, within: SendWindow(notAfter: SystemClock().monotonic + .seconds(20)))
            guard case .accepted = outcome else { throw ControlFailure("seed order \(number): \(outcome)") }
        }
    }
}
