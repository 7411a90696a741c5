import Logging
import PluginSettings
import TradingModel

/// At most `limit` signals per sliding `interval` under one key.
public struct RateRule: Sendable, Hashable {
    /// Readable, for operators: `rate_limit:<source>:<address>`.
    public let key: String
    public let limit: Int
    public let interval: Duration
    public init(key: String, limit: Int, interval: Duration) {
        self.key = key
        self.limit = limit
        self.interval = interval
    }
}

/// One slot that was taken, so that exactly this one can be given back.
public struct RateSlot: Sendable, Hashable {
    public let rule: RateRule
    /// The limiter's own name for it.
    public let id: String
    public init(rule: RateRule, id: String) {
        self.rule = rule
        self.id = id
    }
}

public enum RateDecision: Sendable, Hashable {
    case taken(RateSlot)
    /// Nothing was taken; a slot becomes free after this time, if nobody else takes it.
    case refused(retryAfter: Duration)
}

public enum RateLimitError: Error, Sendable, CustomStringConvertible {
    /// No answer. A slot may have been taken all the same.
    case unavailable(String)
    public var description: String { switch self { case .unavailable(let why): "rate limiter unavailable: \(why)" } }
}

/// What a limiter guarantees, for the start-up notice and the conformance suite.
public struct RateLimitCapabilities: Sendable, Hashable {
    /// Whether several processes count together.
    public var isShared: Bool
    /// The one line that is printed at start.
    public var notice: String
    public init(isShared: Bool, notice: String) {
        self.isShared = isShared
        self.notice = notice
    }
}

/// An exact sliding window per key. Clauses RL-… are in this module's README.
public protocol RateLimiter: Sendable {
    var capabilities: RateLimitCapabilities { get }

    /// Takes a slot, or tells when the next one is free. A refused request takes none. *(RL-01 … RL-03)*
    func take(_ rule: RateRule) async throws(RateLimitError) -> RateDecision

    /// Gives a slot back that was not used after all. Best effort: a slot that cannot be given back ends with the interval. *(RL-04)*
    func giveBack(_ slot: RateSlot) async
}

public struct RateLimitContext: Sendable {
    public let clock: any TradingClock
    public let logger: Logger
    public init(clock: any TradingClock, logger: Logger) {
        self.clock = clock
        self.logger = logger
    }
}

/// A kind of limiter that the configuration can name under `rate_limit_backend: { type: … }`.
public protocol RateLimitPlugin: Sendable {
    associatedtype Configuration: PluginConfiguration
    static var id: String { get }
    static func makeLimiter(_ configuration: Configuration, context: RateLimitContext) throws -> any RateLimiter
}
