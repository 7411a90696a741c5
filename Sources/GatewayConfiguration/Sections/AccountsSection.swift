import BrokerContract
import Gateway
import PluginSettings
import StoreContract
import TradingModel

/// `accounts: { spot1: { broker, mode, … } }`, where the rest of each block is the plugin's.
struct AccountsSection {
    let choices: [AccountChoice]
    /// Also of accounts that could not be read, so that a strategy that names one is not blamed for it.
    let names: [String]

    init(_ root: SettingsReader, registry: BrokerRegistry) {
        var choices: [AccountChoice] = []
        var names: [String] = []
        root.each("accounts") { name, account in
            checkName(name, account, at: root.node("accounts")?.position(ofKey: name))
            names.append(name)
            if let choice = Self.read(name, account, registry) { choices.append(choice) }
        }
        self.choices = choices
        self.names = names
    }

    private static func read(_ name: String, _ account: SettingsReader, _ registry: BrokerRegistry) -> AccountChoice? {
        guard let plugin = registry.entry(in: account) else { return nil }
        let mode: AccountMode = account.choice("mode", default: plugin.defaultMode)
        let (isLive, make) = plugin.read(account)
        checkMode(mode, isLive: isLive, plugin, account)
        return AccountChoice(
            settings: AccountSettings(id: AccountID(name), broker: plugin.id, mode: mode, drift: drift(account, plugin)), makeBroker: make)
    }

    /// What happens when the venue holds another position than the ledger.
    private static func drift(_ account: SettingsReader, _ plugin: BrokerRegistry.Entry) -> DriftPolicy {
        let node = account.node("drift")
        let policy: DriftPolicy = account.choice("drift", default: .alert)
        var capabilities = plugin.capabilities
        if !plugin.dialects.isEmpty, case .scalar(let dialect, _)? = account.node("dialect")?.content, let chosen = plugin.dialects.first(where: { $0.id == dialect }) {
            capabilities = chosen.capabilities
        }
        if policy != .alert, !capabilities.hasPositions {
            account.problem(
                "\(account.path).drift: a \(plugin.id) account like this has balances, not positions, and of those only alerts are made: use alert",
                at: node?.position ?? account.position)
        }
        return policy
    }

    /// Real money moves only where the operator wrote `live`. The word is also allowed before an endpoint that the plugin does not
    /// know as live: it may be a way to the live venue, and too much care harms nobody.
    private static func checkMode(_ mode: AccountMode, isLive: Bool, _ plugin: BrokerRegistry.Entry, _ account: SettingsReader) {
        let position = account.node("mode")?.position ?? account.position
        if isLive, mode != .live {
            account.problem(
                "\(account.path) points at a venue where real money moves: write `mode: live` if that is meant, or use the venue's sandbox endpoint",
                at: position)
        } else if (plugin.defaultMode == .paper) != (mode == .paper) {
            account.problem(
                plugin.defaultMode == .paper
                    ? "\(account.path).mode: broker \(plugin.id) trades on paper only"
                    : "\(account.path).mode: broker \(plugin.id) sends real requests, so it is sandbox or live; for paper use a paper broker",
                at: position)
        }
    }
}
