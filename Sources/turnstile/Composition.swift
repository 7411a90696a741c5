import BinanceStyle
import BinanceStyleSimulator
import Coinbase
import CoinbaseSimulator
import GatewayConfiguration
import Logging
import MemoryLock
import Paper
import SQLiteLock
import SQLiteStore
import ServerKit
import Tradovate
import TradovateSimulator

// The composition root: the only file that names plugins, one line each.

func allBrokers() -> BrokerRegistry {
    var brokers = BrokerRegistry()
    brokers.register(BinanceStylePlugin.self)
    brokers.register(CoinbasePlugin.self)
    brokers.register(PaperPlugin.self)
    brokers.register(TradovatePlugin.self)
    return brokers
}

func allLocks() -> LockRegistry {
    var locks = LockRegistry()
    locks.register(SQLiteLockPlugin.self)
    locks.register(MemoryLockPlugin.self)
    return locks
}

func allStores() -> StoreRegistry {
    var stores = StoreRegistry()
    stores.register(SQLiteStorePlugin.self)
    return stores
}

extension ConfigurationLoader {
    /// Reads files for this program, with secrets from its environment.
    static let program = ConfigurationLoader(brokers: allBrokers(), locks: allLocks(), stores: allStores())
}

/// A simulated venue that the program can be.
struct VenueSimulator: Sendable {
    /// The word after `simulate`.
    let id: String
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
    var logger: Logger
}

struct SimulatorAddress: Sendable {
    let rest: String
    let webSocket: String
}

let binanceSimulator = VenueSimulator(id: "binance") { options, onListening in
    let tls = options.tls.map { ServerOptions.TLS(certificatePath: $0.certificate, keyPath: $0.key) }
    var venue = BinanceSimulator.Options(host: options.host, port: options.port, tls: tls)
    if let limit = options.ordersPerTenSeconds { venue.ordersPerTenSeconds = limit }
    if let limit = options.weightPerMinute { venue.weightPerMinute = limit }
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

func allSimulators() -> [VenueSimulator] { [binanceSimulator, coinbaseSimulator, tradovateSimulator] }
