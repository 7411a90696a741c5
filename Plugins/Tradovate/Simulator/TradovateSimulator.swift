import Hummingbird
import Logging
import ServerKit
import SimulatorKit
import TradingModel

/// A Tradovate venue on loopback: REST under `/v1`, the WebSocket at `/v1/websocket`, and the oracle and controls of every simulator
/// under `/_sim`. Futures on MNQ, MES, NQ and ES in five quarterly months.
public struct TradovateSimulator: Sendable {
    public struct Options: Sendable {
        public var host: String
        /// 0 takes a free port.
        public var port: Int
        /// Nil serves `http` and `ws`.
        public var tls: ServerOptions.TLS?
        /// By user; empty takes any password of any user.
        public var passwords: [String: String]
        /// Names of the accounts, which every user has.
        public var accounts: [String]
        /// Of each account, in USD: bounds its margin.
        public var cash: Notional
        /// Of a token. Source: the partner pages' 80 minutes.
        public var tokenLife: Duration
        /// From the answer to a command until its outcome comes as events; zero tells it before the answer.
        public var decisionDelay: Duration
        /// Whether an event's `entity` is a list.
        public var entityIsArray: Bool
        /// Whether an event's `d` is a list.
        public var bodyIsArray: Bool
        public var clock: any TradingClock

        public init(
            host: String = "127.0.0.1", port: Int = 0, tls: ServerOptions.TLS? = nil, passwords: [String: String] = [:],
            accounts: [String] = ["DEMO25"], cash: Notional = 50_000, tokenLife: Duration = .seconds(4800),
            decisionDelay: Duration = .milliseconds(5), entityIsArray: Bool = false, bodyIsArray: Bool = false,
            clock: any TradingClock = SystemClock()
        ) {
            self.host = host
            self.port = port
            self.tls = tls
            self.passwords = passwords
            self.accounts = accounts
            self.cash = cash
            self.tokenLife = tokenLife
            self.decisionDelay = decisionDelay
            self.entityIsArray = entityIsArray
            self.bodyIsArray = bodyIsArray
            self.clock = clock
        }
    }

    public let options: Options
    public let exchange: SimulatedExchange
    public let faults: FaultPlan
    /// Oracle and reset, as the HTTP controls offer them.
    public let controls: SimulatorControls
    /// Names of the listed contracts of a product, the front one first: `MNQZ6`, `MNQH7`, …
    public func contracts(of root: String) -> [String] { venue.market.contracts.filter { $0.product.root == root }.map(\.name) }
    /// Token requests and renewals that were granted so far.
    public var logins: Int { sessions.logins }
    public var renewals: Int { sessions.renewals }
    let venue: TradovateVenue
    let sessions: TradovateSessions
    private let ownControls: TradovateControls
    private let socket: TradovateSocket
    private let desk: TradovateDesk
    private let logger: Logger

    /// What an account has of everything: margin is the venue's own check, made before the exchange is asked.
    private static let plenty = Quantity(1_000_000_000_000)

    public init(
        _ options: Options = Options(), logger: Logger = Logger(label: "tradovate-simulator", factory: { _ in SwiftLogNoOpLogHandler() })
    ) {
        self.options = options
        self.logger = logger
        let market = TradovateMarket(at: options.clock.wallTime)
        let assets = market.contracts.map { Asset($0.name) } + ["USD"]
        let exchange = SimulatedExchange(
            ExchangeCore.Settings(
                instruments: market.instruments,
                prices: Dictionary(market.contracts.map { (Symbol($0.name), $0.product.price) }, uniquingKeysWith: { first, _ in first }),
                initialBalances: Dictionary(assets.map { ($0, Self.plenty) }, uniquingKeysWith: { first, _ in first }), duplicateRule: .never),
            clock: options.clock)
        var settings = TradovateVenue.Settings()
        settings.accounts = options.accounts
        settings.cash = options.cash
        settings.decisionDelay = options.decisionDelay
        let venue = TradovateVenue(exchange: exchange, market: market, settings: settings, clock: options.clock)
        let sessions = TradovateSessions(clock: options.clock, life: options.tokenLife, passwords: options.passwords)
        let faults = FaultPlan()
        self.exchange = exchange
        self.faults = faults
        self.venue = venue
        self.sessions = sessions
        controls = SimulatorControls(
            exchange: exchange, faults: faults, streams: StreamFaults(plan: faults, clock: options.clock), log: RequestLog(),
            onReset: {
                venue.reset()
                sessions.reset()
            },
            onChange: { try await venue.settle($0) },
            names: { order in
                let (id, isTrailing) = venue.state.withLock { state in
                    let id = state.orderID[order.id]
                    return (id, id.flatMap { state.terms[$0]?.type } == "TrailingStop")
                }
                return (String(id ?? order.id), isTrailing ? "trailing_stop" : order.kind.rawValue)
            })
        let connections = TradovateConnections()
        ownControls = TradovateControls(venue: venue, sessions: sessions, connections: connections)
        desk = TradovateDesk(venue: venue, sessions: sessions, controls: controls)
        socket = TradovateSocket(
            desk: desk, timing: .init(), shape: .init(entityIsArray: options.entityIsArray, bodyIsArray: options.bodyIsArray),
            connections: connections)
    }

