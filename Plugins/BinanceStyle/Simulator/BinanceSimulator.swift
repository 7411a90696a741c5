import Foundation
import Hummingbird
import Logging
import ServerKit
import SimulatorKit
import TradingModel

/// A venue of the Binance family on loopback: REST under `/api/v3` or `/fapi`, the WebSocket API at `/ws-api/v3` or user streams by
/// listen key, and the oracle and controls of every simulator under `/_sim`.
public struct BinanceSimulator: Sendable {
    public struct Options: Sendable {
        public var host: String
        /// 0 takes a free port.
        public var port: Int
        /// Nil serves `http` and `ws`.
        public var tls: ServerOptions.TLS?
        /// Keys whose signatures are verified.
        public var keys: [String: BinanceKey]
        /// Whether a key that is not registered is taken, with any signature.
        public var acceptsUnknownKeys: Bool
        /// What each account, that is each API key, starts with.
        public var balances: [Asset: Quantity]
        public var prices: [Symbol: Price]
        public var makerFee: Quantity
        public var takerFee: Quantity
        /// Whether the limits that `exchangeInfo` lists are enforced.
        public var enforcesLimits: Bool
        /// Of `ORDERS` per 10 seconds, as listed by `exchangeInfo`.
        public var ordersPerTenSeconds: Int
        /// Of `REQUEST_WEIGHT` per minute, as listed by `exchangeInfo`.
        public var weightPerMinute: Int
        public var dialect: BinanceSimulatorDialect
        /// Of a listen key that nobody prolongs.
        public var listenKeyLife: Duration
        /// Refused requests of one minute after which the address is banned.
        public var refusalsBeforeBan: Int
        /// Of the first ban.
        public var banTime: Duration
        public var clock: any TradingClock

        public init(
            host: String = "127.0.0.1", port: Int = 0, tls: ServerOptions.TLS? = nil, keys: [String: BinanceKey] = [:],
            acceptsUnknownKeys: Bool = true, balances: [Asset: Quantity] = ["USDT": 1_000_000, "BTC": 100, "ETH": 1000],
            prices: [Symbol: Price] = ["BTCUSDT": 60000, "ETHUSDT": 3000, "ETHBTC": Price(Decimal(sign: .plus, exponent: -2, significand: 5))], makerFee: Quantity = Quantity(Decimal(sign: .plus, exponent: -3, significand: 1)),
            takerFee: Quantity = Quantity(Decimal(sign: .plus, exponent: -3, significand: 1)), enforcesLimits: Bool = false, ordersPerTenSeconds: Int? = nil,
            weightPerMinute: Int? = nil, dialect: BinanceSimulatorDialect = .spot, listenKeyLife: Duration = .seconds(3600),
            refusalsBeforeBan: Int = 10, banTime: Duration = .seconds(120), clock: any TradingClock = SystemClock()
        ) {
            self.host = host
            self.port = port
            self.tls = tls
            self.keys = keys
            self.acceptsUnknownKeys = acceptsUnknownKeys
            self.balances = balances
            self.prices = prices
            self.makerFee = makerFee
            self.takerFee = takerFee
            self.enforcesLimits = enforcesLimits
            self.ordersPerTenSeconds = ordersPerTenSeconds ?? (dialect == .usdm ? 300 : 100)
            self.weightPerMinute = weightPerMinute ?? (dialect == .usdm ? 2400 : dialect == .binanceUS ? 1200 : 6000)
            self.dialect = dialect
            self.listenKeyLife = listenKeyLife
            self.refusalsBeforeBan = refusalsBeforeBan
            self.banTime = banTime
            self.clock = clock
        }
    }

    public let options: Options
    public let exchange: SimulatedExchange
    public let faults: FaultPlan
    /// Oracle and reset, as the HTTP controls offer them.
    public let controls: SimulatorControls
    private let desk: BinanceDesk
    private let logger: Logger

