import BrokerContract
import TradingModel

/// Futures at Tradovate; in the configuration `broker: tradovate`.
public enum TradovatePlugin: BrokerPlugin {
    public static let id = "tradovate"
    public static let displayName = "Tradovate futures"
    public static let capabilities = TradovateDialect.capabilities
    public static let semantics = TradovateDialect.semantics(visibilityHorizon: TradovateConfiguration.defaultVisibilityHorizon)
    public static let defaultMode = AccountMode.sandbox

    public static func isLive(_ configuration: TradovateConfiguration) -> Bool {
        configuration.restHost.isLive || configuration.webSocketHost.isLive
    }

    public static func makeBroker(_ configuration: TradovateConfiguration, context: BrokerContext) throws(BrokerError) -> any Broker {
        try TradovateBroker(configuration, context: context)
    }
}
