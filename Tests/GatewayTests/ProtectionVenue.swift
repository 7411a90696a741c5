import BrokerContract
import Foundation
import Synchronization
import TradingModel

/// A venue in memory that takes stops as orders of their own, and whose every answer a test can choose.
final class ProtectionVenue: Broker {
    enum Entry: Sendable {
        /// Filled at once.
        case fill
        /// Filled at once, and then the venue is away.
        case fillAndGoAway
        /// Taken; it rests.
        case rest
        /// No reply until the venue is told to ``ProtectionVenue/release()``; then it is filled.
        case hold
    }
    enum Stop: Sendable {
        case accept, refuse
        /// Taken, and the reply is lost.
        case lose
        /// Not taken, and the reply is lost.
        case vanish
        /// No reply until ``ProtectionVenue/release()``.
        case hold
    }

    struct State {
        var isUp = true
        var entries: [Entry] = []
        /// How stops are answered, in turn; the last answer stays.
        var stops: [Stop] = [.accept]
        var placed: [NewOrder] = []
        var reports: [ClientOrderID: OrderReport] = [:]
        var fills: [ClientOrderID: [Fill]] = [:]
        var held: [CheckedContinuation<Void, Never>] = []
        var isReleased = false
        var executions = 0
        /// Orders that the venue took, and stops that it has now.
        var taken: [NewOrder] = []
        var working: Set<ClientOrderID> = []
    }

    let state = Mutex(State())
    let events: AsyncStream<BrokerEvent>
    private let continuation: AsyncStream<BrokerEvent>.Continuation
    private let clock: any TradingClock

    init(clock: any TradingClock) {
        self.clock = clock
        (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(10_000))
    }

    let capabilities = BrokerCapabilities(
        orderTypes: [.market, .limit, .stop], timesInForce: [.gtc, .ioc], canReduceOnly: true, canSellShort: true, hasStream: true)
    let semantics = VenueSemantics(
        deduplication: .forever, lookup: .openAndClosed(retention: .seconds(86400)), visibilityHorizon: .milliseconds(100),
        requestExpiry: .enforced(after: .milliseconds(100)), stream: .unsequenced, fillKey: .clientOrderID, cancelKey: .clientOrderID,
        definitiveRefusals: [], clientOrderIDRules: .init(form: .token, maximumLength: 36))

    func run() async throws(BrokerError) {
        continuation.yield(.connected)
        do { try await clock.sleep(for: .seconds(1_000_000)) } catch {}
    }

    var health: BrokerHealth {
        get async {
            let isUp = state.withLock { $0.isUp }
            return BrokerHealth(isConnected: isUp, streamIsUp: isUp, rulesAreLoaded: isUp, clockOffset: .zero, detail: isUp ? "ok" : "away")
        }
    }

    func instrument(_ symbol: Symbol) async throws(BrokerError) -> Instrument {
        Instrument(
            symbol: symbol, base: "MNQ", quote: "USD", tickSize: Price(Decimal(1) / 4), lotSize: 1, minimumQuantity: 1, orderTypes: [.market, .limit, .stop])
    }

    // MARK: Steering

    func change(_ change: @Sendable (inout State) -> Void) { state.withLock { change(&$0) } }

