import Foundation
import LockContract
import PluginSettings
import TradingModel

/// Locks on an etcd cluster, named `etcd` in the configuration.
public enum EtcdLockPlugin: LockPlugin {
    public static let id = "etcd"

    public struct Configuration: PluginConfiguration {
        /// Without a slash at the end. The next one is asked when one does not answer.
        public var endpoints: [String]
        public var username: String?
        public var password: Secret?
        /// A PEM file whose certificates are trusted instead of the system's.
        public var trustRootsFile: String?
        public var connectTimeout: Duration
        /// For one answer; never longer than a fifth of the lease.
        public var requestTimeout: Duration

        public init(endpoints: [String], connectTimeout: Duration = .seconds(2), requestTimeout: Duration = .seconds(2)) {
            self.endpoints = endpoints
            self.connectTimeout = connectTimeout
            self.requestTimeout = requestTimeout
        }

        public init(reading settings: SettingsReader) {
            endpoints = []
            for (text, position) in settings.list("url") {
                guard let url = URLComponents(string: text), ["http", "https"].contains(url.scheme ?? ""), url.host?.isEmpty == false,
                    url.user == nil, url.query == nil, url.path.isEmpty || url.path == "/"
                else {
                    settings.problem("\(settings.path).url must be http://host:port or https://host:port, not \"\(text)\"", at: position)
                    continue
                }
                endpoints.append(text.hasSuffix("/") ? String(text.dropLast()) : text)
            }
            if !settings.has("url") { settings.problem("\(settings.path).url is required") }
            username = settings.text("username")
            password = settings.secret("password")
            if (username == nil) != (password == nil) {
                settings.problem("\(settings.path): username and password belong together", at: settings.position(of: "username"))
            }
            trustRootsFile = settings.text("trust_roots")
            connectTimeout = settings.duration("connect_timeout", default: .seconds(2), in: .milliseconds(100) ... .seconds(30))
            requestTimeout = settings.duration("request_timeout", default: .seconds(2), in: .milliseconds(50) ... .seconds(30))
        }
    }

    public static func makeBackend(_ configuration: Configuration, context: LockContext) throws -> any LockBackend {
        EtcdLock(configuration, clock: context.clock, logger: context.logger)
    }
}
