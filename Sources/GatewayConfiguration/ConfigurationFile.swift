import BrokerContract
import Gateway
import TradingModel

/// Certificate and key of the HTTP server, as PEM files.
public struct TLSFiles: Sendable, Hashable {
    public let certificate: String
    public let key: String
    public init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }
}

/// Where the gateway listens, and who may read.
public struct HTTPSettings: Sendable {
    public let host: String
    /// 0 for a free port.
    public let port: Int
    /// Bearer tokens by role. The role `reader` may read, `trader` may also cancel, `admin` may read, unlock and decide dead letters.
    public let tokens: [String: Secret]
    public let tls: TLSFiles?
}

/// The order store that was chosen.
public struct StoreChoice: Sendable {
    public let type: String
    public let open: StoreFactory
}

/// The lock backend that was chosen.
public struct LockChoice: Sendable {
    public let type: String
    /// The life of an account's lease, also in ``GatewaySettings/lockTTL``.
    public let ttl: Duration
    public let make: LockFactory
}

/// The rate limiter that was chosen.
public struct RateLimitChoice: Sendable {
    public let type: String
    public let make: RateLimitFactory
}

/// One account with the way to its broker.
public struct AccountChoice: Sendable {
    public let settings: AccountSettings
    public let makeBroker: BrokerFactory
}

/// A configuration file that was read without a problem. Its secrets print as `***`.
public struct ConfigurationFile: Sendable {
    public let http: HTTPSettings
    public let store: StoreChoice
    public let locks: LockChoice
    public let rateLimits: RateLimitChoice
    public let gateway: GatewaySettings
    /// In the order of the file.
    public let accounts: [AccountChoice]
    /// The folder for what brokers and locks keep for themselves.
    public let stateDirectory: String
}