    // MARK: Controls from code

    /// Displaces all sessions, as newer ones of the same user would.
    public func kickSessions() async { await ownControls.kick() }

    /// Says on every socket that the venue goes down for maintenance, and closes it.
    public func shutDownSockets() async { await ownControls.shutdown() }

    /// Ends every token now; renewing them fails.
    public func expireTokens() { sessions.expireAll() }

    /// Answers the next requests to an endpoint such as `order/placeorder` with a penalty ticket.
    public func penalise(_ endpoint: String, times: Int = 1, seconds: Int64 = 1, captcha: Bool = false) {
        sessions.penalise(endpoint, times: times, seconds: seconds, captcha: captcha)
    }

    /// Takes the next order and refuses it later, as risk checks do.
    public func refuseNextOrder(reason: String, text: String) { ownControls.refuseNext(reason: reason, text: text) }

    /// Moves the market; what it reaches was told, and trailing stops have followed, when this returns.
    public func setPrice(_ price: Price, of symbol: Symbol) async throws {
        try await venue.settle(exchange.setPrice(price, of: symbol))
    }

    /// Fills a part of a resting order, which was told when this returns.
    public func fill(_ order: Int64, quantity: Quantity) async throws {
        try await venue.settle(exchange.fill(order, quantity: quantity))
    }

    // MARK: Serving

    /// Serves until cancelled, or until a graceful shutdown. Once per value.
    ///
    /// - Parameter onListening: Called once, when both wires answer.
    public func run(onListening: @escaping @Sendable (Address) async -> Void = { _ in }) async throws {
        let router = Router(context: ChannelContext.self)
        TradovateREST(desk: desk).addRoutes(to: router)
        controls.addRoutes(to: router)
        ownControls.addRoutes(to: router)
        let server = try makeServer(
            responder: router.buildResponder(),
            options: ServerOptions(
                host: options.host, port: options.port, tls: options.tls,
                webSockets: [TradovateSocket.path: { [socket] in try await socket.serve($0) }]),
            logger: logger,
            onListening: { [options] port in await onListening(Address(host: options.host, port: port, isSecure: options.tls != nil)) })
        // Taken before anybody can place an order.
        let batches = venue.accounts.map { exchange.events(of: $0.key) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            for own in batches { group.addTask { [venue] in try await venue.follow(own) } }
            group.addTask { [venue] in try await venue.runDecisions() }
            group.addTask { [venue] in try await venue.trail() }
            group.addTask { try await server.run() }
            try await group.next()
        }
    }

    /// Where a running simulator is reached.
    public struct Address: Sendable, Hashable {
        public let host: String
        public let port: Int
        public let isSecure: Bool
        /// Base URL of the REST wire.
        public var rest: String { "\(isSecure ? "https" : "http")://\(host):\(port)/v1" }
        /// Whole URL of the WebSocket.
        public var webSocket: String { "\(isSecure ? "wss" : "ws")://\(host):\(port)/v1/websocket" }
    }

    /// Runs a simulator while `body` uses it, on a free port unless the options say one.
    public static func withServer<T: Sendable>(
        _ options: Options = Options(), _ body: @escaping @Sendable (TradovateSimulator, Address) async throws -> T
    ) async throws -> T {
        let simulator = TradovateSimulator(options)
        let (addresses, continuation) = AsyncStream.makeStream(of: Address.self, bufferingPolicy: .bufferingNewest(1))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { continuation.finish() }
                try await simulator.run { continuation.yield($0) }
            }
            defer { group.cancelAll() }
            for await address in addresses {
                return try await body(simulator, address)
            }
            try await group.next()
            throw CancellationError()
        }
    }
}
