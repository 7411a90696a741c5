import AdapterKit
import BrokerContract
import Foundation
import Logging
import Synchronization
import TradingModel

/// One Tradovate account.
public final class TradovateBroker: Broker {
    public let capabilities = TradovateDialect.capabilities
    public let semantics: VenueSemantics
    public var events: AsyncStream<BrokerEvent> { outlet.events }

    struct State {
        /// There is one while `run()` lasts.
        var session: TradovateSession?
        var account: TradovateAccount?
        /// Client order ids whose placement is under way.
        var placing: Set<ClientOrderID> = []
        /// Contracts whose position is being closed.
        var closing: Set<Int64> = []
    }

    let state = Mutex(State())
    let outlet = EventOutlet()
    let configuration: TradovateConfiguration
    let clock: any TradingClock
    let logger: Logger

    init(_ configuration: TradovateConfiguration, context: BrokerContext) throws(BrokerError) {
        guard configuration.webSocket != nil, configuration.restBase != nil else {
            throw BrokerError(.invalidRequest, effect: .notSent, "an endpoint is missing")
        }
        self.configuration = configuration
        semantics = TradovateDialect.semantics(visibilityHorizon: configuration.visibilityHorizon)
        clock = context.clock
        logger = context.logger
    }

    public var health: BrokerHealth {
        get async {
            let (session, account) = state.withLock { ($0.session, $0.account) }
            guard let session else { return .starting }
            let isConnected = session.api.token.current != nil && account != nil
            // Rules are read per contract, when they are asked for; there is no venue clock to measure.
            return BrokerHealth(
                isConnected: isConnected, streamIsUp: session.streamIsUp, rulesAreLoaded: isConnected, clockOffset: nil, detail: session.detail)
        }
    }

    public func instrument(_ symbol: Symbol) async throws(BrokerError) -> Instrument {
        try await connected().session.directory.listing(symbol, roll: configuration.roll).instrument(as: symbol, at: clock.wallTime)
    }

    /// What every call needs; throws while there is no session or the account is not known yet.
    func connected() throws(BrokerError) -> (session: TradovateSession, account: TradovateAccount) {
        let (session, account) = state.withLock { ($0.session, $0.account) }
        guard let session, let account, session.api.token.current != nil else {
            throw BrokerError(.unavailable, effect: .notSent, "no session")
        }
        return (session, account)
    }
}
