import LockContract
import PluginSettings

/// Opens the lock backend. Fails as the plugin's `makeBackend` does.
public typealias LockFactory = @Sendable (LockContext) throws -> any LockBackend

/// The lock backends that a configuration can name under `locks: { type: … }`.
public struct LockRegistry: Sendable {
    struct Entry: Sendable {
        let id: String
        let read: @Sendable (SettingsReader) -> LockFactory
    }

    private var table = PluginTable<Entry>(kind: "lock type")

    public init() {}

    public mutating func register<Plugin: LockPlugin>(_ plugin: Plugin.Type) {
        table.register(
            plugin.id,
            Entry(id: plugin.id) { settings in
                let configuration = Plugin.Configuration(reading: settings)
                return { context in try Plugin.makeBackend(configuration, context: context) }
            })
    }

    /// The ids, in the order of registration.
    public var ids: [String] { table.all.map(\.id) }

    func entry(in settings: SettingsReader) -> Entry? { table.entry(named: "type", in: settings) }
}
