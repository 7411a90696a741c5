import BinanceStyle
import BinanceStyleSimulator
import Coinbase
import CoinbaseSimulator
import EtcdLock
import GatewayConfiguration
import Logging
import MemoryLock
import Paper
import PostgresLock
import RedisLock
import RedisRateLimit
import SQLiteLock
import SQLiteStore
import ServerKit
import Tradovate
import TradovateSimulator
// turnstile adapter new: imports above this line

// The composition root: the only file that names plugins, one line each.

func allBrokers() -> BrokerRegistry {
    var brokers = BrokerRegistry()
    brokers.register(BinanceStylePlugin.self)
    brokers.register(CoinbasePlugin.self)
    brokers.register(PaperPlugin.self)
    brokers.register(TradovatePlugin.self)
    for adapter in newAdapters() { adapter.register(&brokers) }
    return brokers
}

/// Adapters of authors, each with the simulator of its venue.
func newAdapters() -> [InstalledAdapter] {
    [
        // turnstile adapter new: one line above this one
    ]
}

func allLocks() -> LockRegistry {
    var locks = LockRegistry()
    locks.register(SQLiteLockPlugin.self)
    locks.register(MemoryLockPlugin.self)
    locks.register(RedisLockPlugin.self)
    locks.register(EtcdLockPlugin.self)
    locks.register(PostgresLockPlugin.self)
    return locks
}

func allStores() -> StoreRegistry {
    var stores = StoreRegistry()
    stores.register(SQLiteStorePlugin.self)
    return stores
}

func allRateLimiters() -> RateLimitRegistry {
    var limiters = RateLimitRegistry()
    limiters.register(RedisRateLimitPlugin.self)
    return limiters
}

extension ConfigurationLoader {
    /// Reads files for this program, with secrets from its environment.
    static let program = ConfigurationLoader(brokers: allBrokers(), locks: usableLocks(), stores: allStores(), limiters: allRateLimiters())

    /// Builds for tests can also be given a lock that lies.
    private static func usableLocks() -> LockRegistry {
        var locks = allLocks()
        #if FAILPOINTS
            locks.register(LyingLockPlugin.self)
        #endif
        return locks
    }
}

/// A simulated venue that the program can be.
struct VenueSimulator: Sendable {
    /// The word after `simulate`.
    let id: String
    /// What `--dialect` can name.
    var dialects: [String] = []
    /// Serves until cancelled or shut down gracefully; calls `onListening` once, when it answers.
    let run: @Sendable (_ options: SimulatorOptions, _ onListening: @escaping @Sendable (SimulatorAddress) async -> Void) async throws -> Void
}

struct SimulatorOptions: Sendable {
    var host = "127.0.0.1"
    /// 0 takes a free port.
    var port = 0
    var tls: TLSFiles?
    /// Limits that the venue tells its clients; nil for the venue's own.
    var ordersPerTenSeconds: Int?
    var weightPerMinute: Int?
    /// Which venue of a family; nil for the usual one.
    var dialect: String?
    /// Whether the limits are enforced, and not only told.
    var enforcesLimits = false
    var logger: Logger
}

struct SimulatorAddress: Sendable {
    let rest: String
    let webSocket: String
}

let binanceSimulator = VenueSimulator(id: "binance", dialects: BinanceSimulatorDialect.allCases.map(\.rawValue)) { options, onListening in
    let tls = options.tls.map { ServerOptions.TLS(certificatePath: $0.certificate, keyPath: $0.key) }
    let venue = BinanceSimulator.Options(
        host: options.host, port: options.port, tls: tls, enforcesLimits: options.enforcesLimits, ordersPerTenSeconds: options.ordersPerTenSeconds,
        weightPerMinute: options.weightPerMinute, dialect: options.dialect.flatMap(BinanceSimulatorDialect.init(rawValue:)) ?? .spot)
    try await BinanceSimulator(venue, logger: options.logger).run { address in
        await onListening(SimulatorAddress(rest: address.rest, webSocket: address.webSocket))
    }
}

let coinbaseSimulator = VenueSimulator(id: "coinbase") { options, onListening in
    let tls = options.tls.map { ServerOptions.TLS(certificatePath: $0.certificate, keyPath: $0.key) }
    try await CoinbaseSimulator(.init(host: options.host, port: options.port, tls: tls), logger: options.logger).run { address in
        await onListening(SimulatorAddress(rest: address.rest, webSocket: address.webSocket))
    }
}

let tradovateSimulator = VenueSimulator(id: "tradovate") { options, onListening in
    let tls = options.tls.map { ServerOptions.TLS(certificatePath: $0.certificate, keyPath: $0.key) }
    try await TradovateSimulator(.init(host: options.host, port: options.port, tls: tls), logger: options.logger).run { address in
        await onListening(SimulatorAddress(rest: address.rest, webSocket: address.webSocket))
    }
}

func allSimulators() -> [VenueSimulator] { [binanceSimulator, coinbaseSimulator, tradovateSimulator] + newAdapters().map(\.simulator) }
