import PluginSettings
import StoreContract

/// Opens the order store. Fails as the plugin's `openStore` does.
public typealias StoreFactory = @Sendable (StoreContext) async throws -> any OrderStore

/// The order stores that a configuration can name under `store: { type: … }`.
public struct StoreRegistry: Sendable {
    struct Entry: Sendable {
        let id: String
        let read: @Sendable (SettingsReader) -> StoreFactory
    }

    private var table = PluginTable<Entry>(kind: "store type")

    public init() {}

    public mutating func register<Plugin: StorePlugin>(_ plugin: Plugin.Type) {
        table.register(
            plugin.id,
            Entry(id: plugin.id) { settings in
                let configuration = Plugin.Configuration(reading: settings)
                return { context in try await Plugin.openStore(configuration, context: context) }
            })
    }

    /// The ids, in the order of registration.
    public var ids: [String] { table.all.map(\.id) }

    func entry(in settings: SettingsReader) -> Entry? { table.entry(named: "type", in: settings) }
}
