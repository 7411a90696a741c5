import Foundation
import Hummingbird
import Logging
import ServerKit
import SimulatorKit
import TradingModel

/// NewVenue on loopback: its REST wire, and the oracle and controls of every simulator under `/_sim`.
public struct NewVenueSimulator: Sendable {
    public struct Options: Sendable {
        public var host = "127.0.0.1"
        /// 0 takes a free port.
        public var port = 0
        /// Nil serves `http`.
        public var tls: ServerOptions.TLS?
        /// What each account, that is each API key, starts with.
        public var balances: [Asset: Quantity] = ["USD": 1_000_000, "BTC": 100, "ETH": 1000]
        public var prices: [Symbol: Price] = ["BTC-USD": 60000, "ETH-USD": 3000]
        public var clock: any TradingClock = SystemClock()
        public init() {}
    }

    /// What the venue lists.
    static let instruments = [
        Instrument(
            symbol: "BTC-USD", base: "BTC", quote: "USD", tickSize: Price(Decimal(sign: .plus, exponent: -2, significand: 1)),
            lotSize: Quantity(Decimal(sign: .plus, exponent: -5, significand: 1))),
        Instrument(
            symbol: "ETH-USD", base: "ETH", quote: "USD", tickSize: Price(Decimal(sign: .plus, exponent: -2, significand: 1)),
            lotSize: Quantity(Decimal(sign: .plus, exponent: -4, significand: 1))),
    ]

    public let options: Options
    public let exchange: SimulatedExchange
    private let controls: SimulatorControls
    private let logger: Logger

    public init(_ options: Options = Options(), logger: Logger = Logger(label: "newvenue-simulator", factory: { _ in SwiftLogNoOpLogHandler() })) {
        self.options = options
        self.logger = logger
        // `duplicateRule` is the venue's answer to a client order id that comes again, as `deduplication` declares it: `.never` takes it anew.
        exchange = SimulatedExchange(
            ExchangeCore.Settings(
                instruments: Self.instruments, prices: options.prices, initialBalances: options.balances, duplicateRule: .never),
            clock: options.clock)
        let faults = FaultPlan()
        controls = SimulatorControls(
            exchange: exchange, faults: faults, streams: StreamFaults(plan: faults, clock: options.clock), log: RequestLog(),
            names: { order in (NewVenueDesk.venueOrderID(order), order.kind.rawValue) })
    }

    /// Serves until cancelled. Once per value.
    ///
    /// - Parameter onListening: Called once, with the port, when the wire answers.
    public func run(onListening: @escaping @Sendable (Int) async -> Void = { _ in }) async throws {
        let router = Router(context: ChannelContext.self)
        NewVenueWire(exchange: exchange, controls: controls, options: options).addRoutes(to: router)
        controls.addRoutes(to: router)
        let server = try makeServer(
            responder: router.buildResponder(),
            options: ServerOptions(host: options.host, port: options.port, tls: options.tls, webSockets: [:]), logger: logger,
            onListening: onListening)
        try await server.run()
    }

    /// Runs a simulator while `body` uses it, on a free port unless the options say one.
    public static func withServer<T: Sendable>(
        _ options: Options = Options(), _ body: @escaping @Sendable (NewVenueSimulator, _ port: Int) async throws -> T
    ) async throws -> T {
        let simulator = NewVenueSimulator(options)
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingNewest(1))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { continuation.finish() }
                try await simulator.run { continuation.yield($0) }
            }
            defer { group.cancelAll() }
            for await port in ports { return try await body(simulator, port) }
            try await group.next()
            throw CancellationError()
        }
    }
}
