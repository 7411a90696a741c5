import LockContract
import PluginSettings

/// Locks that the processes of one host share through a file, named `sqlite` in the configuration.
public enum SQLiteLockPlugin: LockPlugin {
    public static let id = "sqlite"

    public struct Configuration: PluginConfiguration {
        /// The database file; its folder is made if absent. It must be on a local disk.
        public var path: String
        public init(path: String = "var/turnstile.locks.db") { self.path = path }
        public init(reading settings: SettingsReader) {
            path = settings.text("path") ?? "var/turnstile.locks.db"
            if path.isEmpty { settings.problem("\(settings.path).path must not be empty", at: settings.position(of: "path")) }
        }
    }

    public static func makeBackend(_ configuration: Configuration, context: LockContext) throws -> any LockBackend {
        try SQLiteLock(path: configuration.path, clock: context.clock)
    }
}
