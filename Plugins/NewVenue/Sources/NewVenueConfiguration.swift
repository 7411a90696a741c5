import Foundation
import PluginSettings
import TradingModel

/// One NewVenue account, as its block of the configuration states it.
public struct NewVenueConfiguration: PluginConfiguration {
    /// Base of the REST API, without the version.
    public var rest: URL?
    /// Sent in a header with every request.
    public var key: Secret
    /// For a connection including TLS.
    public var connectTimeout: Duration
    /// From the start of a request to the end of its reply.
    public var requestTimeout: Duration

    public init(reading settings: SettingsReader) {
        rest = settings.block("endpoint") { block in
            if !block.has("rest") { block.problem("\(block.path).rest is required") }
            return block.url("rest", schemes: ["https", "http"])
        }
        key = settings.block("credentials") { $0.requiredSecret("key") }
        connectTimeout = settings.duration("connect_timeout", default: .seconds(3), in: .milliseconds(100) ... .seconds(30))
        requestTimeout = settings.duration("request_timeout", default: .seconds(10), in: .milliseconds(500) ... .seconds(60))
    }

    /// Hosts of the venue where no real money moves. Whatever is not known as such counts as live.
    static let sandboxHosts: Set<String> = []

    var isLive: Bool {
        let host = rest?.host()?.lowercased() ?? ""
        return !Self.sandboxHosts.contains(host) && !["127.0.0.1", "localhost", "::1"].contains(host)
    }
}
