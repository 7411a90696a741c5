import BrokerContract
import PluginSettings
import TradingModel

/// Makes one account's broker, without any I/O. Fails as the plugin's `makeBroker` does.
public typealias BrokerFactory = @Sendable (BrokerContext) throws -> any Broker

/// The kinds of broker that a configuration can name after `broker:`.
public struct BrokerRegistry: Sendable {
    /// One kind, for lists.
    public struct Entry: Sendable {
        public let id: String
        public let displayName: String
        public let capabilities: BrokerCapabilities
        public let semantics: VenueSemantics
        public let defaultMode: AccountMode
        public let dialects: [BrokerDialect]
        /// Reads the plugin's part of an account's block: whether it means a live venue, and how to make the broker.
        let read: @Sendable (SettingsReader) -> (isLive: Bool, make: BrokerFactory)
    }

    private var table = PluginTable<Entry>(kind: "broker")

    public init() {}

    public mutating func register<Plugin: BrokerPlugin>(_ plugin: Plugin.Type) {
        let entry = Entry(
            id: plugin.id, displayName: plugin.displayName, capabilities: plugin.capabilities, semantics: plugin.semantics,
            defaultMode: plugin.defaultMode, dialects: plugin.dialects,
            read: { settings in
                let configuration = Plugin.Configuration(reading: settings)
                return (Plugin.isLive(configuration), { context in try Plugin.makeBroker(configuration, context: context) })
            })
        table.register(plugin.id, entry)
    }

    /// In the order of registration.
    public var entries: [Entry] { table.all }

    func entry(in settings: SettingsReader) -> Entry? { table.entry(named: "broker", in: settings) }
}
