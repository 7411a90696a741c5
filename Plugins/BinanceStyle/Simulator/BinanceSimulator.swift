import Foundation
import Hummingbird
import Logging
import ServerKit
import SimulatorKit
import TradingModel

/// A Binance-style spot venue on loopback: REST under `/api/v3`, the WebSocket API at `/ws-api/v3`, and the oracle and
/// controls of every simulator under `/_sim`.
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
        public var clock: any TradingClock

        public init(
            host: String = "127.0.0.1", port: Int = 0, tls: ServerOptions.TLS? = nil, keys: [String: BinanceKey] = [:],
            acceptsUnknownKeys: Bool = true, balances: [Asset: Quantity] = ["USDT": 1_000_000, "BTC": 100, "ETH": 1000],
            prices: [Symbol: Price] = ["BTCUSDT": 60000, "ETHUSDT": 3000, "ETHBTC": Price(Decimal(sign: .plus, exponent: -2, significand: 5))], makerFee: Quantity = Quantity(Decimal(sign: .plus, exponent: -3, significand: 1)),
            takerFee: Quantity = Quantity(Decimal(sign: .plus, exponent: -3, significand: 1)), enforcesLimits: Bool = false, ordersPerTenSeconds: Int = 100,
            weightPerMinute: Int = 6000, clock: any TradingClock = SystemClock()
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
            self.ordersPerTenSeconds = ordersPerTenSeconds
            self.weightPerMinute = weightPerMinute
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
        let markets = BinanceMarket.standard
        let exchange = SimulatedExchange(
            ExchangeCore.Settings(
                instruments: markets.map(\.instrument), prices: options.prices, initialBalances: options.balances,
                makerFee: options.makerFee, takerFee: options.takerFee, duplicateRule: .amongOpen), clock: options.clock)
        let limits = BinanceLimits(
            .init(
                weightPerMinute: options.weightPerMinute, orders: BinanceLimits.OrderWindow.spot(perTenSeconds: options.ordersPerTenSeconds),
                isEnforced: options.enforcesLimits))
        let engine = BinanceEngine(exchange: exchange, markets: markets, clock: options.clock, limits: limits)
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
        let server = try makeServer(
            responder: router.buildResponder(),
            options: ServerOptions(
                host: options.host, port: options.port, tls: options.tls,
                webSockets: [BinanceWebSocketAPI.path: { try await api.serve($0) }]),
            logger: logger,
            onListening: { port in await onListening(Address(host: options.host, port: port, isSecure: options.tls != nil)) })
        try await server.run()
    }

    /// Where a running simulator is reached.
    public struct Address: Sendable, Hashable {
        public let host: String
        public let port: Int
        public let isSecure: Bool
        /// Base URL of the REST wire, without `/api/v3`.
        public var rest: String { "\(isSecure ? "https" : "http")://\(host):\(port)" }
        /// Whole URL of the WebSocket API.
        public var webSocket: String { "\(isSecure ? "wss" : "ws")://\(host):\(port)/ws-api/v3" }
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
