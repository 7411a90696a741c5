import BrokerContract
import OrderFlow
import StoreContract
import TradingModel

/// One account, as configured. Its broker is made by the plugin that the configuration names.
public struct AccountSettings: Sendable {
    public var id: AccountID
    /// The plugin's id, for lists.
    public var broker: String
    public var mode: AccountMode
    /// What happens when the venue holds another position than the ledger.
    public var drift: DriftPolicy
    public init(id: AccountID, broker: String, mode: AccountMode, drift: DriftPolicy = .alert) {
        self.drift = drift
        self.id = id
        self.broker = broker
        self.mode = mode
    }
}

/// When and how often an order is looked after.
public struct TrackingSettings: Sendable, Hashable {
    /// After a market order was sent and no stream event told its end: so often…
    public var immediateInterval: Duration = .milliseconds(500)
    /// …and so many times.
    public var immediateChecks: Int = 10
    /// Then at this interval…
    public var monitorInterval: Duration = .seconds(2)
    /// …for this long.
    public var monitorPeriod: Duration = .seconds(300)
    /// Then, and for resting orders, at this interval.
    public var backgroundInterval: Duration = .seconds(30)
    /// Between two looks at the list of all open orders, which shows what the stream has lost.
    public var sweepInterval: Duration = .seconds(4)
    /// A market order that is not terminal after this time is alerted.
    public var staleMarketOrder: Duration = .seconds(10)
    /// Between two comparisons of an account with its venue: open orders and positions…
    public var reconcileInterval: Duration = .seconds(30)
    /// …and also histories, fills and balances.
    public var deepReconcileInterval: Duration = .seconds(300)
    public init() {}
}

/// Everything that the gateway needs to know beside its parts.
public struct GatewaySettings: Sendable {
    /// Names of sources and strategies that are the gateway's own; none of the configuration may have one.
    public static let ownNames = [ManualOrders.name, DriftOrder.name]

    /// Names this process among gateways.
    public var gatewayID: String
    public var sources: [SourceSettings]
    public var strategies: [Strategy]
    public var accounts: [AccountSettings]
    /// Addresses whose `X-Forwarded-For` is believed.
    public var trustedProxies: [AddressRange]
    /// Requests per second and client address before anything else is looked at.
    public var coarseLimitPerSecond: Int
    /// Life of an account's lease.
    public var lockTTL: Duration
    /// Between an expired lease of another holder and the first permit of the next one.
    public var lockDelay: Duration
    /// How long after a permit its bytes may leave.
    public var sendWindow: Duration
    /// How long a paused sender is reckoned with before absence may be concluded, unless its process is proven dead.
    public var pauseMargin: Duration
    public var tracking: TrackingSettings
    /// SHA-256 in hex of the configuration's meaning: equal for gateways that may work together. Without secrets.
    public var configurationHash: String
    /// Of this program, told to the other gateways on the store.
    public var programVersion: String

    public init(
        gatewayID: String, sources: [SourceSettings], strategies: [Strategy], accounts: [AccountSettings],
        trustedProxies: [AddressRange] = [], coarseLimitPerSecond: Int = 200, lockTTL: Duration = .seconds(30),
        lockDelay: Duration = .seconds(2), sendWindow: Duration = .seconds(5), pauseMargin: Duration = .seconds(30),
        tracking: TrackingSettings = TrackingSettings(), configurationHash: String, programVersion: String = "0"
    ) {
        self.gatewayID = gatewayID
        self.sources = sources
        self.strategies = strategies
        self.accounts = accounts
        self.trustedProxies = trustedProxies
        self.coarseLimitPerSecond = coarseLimitPerSecond
        self.lockTTL = lockTTL
        self.lockDelay = lockDelay
        self.sendWindow = sendWindow
        self.pauseMargin = pauseMargin
        self.tracking = tracking
        self.configurationHash = configurationHash
        self.programVersion = programVersion
    }
}
