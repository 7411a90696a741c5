import Gateway
import PluginSettings
import RateLimitContract

/// Makes the limiter; nil where the order store limits.
public typealias RateLimitFactory = @Sendable (RateLimitContext) throws -> (any RateLimiter)?

/// The limiters that a configuration can name under `rate_limit_backend: { type: … }`. `store` and `memory` are always there.
public struct RateLimitRegistry: Sendable {
    struct Entry: Sendable {
        let id: String
        let read: @Sendable (SettingsReader) -> RateLimitFactory
    }

    /// What limits when nothing is said.
    static let store = "store"

    private var table = PluginTable<Entry>(kind: "rate limiter")

    public init() {
        table.register(Self.store, Entry(id: Self.store) { _ in { _ in nil } })
        table.register("memory", Entry(id: "memory") { _ in { context in MemoryRateLimiter(clock: context.clock) } })
    }

    public mutating func register<Plugin: RateLimitPlugin>(_ plugin: Plugin.Type) {
        table.register(
            plugin.id,
            Entry(id: plugin.id) { settings in
                let configuration = Plugin.Configuration(reading: settings)
                return { context in try Plugin.makeLimiter(configuration, context: context) }
            })
    }

    /// The ids, in the order of registration.
    public var ids: [String] { table.all.map(\.id) }

    func entry(in settings: SettingsReader) -> Entry? { table.entry(named: "type", in: settings) }
}
