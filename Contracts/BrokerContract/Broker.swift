import Logging
import PluginSettings
import TradingModel

/// One account at one venue.
///
/// An adapter translates and declares; it holds no policy. It does not retry a command, does not cache an answer that matters,
/// and does not log what it returns. The numbered clauses (BC-…) are in this module's README.
public protocol Broker: Sendable {
    var capabilities: BrokerCapabilities { get }
    var semantics: VenueSemantics { get }

    /// Holds the connection: session, clock offset, instrument rules, private stream. *(BC-01)*
    ///
    /// Runs until cancelled; reconnects with jitter by itself and throws only what a new attempt cannot mend, such as wrong
    /// credentials. All other calls work only while it runs.
    func run() async throws(BrokerError)

    /// Events of the private stream, and of the connection itself. *(BC-02)*
    ///
    /// One consumer. The buffer is bounded; on overflow the adapter drops events and then yields ``BrokerEvent/gap(reason:)``.
    var events: AsyncStream<BrokerEvent> { get }

    var health: BrokerHealth { get async }

    /// Instruments and their rules, by the venue's symbol. Throws `.notFound` for one that the venue does not list. *(BC-03)*
    func instrument(_ symbol: Symbol) async throws(BrokerError) -> Instrument

    /// Places one order, sending at most one request. *(BC-04)*
    ///
    /// The request is never repeated here: whether a repeat is safe is the core's decision, from ``VenueSemantics``.
    ///
    /// - Parameters:
    ///   - order: Price in quote currency; quantity in base units, already on the instrument's tick and lot.
    ///   - window: No byte leaves at or after its end. *(BC-05)*
    /// - Returns: What is known, with its evidence. Cancellation while in flight is `unknown`. *(BC-07)*
    func place(_ order: NewOrder, within window: SendWindow) async -> PlaceOutcome

    /// Asks the venue to cancel one order, sending at most one request. *(BC-08)*
    ///
    /// A repeat is harmless. "Not open" may mean that it was filled: look it up.
    func cancel(_ order: OrderReference, within window: SendWindow) async -> CancelOutcome

    /// Changes a resting order, sending at most one request. *(BC-09)*
    func replace(_ order: OrderReference, with terms: Replacement, within window: SendWindow) async -> ReplaceOutcome

    /// Leaves whatever is held of one symbol, by the venue's own command for it, sending at most one request. *(BC-22)*
    ///
    /// To be treated like a placement: a repeat may execute twice and so open a position the other way. What became of a doubtful one is
    /// seen from the positions.
    ///
    /// - Parameter id: For the order that the venue makes, where the venue takes one for it. Elsewhere that order is told without a client
    ///   order id.
    func closePosition(_ symbol: Symbol, id: ClientOrderID, within window: SendWindow) async -> CloseOutcome

    /// Places stop and target for something that is held already, sending at most one request. *(BC-23)*
    ///
    /// - Returns: As of a placement; the report is the stop's.
    func placeExitPair(_ pair: ExitPair, within window: SendWindow) async -> PlaceOutcome

    /// Looks one order up by the id that we gave it. Never throws: an error is ``LookupResult/indeterminate(_:_:)``. *(BC-10)*
    func lookup(_ order: OrderReference) async -> LookupResult

    /// All open orders of the account, to the end of the list, or an error. *(BC-11)*
    func openOrders() async throws(BrokerError) -> [OrderReport]

