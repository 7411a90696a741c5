import BrokerContract
import TradingModel

/// One order as the venue has it.
final class VenueOrder {
    let number: Int
    let clientOrderID: ClientOrderID?
    let symbol: Symbol
    let side: Side
    let type: OrderType
    let quantity: Quantity
    let limitPrice: Price?
    let createdAt: Int64
    /// From then on queries show it.
    let visibleAt: Int64
    var status = VenueOrderStatus.accepted
    var fills: [(at: Int64, fill: Fill)] = []
    /// Every report of it, with the time from which it was true.
    var history: [(at: Int64, report: OrderReport)] = []

    init(number: Int, _ order: NewOrder, isOurs: Bool, at now: Int64, visibleAt: Int64) {
        self.number = number
        clientOrderID = isOurs ? order.clientOrderID : nil
        symbol = order.symbol
        side = order.side
        type = order.type
        quantity = order.quantity
        limitPrice = order.limitPrice
        createdAt = now
        self.visibleAt = visibleAt
    }

    var id: VenueOrderID { VenueOrderID("v\(number)") }
    var filled: Quantity { fills.reduce(.zero) { $0 + $1.fill.quantity } }
    var isOpen: Bool { !status.isTerminal }
    /// Of what is filled, the part that came after the end or beyond what was ordered.
    var lateQuantity: Quantity = .zero
}

/// A venue of one account, in memory, of one semantic class. What it has is the truth that the gateways are judged by.
///
/// Unchecked for the same reason as ``Scheduler``.
final class SimulatedVenue: @unchecked Sendable {
    let account: AccountID
    let terms: Plan.Venue
    let scheduler: Scheduler
    var random: SeededRandom
    private(set) var orders: [VenueOrder] = []
    private var nextExecution = 0
    var placements = 0
    var spells: Set<Spell> = []
    /// Nothing rests any longer.
    var isCalm = false
    /// Streams that are connected.
    var listeners: [SimulatedBroker] = []
    /// Called when an order is made, with whether another of the same client order id was made before.
    var onAccepted: ((VenueOrder) -> Void)?
    var plan: Plan
    /// Requests that are under way and may still make an order, by client order id.
    var underWay: [ClientOrderID: Int] = [:]

    static let price: Price = 100
    var horizon: Int64 { terms.horizon * 1000 }
    static let expiry: Int64 = 400_000
    static let window: Int64 = 600_000_000

    init(account: AccountID, terms: Plan.Venue, scheduler: Scheduler, plan: Plan, number: UInt64) {
        self.account = account
        self.terms = terms
        self.scheduler = scheduler
        self.plan = plan
        random = SeededRandom(seed: plan.seed, stream: 10 + number)
    }

    enum Reply: Sendable {
        case accepted(OrderReport, [Fill])
        case refused(RejectReason)
        /// Seen before: what a venue that recognises repeats says.
        case duplicate(OrderReport)
        case duplicateRefused
    }

    /// A request arrives.
    ///
    /// - Parameters:
    ///   - sentAt: When its bytes left: an order is visible within the horizon from then.
    ///   - signedAt: What the request says about its own time.
    func arrive(_ order: NewOrder, sentAt: Int64, signedAt: Int64, fault: PlaceFault?) -> Reply {
        let now = scheduler.now
        if terms.expires, now - signedAt > Self.expiry { return .refused(.requestExpired) }
        let known = orders.last { $0.clientOrderID == order.clientOrderID }
        if let known {
            switch terms.deduplication {
            case 1 where known.isOpen: return .duplicateRefused
            case 2 where now - known.createdAt < Self.window: return .duplicate(report(known))
            case 3: return .duplicate(report(known))
            default: break
            }
        }
        if case .refused = fault { return .refused(.insufficientFunds) }
        let left = max(0, sentAt + horizon - now - 1000)
        let made = make(order, isOurs: true, visibleAt: now + random.between(0, left))
        onAccepted?(made)
        live(made, fault)
        return .accepted(report(made), terms.filling == 0 ? made.fills.map(\.fill) : [])
    }

    /// A person's order.
    func arriveManually(buys: Bool, symbol: Symbol, quantity: Quantity) {
        guard let order = try? NewOrder(clientOrderID: "manual", symbol: symbol, side: buys ? .buy : .sell, type: .market, quantity: quantity, timeInForce: .gtc) else { return }
        let made = make(order, isOurs: false, visibleAt: scheduler.now)
        fill(made, made.quantity)
    }

    private func make(_ order: NewOrder, isOurs: Bool, visibleAt: Int64) -> VenueOrder {
        let made = VenueOrder(number: orders.count + 1, order, isOurs: isOurs, at: scheduler.now, visibleAt: visibleAt)
        orders.append(made)
        changed(made)
        return made
    }

    // MARK: What happens to an order

