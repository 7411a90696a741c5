import Gateway
import OrderFlow
import PluginSettings
import StoreContract
import TradingModel

/// `strategies: { trend: { source, symbols, accounts, policy } }`
struct StrategiesSection {
    let strategies: [Strategy]

    init(_ root: SettingsReader, sources: [String], accounts: [String]) {
        var strategies: [Strategy] = []
        root.each("strategies") { name, settings in
            checkName(name, settings, at: root.node("strategies")?.position(ofKey: name), reserved: GatewaySettings.ownNames)
            let source = settings.requiredText("source")
            if !source.isEmpty, !sources.contains(source) {
                settings.problem(unknown("source", source, sources), at: settings.node("source")?.position)
            }
            let targets = Self.accounts(settings, known: accounts)
            strategies.append(
                Strategy(
                    id: StrategyID(name), source: SourceID(source),
                    symbols: Self.symbols(settings, targets: targets.map(\.id), known: accounts), accounts: targets,
                    policy: settings.block("policy", Self.policy), intent: Self.intent(settings),
                    protection: settings.optionalBlock("protection", Self.protection)))
        }
        self.strategies = strategies
    }

    private static func accounts(_ settings: SettingsReader, known: [String]) -> [Strategy.Account] {
        var accounts: [Strategy.Account] = []
        settings.each("accounts") { name, account in
            if !known.contains(name) { settings.problem(unknown("account", name, known), at: settings.node("accounts")?.position(ofKey: name)) }
            accounts.append(Strategy.Account(id: AccountID(name), sizing: sizing(account)))
        }
        if accounts.isEmpty { settings.problem("\(settings.path).accounts must name at least one account", at: settings.position(of: "accounts")) }
        return accounts
    }

    /// At most one of the four; without any, the signal's own quantity.
    private static func sizing(_ account: SettingsReader) -> Sizing {
        let factor = account.decimal("multiply", as: Quantity.self)
        let fixed = account.decimal("quantity", as: Quantity.self)
        let quote = account.decimal("quote_amount", as: Notional.self)
        let percent = account.decimal("percent_of_equity", as: Quantity.self)
        let given: [(String, Quantity?)] = [
            ("multiply", factor), ("quantity", fixed), ("quote_amount", quote.map { Quantity($0.value) }), ("percent_of_equity", percent),
        ]
        for (key, value) in given where value.map({ $0 <= 0 }) == true {
            account.problem("\(account.path).\(key) must be greater than zero", at: account.node(key)?.position)
        }
        if let percent, percent > 100 { account.problem("\(account.path).percent_of_equity must be at most 100", at: account.node("percent_of_equity")?.position) }
        let present = given.map(\.0).filter { account.has($0) }
        if present.count > 1 {
            account.problem("\(account.path) has both \(present[0]) and \(present[1]): choose one", at: account.position(of: present[1]))
        }
        return fixed.map(Sizing.fixed) ?? quote.map(Sizing.quote) ?? percent.map(Sizing.equityPercent) ?? .multiply(factor?.value ?? 1)
    }

    private enum Meaning: String, CaseIterable { case delta, target }

    /// What a signal means that does not say it itself.
    private static func intent(_ settings: SettingsReader) -> OrderIntent.Kind {
        let meaning: Meaning = settings.choice("intent", default: .delta)
        return meaning == .target ? .target : .delta
    }

    private static func protection(_ settings: SettingsReader) -> Strategy.Protection {
        let offset = settings.decimal("stop_limit_offset", as: Quantity.self)
        if let offset, offset <= 0 || offset > 20 {
            settings.problem("\(settings.path).stop_limit_offset must be greater than 0 and at most 20 percent", at: settings.node("stop_limit_offset")?.position)
        }
        return Strategy.Protection(
            mode: settings.choice("mode", default: .auto),
            policy: ProtectionPolicy(
                stopWithin: settings.duration("stop_within", default: .seconds(3), in: .seconds(1) ... .seconds(300)),
                onFailure: settings.choice("on_failure", default: .flatten), limitOffset: offset ?? 1))
    }

    /// Every account of the strategy needs the venue's spelling of every symbol: a guess could trade the wrong thing.
    private static func symbols(_ settings: SettingsReader, targets: [AccountID], known: [String]) -> [String: [AccountID: Symbol]] {
        var symbols: [String: [AccountID: Symbol]] = [:]
        settings.each("symbols") { name, mapping in
            var row: [AccountID: Symbol] = [:]
            for account in mapping.keys {
                let symbol = mapping.requiredText(account)
                let id = AccountID(account)
                if !known.contains(account) {
                    mapping.problem(unknown("account", account, known), at: mapping.position(of: account))
                } else if !targets.contains(id) {
                    mapping.problem("account \"\(account)\" is not among \(settings.path).accounts", at: mapping.position(of: account))
                }
                row[id] = Symbol(symbol)
            }
            for account in targets where row[account] == nil {
                mapping.problem("\(mapping.path) has no symbol for account \"\(account)\"", at: settings.node("symbols")?.position(ofKey: name))
            }
            symbols[name] = row
        }
        if symbols.isEmpty { settings.problem("\(settings.path).symbols must name at least one symbol", at: settings.position(of: "symbols")) }
        return symbols
    }

    /// Guards that can be told to log instead of refuse.
    private enum Observable: String, CaseIterable {
        case cooldown
        case longOnly = "long_only"
    }

    private static func policy(_ policy: SettingsReader) -> OrderPolicy {
        let known = Observable.allCases.map(\.rawValue)
        let observed = policy.list("observe").filter { entry in
            if known.contains(entry.text) { return true }
            policy.problem(unknown("guard", entry.text, known), at: entry.position)
            return false
        }
        let longOnly = policy.boolean("long_only", default: false)
        let pyramiding: OrderPolicy.Pyramiding = policy.choice("pyramiding", default: .add)
        if pyramiding == .skip, !longOnly {
            policy.problem("\(policy.path).pyramiding: skip needs `long_only: true`", at: policy.position(of: "pyramiding"))
        }
        return OrderPolicy(
            cooldown: policy.duration("cooldown", default: .zero, in: .zero ... .seconds(30 * 86400)),
            cooldownScope: policy.choice("cooldown_scope", default: .strategyAccount), longOnly: longOnly, pyramiding: pyramiding,
            onBusy: policy.choice("on_busy", default: .queue), observed: Set(observed.map(\.text)))
    }
}

private func unknown(_ kind: String, _ name: String, _ known: [String]) -> String {
    let hint = closest(to: name, among: known).map { " (did you mean \"\($0)\"?)" } ?? " (known: \(known.sorted().joined(separator: ", ")))"
    return "unknown \(kind) \"\(name)\"\(hint)"
}
