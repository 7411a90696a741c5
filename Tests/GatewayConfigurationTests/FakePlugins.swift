import BrokerContract
import Foundation
import GatewayConfiguration
import LockContract
import PluginSettings
import StoreContract
import TradingModel

/// A venue with a sandbox and a live endpoint. It makes no broker: configuration alone is tested here.
enum FakeVenue: BrokerPlugin {
    struct Configuration: PluginConfiguration {
        let endpoint: String
        let key: Secret
        let secret: Secret
        init(reading settings: SettingsReader) {
            endpoint = settings.text("endpoint") ?? "https://sandbox.example"
            (key, secret) = settings.block("credentials") { ($0.requiredSecret("key"), $0.requiredSecret("secret")) }
        }
    }
    static let id = "venue"
    static let displayName = "Venue"
    static let capabilities = BrokerCapabilities(orderTypes: [.market], timesInForce: [.gtc], hasStream: false)
    static let semantics = VenueSemantics(
        deduplication: .forever, lookup: .none, visibilityHorizon: .seconds(1), requestExpiry: .none, stream: .none, fillKey: .none,
        cancelKey: .none, definitiveRefusals: [], clientOrderIDRules: ClientOrderIDRules(form: .token, maximumLength: 36))
    static let defaultMode = AccountMode.sandbox
    static func isLive(_ configuration: Configuration) -> Bool { configuration.endpoint == "https://live.example" }
    static func makeBroker(_ configuration: Configuration, context: BrokerContext) throws(BrokerError) -> any Broker {
        throw BrokerError(.unsupported, effect: .notSent, "a fake")
    }
}

enum FakePaper: BrokerPlugin {
    struct Configuration: PluginConfiguration {
        let balances: [String]
        init(reading settings: SettingsReader) { balances = settings.scalars("balances").map(\.text) }
    }
    static let id = "paper"
    static let displayName = "Paper"
    static let capabilities = FakeVenue.capabilities
    static let semantics = FakeVenue.semantics
    static let defaultMode = AccountMode.paper
    static func isLive(_ configuration: Configuration) -> Bool { false }
    static func makeBroker(_ configuration: Configuration, context: BrokerContext) throws(BrokerError) -> any Broker {
        throw BrokerError(.unsupported, effect: .notSent, "a fake")
    }
}

struct FakeError: Error {}

enum FakeStore: StorePlugin {
    struct Configuration: PluginConfiguration {
        let path: String
        init(reading settings: SettingsReader) { path = settings.requiredText("path") }
    }
    static let id = "sqlite"
    static func openStore(_ configuration: Configuration, context: StoreContext) async throws -> any OrderStore { throw FakeError() }
}

enum FakeLock: LockPlugin {
    struct Configuration: PluginConfiguration {
        init(reading settings: SettingsReader) { _ = settings.text("path") }
    }
    static let id = "sqlite"
    static func makeBackend(_ configuration: Configuration, context: LockContext) throws -> any LockBackend { throw FakeError() }
}

/// Reads a text as the program would, with fake plugins and a fixed environment.
func read(_ text: String) throws(ConfigurationError) -> ConfigurationFile { try read(bytes: Array(text.utf8)) }

func read(bytes: [UInt8]) throws(ConfigurationError) -> ConfigurationFile {
    var brokers = BrokerRegistry()
    brokers.register(FakeVenue.self)
    brokers.register(FakePaper.self)
    var locks = LockRegistry()
    locks.register(FakeLock.self)
    var stores = StoreRegistry()
    stores.register(FakeStore.self)
    let secrets = SecretResolver(environment: ["TV": "hook-secret-1", "KEY": "venue-key-1", "SECRET": "venue-secret-1", "READ": "read-token-1"]) { path in
        guard path == "/run/secrets/tv" else { throw CocoaError(.fileNoSuchFile) }
        return "file-secret-1"
    }
    return try ConfigurationLoader(brokers: brokers, locks: locks, stores: stores, secrets: secrets).load(bytes, name: "turnstile.yaml")
}

/// The problems of a text, as they are printed.
func problems(_ text: String) -> [String] {
    do {
        _ = try read(text)
        return []
    } catch {
        return error.description.split(separator: "\n").map(String.init)
    }
}

/// A small file that is right. Its parts are exchanged by the tests.
func file(
    version: String = "version: 1", http: String = "http: { port: 0, tokens: { reader: env:READ } }",
    store: String = "store: { type: sqlite, path: t.db }", locks: String = "locks: { type: sqlite, ttl: 30s }",
    sources: String = "sources: { tv: { secret: env:TV } }",
    accounts: String = "accounts: { a: { broker: venue, credentials: { key: env:KEY, secret: env:SECRET } }, p: { broker: paper } }",
    strategies: String = "strategies: { trend: { source: tv, symbols: { BTCUSD: { a: BTCUSDT, p: BTCUSDT } }, accounts: { a: {}, p: {} } } }",
    more: String = ""
) -> String {
    [version, http, store, locks, sources, accounts, strategies, more].filter { !$0.isEmpty }.joined(separator: "\n") + "\n"
}
