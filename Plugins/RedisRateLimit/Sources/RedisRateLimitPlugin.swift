import PluginSettings
import RateLimitContract
import RedisKit
import TradingModel

/// A sliding window on a Redis server, named `redis` in the configuration.
public enum RedisRateLimitPlugin: RateLimitPlugin {
    public static let id = "redis"

    public struct Configuration: PluginConfiguration {
        public var options: RedisOptions
        /// For the connection with TLS and login.
        public var connectTimeout: Duration
        /// For one answer: a sender waits for it, so it is short.
        public var requestTimeout: Duration

        public init(options: RedisOptions = RedisOptions(), connectTimeout: Duration = .seconds(1), requestTimeout: Duration = .milliseconds(250)) {
            self.options = options
            self.connectTimeout = connectTimeout
            self.requestTimeout = requestTimeout
        }

        public init(reading settings: SettingsReader) {
            options = RedisOptions(reading: settings)
            connectTimeout = settings.duration("connect_timeout", default: .seconds(1), in: .milliseconds(50) ... .seconds(5))
            requestTimeout = settings.duration("request_timeout", default: .milliseconds(250), in: .milliseconds(10) ... .seconds(5))
        }
    }

    public static func makeLimiter(_ configuration: Configuration, context: RateLimitContext) throws -> any RateLimiter {
        RedisRateLimit(configuration, clock: context.clock)
    }
}
