import BrokerContract
import TradingModel

/// Binance spot and venues that speak exactly its dialect; in the configuration `broker: binance`.
public enum BinanceStylePlugin: BrokerPlugin {
    public static let id = "binance"
    public static let displayName = "Binance spot"
    public static let capabilities = BinanceDialect.capabilities
    public static let semantics = BinanceDialect.semantics(
        requestLife: BinanceStyleConfiguration.defaultReceiveWindow,
        visibilityHorizon: BinanceStyleConfiguration.defaultVisibilityHorizon)
    public static let defaultMode = AccountMode.sandbox

    public static func isLive(_ configuration: BinanceStyleConfiguration) -> Bool {
        configuration.restHost.isLive || configuration.webSocketHost.isLive
    }

    public static func makeBroker(
        _ configuration: BinanceStyleConfiguration, context: BrokerContext
    ) throws(BrokerError) -> any Broker {
        try BinanceBroker(configuration, context: context)
    }
}
