import BrokerContract
import ExchangeContract
import TradingModel

/// A broker that is no exchange, so that the zoo can infect it like one. What only an exchange has is unsupported.
struct LiftedBroker: Exchange {
    let base: any Broker

    var capabilities: BrokerCapabilities { base.capabilities }
    var semantics: VenueSemantics { base.semantics }
    var events: AsyncStream<BrokerEvent> { base.events }
    var health: BrokerHealth { get async { await base.health } }
    func run() async throws(BrokerError) { try await base.run() }
    func instrument(_ symbol: Symbol) async throws(BrokerError) -> Instrument { try await base.instrument(symbol) }
    func place(_ order: NewOrder, within window: SendWindow) async -> PlaceOutcome { await base.place(order, within: window) }
    func cancel(_ order: OrderReference, within window: SendWindow) async -> CancelOutcome { await base.cancel(order, within: window) }
    func replace(_ order: OrderReference, with terms: Replacement, within window: SendWindow) async -> ReplaceOutcome {
        await base.replace(order, with: terms, within: window)
    }
    func closePosition(_ symbol: Symbol, id: ClientOrderID, within window: SendWindow) async -> CloseOutcome {
        await base.closePosition(symbol, id: id, within: window)
    }
    func placeExitPair(_ pair: ExitPair, within window: SendWindow) async -> PlaceOutcome { await base.placeExitPair(pair, within: window) }
    func lookup(_ order: OrderReference) async -> LookupResult { await base.lookup(order) }
    func openOrders() async throws(BrokerError) -> [OrderReport] { try await base.openOrders() }
    func orderHistory(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [OrderReport] { try await base.orderHistory(symbol, since: since) }
    func fills(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [Fill] { try await base.fills(symbol, since: since) }
    func fills(of order: OrderReference) async throws(BrokerError) -> [Fill] { try await base.fills(of: order) }
    func positions() async throws(BrokerError) -> [Position] { try await base.positions() }

    func balances() async throws(BrokerError) -> [Balance] { throw Self.unsupported }
    func instruments() async throws(BrokerError) -> [Instrument] { throw Self.unsupported }
    func serverTime() async throws(BrokerError) -> Timestamp { throw Self.unsupported }
    func place(_ order: QuoteSizedOrder, within window: SendWindow) async -> PlaceOutcome { .notSent(.unsupported, Evidence(mayHaveLeft: false)) }

    private static let unsupported = BrokerError(.unsupported, effect: .notSent, "no exchange")
}
