import BrokerContract
import TradingModel

/// Spot at Coinbase Advanced Trade; in the configuration `broker: coinbase`.
public enum CoinbasePlugin: BrokerPlugin {
    public static let id = "coinbase"
    public static let displayName = "Coinbase Advanced Trade"
    public static let capabilities = CoinbaseDialect.capabilities
    public static let semantics = CoinbaseDialect.semantics(
        visibilityHorizon: CoinbaseConfiguration.defaultVisibilityHorizon, lookupWindow: CoinbaseConfiguration.defaultLookupWindow)
    /// The default endpoint is the live venue, so an account that does not state `mode: live` needs another one.
    public static let defaultMode = AccountMode.sandbox

    public static func isLive(_ configuration: CoinbaseConfiguration) -> Bool {
        configuration.restHost.isLive || configuration.webSocketHost.isLive
    }

    public static func makeBroker(
        _ configuration: CoinbaseConfiguration, context: BrokerContext
    ) throws(BrokerError) -> any Broker {
        try CoinbaseBroker(configuration, context: context)
    }
}
