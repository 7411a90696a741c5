import BrokerContract
import Logging
import TradingModel

/// What an adapter's tests give to the suite: a way to a fresh simulated venue with a fresh broker.
///
/// Each clause calls ``withVenue(_:)`` once, clauses run in parallel, and nothing may be shared between two calls.
public protocol VenueHarness: Sendable {
    /// What can be traded there, and how requests look on the wire.
    var profile: VenueProfile { get }

    /// Runs a fresh venue on a free port while `body` uses it.
    func withVenue(_ body: @escaping @Sendable (SimulatedVenue) async throws -> Void) async throws

    /// The same, at a venue that enforces limits: 10 orders in 10 seconds, and tells them to the broker as it tells its own.
    func withLimitedVenue(_ body: @escaping @Sendable (SimulatedVenue) async throws -> Void) async throws

    /// With what the clauses about TLS are played: a broker is then made with ``BrokerWiring/trustRootsFile``. Nil if the adapter's
    /// tests have no TLS.
    var tls: WireTLS? { get }

    /// How long something that must happen is waited for. Long, because a busy machine is no fault of the adapter; a broker that is
    /// wrong on purpose needs no more than a fraction of it.
    var patience: Duration { get }
}

extension VenueHarness {
    public var tls: WireTLS? { nil }
    public var patience: Duration { .seconds(30) }

    public func withLimitedVenue(_ body: @escaping @Sendable (SimulatedVenue) async throws -> Void) async throws {
        throw ClauseAbsent("the simulator enforces no limits on demand")
    }
}

/// A venue that runs for one clause.
public struct SimulatedVenue: Sendable {
    /// Where its REST wire listens on 127.0.0.1; nil for a broker without a wire, which then has no wire clauses.
    public var restPort: Int?
    /// Where its stream listens; may be the same port. Nil for a venue without a stream of its own.
    public var streamPort: Int?
    /// The machine that both ports are on.
    public var host = "127.0.0.1"
    /// Oracle and controls.
    public var controls: any VenueControls
    /// Makes a broker that reaches the venue through the ports of the wiring, which are not the venue's own.
    public var makeBroker: @Sendable (BrokerWiring) throws -> any Broker

    public init(
        restPort: Int?, streamPort: Int?, controls: any VenueControls, makeBroker: @escaping @Sendable (BrokerWiring) throws -> any Broker
    ) {
        self.restPort = restPort
        self.streamPort = streamPort
        self.controls = controls
        self.makeBroker = makeBroker
    }
}

/// How a broker is to be made for one clause.
public struct BrokerWiring: Sendable {
    /// Where the suite's proxies listen on 127.0.0.1; 0 for a broker without a wire.
    public var restPort: Int
    public var streamPort: Int
    /// For the adapter's own request time-out.
    public var requestTimeout: Duration
    /// After so long without a byte the stream counts as dead; nil leaves the adapter's default.
    public var streamSilenceLimit: Duration?
    /// Where it is set, both ports speak TLS as `localhost`, and the broker trusts the certificates of this PEM file alone.
    public var trustRootsFile: String?
    /// Account, clock, logger and a folder that is removed afterwards.
    public var context: BrokerContext

    public init(
        restPort: Int, streamPort: Int, requestTimeout: Duration, streamSilenceLimit: Duration? = nil, trustRootsFile: String? = nil,
        context: BrokerContext
    ) {
        self.restPort = restPort
        self.streamPort = streamPort
        self.requestTimeout = requestTimeout
        self.streamSilenceLimit = streamSilenceLimit
        self.trustRootsFile = trustRootsFile
        self.context = context
    }
}

/// The oracle of a venue, and what can be done to it from outside.
///
/// A control that a venue does not have throws ``ClauseAbsent``, which is what the defaults do; the clause is then reported as
/// absent by declaration, never as passed.
public protocol VenueControls: Sendable {
    /// Every order that the venue ever accepted, oldest first, duplicates included.
    func orders() async throws -> [OracleOrder]
    /// Moves the market; resting orders that it reaches fill.
    func setPrice(_ price: Price, of symbol: Symbol) async throws
    /// Fills a part of a resting order.
    func fill(_ id: ClientOrderID, quantity: Quantity) async throws
    /// Plans misbehaviour, in the words of `POST /_sim/faults`.
    func plan(_ faults: [VenueFault]) async throws
    /// Makes so many filled orders of the broker's account at the venue, past the adapter.
    func seedFilledOrders(_ count: Int) async throws
}

extension VenueControls {
    public func setPrice(_ price: Price, of symbol: Symbol) async throws { throw ClauseAbsent("the venue's price cannot be moved") }
    public func fill(_ id: ClientOrderID, quantity: Quantity) async throws { throw ClauseAbsent("the venue cannot fill a part on demand") }
    public func plan(_ faults: [VenueFault]) async throws { throw ClauseAbsent("the venue plays no faults") }
    public func seedFilledOrders(_ count: Int) async throws { throw ClauseAbsent("the venue cannot be seeded") }
}

/// An order as the venue itself knows it.
public struct OracleOrder: Sendable, Hashable {
    public var clientOrderID: ClientOrderID?
    public var venueOrderID: VenueOrderID
    public var symbol: Symbol
    public var side: Side
    /// In the simulator's words, for example `limit_maker`.
    public var type: String
    public var quantity: Quantity
    public var price: Price?
    public var status: VenueOrderStatus
    public var filledQuantity: Quantity

    public init(
        clientOrderID: ClientOrderID?, venueOrderID: VenueOrderID, symbol: Symbol, side: Side, type: String, quantity: Quantity,
        price: Price?, status: VenueOrderStatus, filledQuantity: Quantity
    ) {
        self.clientOrderID = clientOrderID
        self.venueOrderID = venueOrderID
        self.symbol = symbol
        self.side = side
        self.type = type
        self.quantity = quantity
        self.price = price
        self.status = status
        self.filledQuantity = filledQuantity
    }
}

/// One entry of `POST /_sim/faults`.
public struct VenueFault: Sendable, Hashable, Codable {
    public var on: String
    public var action: String
    public var times: Int
    public var skip: Int
    public var ms: Int?
    public var status: Int?

    public init(on: String, _ action: String, times: Int = 1, skip: Int = 0, ms: Int? = nil, status: Int? = nil) {
        self.on = on
        self.action = action
        self.times = times
        self.skip = skip
        self.ms = ms
        self.status = status
    }
}
