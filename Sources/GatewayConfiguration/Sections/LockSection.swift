import PluginSettings

/// `locks: { type, ttl, … }`
struct LockSection {
    let choice: LockChoice?

    init(_ root: SettingsReader, registry: LockRegistry, sendWindow: Duration) {
        choice = root.block("locks") { settings in
            let ttl = settings.duration("ttl", default: .seconds(30), in: .seconds(1) ... .seconds(300))
            // A lease that ends within the send window could pass to another gateway while bytes may still leave.
            if ttl <= sendWindow {
                settings.problem(
                    "locks.ttl (\(ttl.settingsText)) must be longer than gateway.send_window (\(sendWindow.settingsText))",
                    at: settings.position(of: "ttl"))
            }
            return registry.entry(in: settings).map { LockChoice(type: $0.id, ttl: ttl, make: $0.read(settings)) }
        }
    }
}
