import BrokerContract
import ConformanceKit
import Foundation
import GatewayConfiguration
import TradingModel

/// The venue that `adapter verify --against` names.
struct VerifyTarget {
    struct Refusal: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    let url: URL
    private let host: String
    private let port: Int
    private var isPlain: Bool { url.scheme == "http" }

    init(_ text: String) throws(Refusal) {
        guard let url = URL(string: text), let host = url.host(), let scheme = url.scheme, ["http", "https"].contains(scheme) else {
            throw Refusal("--against must be an http or https URL, not '\(text)'")
        }
        self.url = url
        self.host = host
        port = url.port ?? (scheme == "http" ? 80 : 443)
    }

    /// For a venue that has the controls of a simulator.
    func simulator(of subject: ConformanceSubject) async throws -> RemoteSimulator {
        guard isPlain, await RemoteSimulator.answers(host: host, port: port) else {
            throw Refusal("\(url) does not answer as a simulator without TLS (GET /_sim/orders); for a venue give --config and --account")
        }
        return RemoteSimulator(try subject.makeVenue(), host: host, port: port)
    }

    /// For an account of the configuration, whose endpoint must be this one.
    ///
    /// - Parameter terms: What may be traded; nil where only queries may be sent.
    func account(
        _ name: String, config path: String, of subject: ConformanceSubject, symbol: Symbol?, terms: TradingTerms?
    ) throws -> RemoteAccount {
        let choice = try Self.choice(name, path, [])
        guard choice.settings.broker == subject.id else { throw Refusal("account \(name) has broker \(choice.settings.broker), not \(subject.id)") }
        guard terms == nil || choice.settings.mode != .live else { throw Refusal("account \(name) is live: verify never trades with real money") }
        let profile = try subject.makeVenue().profile
        let endpoint = url.absoluteString
        return RemoteAccount(
            profile.at(terms?.symbol ?? symbol ?? profile.symbol, terms: terms), plainWire: isPlain ? (host, port) : nil, trades: terms != nil
        ) { [host, isPlain] context, restPort, timeout in
            var address = endpoint
            // Read again with the proxy's address in place of the venue's; everything else is the operator's.
            if isPlain, let restPort { address = Self.replacing(host, in: endpoint, by: restPort) }
            var replacements: [(path: [String], text: String)] = [(["accounts", name, "endpoint", "rest"], address)]
            if timeout < .seconds(5) { replacements.append((["accounts", name, "request_timeout"], "\(timeout.wholeMilliseconds)ms")) }
            return try Self.choice(name, path, replacements).makeBroker(context)
        }
    }

    private static func choice(_ name: String, _ path: String, _ replacements: [(path: [String], text: String)]) throws -> AccountChoice {
        let file: ConfigurationFile
        do { file = try ConfigurationLoader.program.load(path: path, replacing: replacements) } catch { throw Refusal(error.description) }
        guard let choice = file.accounts.first(where: { $0.settings.id.rawValue == name }) else {
            throw Refusal("\(path) has no account '\(name)'; it has \(file.accounts.map(\.settings.id.rawValue).joined(separator: ", "))")
        }
        return choice
    }

    /// The same URL on this machine's port; the rest of it stays.
    private static func replacing(_ host: String, in endpoint: String, by port: Int) -> String {
        guard var parts = URLComponents(string: endpoint) else { return endpoint }
        parts.host = "127.0.0.1"
        parts.port = port
        return parts.string ?? endpoint
    }
}
