import Foundation
import Hummingbird
import Logging
import ServerKit
import SimulatorKit
import Synchronization
import TradingModel

/// Coinbase Advanced Trade (spot) on loopback: REST under `/api/v3/brokerage`, the WebSocket at `/`, and the oracle and controls of
/// every simulator under `/_sim`.
public struct CoinbaseSimulator: Sendable {
    public struct Options: Sendable {
        public var host: String
        /// 0 takes a free port.
        public var port: Int
        /// Nil serves `http` and `ws`.
        public var tls: ServerOptions.TLS?
        /// A second port of the same venue that serves `http` and `ws` whatever `tls` says; 0 takes a free one, nil has none.
        public var plainPort: Int?
        /// Keys whose signatures are verified, by name.
        public var keys: [String: CoinbasePublicKey]
        /// Whether a key that is not registered is taken, if its token has the right form and claims.
        public var acceptsUnknownKeys: Bool
        /// What each account, that is each key, starts with.
        public var balances: [Asset: Quantity]
        public var prices: [Symbol: Price]
        /// Part of a trade's amount, paid in quote currency by both sides.
        public var makerFee: Quantity
        public var takerFee: Quantity
        /// Whether the request limits are enforced.
        public var enforcesLimits: Bool
        /// Whether a used client order id is refused in words, instead of answered with the order that has it.
        public var refusesDuplicates: Bool
        /// From a cancel's answer to its effect.
        public var cancelDelay: Duration
        /// From an execution to its row in the list of fills.
        public var fillDelay: Duration
        public var heartbeatInterval: Duration
        public var clock: any TradingClock

        public init(
            host: String = "127.0.0.1", port: Int = 0, tls: ServerOptions.TLS? = nil, plainPort: Int? = nil,
            keys: [String: CoinbasePublicKey] = [:],
            acceptsUnknownKeys: Bool = true, balances: [Asset: Quantity] = ["USD": 1_000_000, "BTC": 100, "ETH": 1000],
            prices: [Symbol: Price] = ["BTC-USD": 60000, "ETH-USD": 3000, "ETH-BTC": Price(Decimal(sign: .plus, exponent: -2, significand: 5))],
            makerFee: Quantity = Quantity(Decimal(sign: .plus, exponent: -3, significand: 1)),
            takerFee: Quantity = Quantity(Decimal(sign: .plus, exponent: -3, significand: 1)), enforcesLimits: Bool = false,
            refusesDuplicates: Bool = false, cancelDelay: Duration = .milliseconds(20), fillDelay: Duration = .milliseconds(200),
            heartbeatInterval: Duration = .seconds(1), clock: any TradingClock = SystemClock()
        ) {
            self.host = host
            self.port = port
            self.tls = tls
            self.plainPort = plainPort
            self.keys = keys
            self.acceptsUnknownKeys = acceptsUnknownKeys
            self.balances = balances
            self.prices = prices
            self.makerFee = makerFee
            self.takerFee = takerFee
            self.enforcesLimits = enforcesLimits
            self.refusesDuplicates = refusesDuplicates
            self.cancelDelay = cancelDelay
            self.fillDelay = fillDelay
            self.heartbeatInterval = heartbeatInterval
            self.clock = clock
        }
    }

    /// How often cancels, expiries and brackets are looked at.
    private static let tickInterval = Duration.milliseconds(10)

    public let options: Options
    public let exchange: SimulatedExchange
    public let faults: FaultPlan
    /// Oracle and reset, as the HTTP controls offer them.
    public let controls: SimulatorControls
    private let engine: CoinbaseEngine
    private let desk: CoinbaseDesk
    private let logger: Logger

