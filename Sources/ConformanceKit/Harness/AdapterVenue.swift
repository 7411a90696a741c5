import BrokerContract
import Logging
import PluginSettings

/// A simulated venue that stands for itself: it says how an account's configuration reaches it, and can be served alone.
///
/// With it one line in the composition root makes an adapter known to the configuration, to `adapter verify` and to `simulate`.
public protocol AdapterVenue: VenueHarness {
    /// The clauses that the adapter keeps: those of a broker, or of an exchange too.
    static var clauses: [BrokerClause] { get }

    /// What an account's block of the configuration says to reach this venue through the wiring, with the account that the
    /// suite uses. A dot leads into a block: `endpoint.rest`.
    static func settings(_ wiring: BrokerWiring) -> [String: String]

    init(makeBroker: @escaping @Sendable (BrokerWiring) throws -> any Broker) throws

    /// Serves the simulator until cancelled; calls `onListening` once, with the URLs of its wires; the second is empty where there is no stream.
    static func serve(
        _ options: VenueServing, onListening: @escaping @Sendable (_ rest: String, _ webSocket: String) async -> Void) async throws
}

/// Where a simulator listens when it is a process of its own.
public struct VenueServing: Sendable {
    public var host: String
    /// 0 takes a free port.
    public var port: Int
    /// PEM files; nil serves without TLS.
    public var tls: (certificatePath: String, keyPath: String)?
    public var logger: Logger

    public init(host: String, port: Int, tls: (certificatePath: String, keyPath: String)?, logger: Logger) {
        self.host = host
        self.port = port
        self.tls = tls
        self.logger = logger
    }
}

extension AdapterVenue {
    /// The venue under this adapter, which reads its configuration as an operator would have written it.
    public init<Plugin: BrokerPlugin>(_ plugin: Plugin.Type) throws {
        try self.init { wiring in
            let problems = SettingsProblems()
            let secrets = SecretResolver(environment: [:]) { _ in throw ClauseFailure("the suite's settings name no files") }
            let settings = SettingsReader(.block(of: Self.settings(wiring)), path: "account", problems: problems, secrets: secrets)
            let configuration = Plugin.Configuration(reading: settings)
            settings.finish()
            guard problems.all.isEmpty else {
                throw ClauseFailure("the settings of the venue are refused: \(problems.all.map(\.message).joined(separator: "; "))")
            }
            return try Plugin.makeBroker(configuration, context: wiring.context)
        }
    }
}

extension SettingsNode {
    /// A block from keys and texts, where a dot leads into a block.
    static func block(of settings: [String: String]) -> SettingsNode {
        let start = SourcePosition(line: 1, column: 1)
        let heads = Set(settings.keys.map { $0.prefix { $0 != "." } }).sorted()
        return SettingsNode(
            .block(
                heads.map { head in
                    let inner = settings.filter { $0.key.hasPrefix(head + ".") }.map { (String($0.key.dropFirst(head.count + 1)), $0.value) }
                    let value =
                        inner.isEmpty
                        ? SettingsNode(.scalar(settings[String(head)] ?? "", quoted: true), at: start)
                        : block(of: Dictionary(inner) { first, _ in first })
                    return (String(head), start, value)
                }), at: start)
    }
}
