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
        /// Whether an order may come with stop loss and take profit.
        var takesBrackets = false
        var expiry = VenueSemantics.RequestExpiry.enforced(after: .milliseconds(100))
        /// Legs that were asked about, with what was said of their entry.
        var legsAsked: [OrderReference] = []
        var runs = 0
        var dies = 0
        /// How cancels are answered, in turn; when empty, the venue does not have the order open.
        var cancels: [CancelOutcome] = []
        var cancelled: [OrderReference] = []
        var inFlight = 0
        var mostInFlight = 0
        /// Orders of somebody else that are in the list of open orders.
        var strangers: [OrderReport] = []
        /// The list of open orders lacks ours.
        var hidesOpenOrders = false
        /// Lists and positions have no answer.
        var listsFail = false
        /// One query for an order has no answer.
        var lookupsFail = false
        /// What the account holds; nil for a venue without positions.
        var positions: [Position]?
        var listed = 0
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
        /// Takes the order, which then rests.
        case rest
    }

    let state = Mutex(State())
}

/// One gateway's connection to a scripted venue; several may share one.
final class ScriptedBroker: Broker {
    typealias Step = ScriptedVenue.Step

    let venue: ScriptedVenue
    let events: AsyncStream<BrokerEvent>
    private let continuation: AsyncStream<BrokerEvent>.Continuation

