import BrokerContract
import Gateway
import GatewayAPI
import GatewayConfiguration
import LockContract
import Logging
import RateLimitContract
import ServiceLifecycle
import StoreContract
import TradingModel

/// A part that could not be made, in words for the operator.
struct StartError: Error, CustomStringConvertible {
    let description: String
    /// Whether the configuration is to blame.
    let isConfiguration: Bool
    init(_ description: String, isConfiguration: Bool = false) {
        self.description = description
        self.isConfiguration = isConfiguration
    }
}

/// The gateway's parts as a configuration asks for them. Making them opens the store; nothing is sent before `services` run.
struct GatewayParts {
    let store: any OrderStore
    let gateway: TradingGateway
    private let locks: any LockBackend
    private let logger: Logger
    /// In the order of start; they are stopped in reverse. While the gateway finishes what is in flight, the open port answers 503,
    /// so that senders try again: a closed port would make some of them give up.
    let services: [any Service]

    init(_ file: ConfigurationFile, clock: any TradingClock, logger: Logger, onListening: @escaping @Sendable (Int) -> Void) async throws {
        let store = try await Self.attempt("store") { try await file.store.open(StoreContext(clock: clock, logger: logger)) }
        self.store = store
        logger.notice("\(store.capabilities.notice)", metadata: ["store": "\(file.store.type)"])
        let locks = try Self.attempt("locks") {
            try file.locks.make(LockContext(clock: clock, logger: logger, stateDirectory: file.stateDirectory))
        }
        self.locks = locks
        self.logger = logger
        logger.notice("\(locks.capabilities.notice)", metadata: ["locks": "\(file.locks.type)"])
        let allowed = locks.capabilities.minimumTTL...max(locks.capabilities.minimumTTL, locks.capabilities.maximumTTL)
        guard allowed.contains(file.locks.ttl) else {
            throw StartError("locks.ttl: \(file.locks.type) takes \(allowed.lowerBound) to \(allowed.upperBound)", isConfiguration: true)
        }
        let limiter = try Self.attempt("rate_limit_backend") { try file.rateLimits.make(RateLimitContext(clock: clock, logger: logger)) }
        if let limiter { logger.notice("\(limiter.capabilities.notice)", metadata: ["rate_limit_backend": "\(file.rateLimits.type)"]) }
        var settings = file.gateway
        settings.programVersion = TurnstileCommand.version
        gateway = TradingGateway(
            settings: settings, store: store, locks: locks, brokers: try Self.brokers(file, clock: clock, logger: logger),
            limiter: limiter, clock: clock, logger: logger)
        let http = file.http.tls.map { "http.tls (\($0.certificate), \($0.key))" } ?? "http"
        let api = try Self.attempt(http) { [gateway] in
            try GatewayAPI.makeService(
                gateway: gateway,
                options: APIOptions(
                    host: file.http.host, port: file.http.port, readTokens: file.http.tokens["reader"].map { [$0] } ?? [],
                    tradeTokens: file.http.tokens["trader"].map { [$0] } ?? [], adminTokens: file.http.tokens["admin"].map { [$0] } ?? [],
                    tls: file.http.tls.map { APIOptions.TLS(certificatePath: $0.certificate, keyPath: $0.key) },
                    build: TurnstileCommand.version, adapters: allBrokers().entries.map(AdapterDescription.init), onListening: onListening),
                clock: clock, logger: logger)
        }
        services = [api, gateway]
    }

    /// Asks the lock backend whether its settings are safe. One that does not answer stops nothing: until it does, nothing is sent.
    func checkLocks() async throws {
        do throws(LockError) {
            for warning in try await locks.check() { logger.warning("locks: \(warning)") }
        } catch {
            guard case .unavailable = error else { throw StartError("locks: \(error)", isConfiguration: true) }
            logger.error("\(error); nothing is sent until it answers")
        }
    }

    private static func brokers(_ file: ConfigurationFile, clock: any TradingClock, logger: Logger) throws -> [AccountID: any Broker] {
        var brokers: [AccountID: any Broker] = [:]
        for account in file.accounts {
            var own = logger
            own[metadataKey: "account"] = "\(account.settings.id)"
            let context = BrokerContext(
                account: account.settings.id, mode: account.settings.mode, clock: clock, logger: own,
                stateDirectory: "\(file.stateDirectory)/accounts/\(account.settings.id)")
            brokers[account.settings.id] = try attempt("accounts.\(account.settings.id)") { try account.makeBroker(context) }
            logger.notice(
                "account ready", metadata: ["account": "\(account.settings.id)", "broker": "\(account.settings.broker)", "mode": "\(account.settings.mode)"])
        }
        return brokers
    }

    private static func attempt<T>(_ part: String, _ body: () async throws -> T) async throws -> T {
        do { return try await body() } catch { throw StartError("\(part): \(error)") }
    }

    private static func attempt<T>(_ part: String, _ body: () throws -> T) throws -> T {
        do { return try body() } catch { throw StartError("\(part): \(error)") }
    }
}

extension AdapterDescription {
    init(_ entry: BrokerRegistry.Entry) {
        self.init(
            id: entry.id, displayName: entry.displayName, defaultMode: entry.defaultMode, capabilities: entry.capabilities,
            semantics: entry.semantics)
    }
}
