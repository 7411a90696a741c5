import AdapterKit
import BrokerContract
import ExchangeContract
import Foundation
import Logging
import Synchronization
import TradingModel

/// One account at a venue of the Binance family.
public final class BinanceBroker: Exchange {
    public let capabilities: BrokerCapabilities
    public let semantics: VenueSemantics
    public var events: AsyncStream<BrokerEvent> { outlet.events }

    struct State {
        var rules: [Symbol: BinanceSymbolRules] = [:]
        var rulesReadAt: MonotonicInstant?
        var streamIsUp = false
        var detail = "starting"
        /// Client order ids whose placement is under way.
        var placing: Set<ClientOrderID> = []
    }

    let state = Mutex(State())
    let client: BinanceClient
    let outlet = EventOutlet()
    /// Whether the venue has ever taken the key in this process.
    let everSubscribed = SubscriptionFlag()
    let stream: any BinanceUserStream
    let dialect: BinanceDialect
    let clock: any TradingClock
    let logger: Logger

    init(_ configuration: BinanceStyleConfiguration, context: BrokerContext) throws(BrokerError) {
        guard let webSocket = configuration.webSocket else {
            throw BrokerError(.invalidRequest, effect: .notSent, "the WebSocket endpoint is missing")
        }
        dialect = configuration.dialect
        capabilities = dialect.capabilities
        semantics = dialect.semantics(
            requestLife: configuration.receiveWindow, visibilityHorizon: configuration.visibilityHorizon)
        client = try BinanceClient(configuration, clock: context.clock)
        clock = context.clock
        logger = context.logger
        let silence = configuration.streamSilenceLimit
        let options = WebSocketOptions(
            connectTimeout: configuration.connectTimeout, silenceLimit: silence * 6, pings: .init(interval: silence / 3, silenceLimit: silence))
        switch dialect.userStream {
        case .webSocketAPI:
            stream = BinanceStream(url: webSocket, signer: client.signer, time: client.time, clock: context.clock, options: options)
        case .listenKey(let path, let isQuery):
            stream = BinanceListenKeyStream(
                url: webSocket, path: path, isQuery: isQuery, client: client, options: options, keepAlive: configuration.listenKeyRenewal)
        }
    }

    public var health: BrokerHealth {
        get async {
            let offset = client.time.offset
            return state.withLock { state in
                BrokerHealth(
                    isConnected: offset != nil && state.rulesReadAt != nil, streamIsUp: state.streamIsUp,
                    rulesAreLoaded: state.rulesReadAt != nil, clockOffset: offset, detail: state.detail)
            }
        }
    }

    public func instrument(_ symbol: Symbol) async throws(BrokerError) -> Instrument {
        let (instrument, isLoaded) = state.withLock { ($0.rules[symbol]?.instrument, $0.rulesReadAt != nil) }
        guard isLoaded else { throw BrokerError(.unavailable, effect: .notSent, "the instrument rules are not loaded yet") }
        guard let instrument else { throw BrokerError(.notFound, effect: .notSent, "the venue does not list \(symbol)") }
        return instrument
    }

    public func instruments() async throws(BrokerError) -> [Instrument] {
        let (instruments, isLoaded) = state.withLock { ($0.rules.values.map(\.instrument), $0.rulesReadAt != nil) }
        guard isLoaded else { throw BrokerError(.unavailable, effect: .notSent, "the instrument rules are not loaded yet") }
        return instruments.sorted { $0.symbol < $1.symbol }
    }

    public func serverTime() async throws(BrokerError) -> Timestamp { try await client.measureTime() }
}
