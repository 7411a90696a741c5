import Foundation
import NIOSSL
import TradingModel

/// Where a server is and how to log in: `redis://user:password@host:6379/0`, or `rediss://` for TLS.
public struct RedisOptions: Sendable, Hashable {
    public struct TLS: Sendable, Hashable {
        /// A PEM file whose certificates are trusted instead of the system's.
        public var trustRootsFile: String?
        public init(trustRootsFile: String? = nil) { self.trustRootsFile = trustRootsFile }

        var configuration: TLSConfiguration {
            var configuration = TLSConfiguration.makeClientConfiguration()
            if let trustRootsFile { configuration.trustRoots = .file(trustRootsFile) }
            return configuration
        }
    }

    public var host: String
    public var port: Int
    public var database: Int
    /// Nil logs in as the default user.
    public var username: String?
    public var password: Secret?
    public var tls: TLS?

    public init(host: String = "127.0.0.1", port: Int = 6379, database: Int = 0, username: String? = nil, password: Secret? = nil, tls: TLS? = nil) {
        self.host = host
        self.port = port
        self.database = database
        self.username = username
        self.password = password
        self.tls = tls
    }

    /// Nil if it is not such a URL.
    public init?(url text: String) {
        guard let url = URLComponents(string: text), let scheme = url.scheme, ["redis", "rediss"].contains(scheme), let host = url.host, !host.isEmpty
        else { return nil }
        let path = url.path.drop { $0 == "/" }
        guard let database = path.isEmpty ? 0 : Int(path), database >= 0, url.query == nil, url.fragment == nil else { return nil }
        let user = url.user.flatMap { $0.isEmpty ? nil : $0 }
        self.init(
            host: host, port: url.port ?? 6379, database: database, username: user, password: url.password.map { Secret($0) },
            tls: scheme == "rediss" ? TLS() : nil)
    }

    /// A name for the certificate to match; an address has none, its certificate names the address.
    var serverName: String? { host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." } ? nil : host }
}
