import PluginSettings

/// `rate_limit_backend: { type, … }`; without it the order store limits.
struct RateLimitSection {
    let choice: RateLimitChoice?

    init(_ root: SettingsReader, registry: RateLimitRegistry) {
        guard root.has("rate_limit_backend") else {
            choice = RateLimitChoice(type: RateLimitRegistry.store, make: { _ in nil })
            return
        }
        choice = root.block("rate_limit_backend") { settings in
            registry.entry(in: settings).map { RateLimitChoice(type: $0.id, make: $0.read(settings)) }
        }
    }
}