    private func live(_ order: VenueOrder, _ fault: PlaceFault?) {
        switch fault {
        case .rejectedLater: return later(30...300) { [self] in end(order, .rejected) }
        case .overFill:
            return later(5...200) { [self] in
                fill(order, order.quantity)
                fill(order, order.quantity, isForced: true)
            }
        case .fillAfterCancel:
            return later(20...400) { [self] in
                end(order, .cancelled)
                later(20...400) { [self] in fill(order, order.quantity, isForced: true) }
            }
        default: break
        }
        guard order.type == .market else {
            guard !isCalm else { return later(1...300) { [self] in fill(order, order.quantity) } }
            // A resting order meets the market some time, in part, or never.
            switch random.below(4) {
            case 0: later(100...4000) { [self] in fill(order, order.quantity) }
            case 1: later(100...4000) { [self] in fill(order, half(order)) }
            case 2: later(500...5000) { [self] in end(order, .expired) }
            default: break
            }
            return
        }
        switch terms.filling {
        case 0, 1: fill(order, order.quantity)
        case 2:
            later(5...400) { [self] in
                fill(order, half(order))
                later(5...400) { [self] in fill(order, order.quantity) }
            }
        case 3: later(300...3000) { [self] in fill(order, order.quantity) }
        default:
            later(5...500) { [self] in
                fill(order, half(order))
                end(order, .expired)
            }
        }
    }

    /// The market moves, and nothing rests any longer.
    func endAll() {
        for order in orders where order.isOpen { later(1...300) { [self] in if random.chance(50) { fill(order, order.quantity) } else { end(order, .cancelled) } } }
    }

    private func half(_ order: VenueOrder) -> Quantity { max(Self.lot, (order.quantity * 0.5).rounded(.down, to: Self.lot)) }
    static let lot: Quantity = Quantity(1) * 0.01

    private func later(_ range: ClosedRange<Int64>, _ action: @escaping () -> Void) {
        scheduler.after(random.between(range.lowerBound * 1000, range.upperBound * 1000), action)
    }

    /// At most what is left, unless forced.
    private func fill(_ order: VenueOrder, _ wanted: Quantity, isForced: Bool = false) {
        guard order.isOpen || isForced else { return }
        let quantity = isForced ? wanted : min(wanted, order.quantity - order.filled)
        guard quantity > 0 else { return }
        nextExecution += 1
        let fill = Fill(
            executionID: ExecutionID("e\(nextExecution)"), venueOrderID: order.id, clientOrderID: shownID(order), symbol: order.symbol, side: order.side,
            quantity: quantity, price: order.limitPrice ?? Self.price, fee: nil, feeAsset: nil, executedAt: time)
        if !order.isOpen { order.lateQuantity += quantity }
        order.fills.append((scheduler.now, fill))
        if order.isOpen { order.status = order.filled >= order.quantity ? .filled : .partiallyFilled }
        emit(.fill(fill), isSafe: isForced)
        changed(order, isSafe: isForced)
    }

    func end(_ order: VenueOrder, _ status: VenueOrderStatus) {
        guard order.isOpen else { return }
        order.status = status
        changed(order)
    }

    private func changed(_ order: VenueOrder, isSafe: Bool = false) {
        let report = report(order)
        order.history.append((scheduler.now, report))
        emit(.order(report), isSafe: isSafe)
    }

    /// - Parameter isSafe: Not to be lost: no query would bring it, because the order has ended.
    private func emit(_ event: BrokerEvent, isSafe: Bool) {
        guard isSafe || !spells.contains(.streamSilent) else { return }
        for listener in listeners {
            if !isSafe, random.chance(plan.dropped) { continue }
            for _ in 0..<(random.chance(plan.doubled) ? 2 : 1) {
                let delay = random.chance(plan.delayed) ? random.between(1000, 2_000_000) : random.between(500, 20_000)
                scheduler.after(delay) { listener.deliver(event) }
            }
        }
    }

    // MARK: What it tells

    var time: Timestamp { SimulatedClock.start + .microseconds(scheduler.now) }

    /// A venue without lookup by client order id does not tell it at all.
    private func shownID(_ order: VenueOrder) -> ClientOrderID? { terms.lookup == 0 ? nil : order.clientOrderID }

    func report(_ order: VenueOrder) -> OrderReport {
        let filled = order.filled
        return OrderReport(
            venueOrderID: order.id, clientOrderID: shownID(order), symbol: order.symbol, side: order.side, type: order.type, status: order.status,
            venueStatus: order.status.rawValue, quantity: order.quantity, limitPrice: order.limitPrice, filledQuantity: filled,
            averagePrice: filled > 0 ? order.limitPrice ?? Self.price : nil, reason: order.status == .rejected ? .insufficientFunds : nil, updatedAt: time)
    }

    func start(_ request: ClientOrderID) { underWay[request, default: 0] += 1 }
    func finish(_ request: ClientOrderID) { underWay[request, default: 1] -= 1 }
}
