import BrokerContract
import ConformanceKit
import ExchangeContract
import Synchronization
import TradingModel

/// A venue whose adapter can do everything but send commands.
struct ReadOnlyVenue: VenueHarness {
    let base: any VenueHarness
    let commands = CommandCount()
    var profile: VenueProfile { base.profile }

    func withVenue(_ body: @escaping @Sendable (SimulatedVenue) async throws -> Void) async throws {
        try await base.withVenue { venue in
            var own = venue
            own.makeBroker = { wiring in
                guard let exchange = try venue.makeBroker(wiring) as? any Exchange else { throw ClauseFailure("not an exchange") }
                return ReadOnlyBroker(base: exchange, commands: commands)
            }
            try await body(own)
        }
    }
}

final class CommandCount: Sendable {
    private let state = Mutex(0)
    var count: Int { state.withLock { $0 } }
    func add() { state.withLock { $0 += 1 } }
}

private struct ReadOnlyBroker: Exchange {
    let base: any Exchange
    let commands: CommandCount

    var capabilities: BrokerCapabilities { base.capabilities }
    var semantics: VenueSemantics { base.semantics }
    var events: AsyncStream<BrokerEvent> { base.events }
    var health: BrokerHealth { get async { await base.health } }
    func run() async throws(BrokerError) { try await base.run() }
    func instrument(_ symbol: Symbol) async throws(BrokerError) -> Instrument { try await base.instrument(symbol) }
    func lookup(_ order: OrderReference) async -> LookupResult { await base.lookup(order) }
    func openOrders() async throws(BrokerError) -> [OrderReport] { try await base.openOrders() }
    func orderHistory(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [OrderReport] { try await base.orderHistory(symbol, since: since) }
    func fills(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [Fill] { try await base.fills(symbol, since: since) }
    func fills(of order: OrderReference) async throws(BrokerError) -> [Fill] { try await base.fills(of: order) }
    func positions() async throws(BrokerError) -> [Position] { try await base.positions() }
    func balances() async throws(BrokerError) -> [Balance] { try await base.balances() }
    func instruments() async throws(BrokerError) -> [Instrument] { try await base.instruments() }
    func serverTime() async throws(BrokerError) -> Timestamp { try await base.serverTime() }

    private var refusal: Evidence {
        commands.add()
        return Evidence(mayHaveLeft: false)
    }
    func place(_ order: NewOrder, within window: SendWindow) async -> PlaceOutcome { .notSent(.unsupported, refusal) }
    func place(_ order: QuoteSizedOrder, within window: SendWindow) async -> PlaceOutcome { .notSent(.unsupported, refusal) }
    func cancel(_ order: OrderReference, within window: SendWindow) async -> CancelOutcome { .notSent(.unsupported, refusal) }
    func replace(_ order: OrderReference, with terms: Replacement, within window: SendWindow) async -> ReplaceOutcome { .notSent(.unsupported, refusal) }
}