    /// Lets go whatever is held back, now and later.
    func release() {
        let held = state.withLock { state in
            state.isReleased = true
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    /// Events may be missing: the gateway asks about everything, as after a reconnect.
    func sync() { continuation.yield(.gap(reason: "sync")) }

    /// Tells everything that it knows once more.
    func tellAll() {
        let (reports, fills) = state.withLock { (Array($0.reports.values), $0.fills.values.flatMap { $0 }) }
        for fill in fills { continuation.yield(.fill(fill)) }
        for report in reports { continuation.yield(.order(report)) }
    }

    /// So much more of an order that rests is filled.
    func trade(_ id: ClientOrderID, _ quantity: Quantity) {
        let events = state.withLock { state -> [BrokerEvent] in
            guard let order = state.taken.last(where: { $0.clientOrderID == id }) else { return [] }
            return [.fill(fill(order, quantity, &state)), state.reports[id].map(BrokerEvent.order)].compactMap { $0 }
        }
        for event in events { continuation.yield(event) }
    }

    /// What the account holds, by the venue's own fills.
    var held: Quantity {
        state.withLock { $0.fills.values.joined().reduce(Quantity.zero) { $1.side == .buy ? $0 + $1.quantity : $0 - $1.quantity } }
    }
    var entriesTaken: [NewOrder] { state.withLock { $0.taken.filter { $0.side == .buy } } }
    var stopsWorking: Quantity {
        state.withLock { state in state.taken.filter { $0.type == .stop && state.working.contains($0.clientOrderID) }.reduce(Quantity.zero) { $0 + $1.quantity } }
    }
    var mostStopsTaken: Int { state.withLock { $0.taken.count { $0.type == .stop } } }

    // MARK: Orders

    private func report(_ order: NewOrder, _ status: VenueOrderStatus, filled: Quantity = .zero) -> OrderReport {
        OrderReport(
            venueOrderID: VenueOrderID("v-\(order.clientOrderID)"), clientOrderID: order.clientOrderID, symbol: order.symbol, side: order.side, type: order.type,
            status: status, venueStatus: status.rawValue, quantity: order.quantity, limitPrice: order.limitPrice, stopPrice: order.stopPrice,
            filledQuantity: filled, averagePrice: filled > 0 ? 20000 : nil, updatedAt: clock.wallTime)
    }

    private func fill(_ order: NewOrder, _ quantity: Quantity, _ state: inout State) -> Fill {
        state.executions += 1
        let id = order.clientOrderID
        let fill = Fill(
            executionID: ExecutionID("x\(state.executions)"), venueOrderID: VenueOrderID("v-\(id)"), clientOrderID: id, symbol: order.symbol, side: order.side,
            quantity: quantity, price: 20000, fee: nil, feeAsset: nil, executedAt: clock.wallTime)
        state.fills[id, default: []].append(fill)
        let total = state.fills[id, default: []].reduce(Quantity.zero) { $0 + $1.quantity }
        state.reports[id] = report(order, total >= order.quantity ? .filled : .partiallyFilled, filled: total)
        if total >= order.quantity { state.working.remove(id) }
        return fill
    }

    private func take(_ order: NewOrder, filled: Bool) -> PlaceOutcome {
        state.withLock { state in
            state.taken.append(order)
            guard filled else {
                let report = report(order, .accepted)
                state.reports[order.clientOrderID] = report
                state.working.insert(order.clientOrderID)
                return .accepted(report, fills: [], Evidence(mayHaveLeft: true))
            }
            let fill = fill(order, order.quantity, &state)
            return .accepted(report(order, .filled, filled: order.quantity), fills: [fill], Evidence(mayHaveLeft: true))
        }
    }

    private func waitForRelease() async {
        await withCheckedContinuation { continuation in
            let isReleased = state.withLock { state in
                if !state.isReleased { state.held.append(continuation) }
                return state.isReleased
            }
            if isReleased { continuation.resume() }
        }
    }

    func place(_ order: NewOrder, within window: SendWindow) async -> PlaceOutcome {
        let out = Evidence(mayHaveLeft: true)
        guard state.withLock({ $0.isUp }) else { return .notSent(.notConnected, Evidence(mayHaveLeft: false)) }
        state.withLock { $0.placed.append(order) }
        if order.type == .stop {
            let answer = state.withLock { $0.stops.count > 1 ? $0.stops.removeFirst() : $0.stops.first ?? .accept }
            switch answer {
            case .accept: return take(order, filled: false)
            case .refuse: return .refused(.invalidPrice, out)
            case .lose:
                _ = take(order, filled: false)
                return .unknown(.timedOut, out)
            case .vanish: return .unknown(.connectionLost, out)
            case .hold:
                await waitForRelease()
                return take(order, filled: false)
            }
        }
        let answer: Entry = state.withLock { $0.entries.isEmpty ? .fill : $0.entries.removeFirst() }
        switch answer {
        case .fill: return take(order, filled: true)
        case .fillAndGoAway:
            state.withLock { $0.isUp = false }
            return take(order, filled: true)
        case .rest: return take(order, filled: false)
        case .hold:
            await waitForRelease()
            return take(order, filled: true)
        }
    }

    func cancel(_ order: OrderReference, within window: SendWindow) async -> CancelOutcome {
        state.withLock { state in
            guard state.isUp else { return .notSent(.notConnected, Evidence(mayHaveLeft: false)) }
            let id = order.clientOrderID
            guard state.working.remove(id) != nil, let taken = state.taken.last(where: { $0.clientOrderID == id }) else {
                return .notOpen(Evidence(mayHaveLeft: true))
            }
            let filled = state.fills[id, default: []].reduce(Quantity.zero) { $0 + $1.quantity }
            let report = report(taken, .cancelled, filled: filled)
            state.reports[id] = report
            return .cancelled(report, Evidence(mayHaveLeft: true))
        }
    }

    func lookup(_ order: OrderReference) async -> LookupResult {
        state.withLock { state in
            guard state.isUp else { return .indeterminate(.connectionLost, Evidence(mayHaveLeft: false)) }
            return state.reports[order.clientOrderID].map(LookupResult.found) ?? .notFound(complete: true, Evidence(mayHaveLeft: true))
        }
    }

    func fills(of order: OrderReference) async throws(BrokerError) -> [Fill] { state.withLock { $0.fills[order.clientOrderID] ?? [] } }
    func replace(_ order: OrderReference, with terms: Replacement, within window: SendWindow) async -> ReplaceOutcome {
        .notSent(.unsupported, Evidence(mayHaveLeft: false))
    }
    func openOrders() async throws(BrokerError) -> [OrderReport] { state.withLock { state in state.working.compactMap { state.reports[$0] } } }
    func orderHistory(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [OrderReport] { state.withLock { Array($0.reports.values) } }
    func fills(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [Fill] { state.withLock { $0.fills.values.flatMap { $0 } } }
    func positions() async throws(BrokerError) -> [Position] { throw BrokerError(.unsupported, effect: .notSent, "none") }
}
