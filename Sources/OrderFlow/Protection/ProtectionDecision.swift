import BrokerContract
import StoreContract
import TradingModel

/// What is to be done so that a position has its stop, on the facts of one transaction. Pure: the same facts give the same answer.
///
/// The stop is an order like any other: recorded, permitted, resolved by evidence if its outcome is not known. While one may be at the
/// venue no other is made for the same quantity.
public struct ProtectionDecision: Sendable {
    public let instrument: Instrument
    public let capabilities: BrokerCapabilities
    public let rules: ClientOrderIDRules
    /// Since when orders could be sent without a break; nil if nothing can be sent now.
    public let sendableSince: Timestamp?
    /// Orders that one flattening may need before a person must act.
    public static let maximumFlattenings = 5

    public init(instrument: Instrument, capabilities: BrokerCapabilities, rules: ClientOrderIDRules, sendableSince: Timestamp?) {
        self.instrument = instrument
        self.capabilities = capabilities
        self.rules = rules
        self.sendableSince = sendableSince
    }

    /// Nil if there is nothing to do.
    public func decide(_ facts: EpisodeFacts) -> EpisodeWork? {
        guard let protection = facts.episode.protection, let stop = facts.episode.stopLoss else { return nil }
        var plan = ProtectionPlan(facts, protection, rules)
        let held = plan.held
        let step = instrument.marketLotSize > instrument.lotSize ? instrument.marketLotSize : instrument.lotSize
        var sellable = held.rounded(.down, to: step)
        if sellable < instrument.minimumQuantity { sellable = .zero }
        plan.work.episode.dust = held - sellable
        if sellable.isZero {
            plan.cancelStops()
            plan.end(.placeStop, .done, "nothing is held")
            plan.end(.flatten, .done, "nothing is held")
        } else if facts.episode.isRollingBack {
            flatten(&plan, sellable)
        } else if !plan.isLeaving {
            protect(&plan, sellable, at: stop)
        }
        return plan.result
    }

    private func protect(_ plan: inout ProtectionPlan, _ sellable: Quantity, at stop: Price) {
        let covered = plan.stops.reduce(Quantity.zero) { $0 + ($1.quantity ?? $1.requestedQuantity) - $1.filledQuantity }
        if covered == sellable {
            if plan.stops.allSatisfy({ $0.state == .accepted || $0.state == .partiallyFilled }) { plan.end(.placeStop, .done, "the venue has it") }
            return
        }
        // More than is held would open a position the other way.
        guard covered < sellable else { return plan.cancelStops() }
        plan.begin(.placeStop)
        guard let sendableSince, let step = plan.step(.placeStop), let since = plan.facts.episode.unprotectedSince else { return }
        if plan.facts.now >= max(since, sendableSince) + plan.protection.stopWithin, step.attempts > 0, plan.protection.onFailure == .flatten {
            plan.end(.placeStop, .failed, "not in place within \(plan.protection.stopWithin)")
            plan.work.episode.isRollingBack = true
            plan.begin(.flatten)
            plan.alert("position_flattened", "its stop could not be placed within \(plan.protection.stopWithin); \(sellable) is given back")
            return flatten(&plan, sellable)
        }
        guard plan.isDue(step), let type = StopOrder.type(capabilities, instrument) else { return }
        let (protection, episode) = (plan.protection, plan.facts.episode.id)
        plan.make(.placeStop, expiresAfter: max(protection.stopWithin, .seconds(1))) { order in
            order.type = type
            order.stopPrice = stop
            order.limitPrice = type == .stopLimit ? StopOrder.limit(stop, order.side, protection, instrument) : nil
            order.requestedQuantity = sellable - covered
            order.intent = OrderIntent(purpose: .stopLoss, episode: episode)
        }
    }

    /// Gives back what is held: once all stops are gone, and one order at a time.
    private func flatten(_ plan: inout ProtectionPlan, _ sellable: Quantity) {
        plan.cancelStops()
        guard plan.stops.isEmpty, plan.flattenings.isEmpty, sendableSince != nil else { return }
        plan.begin(.flatten)
        guard let step = plan.step(.flatten), plan.isDue(step) else { return }
        guard step.attempts < Self.maximumFlattenings else {
            plan.end(.flatten, .failed, "\(step.attempts) orders did not give it back")
            return plan.alert("flatten_failed", "\(sellable) is held without a stop, and \(step.attempts) orders did not give it back: act at the venue")
        }
        let episode = plan.facts.episode.id
        plan.make(.flatten, expiresAfter: .seconds(60)) { order in
            order.type = .market
            order.requestedQuantity = sellable
            order.intent = OrderIntent(kind: .close, purpose: .flatten, episode: episode)
        }
    }
}
