import Gateway
import PluginSettings
import TradingModel

/// `http: { host, port, tokens, tls, trusted_proxies, coarse_limit_per_second }`
struct HTTPSection {
    let settings: HTTPSettings
    let trustedProxies: [AddressRange]
    let coarseLimitPerSecond: Int

    init(_ root: SettingsReader) {
        (settings, trustedProxies, coarseLimitPerSecond) = root.block("http") { http in
            let host = http.text("host") ?? "127.0.0.1"
            if host.isEmpty { http.problem("http.host must be an address or a host name", at: http.position(of: "host")) }
            let tls = http.optionalBlock("tls") { TLSFiles(certificate: $0.requiredText("certificate"), key: $0.requiredText("key")) }
            return (
                HTTPSettings(
                    host: host, port: http.integer("port", default: 8080, in: 0...65535), tokens: Self.tokens(http), tls: tls),
                http.list("trusted_proxies").compactMap { addressRange($0, path: "http.trusted_proxies", http) },
                http.integer("coarse_limit_per_second", default: 200, in: 1...1_000_000)
            )
        }
    }

    private static func tokens(_ http: SettingsReader) -> [String: Secret] {
        http.optionalBlock("tokens") { tokens in
            var found: [String: Secret] = [:]
            for (role, secret) in [("reader", tokens.secret("reader")), ("trader", tokens.secret("trader")), ("admin", tokens.secret("admin"))] {
                guard let token = secret else { continue }
                if token.isEmpty { tokens.problem("http.tokens.\(role) must not be empty", at: tokens.position(of: role)) }
                found[role] = token
            }
            return found
        } ?? [:]
    }
}
