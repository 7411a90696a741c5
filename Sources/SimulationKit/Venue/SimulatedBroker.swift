import BrokerContract
import TradingModel

/// One gateway's adapter for a ``SimulatedVenue``: translates, declares, checks the window, sends at most one request.
///
/// Unchecked for the same reason as ``Scheduler``.
final class SimulatedBroker: Broker, @unchecked Sendable {
    let venue: SimulatedVenue
    let process: SimulatedProcess
    private unowned let world: World
    private let clock: SimulatedClock
    let events: AsyncStream<BrokerEvent>
    private let continuation: AsyncStream<BrokerEvent>.Continuation
    private var isConnected = false
    private var streamIsUp = false

    init(_ venue: SimulatedVenue, _ process: SimulatedProcess, _ world: World) {
        self.venue = venue
        self.process = process
        self.world = world
        clock = SimulatedClock(process: process)
        (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1000))
    }

    private var plants: Set<Plant> { world.plants }

    var capabilities: BrokerCapabilities {
        BrokerCapabilities(orderTypes: [.market, .limit], timesInForce: [.gtc, .ioc], canSellShort: true, hasStream: true, hasPositions: venue.plan.drift != nil)
    }

    var semantics: VenueSemantics {
        let terms = venue.terms
        return VenueSemantics(
            deduplication: [.none, .amongOpen, .window(.microseconds(SimulatedVenue.window)), .forever][terms.deduplication],
            lookup: plants.contains(.openListComplete) ? .openAndClosed(retention: .seconds(86_400))
                : [.none, .openOnly, .openAndClosed(retention: .seconds(86_400))][terms.lookup],
            visibilityHorizon: plants.contains(.horizonIgnored) ? .zero : .milliseconds(terms.horizon),
            requestExpiry: terms.expires ? .enforced(after: .microseconds(SimulatedVenue.expiry)) : .none, stream: .unsequenced,
            fillKey: terms.lookup == 0 ? .venueOrderID : .clientOrderID, cancelKey: .venueOrderID, definitiveRefusals: [],
            clientOrderIDRules: ClientOrderIDRules(form: .token, maximumLength: 36))
    }

    var health: BrokerHealth {
        get async {
            // The offset is measured with the venue's clock, which is right.
            BrokerHealth(
                isConnected: isConnected, streamIsUp: streamIsUp, rulesAreLoaded: isConnected, clockOffset: .microseconds(-process.wallError),
                detail: isConnected ? "connected" : "not connected")
        }
    }

    // MARK: Connection

    func run() async throws(BrokerError) {
        do {
            while true {
                try await clock.sleep(for: .microseconds(venue.random.between(2000, 40_000)))
                guard !venue.spells.contains(.venueDown) else {
                    try await clock.sleep(for: .milliseconds(200))
                    continue
                }
                isConnected = true
                if !venue.spells.contains(.streamDown) { listen() }
                var silentSince: Int64?
                while !venue.spells.contains(.venueDown) {
                    try await clock.sleep(for: .milliseconds(300))
                    if venue.spells.contains(.streamDown) {
                        stopListening("stream down")
                    } else if !streamIsUp {
                        listen()
                    }
                    // Silence is noticed by the missing heartbeats, and the stream made anew.
                    silentSince = venue.spells.contains(.streamSilent) ? silentSince ?? process.scheduler.now : nil
                    if let since = silentSince, process.scheduler.now - since > 3_000_000 { stopListening("silent") }
                }
                isConnected = false
                stopListening("venue down")
            }
        } catch { throw BrokerError(.cancelled, effect: .notSent, "cancelled") }
    }

    private func listen() {
        streamIsUp = true
        venue.listeners.append(self)
        continuation.yield(.connected)
    }

    private func stopListening(_ reason: String) {
        guard streamIsUp else { return }
        streamIsUp = false
        venue.listeners.removeAll { $0 === self }
        continuation.yield(.disconnected(reason: reason))
    }

    func deliver(_ event: BrokerEvent) {
        guard streamIsUp, !process.isDead else { return }
        process.scheduler.note("event \(process.number)")
        continuation.yield(event)
    }

    /// The process is gone, and its connections with it.
    func cut() {
        isConnected = false
        streamIsUp = false
        venue.listeners.removeAll { $0 === self }
        continuation.finish()
    }

    // MARK: Commands

    func place(_ order: NewOrder, within window: SendWindow) async -> PlaceOutcome {
        venue.placements += 1
        let fault = world.placeFault(venue.account, venue.placements)
        let point = world.countPlacement(process)
        if world.reached(.place(point, .beforeCheck), process) { await rest() }
        func notSent(_ reason: NotSentReason) -> PlaceOutcome { .notSent(reason, Evidence(mayHaveLeft: false, message: reason.rawValue)) }
        guard !process.isDead else { return notSent(.cancelled) }
        guard isConnected else { return notSent(.notConnected) }
        guard window.isOpen(at: clock.monotonic) || plants.contains(.windowUnchecked) else { return notSent(.windowClosed) }
        let signedAt = process.scheduler.now
        var wasHeld = false
        process.lastLooks.append(signedAt)
        if world.reached(.place(point, .beforeBytes), process) {
            wasHeld = true
            await rest()
        }
        if let look = process.lastLooks.firstIndex(of: signedAt) { process.lastLooks.remove(at: look) }
        guard !process.isDead else { return notSent(.cancelled) }
        if venue.spells.contains(.venueDown) { return notSent(.connectionRefused) }
        if fault == .connectionRefused { return notSent(.connectionRefused) }
        world.checker.sent(order, by: process, notAfter: nil, isAssumed: wasHeld, on: venue)
        return await exchange(order, signedAt: signedAt, fault, point)
    }

    private func exchange(_ order: NewOrder, signedAt: Int64, _ fault: PlaceFault?, _ point: Int) async -> PlaceOutcome {
        let evidence = Evidence(mayHaveLeft: true)
        var out = venue.random.between(500, 20_000)
        var back = venue.random.between(500, 20_000)
        var isLost = false
        switch fault {
        case .surfacesLate(let delay):
            out = delay * 1000
            isLost = true
        case .lostReply: isLost = true
        case .slowReply(let delay): back = delay * 1000
        default: break
        }
        let sentAt = process.scheduler.now
        let venue = venue
        let isReached = fault != .lostRequest && fault != .serverError(accepted: false) && fault != .unlistedRefusal(accepted: false)
        if isReached { venue.start(order.clientOrderID) }
        let arrive: @Sendable () -> SimulatedVenue.Reply? = {
            guard isReached else { return nil }
            defer { venue.finish(order.clientOrderID) }
            return venue.arrive(order, sentAt: sentAt, signedAt: signedAt, fault: fault)
        }
        let answer: SimulatedVenue.Reply??
        if isLost {
            // The bytes go their way, and the adapter waits for its time-out or sees the connection end.
            process.scheduler.after(out) { _ = arrive() }
            if world.reached(.place(point, .afterBytes), process) { await rest() }
            answer = await process.ask(out: venue.random.between(20_000, 400_000), back: 0) { .some(nil) }
        } else {
            let reply = process.begin(out: out, back: back) { .some(arrive()) }
            if world.reached(.place(point, .afterBytes), process) { await rest() }
            answer = await reply.result()
        }
        if world.reached(.place(point, .atReply), process) { await rest() }
        guard !process.isDead else { return .unknown(.processDied, evidence) }
        switch fault {
        case .serverError: return plants.contains(.serverErrorRefused) ? .refused(.venueUnavailable, evidence) : .unknown(.serverError, evidence)
        case .unlistedRefusal: return plants.contains(.serverErrorRefused) ? .refused(.invalidParameter, evidence) : .unknown(.unlistedRefusal, evidence)
        case .unreadable: return .unknown(.unreadableReply, evidence)
        default: break
        }
        switch answer ?? nil {
        case .accepted(let report, let fills): return .accepted(report, fills: fills, evidence)
        case .duplicate(let report): return .accepted(report, fills: [], evidence)
        case .refused(let reason): return .refused(reason, evidence)
        case .duplicateRefused: return .unknown(.unlistedRefusal, evidence)
        case nil:
            return plants.contains(.lostReplyNotSent) ? .notSent(.connectTimedOut, evidence) : .unknown(.connectionLost, evidence)
        }
    }

    func cancel(_ order: OrderReference, within window: SendWindow) async -> CancelOutcome {
        let evidence = Evidence(mayHaveLeft: true)
        guard isConnected, window.isOpen(at: clock.monotonic) else { return .notSent(.notConnected, Evidence(mayHaveLeft: false)) }
        let venue = venue
        let isLost = venue.spells.contains(.cancelsLost)
        let outcome: CancelOutcome? = await process.ask(out: venue.random.between(300, 15_000), back: venue.random.between(300, 15_000)) {
            venue.spells.contains(.venueDown) ? nil : venue.cancel(order)
        }
        guard let outcome, !isLost else { return .unknown(.timedOut, evidence) }
        return outcome
    }

    func replace(_ order: OrderReference, with terms: Replacement, within window: SendWindow) async -> ReplaceOutcome {
        .notSent(.unsupported, Evidence(mayHaveLeft: false))
    }

    // MARK: Queries

    private func rest() async { _ = await process.ask(out: 0, back: 0) { true } }

    private func query<T: Sendable>(_ work: @escaping @Sendable () -> T) async -> T? {
        await process.ask(out: venue.random.between(300, 15_000), back: venue.random.between(300, 15_000)) { work() }
    }

    private func list<T: Sendable>(_ work: @escaping @Sendable () throws(BrokerError) -> T) async throws(BrokerError) -> T {
        let result: Result<T, BrokerError>? = await query {
            do throws(BrokerError) { return .success(try work()) } catch { return .failure(error) }
        }
        guard let result else { throw BrokerError(.cancelled, effect: .unknown, "cancelled") }
        return try result.get()
    }

    func instrument(_ symbol: Symbol) async throws(BrokerError) -> Instrument {
        Instrument(symbol: symbol, base: Asset(symbol.rawValue), quote: "USD", tickSize: 1, lotSize: SimulatedVenue.lot)
    }

    func lookup(_ order: OrderReference) async -> LookupResult {
        let (venue, plants) = (venue, plants)
        return await query { venue.lookup(order, plants: plants) } ?? .indeterminate(.cancelled, Evidence(mayHaveLeft: true))
    }

    func openOrders() async throws(BrokerError) -> [OrderReport] {
        let venue = venue
        return try await list { () throws(BrokerError) in try venue.openOrders() }
    }
    func orderHistory(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [OrderReport] {
        let venue = venue
        return try await list { () throws(BrokerError) in try venue.history(symbol, since: since) }
    }
    func fills(_ symbol: Symbol, since: Timestamp) async throws(BrokerError) -> [Fill] {
        let venue = venue
        return try await list { () throws(BrokerError) in try venue.fills(symbol, since: since) }
    }
    func fills(of order: OrderReference) async throws(BrokerError) -> [Fill] {
        let venue = venue
        return try await list { () throws(BrokerError) in try venue.fills(of: order) }
    }
    func positions() async throws(BrokerError) -> [Position] {
        guard capabilities.hasPositions else { throw BrokerError(.unsupported, effect: .notSent, "none") }
        let venue = venue
        return try await list { () throws(BrokerError) in try venue.positions() }
    }
}