    /// Orders of one symbol, open and closed, that were created at or after `since`, to the end of the list. *(BC-12)*
    func orderHistory(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [OrderReport]

    /// Fills of one symbol at or after `since`, oldest first, to the end of the list. *(BC-13)*
    func fills(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [Fill]

    /// All fills of one order, oldest first. *(BC-13)*
    func fills(of order: OrderReference) async throws(BrokerError) -> [Fill]

    /// Positions of the account. A spot exchange without positions throws `.unsupported`. *(BC-14)*
    func positions() async throws(BrokerError) -> [Position]
}

/// What an adapter without the capability says.
extension Broker {
    public func closePosition(_ symbol: Symbol, id: ClientOrderID, within window: SendWindow) async -> CloseOutcome {
        .notSent(.unsupported, Evidence(mayHaveLeft: false, message: "the adapter closes no positions by a command of the venue"))
    }

    public func placeExitPair(_ pair: ExitPair, within window: SendWindow) async -> PlaceOutcome {
        .notSent(.unsupported, Evidence(mayHaveLeft: false, message: "the adapter places no exit pairs"))
    }
}

/// Something that the venue, or the connection to it, told us. A hint: the snapshot is the truth.
public enum BrokerEvent: Sendable, Hashable {
    case order(OrderReport)
    case fill(Fill)
    /// Session and stream are up; whatever was missed must be caught up by queries now.
    case connected
    case disconnected(reason: String)
    /// Events may be missing.
    case gap(reason: String)
}

/// Whether orders can be sent now, and if not, why.
public struct BrokerHealth: Sendable, Hashable {
    public var isConnected: Bool
    public var streamIsUp: Bool
    public var rulesAreLoaded: Bool
    /// Venue clock minus our clock; nil if not measured.
    public var clockOffset: Duration?
    /// In words for people.
    public var detail: String

    public init(isConnected: Bool, streamIsUp: Bool, rulesAreLoaded: Bool, clockOffset: Duration?, detail: String) {
        self.isConnected = isConnected
        self.streamIsUp = streamIsUp
        self.rulesAreLoaded = rulesAreLoaded
        self.clockOffset = clockOffset
        self.detail = detail
    }

    public static let starting = BrokerHealth(
        isConnected: false, streamIsUp: false, rulesAreLoaded: false, clockOffset: nil, detail: "starting")
}

/// What the operator says an account is for. `live` must be stated.
public enum AccountMode: String, Sendable, Codable, CaseIterable {
    case paper, sandbox, live
}

/// What a plugin gets from the composition root.
public struct BrokerContext: Sendable {
    public let account: AccountID
    public let mode: AccountMode
    public let clock: any TradingClock
    public let logger: Logger
    /// A folder for state of its own, made on first use.
    public let stateDirectory: String

    public init(account: AccountID, mode: AccountMode, clock: any TradingClock, logger: Logger, stateDirectory: String) {
        self.account = account
        self.mode = mode
        self.clock = clock
        self.logger = logger
        self.stateDirectory = stateDirectory
    }
}

/// A kind of broker that the configuration can name. It registers by one line in the composition root.
public protocol BrokerPlugin: Sendable {
    associatedtype Configuration: PluginConfiguration
    /// The word after `broker:` in the configuration.
    static var id: String { get }
    static var displayName: String { get }
    /// What the adapter can do in its default configuration, for lists and documentation.
    static var capabilities: BrokerCapabilities { get }
    static var semantics: VenueSemantics { get }
    /// The mode of an account that states none.
    static var defaultMode: AccountMode { get }
    /// Whether the configuration points at a venue where real money moves.
    static func isLive(_ configuration: Configuration) -> Bool
    /// The venues that one plugin can speak to, where its configuration chooses among several; empty otherwise.
    static var dialects: [BrokerDialect] { get }
    /// Makes the broker without any I/O; `Broker.run()` connects.
    static func makeBroker(_ configuration: Configuration, context: BrokerContext) throws(BrokerError) -> any Broker
}

extension BrokerPlugin {
    public static var dialects: [BrokerDialect] { [] }
}

/// One venue of a plugin that speaks to a family of them, for lists and documentation.
public struct BrokerDialect: Sendable, Hashable, Codable {
    /// The word after `dialect:` in the configuration.
    public let id: String
    public let name: String
    /// The hosts of an account that states no endpoint.
    public let rest: String
    public let webSocket: String
    /// Whether real money moves there.
    public let isLive: Bool
    public let capabilities: BrokerCapabilities
    public let rateLimits: [VenueRateLimit]
    /// What differs and what is missing, in words.
    public let notes: String

    public init(
        id: String, name: String, rest: String, webSocket: String, isLive: Bool, capabilities: BrokerCapabilities,
        rateLimits: [VenueRateLimit], notes: String
    ) {
        self.id = id
        self.name = name
        self.rest = rest
        self.webSocket = webSocket
        self.isLive = isLive
        self.capabilities = capabilities
        self.rateLimits = rateLimits
        self.notes = notes
    }
}
