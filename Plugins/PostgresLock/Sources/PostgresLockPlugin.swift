import LockContract
import PluginSettings
import PostgresKit
import TradingModel

/// Locks on a Postgres server, named `postgres` in the configuration.
public enum PostgresLockPlugin: LockPlugin {
    public static let id = "postgres"

    public struct Configuration: PluginConfiguration {
        /// A connection URI. On a server that is not local, TLS with a verified name is the default.
        public var url: Secret
        /// The schema that holds the tables; made if absent.
        public var schema: String
        /// At most.
        public var connections: Int
        public var connectTimeout: Duration
        /// For one answer; a call as a whole never takes longer than a fifth of the lease.
        public var requestTimeout: Duration

        public init(
            url: Secret, schema: String = "turnstile_locks", connections: Int = 4, connectTimeout: Duration = .seconds(2),
            requestTimeout: Duration = .seconds(2)
        ) {
            self.url = url
            self.schema = schema
            self.connections = connections
            self.connectTimeout = connectTimeout
            self.requestTimeout = requestTimeout
        }

        public init(reading settings: SettingsReader) {
            url = PostgresConfiguration.url(reading: settings)
            schema = PostgresConfiguration.schema(reading: settings, default: "turnstile_locks")
            connections = settings.integer("connections", default: 4, in: 1...64)
            connectTimeout = settings.duration("connect_timeout", default: .seconds(2), in: .milliseconds(100) ... .seconds(30))
            requestTimeout = settings.duration("request_timeout", default: .seconds(2), in: .milliseconds(50) ... .seconds(30))
        }
    }

    public static func makeBackend(_ configuration: Configuration, context: LockContext) throws -> any LockBackend {
        PostgresLock(configuration, clock: context.clock)
    }
}
