import PluginSettings
import StoreContract

/// The embedded order store, named `sqlite` in the configuration.
public enum SQLiteStorePlugin: StorePlugin {
    public static let id = "sqlite"

    public struct Configuration: PluginConfiguration {
        /// The database file; its folder is made if absent. It must be on a local disk.
        public var path: String
        public init(path: String = "var/turnstile.db") { self.path = path }
        public init(reading settings: SettingsReader) {
            path = settings.text("path") ?? "var/turnstile.db"
            if path.isEmpty { settings.problem("\(settings.path).path must not be empty", at: settings.position(of: "path")) }
        }
    }

    public static func openStore(_ configuration: Configuration, context: StoreContext) async throws -> any OrderStore {
        SQLiteOrderStore(
            pool: try StoreFile.open(path: configuration.path, clock: context.clock, logger: context.logger), clock: context.clock)
    }
}