    public init(_ options: Options = Options(), logger: Logger = Logger(label: "binance-simulator", factory: { _ in SwiftLogNoOpLogHandler() })) {
        self.options = options
        self.logger = logger
        let isFutures = options.dialect == .usdm
        let markets = isFutures ? BinanceMarket.futures : BinanceMarket.standard
        // The futures decide by margin what an account can afford; the exchange beneath never says no.
        let plenty = Quantity(Decimal(sign: .plus, exponent: 15, significand: 1))
        let balances = isFutures ? ["USDT": plenty, "BTC": plenty, "ETH": plenty] : options.balances
        let exchange = SimulatedExchange(
            ExchangeCore.Settings(
                instruments: markets.map(\.instrument), prices: options.prices, initialBalances: balances,
                makerFee: options.makerFee, takerFee: options.takerFee, feesInQuote: isFutures, duplicateRule: .amongOpen), clock: options.clock)
        let limits = BinanceLimits(
            .init(
                weightPerMinute: options.weightPerMinute, 
                orders: isFutures
                    ? BinanceLimits.OrderWindow.futures(perTenSeconds: options.ordersPerTenSeconds)
                    : BinanceLimits.OrderWindow.spot(perTenSeconds: options.ordersPerTenSeconds),
                isEnforced: options.enforcesLimits, refusalsBeforeBan: options.refusalsBeforeBan, banTime: options.banTime))
        let engine = BinanceEngine(exchange: exchange, markets: markets, clock: options.clock, limits: limits, dialect: options.dialect,
            listenKeys: BinanceListenKeys(life: options.listenKeyLife, clock: options.clock),
            futuresDeposit: options.balances["USDT"] ?? .zero)
        let faults = FaultPlan()
        self.exchange = exchange
        self.faults = faults
        controls = SimulatorControls(
            exchange: exchange, faults: faults, streams: StreamFaults(plan: faults, clock: options.clock), log: RequestLog(),
            onReset: { engine.reset() })
        desk = BinanceDesk(engine: engine, controls: controls, keys: options.keys, acceptsUnknownKeys: options.acceptsUnknownKeys)
    }

    /// Serves until cancelled, or until a graceful shutdown. Once per value.
    ///
    /// - Parameter onListening: Called once, when both wires answer.
    public func run(onListening: @escaping @Sendable (Address) async -> Void = { _ in }) async throws {
        let router = Router(context: ChannelContext.self)
        BinanceREST(desk: desk).addRoutes(to: router)
        controls.addRoutes(to: router)
        let api = BinanceWebSocketAPI(desk: desk)
        var sockets: [String: WebSocketHandler] = options.dialect == .usdm ? [:] : [BinanceWebSocketAPI.path: { try await api.serve($0) }]
        if options.dialect.hasListenKeys {
            let users = BinanceUserSocket(desk: desk)
            for path in BinanceUserSocket.paths {
                sockets[path] = { try await users.serve($0) }
                sockets[path + "/*"] = { try await users.serve($0) }
            }
        }
        let server = try makeServer(
            responder: router.buildResponder(),
            options: ServerOptions(
                host: options.host, port: options.port, tls: options.tls,
                webSockets: sockets),
            logger: logger,
            onListening: { port in await onListening(Address(host: options.host, port: port, isSecure: options.tls != nil, dialect: options.dialect)) })
        try await server.run()
    }

    /// Where a running simulator is reached.
    public struct Address: Sendable, Hashable {
        public let host: String
        public let port: Int
        public let isSecure: Bool
        public let dialect: BinanceSimulatorDialect
        /// Base URL of the REST wire, without `/api/v3`.
        public var rest: String { "\(isSecure ? "https" : "http")://\(host):\(port)" }
        /// Whole URL of the WebSocket API, or of the user stream without its key.
        public var webSocket: String {
            let path = dialect == .spot ? BinanceWebSocketAPI.path : dialect == .usdm ? "/private/ws" : "/ws"
            return "\(isSecure ? "wss" : "ws")://\(host):\(port)\(path)"
        }
    }

    /// Runs a simulator while `body` uses it, on a free port unless the options say one.
    public static func withServer<T: Sendable>(
        _ options: Options = Options(), _ body: @escaping @Sendable (BinanceSimulator, Address) async throws -> T
    ) async throws -> T {
        let simulator = BinanceSimulator(options)
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
