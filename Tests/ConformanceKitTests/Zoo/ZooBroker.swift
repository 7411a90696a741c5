import BrokerContract
import ConformanceKit
import ExchangeContract
import TradingModel

/// What a planted bug does instead of the real adapter; nil leaves that to it.
struct Hooks: Sendable {
    var place: (@Sendable (any Exchange, NewOrder, SendWindow) async -> PlaceOutcome)?
    var placeQuote: (@Sendable (any Exchange, QuoteSizedOrder, SendWindow) async -> PlaceOutcome)?
    var cancel: (@Sendable (any Exchange, OrderReference, SendWindow) async -> CancelOutcome)?
    var replace: (@Sendable (any Exchange, OrderReference, Replacement, SendWindow) async -> ReplaceOutcome)?
    var close: (@Sendable (any Exchange, Symbol, ClientOrderID, SendWindow) async -> CloseOutcome)?
    var placePair: (@Sendable (any Exchange, ExitPair, SendWindow) async -> PlaceOutcome)?
    var lookup: (@Sendable (any Exchange, OrderReference) async -> LookupResult)?
    var openOrders: (@Sendable (any Exchange) async throws(BrokerError) -> [OrderReport])?
    var history: (@Sendable (any Exchange, Symbol, Timestamp) async throws(BrokerError) -> [OrderReport])?
    var fills: (@Sendable (any Exchange, Symbol, Timestamp) async throws(BrokerError) -> [Fill])?
    var fillsOfOrder: (@Sendable (any Exchange, OrderReference) async throws(BrokerError) -> [Fill])?
    var positions: (@Sendable (any Exchange) async throws(BrokerError) -> [Position])?
    var balances: (@Sendable (any Exchange) async throws(BrokerError) -> [Balance])?
    var instruments: (@Sendable (any Exchange) async throws(BrokerError) -> [Instrument])?
    var serverTime: (@Sendable (any Exchange) async throws(BrokerError) -> Timestamp)?
    var health: (@Sendable (any Exchange) async -> BrokerHealth)?
    var event: (@Sendable (BrokerEvent) -> [BrokerEvent])?
    var instrument: (@Sendable (any Exchange, Symbol) async throws(BrokerError) -> Instrument)?
    var atBirth: (@Sendable (any Exchange) -> Void)?
    var beforeRun: (@Sendable (any Exchange) async throws(BrokerError) -> Void)?
    var afterRun: (@Sendable () async -> Void)?
    /// Changes what the adapter is made with.
    var wiring: (@Sendable (BrokerWiring) -> BrokerWiring)?
}

/// A real adapter with one bug.
final class ZooBroker: Exchange {
    private let base: any Exchange
    private let hooks: Hooks
    let events: AsyncStream<BrokerEvent>
    private let continuation: AsyncStream<BrokerEvent>.Continuation

    init(_ base: any Exchange, _ hooks: Hooks) {
        self.base = base
        self.hooks = hooks
        (events, continuation) = AsyncStream.makeStream(of: BrokerEvent.self, bufferingPolicy: .bufferingOldest(4096))
        hooks.atBirth?(base)
    }

    var capabilities: BrokerCapabilities { base.capabilities }
    var semantics: VenueSemantics { base.semantics }
    var health: BrokerHealth { get async { if let hook = hooks.health { await hook(base) } else { await base.health } } }

    func run() async throws(BrokerError) {
        let (base, hooks, continuation) = (base, hooks, continuation)
        try await hooks.beforeRun?(base)
        let result = await withTaskGroup(of: Result<Void, BrokerError>?.self) { group in
            group.addTask {
                for await event in base.events { for told in hooks.event?(event) ?? [event] { continuation.yield(told) } }
                return nil
            }
            group.addTask {
                do throws(BrokerError) {
                    try await base.run()
                    return .success(())
                } catch { return .failure(error) }
            }
            while let end = await group.next() {
                guard let end else { continue }
                group.cancelAll()
                return end
            }
            return .success(())
        }
        await hooks.afterRun?()
        try result.get()
    }

    func instrument(_ symbol: Symbol) async throws(BrokerError) -> Instrument {
        if let hook = hooks.instrument { try await hook(base, symbol) } else { try await base.instrument(symbol) }
    }

    func place(_ order: NewOrder, within window: SendWindow) async -> PlaceOutcome {
        if let hook = hooks.place { await hook(base, order, window) } else { await base.place(order, within: window) }
    }

