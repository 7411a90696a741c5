import LockContract
import PluginSettings
import RedisKit
import TradingModel

/// Locks on a Redis server, named `redis` in the configuration.
public enum RedisLockPlugin: LockPlugin {
    public static let id = "redis"

    public struct Configuration: PluginConfiguration {
        public var options: RedisOptions
        /// For the connection with TLS and login.
        public var connectTimeout: Duration
        /// For one answer; never longer than a fifth of the lease.
        public var requestTimeout: Duration

        public init(options: RedisOptions = RedisOptions(), connectTimeout: Duration = .seconds(2), requestTimeout: Duration = .seconds(2)) {
            self.options = options
            self.connectTimeout = connectTimeout
            self.requestTimeout = requestTimeout
        }

        public init(reading settings: SettingsReader) {
            options = RedisOptions(reading: settings)
            connectTimeout = settings.duration("connect_timeout", default: .seconds(2), in: .milliseconds(100) ... .seconds(30))
            requestTimeout = settings.duration("request_timeout", default: .seconds(2), in: .milliseconds(50) ... .seconds(30))
        }
    }

    public static func makeBackend(_ configuration: Configuration, context: LockContext) throws -> any LockBackend {
        RedisLock(configuration, clock: context.clock, logger: context.logger)
    }
}
