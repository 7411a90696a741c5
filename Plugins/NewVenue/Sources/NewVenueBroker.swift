import AdapterKit
import BrokerContract
import Logging
import Synchronization
import TradingModel

/// One NewVenue account.
public final class NewVenueBroker: Broker {
    public let capabilities = NewVenueDialect.capabilities
    public let semantics = NewVenueDialect.semantics
    public var events: AsyncStream<BrokerEvent> { outlet.events }

    struct State {
        var isConnected = false
        var detail = "starting"
        var instruments: [Symbol: Instrument] = [:]
        var rulesAreLoaded = false
        /// Client order ids whose placement is under way.
        var placing: Set<ClientOrderID> = []
    }

    let state = Mutex(State())
    let client: NewVenueClient
    let outlet = EventOutlet()
    let clock: any TradingClock
    let logger: Logger

    init(_ configuration: NewVenueConfiguration, context: BrokerContext) throws(BrokerError) {
        client = try NewVenueClient(configuration, clock: context.clock)
        clock = context.clock
        logger = context.logger
    }

    public var health: BrokerHealth {
        get async {
            state.withLock { state in
                BrokerHealth(
                    isConnected: state.isConnected, streamIsUp: false, rulesAreLoaded: state.rulesAreLoaded, clockOffset: nil,
                    detail: state.detail)
            }
        }
    }

    public func instrument(_ symbol: Symbol) async throws(BrokerError) -> Instrument {
        let (instrument, isLoaded) = state.withLock { ($0.instruments[symbol], $0.rulesAreLoaded) }
        guard isLoaded else { throw BrokerError(.unavailable, effect: .notSent, "the instrument rules are not loaded yet") }
        guard let instrument else { throw BrokerError(.notFound, effect: .notSent, "the venue does not list \(symbol)") }
        return instrument
    }
}

extension BrokerError {
    /// What the scaffold answers until its author has built the thing.
    static func notBuilt(_ what: String) -> BrokerError { BrokerError(.unsupported, effect: .notSent, "\(what) is not built yet") }
}
