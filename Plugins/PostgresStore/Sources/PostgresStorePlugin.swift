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
            url = settings.requiredSecret("url")
            if !url.isEmpty, !PostgresConfiguration(url: url).isReadable {
                settings.problem(
                    "\(settings.path).url is no connection URI such as postgresql://user@host:5432/database?sslmode=verify-full",
                    at: settings.position(of: "url"))
            }
            schema = settings.text("schema") ?? "turnstile"
            if !Self.isName(schema) {
                settings.problem(
                    "\(settings.path).schema must be 1 to 40 of lower-case letters, digits and _, not starting with a digit or pg_",
                    at: settings.position(of: "schema"))
            }
            connectTimeout = settings.duration("connect_timeout", default: .seconds(5), in: .seconds(1) ... .seconds(60))
            statementTimeout = settings.duration("statement_timeout", default: .seconds(10), in: .seconds(1) ... .seconds(60))
            pool = settings.block("pool") { block in
                PostgresPool.Options(
                    size: block.integer("size", default: 4, in: 1...64),
                    acquireTimeout: block.duration("acquire_timeout", default: .seconds(5), in: .milliseconds(100) ... .seconds(60)),
                    maxAge: block.duration("max_age", default: .seconds(1800), in: .seconds(10) ... .seconds(86400)))
            }
        }

        private static func isName(_ text: String) -> Bool {
            let letters = text.utf8
            guard let first = letters.first, letters.count <= 40, !text.hasPrefix("pg_") else { return false }
            func isLetter(_ byte: UInt8) -> Bool { byte == 0x5F || (0x61...0x7A).contains(byte) }
            return isLetter(first) && letters.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) }
        }
    }

    public static func openStore(_ configuration: Configuration, context: StoreContext) async throws -> any OrderStore {
        try await PostgresOrderStore.open(configuration, context: context)
    }
}
