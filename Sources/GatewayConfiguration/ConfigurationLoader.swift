import Foundation
import Gateway
import PluginSettings

/// Reads configuration files, version 1.
///
/// Strict: every key is known and typed, or the file is refused with all its problems at once. Nothing is opened but the file
/// itself and the files that secrets are in.
public struct ConfigurationLoader: Sendable {
    private let brokers: BrokerRegistry
    private let locks: LockRegistry
    private let stores: StoreRegistry
    private let limiters: RateLimitRegistry
    private let secrets: SecretResolver

    public init(
        brokers: BrokerRegistry, locks: LockRegistry, stores: StoreRegistry, limiters: RateLimitRegistry = RateLimitRegistry(),
        secrets: SecretResolver = .system
    ) {
        self.brokers = brokers
        self.locks = locks
        self.stores = stores
        self.limiters = limiters
        self.secrets = secrets
    }

    /// Reads the file at `path`.
    ///
    /// - Parameter replacements: Texts that take the place of what the file says, by their path of keys.
    public func load(path: String, replacing replacements: [(path: [String], text: String)] = []) throws(ConfigurationError) -> ConfigurationFile {
        let bytes: [UInt8]
        do {
            let file = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? file.close() }
            bytes = [UInt8](try file.read(upToCount: YAMLText.maximumBytes + 1) ?? Data())
        } catch {
            let problem = SettingsProblem(at: SourcePosition(line: 1, column: 1), "cannot be read: \(error.localizedDescription)")
            throw ConfigurationError(file: path, problems: [problem])
        }
        return try load(bytes, name: path, replacing: replacements)
    }

    /// Reads a file's content; `name` stands before each problem.
    public func load(_ bytes: [UInt8], name: String, replacing replacements: [(path: [String], text: String)] = []) throws(ConfigurationError) -> ConfigurationFile {
        let problems = SettingsProblems()
        let document: YAMLDocument
        do {
            document = try YAMLDocument(bytes, problems: problems)
        } catch {
            throw ConfigurationError(file: name, problems: problems.all + [error])
        }
        let content = replacements.reduce(document.root) { $0.replacing($1.path, with: $1.text) }
        let root = SettingsReader(content, path: "", problems: problems, secrets: secrets)
        if let refusal = versionProblem(root) { throw ConfigurationError(file: name, problems: problems.all + [refusal]) }

        let http = HTTPSection(root)
        let core = GatewaySection(root)
        let store = root.block("store") { settings in
            stores.entry(in: settings).map { StoreChoice(type: $0.id, open: $0.read(settings)) }
        }
        let lock = LockSection(root, registry: locks, sendWindow: core.sendWindow)
        let limiter = RateLimitSection(root, registry: limiters)
        let tracking = TrackingSection(root)
        let sources = SourcesSection(root)
        let accounts = AccountsSection(root, registry: brokers)
        let strategies = StrategiesSection(root, sources: sources.names, accounts: accounts.names)
        root.finish()

        guard problems.all.isEmpty, let store, let lock = lock.choice, let limiter = limiter.choice else {
            throw ConfigurationError(file: name, problems: problems.all)
        }
        let hash = Fingerprint(secrets: problems.secretPositions).hash(of: document.root)
        let settings = GatewaySettings(
            gatewayID: core.id, sources: sources.settings, strategies: strategies.strategies, accounts: accounts.choices.map(\.settings),
            trustedProxies: http.trustedProxies, coarseLimitPerSecond: http.coarseLimitPerSecond, lockTTL: lock.ttl,
            lockDelay: core.lockDelay, sendWindow: core.sendWindow, pauseMargin: core.pauseMargin, tracking: tracking.settings,
            configurationHash: hash)
        return ConfigurationFile(
            http: http.settings, store: store, locks: lock, rateLimits: limiter, gateway: settings, accounts: accounts.choices,
            stateDirectory: core.stateDirectory)
    }

    /// A file of another version is judged by nothing else: its keys mean something that this program does not know.
    private func versionProblem(_ root: SettingsReader) -> SettingsProblem? {
        guard let node = root.node("version") else {
            return SettingsProblem(at: root.position, "version is required: write `version: 1`")
        }
        guard case .scalar("1", quoted: false) = node.content else {
            return SettingsProblem(at: node.position, "version must be 1, the only one that this program reads")
        }
        return nil
    }
}
