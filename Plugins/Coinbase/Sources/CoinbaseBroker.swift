import AdapterKit
import BrokerContract
import ExchangeContract
import Foundation
import Logging
import Synchronization
import TradingModel

/// One Coinbase Advanced Trade spot account.
public final class CoinbaseBroker: Exchange {
    public let capabilities = CoinbaseDialect.capabilities
    public let semantics: VenueSemantics
    public var events: AsyncStream<BrokerEvent> { outlet.events }

    struct State {
        var products: [Symbol: CoinbaseProduct] = [:]
        var rulesReadAt: MonotonicInstant?
        var streamIsUp = false
        var detail = "starting"
        /// Client order ids whose placement is under way.
        var placing: [ClientOrderID: KnownOrders.Kind] = [:]
        var known = KnownOrders()

        /// What an order of the stream is, as far as this process knows.
        func kind(of id: VenueOrderID, _ clientID: ClientOrderID?) -> KnownOrders.Kind? {
            known.kind(of: id) ?? clientID.flatMap { placing[$0] }
        }
    }

    let state = Mutex(State())
    let client: CoinbaseClient
    let outlet = EventOutlet()
    /// Whether the venue has ever taken the key in this process.
    let everSubscribed = SubscriptionFlag()
    let stream: CoinbaseStream
    let fillFeed = FillFeed()
    let bracketFeed = BracketFeed()
    let lookupWindow: Duration
    let clock: any TradingClock
    let logger: Logger

    init(_ configuration: CoinbaseConfiguration, context: BrokerContext) throws(BrokerError) {
        guard let webSocket = configuration.webSocket else {
            throw BrokerError(.invalidRequest, effect: .notSent, "the WebSocket endpoint is missing")
        }
        semantics = CoinbaseDialect.semantics(
            visibilityHorizon: configuration.visibilityHorizon, lookupWindow: configuration.lookupWindow)
        let client = try CoinbaseClient(configuration, clock: context.clock)
        self.client = client
        lookupWindow = configuration.lookupWindow
        clock = context.clock
        logger = context.logger
        stream = CoinbaseStream(
            url: webSocket, token: { () throws(BrokerError) in try client.streamToken() }, clock: context.clock,
            options: WebSocketOptions(
                connectTimeout: configuration.connectTimeout, trustRootsFile: configuration.trustRootsFile),
            heartbeatTimeout: configuration.heartbeatTimeout)
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
        let (product, isLoaded) = state.withLock { ($0.products[symbol], $0.rulesReadAt != nil) }
        guard isLoaded else { throw BrokerError(.unavailable, effect: .notSent, "the instrument rules are not loaded yet") }
        guard let product else { throw BrokerError(.notFound, effect: .notSent, "the venue does not list \(symbol)") }
        return product.instrument
    }

    public func instruments() async throws(BrokerError) -> [Instrument] {
        let (products, isLoaded) = state.withLock { ($0.products.values, $0.rulesReadAt != nil) }
        guard isLoaded else { throw BrokerError(.unavailable, effect: .notSent, "the instrument rules are not loaded yet") }
        return products.map(\.instrument).sorted { $0.symbol < $1.symbol }
    }

    public func serverTime() async throws(BrokerError) -> Timestamp { try await client.measureTime() }

    public func positions() async throws(BrokerError) -> [Position] {
        throw BrokerError(.unsupported, effect: .notSent, "a spot account has balances, not positions")
    }
}
