import BrokerContract
import TradingModel

/// NewVenue; in the configuration `broker: newvenue`.
public enum NewVenuePlugin: BrokerPlugin {
    public static let id = "newvenue"
    public static let displayName = "NewVenue"
    public static let capabilities = NewVenueDialect.capabilities
    public static let semantics = NewVenueDialect.semantics
    public static let defaultMode = AccountMode.sandbox

    public static func isLive(_ configuration: NewVenueConfiguration) -> Bool { configuration.isLive }

    public static func makeBroker(_ configuration: NewVenueConfiguration, context: BrokerContext) throws(BrokerError) -> any Broker {
        try NewVenueBroker(configuration, context: context)
    }
}
