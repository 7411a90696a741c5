import BrokerContract
import TradingModel

/// The embedded broker: orders fill against prices from the configuration, without any venue.
public enum PaperPlugin: BrokerPlugin {
    public typealias Configuration = PaperConfiguration

    public static let id = "paper"
    public static let displayName = "Paper (embedded)"
    public static let defaultMode = AccountMode.paper

    public static let capabilities = BrokerCapabilities(
        orderTypes: [.market, .limit, .stop, .stopLimit], timesInForce: [.gtc, .ioc, .fok], canBracket: true,
        canPlaceExitPair: true, canPostOnly: true, hasStream: true)

    public static let semantics = VenueSemantics(
        deduplication: .forever, lookup: .openAndClosed(retention: .seconds(100 * 365 * 86_400)), visibilityHorizon: .zero,
        requestExpiry: .none, stream: .unsequenced, fillKey: .clientOrderID, cancelKey: .clientOrderID,
        definitiveRefusals: PaperBroker.refusals.map { DefinitiveRefusal(code: $0.code, reason: $0) },
        clientOrderIDRules: ClientOrderIDRules(form: .token, maximumLength: 64))

    public static func isLive(_ configuration: PaperConfiguration) -> Bool { false }

    public static func makeBroker(_ configuration: PaperConfiguration, context: BrokerContext) throws(BrokerError) -> any Broker {
        guard context.mode != .live else {
            throw BrokerError(.invalidRequest, effect: .notSent, "the paper broker moves no money; mode: live makes no sense")
        }
        return PaperBroker(configuration, context: context)
    }
}
