import LockContract
import PluginSettings
import PostgresKit
import StoreContract
import TradingModel

/// The order store on a Postgres server that several gateways share, named `postgres` in the configuration.
public enum PostgresStorePlugin: StorePlugin {
    public static let id = "postgres"

    public struct Configuration: PluginConfiguration {
        /// A connection URI. On a server that is not local, TLS with a verified name is the default.
        public var url: Secret
        /// The schema that holds the tables; made if absent.
        public var schema: String
        /// Connections for reading. Two more are for writing and listening.
        public var pool: PostgresPool.Options
        public var connectTimeout: Duration
        public var statementTimeout: Duration

        public init(
            url: Secret, schema: String = "turnstile", pool: PostgresPool.Options = .init(), connectTimeout: Duration = .seconds(5),
            statementTimeout: Duration = .seconds(10)
        ) {
            self.url = url
            self.schema = schema
            self.pool = pool
            self.connectTimeout = connectTimeout
            self.statementTimeout = statementTimeout
        }

        public init(reading settings: SettingsReader) {
            url = PostgresConfiguration.url(reading: settings)
            schema = PostgresConfiguration.schema(reading: settings, default: "turnstile")
            connectTimeout = settings.duration("connect_timeout", default: .seconds(5), in: .seconds(1) ... .seconds(60))
            statementTimeout = settings.duration("statement_timeout", default: .seconds(10), in: .seconds(1) ... .seconds(60))
            pool = settings.block("pool") { block in
                PostgresPool.Options(
                    size: block.integer("size", default: 4, in: 1...64),
                    acquireTimeout: block.duration("acquire_timeout", default: .seconds(5), in: .milliseconds(100) ... .seconds(60)),
                    maxAge: block.duration("max_age", default: .seconds(1800), in: .seconds(10) ... .seconds(86400)))
            }
        }
    }

    public static func openStore(_ configuration: Configuration, context: StoreContext) async throws -> any OrderStore {
        try await PostgresOrderStore.open(configuration, context: context)
    }
}
