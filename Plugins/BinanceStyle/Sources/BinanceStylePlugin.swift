import BrokerContract
import TradingModel

/// Binance and the venues that speak its language; in the configuration `broker: binance`, with a `dialect`.
public enum BinanceStylePlugin: BrokerPlugin {
    public static let id = "binance"
    public static let displayName = "Binance and its dialects"
    public static let capabilities = BinanceDialect.standard.capabilities
    public static let semantics = BinanceDialect.standard.semantics(
        requestLife: BinanceStyleConfiguration.defaultReceiveWindow,
        visibilityHorizon: BinanceStyleConfiguration.defaultVisibilityHorizon)
    public static let defaultMode = AccountMode.sandbox
    public static let dialects = BinanceDialect.all.map(\.listing)

    public static func isLive(_ configuration: BinanceStyleConfiguration) -> Bool {
        configuration.restHost.isLive || configuration.webSocketHost.isLive
    }

    public static func makeBroker(
        _ configuration: BinanceStyleConfiguration, context: BrokerContext
    ) throws(BrokerError) -> any Broker {
        try BinanceBroker(configuration, context: context)
    }
}
