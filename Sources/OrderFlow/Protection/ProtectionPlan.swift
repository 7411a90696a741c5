import BrokerContract
import StoreContract
import TradingModel

/// The work for one episode as it grows.
struct ProtectionPlan {
    let facts: EpisodeFacts
    let protection: ProtectionPolicy
    let rules: ClientOrderIDRules
    var work: EpisodeWork

    init(_ facts: EpisodeFacts, _ protection: ProtectionPolicy, _ rules: ClientOrderIDRules) {
        self.facts = facts
        self.protection = protection
        self.rules = rules
        work = EpisodeWork(episode: facts.episode, steps: facts.steps)
    }

    /// Nil if nothing is different.
    var result: EpisodeWork? {
        let isSame = work.episode == facts.episode && work.orders.isEmpty && work.steps == facts.steps && work.alerts.isEmpty && work.cancels.isEmpty
        return isSame ? nil : work
    }

    /// On the episode's side; zero if it is not.
    var held: Quantity {
        let quantity = facts.position?.quantity ?? .zero
        return max(facts.episode.side == .buy ? quantity : -quantity, .zero)
    }

    /// The gateway's own stops that have not ended.
    var stops: [OrderRecord] { own(.stopLoss) }
    var flattenings: [OrderRecord] { own(.flatten) }
    private func own(_ purpose: OrderIntent.Purpose) -> [OrderRecord] {
        facts.own.filter { $0.purpose == purpose && !$0.state.isTerminal }
    }

    /// A signal's order is about to leave the position: its way is cleared of stops, and none is placed in it.
    var isLeaving: Bool { facts.open.contains { $0.purpose == .signal && $0.reduceOnly && $0.bracketRole == nil && $0.kind != .delta } }

    mutating func cancelStops() {
        work.cancels = stops.filter { $0.state != .cancelPending }.map(\.id)
    }

    mutating func alert(_ type: String, _ message: String) {
        work.alerts.append(
            AlertDraft(
                type: type, severity: .critical, subject: "position:\(facts.episode.account)/\(facts.episode.symbol)",
                message: "\(facts.episode.account) \(facts.episode.symbol): \(message)"))
    }

    // MARK: Steps

    /// The open step of this kind, brought up to what its latest order came to.
    func step(_ kind: CompensationStep.Kind) -> CompensationStep? {
        work.steps.last { $0.kind == kind && !$0.state.isTerminal }
    }

    /// Writes the step down, or plans its next try after an order that did not do it.
    mutating func begin(_ kind: CompensationStep.Kind) {
        guard var step = step(kind) else {
            let number = work.steps.count + 1
            return work.steps.append(
                CompensationStep(
                    id: "\(facts.episode.id)-c\(number)", episode: facts.episode.id, account: facts.episode.account, symbol: facts.episode.symbol,
                    kind: kind, state: .planned, nextAt: facts.now, createdAt: facts.now, updatedAt: facts.now))
        }
        guard step.state == .running, let order = facts.own.first(where: { $0.id == step.orderID }), order.state.isTerminal else { return }
        step.state = .planned
        step.detail = "order \(order.id) ended \(order.state.rawValue): \(order.reason ?? "")"
        step.nextAt = order.state == .filled ? facts.now : facts.now + Self.pause(after: step.attempts)
        replace(step)
    }

    mutating func end(_ kind: CompensationStep.Kind, _ state: CompensationStep.State, _ detail: String) {
        guard var step = step(kind) else { return }
        step.state = state
        step.detail = detail
        replace(step)
    }

    private mutating func replace(_ step: CompensationStep) {
        guard let index = work.steps.firstIndex(where: { $0.id == step.id }) else { return }
        work.steps[index] = step
        work.steps[index].updatedAt = facts.now
    }

    func isDue(_ step: CompensationStep) -> Bool { step.nextAt <= facts.now }

    /// 0.25, 0.5, 1 s and so on, at most 30 s.
    static func pause(after attempts: Int) -> Duration { min(.milliseconds(250) * (1 << min(max(attempts - 1, 0), 8)), .seconds(30)) }

    // MARK: Orders

    /// One more order of the gateway's own, for the step of this kind.
    mutating func make(_ kind: CompensationStep.Kind, expiresAfter age: Duration, _ fill: (inout OrderRecord) -> Void) {
        guard var step = step(kind) else { return }
        let entry = facts.entry
        let leg = facts.nextLeg + work.orders.count
        work.episode.ownOrders += 1
        var order = OrderRecord(
            id: OrderID("\(facts.episode.id)-p\(work.episode.ownOrders)"), signalID: entry.signalID, strategy: entry.strategy, account: entry.account,
            leg: leg,
            clientOrderID: Minting.clientOrderID(signal: entry.signalID, strategy: entry.strategy, account: entry.account, leg: leg, rules: rules),
            symbol: entry.symbol, signalSymbol: entry.signalSymbol, side: facts.episode.side.opposite, type: .market, timeInForce: .gtc,
            requestedQuantity: .zero, limitPrice: nil, stopPrice: nil, reduceOnly: true, referencePrice: entry.referencePrice, policy: OrderPolicy(),
            requestID: entry.requestID, createdAt: facts.now, updatedAt: facts.now, expiresAt: facts.now + age)
        fill(&order)
        work.orders.append(order)
        step.state = .running
        step.attempts += 1
        step.orderID = order.id
        replace(step)
    }
}
