import LockContract
import PluginSettings

/// Locks within one process, named `memory` in the configuration.
public enum MemoryLockPlugin: LockPlugin {
    public static let id = "memory"

    public struct Configuration: PluginConfiguration {
        public init() {}
        public init(reading settings: SettingsReader) {}
    }

    public static func makeBackend(_ configuration: Configuration, context: LockContext) throws -> any LockBackend {
        MemoryLock(clock: context.clock)
    }
}
