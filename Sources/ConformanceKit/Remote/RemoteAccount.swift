import BrokerContract
import Logging
import Synchronization
import TradingModel

/// An account at a venue that is no simulator of ours: a sandbox, or a live venue that is only read.
///
/// There is no oracle. Where clauses may trade, a second broker of the same adapter is the witness, which is weaker: a clause
/// shows that the adapter agrees with itself across two connections, not that it agrees with the venue's books.
public struct RemoteAccount: VenueHarness {
    /// Makes a broker for the account. The port is that of a proxy on 127.0.0.1 in front of the REST wire; nil if there is none.
    public typealias MakeBroker = @Sendable (_ context: BrokerContext, _ restPort: Int?, _ requestTimeout: Duration) throws -> any Broker

    public let profile: VenueProfile
    /// Host and port of a REST wire without TLS; nil where no proxy can stand before it.
    private let plainWire: (host: String, port: Int)?
    private let trades: Bool
    private let makeBroker: MakeBroker
    private let wasSeenEmpty = SeenFlag()

    public init(_ profile: VenueProfile, plainWire: (host: String, port: Int)?, trades: Bool, makeBroker: @escaping MakeBroker) {
        self.profile = profile
        self.plainWire = plainWire
        self.trades = trades
        self.makeBroker = makeBroker
    }

    /// Why a clause is not checked at such a venue; nil if it is.
    public func leavesOut(_ clause: BrokerClause) -> String? {
        if Self.needFreshAccount.contains(clause.id) { return "it needs an account that nobody ever used" }
        guard trades else {
            return clause.onlyReads ? nil : "it may send orders or faults: only queries are sent unless --trade is given"
        }
        if clause.id.hasPrefix("BC-02"), clause.kind == .wireFault { return "no proxy stands before the venue's stream" }
        if clause.kind == .wireFault { return plainWire == nil ? "the wire is TLS, and a proxy cannot play faults inside it" : nil }
        if clause.id.contains(".tls-") { return "the account does not trust a proxy's certificate" }
        if clause.id.hasPrefix("BC-22") { return "it closes whatever the account holds" }
        if clause.id.hasPrefix("BC-20") || clause.id.hasPrefix("BC-23") { return "it needs a venue whose price can be moved" }
        if clause.level > .trades || Self.needSimulator.contains(clause.id) { return "it needs a venue that misbehaves on demand" }
        return nil
    }

    private static let needFreshAccount: Set<String> = ["BC-11.empty", "BC-14.positions", "BC-14.short", "BC-15.reduce-only"]
    private static let needSimulator: Set<String> = ["BC-06.refused", "BC-11.symbols", "BC-03.exact"]

    public func withVenue(_ body: @escaping @Sendable (SimulatedVenue) async throws -> Void) async throws {
        let make: @Sendable (BrokerWiring) throws -> any Broker = { wiring in
            try makeBroker(wiring.context, plainWire == nil ? nil : wiring.restPort, wiring.requestTimeout)
        }
        guard trades else { return try await body(venue(NoControls(), make)) }
        let context = BrokerContext(
            account: "conformance-witness", mode: .sandbox, clock: SystemClock(),
            logger: Logger(label: "conformance", factory: { _ in SwiftLogNoOpLogHandler() }), stateDirectory: "/nonexistent")
        let witness = AccountWitness(try makeBroker(context, plainWire?.port, .seconds(10)), symbol: profile.symbol)
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await witness.run() }
            group.addTask {
                try await witness.connect()
                if !wasSeenEmpty.isSet {
                    try await witness.expectNoOpenOrders()
                    wasSeenEmpty.set()
                }
                let result = await Result.catching { try await body(venue(witness, make)) }
                try await witness.cleanUp()
                try result.get()
            }
            try await group.next()
        }
    }

    public func withLimitedVenue(_ body: @escaping @Sendable (SimulatedVenue) async throws -> Void) async throws {
        throw ClauseLeftOut("the limits of a venue that others share are not tried out")
    }

    private func venue(_ controls: any VenueControls, _ make: @escaping @Sendable (BrokerWiring) throws -> any Broker) -> SimulatedVenue {
        var venue = SimulatedVenue(restPort: plainWire?.port, streamPort: nil, controls: controls, makeBroker: make)
        venue.host = plainWire?.host ?? "127.0.0.1"
        return venue
    }
}

/// A venue that can only be asked.
private struct NoControls: VenueControls {
    func orders() async throws -> [OracleOrder] { [] }
    func setPrice(_ price: Price, of symbol: Symbol) async throws { throw ClauseLeftOut("nobody moves a venue's price") }
    func fill(_ id: ClientOrderID, quantity: Quantity) async throws { throw ClauseLeftOut("nobody fills a part at a venue on demand") }
    func plan(_ faults: [VenueFault]) async throws { throw ClauseLeftOut("the venue plays no faults") }
    func seedFilledOrders(_ count: Int) async throws { throw ClauseLeftOut("the account is not filled with a thousand orders") }
}

/// A second broker of the account that says what the venue has, and ends what a clause left open.
private struct AccountWitness: VenueControls {
    private let broker: any Broker
    private let symbol: Symbol
    private let since = SystemClock().wallTime - .seconds(5)

    init(_ broker: any Broker, symbol: Symbol) {
        self.broker = broker
        self.symbol = symbol
    }

    func run() async throws {
        try await broker.run()
        try Task.checkCancellation()
        throw ControlFailure("the witness's run() ended")
    }

    func connect() async throws {
        let clock = SystemClock()
        let end = clock.monotonic + .seconds(20)
        while true {
            let health = await broker.health
            if health.isConnected, health.rulesAreLoaded { break }
            guard clock.monotonic < end else { throw ControlFailure("the witness did not connect: \(health.detail)") }
            try await clock.sleep(for: .milliseconds(50))
        }
    }

    /// Refuses an account on which somebody else trades.
    func expectNoOpenOrders() async throws {
        guard try await broker.openOrders().isEmpty else { throw ClauseLeftOut("the account has open orders: clauses trade only on an account of their own") }
    }

    /// The account was without open orders at the start, so all that were made since are of the clause. Lists of all symbols cost much of
    /// a venue's limit; clauses at a venue trade one.
    func cleanUp() async throws {
        for order in try await broker.orderHistory(symbol, since: since) where !order.status.isTerminal {
            guard let id = order.clientOrderID else { continue }
            let reference = OrderReference(symbol: order.symbol, clientOrderID: id, venueOrderID: order.venueOrderID)
            _ = await broker.cancel(reference, within: SendWindow(notAfter: SystemClock().monotonic + .seconds(10)))
        }
    }

    func orders() async throws -> [OracleOrder] {
        try await broker.orderHistory(symbol, since: since).sorted { $0.updatedAt < $1.updatedAt }.map { report in
            OracleOrder(
                clientOrderID: report.clientOrderID, venueOrderID: report.venueOrderID, symbol: report.symbol, side: report.side,
                type: report.type?.rawValue ?? "", quantity: report.quantity ?? .zero, price: report.limitPrice, status: report.status,
                filledQuantity: report.filledQuantity)
        }
    }

    func setPrice(_ price: Price, of symbol: Symbol) async throws { try await NoControls().setPrice(price, of: symbol) }
    func fill(_ id: ClientOrderID, quantity: Quantity) async throws { try await NoControls().fill(id, quantity: quantity) }
    func plan(_ faults: [VenueFault]) async throws { try await NoControls().plan(faults) }
    func seedFilledOrders(_ count: Int) async throws { try await NoControls().seedFilledOrders(count) }
}

private final class SeenFlag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
}
