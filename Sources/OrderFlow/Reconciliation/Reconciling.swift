import StoreContract
import TradingModel

/// What a comparison of an account with its venue means. Pure; runs inside the store's transaction.
public struct Reconciling: Sendable {
    public let policy: DriftPolicy
    /// How far two runs must lie apart for the second to confirm what the first saw.
    public let confirmAfter: Duration
    /// Makes the orders of the policy `flatten`.
    public let order: DriftOrder
    public init(policy: DriftPolicy, confirmAfter: Duration, order: DriftOrder) {
        self.policy = policy
        self.confirmAfter = confirmAfter
        self.order = order
    }

    /// Strangers are recorded whatever else failed, because what was seen is there. About positions nothing is concluded from a run that
    /// is not complete.
    public func change(_ view: VenueView, on facts: ReconciliationFacts) -> ReconciliationChange {
        var change = ReconciliationChange(run: view.run)
        let fresh = ExternalOrders.record(view.strangers, facts, into: &change)
        change.run?.externalOrders = fresh
        guard view.run.isComplete else { return change }
        let drift = Drift(policy: policy, confirmAfter: confirmAfter, order: order, facts: facts)
        drift.judge(Drift.positions(view, facts) + Drift.balances(view, facts), of: view, into: &change)
        if view.hasAllOpenOrders, !view.strangers.contains(where: { $0.kind == .external && !$0.status.isTerminal && $0.status != .unrecognised }),
            fresh == 0
        {
            change.resolvedAlerts.append(AlertKey(type: "external_order", subject: ExternalOrders.alertSubject(facts.account)))
        }
        return change
    }
}