    func place(_ order: QuoteSizedOrder, within window: SendWindow) async -> PlaceOutcome {
        if let hook = hooks.placeQuote { await hook(base, order, window) } else { await base.place(order, within: window) }
    }

    func cancel(_ order: OrderReference, within window: SendWindow) async -> CancelOutcome {
        if let hook = hooks.cancel { await hook(base, order, window) } else { await base.cancel(order, within: window) }
    }

    func replace(_ order: OrderReference, with terms: Replacement, within window: SendWindow) async -> ReplaceOutcome {
        if let hook = hooks.replace { await hook(base, order, terms, window) } else { await base.replace(order, with: terms, within: window) }
    }

    func closePosition(_ symbol: Symbol, id: ClientOrderID, within window: SendWindow) async -> CloseOutcome {
        if let hook = hooks.close { await hook(base, symbol, id, window) } else { await base.closePosition(symbol, id: id, within: window) }
    }

    func placeExitPair(_ pair: ExitPair, within window: SendWindow) async -> PlaceOutcome {
        if let hook = hooks.placePair { await hook(base, pair, window) } else { await base.placeExitPair(pair, within: window) }
    }

    func lookup(_ order: OrderReference) async -> LookupResult {
        if let hook = hooks.lookup { await hook(base, order) } else { await base.lookup(order) }
    }

    func openOrders() async throws(BrokerError) -> [OrderReport] {
        if let hook = hooks.openOrders { try await hook(base) } else { try await base.openOrders() }
    }

    func orderHistory(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [OrderReport] {
        if let hook = hooks.history { try await hook(base, symbol, since) } else { try await base.orderHistory(symbol, since: since) }
    }

    func fills(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [Fill] {
        if let hook = hooks.fills { try await hook(base, symbol, since) } else { try await base.fills(symbol, since: since) }
    }

    func fills(of order: OrderReference) async throws(BrokerError) -> [Fill] {
        if let hook = hooks.fillsOfOrder { try await hook(base, order) } else { try await base.fills(of: order) }
    }

    func positions() async throws(BrokerError) -> [Position] {
        if let hook = hooks.positions { try await hook(base) } else { try await base.positions() }
    }

    func balances() async throws(BrokerError) -> [Balance] {
        if let hook = hooks.balances { try await hook(base) } else { try await base.balances() }
    }

    func instruments() async throws(BrokerError) -> [Instrument] {
        if let hook = hooks.instruments { try await hook(base) } else { try await base.instruments() }
    }

    func serverTime() async throws(BrokerError) -> Timestamp {
        if let hook = hooks.serverTime { try await hook(base) } else { try await base.serverTime() }
    }
}

/// A venue whose adapter has the bug.
struct ZooVenue: VenueHarness {
    let base: any VenueHarness
    let bug: PlantedBug
    var profile: VenueProfile { base.profile }
    /// What a bug keeps from happening need not be waited for long.
    var patience: Duration { .seconds(8) }

    func withVenue(_ body: @escaping @Sendable (SimulatedVenue) async throws -> Void) async throws {
        try await base.withVenue { venue in try await body(infected(venue)) }
    }

    func withLimitedVenue(_ body: @escaping @Sendable (SimulatedVenue) async throws -> Void) async throws {
        try await base.withLimitedVenue { venue in try await body(infected(venue)) }
    }

    private func infected(_ venue: SimulatedVenue) -> SimulatedVenue {
        let bug = bug
        var sick = venue
        sick.makeBroker = { wiring in
            let hooks = bug.hooks()
            let healthy = try venue.makeBroker(hooks.wiring?(wiring) ?? wiring)
            return ZooBroker(healthy as? any Exchange ?? LiftedBroker(base: healthy), hooks)
        }
        return sick
    }
}

/// One bug, and the clause that must catch it.
struct PlantedBug: Sendable, CustomStringConvertible {
    let name: String
    let owner: String
    /// The adapter that has it.
    let adapter: String
    let hooks: @Sendable () -> Hooks

    init(_ name: String, in adapter: String = "binance", caughtBy owner: String, _ hooks: @escaping @Sendable () -> Hooks) {
        self.name = name
        self.owner = owner
        self.adapter = adapter
        self.hooks = hooks
    }

    var description: String { name }

    static let all: [PlantedBug] = placing + shaping + cancelling + finding + telling + counting + living + bracketing + closing + repricing + pairing
}