    public init(_ options: Options = Options(), logger: Logger = Logger(label: "coinbase-simulator", factory: { _ in SwiftLogNoOpLogHandler() })) {
        self.options = options
        self.logger = logger
        let markets = CoinbaseMarket.standard
        let exchange = SimulatedExchange(
            ExchangeCore.Settings(
                instruments: markets.map(\.instrument), prices: options.prices, initialBalances: options.balances,
                makerFee: options.makerFee, takerFee: options.takerFee, feesInQuote: true, duplicateRule: .forever), clock: options.clock)
        let engine = CoinbaseEngine(
            exchange: exchange, markets: markets, clock: options.clock,
            settings: .init(
                refusesDuplicates: options.refusesDuplicates, cancelDelay: options.cancelDelay, fillDelay: options.fillDelay))
        let limits = CoinbaseLimits(isEnforced: options.enforcesLimits)
        let faults = FaultPlan()
        self.exchange = exchange
        self.faults = faults
        self.engine = engine
        controls = SimulatorControls(
            exchange: exchange, faults: faults, streams: StreamFaults(plan: faults, clock: options.clock), log: RequestLog(),
            onReset: {
                engine.reset()
                limits.reset()
            }, onChange: { _ in engine.tick() }, names: { (engine.id(of: $0.id), $0.kind.rawValue) })
        desk = CoinbaseDesk(
            engine: engine, controls: controls, limits: limits, keys: options.keys, acceptsUnknownKeys: options.acceptsUnknownKeys)
    }

    /// Moves the market; brackets that it reaches have acted when this returns.
    public func setPrice(_ price: Price, of symbol: Symbol) throws(ExchangeRefusal) {
        try exchange.setPrice(price, of: symbol)
        engine.tick()
    }

    /// Serves until cancelled, or until a graceful shutdown. Once per value.
    ///
    /// - Parameter onListening: Called once, when both wires answer.
    public func run(onListening: @escaping @Sendable (Address) async -> Void = { _ in }) async throws {
        let router = Router(context: ChannelContext.self)
        CoinbaseREST(desk: desk).addRoutes(to: router)
        controls.addRoutes(to: router)
        let socket = CoinbaseSocket(desk: desk, heartbeatInterval: options.heartbeatInterval)
        let responder = router.buildResponder()
        let wanted = options.plainPort == nil ? 1 : 2
        let ports = Mutex<(main: Int?, plain: Int?)>((nil, nil))
        // Called once, when both ports are known.
        let noteListening: @Sendable (Int, Bool) async -> Void = { [options] port, isMain in
            let known: (main: Int?, plain: Int?)? = ports.withLock { ports in
                if isMain { ports.main = port } else { ports.plain = port }
                return [ports.main, ports.plain].compactMap { $0 }.count == wanted ? ports : nil
            }
            guard let known, let main = known.main else { return }
            await onListening(Address(host: options.host, port: main, isSecure: options.tls != nil, plainPort: known.plain))
        }
        func makeServer(port: Int, tls: ServerOptions.TLS?, isMain: Bool) throws -> Application<RouterResponder<ChannelContext>> {
            try ServerKit.makeServer(
                responder: responder,
                options: ServerOptions(host: options.host, port: port, tls: tls, webSockets: ["/": { try await socket.serve($0) }]),
                logger: logger, onListening: { await noteListening($0, isMain) })
        }
        let server = try makeServer(port: options.port, tls: options.tls, isMain: true)
        let plain = try options.plainPort.map { try makeServer(port: $0, tls: nil, isMain: false) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            if let plain { group.addTask { try await plain.run() } }
            group.addTask {
                while true {
                    try await options.clock.sleep(for: Self.tickInterval)
                    engine.tick()
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Where a running simulator is reached.
    public struct Address: Sendable, Hashable {
        public let host: String
        public let port: Int
        public let isSecure: Bool
        /// The second port, without TLS.
        public let plainPort: Int?
        /// Base URL of the REST wire, without `/api/v3/brokerage`.
        public var rest: String { "\(isSecure ? "https" : "http")://\(host):\(port)" }
        /// Whole URL of the WebSocket.
        public var webSocket: String { "\(isSecure ? "wss" : "ws")://\(host):\(port)" }
    }

    /// Runs a simulator while `body` uses it, on a free port unless the options say one.
    public static func withServer<T: Sendable>(
        _ options: Options = Options(), _ body: @escaping @Sendable (CoinbaseSimulator, Address) async throws -> T
    ) async throws -> T {
        let simulator = CoinbaseSimulator(options)
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