    init(_ venue: ScriptedVenue = ScriptedVenue()) {
        self.venue = venue
        (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1000))
    }

    var capabilities: BrokerCapabilities { 
        BrokerCapabilities(
            orderTypes: [.market, .limit], timesInForce: [.gtc, .ioc], canBracket: venue.state.withLock { $0.takesBrackets }, hasStream: true,
            hasPositions: venue.state.withLock { $0.positions != nil })
    }
    var semantics: VenueSemantics {
        VenueSemantics(
            deduplication: .amongOpen, lookup: .openAndClosed(retention: .seconds(86400)), visibilityHorizon: .milliseconds(100),
            requestExpiry: venue.state.withLock { $0.expiry }, stream: .unsequenced, fillKey: .clientOrderID, cancelKey: .clientOrderID, definitiveRefusals: [],
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
        case .rest: return rest(order)
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

    private func rest(_ order: NewOrder) -> PlaceOutcome {
        let report = report(of: order, .accepted)
        venue.state.withLock { $0.known[order.clientOrderID] = report }
        return .accepted(report, fills: [], Evidence(mayHaveLeft: true))
    }

    private func report(of order: NewOrder, _ status: VenueOrderStatus) -> OrderReport {
        OrderReport(
            venueOrderID: VenueOrderID("r-\(order.clientOrderID)"), clientOrderID: order.clientOrderID, symbol: order.symbol, side: order.side, type: order.type,
            status: status, venueStatus: status.rawValue.uppercased(), quantity: order.quantity, filledQuantity: .zero, averagePrice: nil,
            updatedAt: SystemClock().wallTime)
    }

    /// An order that seemed to have vanished is there after all, and filled.
    func surface() {
        guard let order = venue.state.withLock({ $0.placed.last }) else { return }
        _ = accept(order)
    }

    /// The latest order ends as cancelled, and no event tells it.
    func end() {
        guard let order = venue.state.withLock({ $0.placed.last }) else { return }
        venue.state.withLock { $0.known[order.clientOrderID] = report(of: order, .cancelled) }
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
            for role in order.bracket?.roles ?? [] { $0.known[order.clientOrderID.leg(role)] = leg(role, of: order, .accepted, number: number) }
        }
        return .accepted(report, fills: [fill], Evidence(mayHaveLeft: true))
    }

    private func leg(_ role: BracketRole, of order: NewOrder, _ status: VenueOrderStatus, number: Int) -> OrderReport {
        OrderReport(
            venueOrderID: VenueOrderID("v\(number)\(role == .stopLoss ? "s" : "t")"), clientOrderID: order.clientOrderID.leg(role), symbol: order.symbol,
            side: order.side.opposite, type: role == .stopLoss ? .stop : .limit, status: status, venueStatus: status.rawValue.uppercased(),
            quantity: order.quantity, limitPrice: role == .takeProfit ? order.bracket?.takeProfit : nil,
            stopPrice: role == .stopLoss ? order.bracket?.stopLoss : nil, filledQuantity: status == .filled ? order.quantity : .zero,
            averagePrice: nil, updatedAt: SystemClock().wallTime)
    }

    /// One leg of the latest order trades and the other is cancelled; the stream tells it, or the events are lost.
    func trade(_ role: BracketRole, tells: Bool = true) {
        let events = venue.state.withLock { state -> [BrokerEvent] in
            guard let order = state.placed.last, let price = order.bracket?.price(role) else { return [] }
            let number = state.placed.count
            let filled = leg(role, of: order, .filled, number: number)
            let other = leg(role == .stopLoss ? .takeProfit : .stopLoss, of: order, .cancelled, number: number)
            let fill = Fill(
                executionID: ExecutionID("l\(number)"), venueOrderID: filled.venueOrderID, clientOrderID: filled.clientOrderID, symbol: order.symbol,
                side: filled.side, quantity: order.quantity, price: price, fee: nil, feeAsset: nil, executedAt: SystemClock().wallTime)
            for report in [filled, other] { if let id = report.clientOrderID { state.known[id] = report } }
            if let id = filled.clientOrderID { state.fills[id] = [fill] }
            // Each thing twice, as streams may.
            return [.fill(fill), .order(filled), .order(other), .fill(fill), .order(filled)]
        }
        guard tells else { return }
        for event in events { continuation.yield(event) }
    }

    /// The stream tells that a leg of the latest order is there.
    func tellLeg(_ role: BracketRole) {
        guard let order = venue.state.withLock({ $0.placed.last }) else { return }
        continuation.yield(.order(leg(role, of: order, .accepted, number: 1)))
    }

    func lookup(_ order: OrderReference) async -> LookupResult {
        venue.state.withLock { state in
            state.lookups += 1
            if state.lookupsFail { return .indeterminate(.timedOut, Evidence(mayHaveLeft: true, message: "no answer")) }
            if order.leg != nil { state.legsAsked.append(order) }
            return state.known[order.clientOrderID].map(LookupResult.found) ?? .notFound(complete: true, Evidence(mayHaveLeft: true))
        }
    }

    func fills(of order: OrderReference) async throws(BrokerError) -> [Fill] { venue.state.withLock { $0.fills[order.clientOrderID] ?? [] } }
    func cancel(_ order: OrderReference, within window: SendWindow) async -> CancelOutcome {
        venue.state.withLock { state in
            state.cancelled.append(order)
            return state.cancels.isEmpty ? .notOpen(Evidence(mayHaveLeft: true)) : state.cancels.removeFirst()
        }
    }
    func replace(_ order: OrderReference, with terms: Replacement, within window: SendWindow) async -> ReplaceOutcome {
        .notSent(.unsupported, Evidence(mayHaveLeft: false))
    }
    func openOrders() async throws(BrokerError) -> [OrderReport] {
        let (fails, orders) = venue.state.withLock { state -> (Bool, [OrderReport]) in
            state.listed += 1
            return (state.listsFail, (state.hidesOpenOrders ? [] : state.known.values.filter { !$0.status.isTerminal }) + state.strangers)
        }
        if fails { throw BrokerError(.unavailable, effect: .unknown, "planned failure") }
        return orders
    }
    func orderHistory(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [OrderReport] { venue.state.withLock { Array($0.known.values) } }
    func fills(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [Fill] { venue.state.withLock { $0.fills.values.flatMap { $0 } } }
    func positions() async throws(BrokerError) -> [Position] {
        let (fails, positions) = venue.state.withLock { ($0.listsFail, $0.positions) }
        if fails { throw BrokerError(.unavailable, effect: .unknown, "planned failure") }
        guard let positions else { throw BrokerError(.unsupported, effect: .notSent, "none") }
        return positions
    }

    /// The stream tells something.
    func tell(_ event: BrokerEvent) { continuation.yield(event) }
    /// The stream of events ends, which it never should.
    func endStream() { continuation.finish() }
}
