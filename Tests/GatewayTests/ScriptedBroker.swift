import BrokerContract
import Foundation
import Synchronization
import TradingModel

/// A venue in memory whose every answer a test can choose. By default it fills market orders at once.
final class ScriptedVenue: Sendable {
    struct State {
        var health = BrokerHealth(isConnected: true, streamIsUp: true, rulesAreLoaded: true, clockOffset: .zero, detail: "ok")
        /// What `place` does, in turn; the default when empty.
        var script: [Step] = []
        var placed: [NewOrder] = []
        var known: [ClientOrderID: OrderReport] = [:]
        var fills: [ClientOrderID: [Fill]] = [:]
        var lookups = 0
        var runs = 0
        var dies = 0
        var inFlight = 0
        var mostInFlight = 0
    }
    enum Step: Sendable {
        case fill
        /// Takes the order and loses the reply.
        case lose
        /// Does not take the order and loses the reply.
        case vanish
        case notSent(NotSentReason)
        case refuse
        case slow(Duration)
    }

    let state = Mutex(State())
}

/// One gateway's connection to a scripted venue; several may share one.
final class ScriptedBroker: Broker {
    typealias Step = ScriptedVenue.Step

    let venue: ScriptedVenue
    let events: AsyncStream<BrokerEvent>
    private let continuation: AsyncStream<BrokerEvent>.Continuation
    let expiry: VenueSemantics.RequestExpiry

    init(_ venue: ScriptedVenue = ScriptedVenue(), expiry: VenueSemantics.RequestExpiry = .enforced(after: .milliseconds(100))) {
        self.venue = venue
        (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1000))
        self.expiry = expiry
    }

    var capabilities: BrokerCapabilities { BrokerCapabilities(orderTypes: [.market, .limit], timesInForce: [.gtc, .ioc], hasStream: true) }
    var semantics: VenueSemantics {
        VenueSemantics(
            deduplication: .amongOpen, lookup: .openAndClosed(retention: .seconds(86400)), visibilityHorizon: .milliseconds(100),
            requestExpiry: expiry, stream: .unsequenced, fillKey: .clientOrderID, cancelKey: .clientOrderID, definitiveRefusals: [],
            clientOrderIDRules: .init(form: .token, maximumLength: 36))
    }

    func run() async throws(BrokerError) {
        let dies = venue.state.withLock { state in
            state.runs += 1
            state.dies -= 1
            return state.dies >= 0
        }
        if dies { throw BrokerError(.unavailable, effect: .notSent, "planned death") }
        continuation.yield(.connected)
        do { try await Task.sleep(for: .seconds(3600)) } catch {}
    }

    var health: BrokerHealth { get async { venue.state.withLock { $0.health } } }

    func instrument(_ symbol: Symbol) async throws(BrokerError) -> Instrument {
        Instrument(
            symbol: symbol, base: "BTC", quote: "USDT", tickSize: Price(Decimal(1) / 100), lotSize: Quantity(Decimal(1) / 100_000),
            orderTypes: [.market, .limit])
    }

    func place(_ order: NewOrder, within window: SendWindow) async -> PlaceOutcome {
        let step = venue.state.withLock { state -> Step in
            state.placed.append(order)
            state.inFlight += 1
            state.mostInFlight = max(state.mostInFlight, state.inFlight)
            return state.script.isEmpty ? .fill : state.script.removeFirst()
        }
        defer { venue.state.withLock { $0.inFlight -= 1 } }
        let out = Evidence(mayHaveLeft: true)
        switch step {
        case .fill: return accept(order)
        case .slow(let duration):
            try? await Task.sleep(for: duration)
            return accept(order)
        case .lose:
            _ = accept(order)
            return .unknown(.timedOut, out)
        case .vanish: return .unknown(.connectionLost, out)
        case .notSent(let reason): return .notSent(reason, Evidence(mayHaveLeft: false))
        case .refuse: return .refused(.insufficientFunds, out)
        }
    }

    private func accept(_ order: NewOrder) -> PlaceOutcome {
        let now = SystemClock().wallTime
        let number = venue.state.withLock { $0.placed.count }
        let report = OrderReport(
            venueOrderID: VenueOrderID("v\(number)"), clientOrderID: order.clientOrderID, symbol: order.symbol, side: order.side, type: order.type,
            status: .filled, venueStatus: "FILLED", quantity: order.quantity, filledQuantity: order.quantity, averagePrice: 60000, updatedAt: now)
        let fill = Fill(
            executionID: ExecutionID("e\(number)-\(order.clientOrderID)"), venueOrderID: report.venueOrderID, clientOrderID: order.clientOrderID,
            symbol: order.symbol, side: order.side, quantity: order.quantity, price: 60000, fee: nil, feeAsset: nil, executedAt: now)
        venue.state.withLock {
            $0.known[order.clientOrderID] = report
            $0.fills[order.clientOrderID] = [fill]
        }
        return .accepted(report, fills: [fill], Evidence(mayHaveLeft: true))
    }

    func lookup(_ order: OrderReference) async -> LookupResult {
        venue.state.withLock { state in
            state.lookups += 1
            return state.known[order.clientOrderID].map(LookupResult.found) ?? .notFound(complete: true, Evidence(mayHaveLeft: true))
        }
    }

    func fills(of order: OrderReference) async throws(BrokerError) -> [Fill] { venue.state.withLock { $0.fills[order.clientOrderID] ?? [] } }
    func cancel(_ order: OrderReference, within window: SendWindow) async -> CancelOutcome { .notOpen(Evidence(mayHaveLeft: true)) }
    func replace(_ order: OrderReference, with terms: Replacement, within window: SendWindow) async -> ReplaceOutcome {
        .notSent(.unsupported, Evidence(mayHaveLeft: false))
    }
    func openOrders() async throws(BrokerError) -> [OrderReport] { [] }
    func orderHistory(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [OrderReport] { venue.state.withLock { Array($0.known.values) } }
    func fills(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [Fill] { [] }
    func positions() async throws(BrokerError) -> [Position] { throw BrokerError(.unsupported, effect: .notSent, "none") }
}
