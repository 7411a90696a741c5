import Testing

/// What the keys of comparisons with the venue accept; what is not built, or has no meaning at the venue, is refused.
@Suite struct ReconciliationKeyTests {
    @Test(arguments: [
        Mistake("drift unknown", file(accounts: "accounts: { p: { broker: paper, drift: ignore }, a: { broker: venue, credentials: { key: env:KEY, secret: env:SECRET } } }"), #"turnstile.yaml:6:40 accounts.p.drift must be one of alert, adopt, flatten, halt, not "ignore""#),
        Mistake("drift without positions", file(accounts: "accounts: { p: { broker: paper, drift: adopt }, a: { broker: venue, credentials: { key: env:KEY, secret: env:SECRET } } }"), "turnstile.yaml:6:40 accounts.p.drift: a paper account like this has balances, not positions, and of those only alerts are made: use alert"),
        Mistake("deep more often than light", file(more: "tracking: { reconcile_interval: 60s, deep_reconcile_interval: 30s }"), "turnstile.yaml:8:38 tracking.deep_reconcile_interval must not be shorter than reconcile_interval"),
    ])
    func `a mistake is named with its place`(_ mistake: Mistake) {
        #expect(problems(mistake.text) == mistake.problems)
    }

    @Test func `what is built is read`() throws {
        let file = try read(file(accounts: "accounts: { p: { broker: paper, drift: alert }, a: { broker: venue, credentials: { key: env:KEY, secret: env:SECRET } } }", more: "tracking: { reconcile_interval: 5m }"))
        #expect(file.gateway.accounts.map(\.drift) == [.alert, .alert])
        #expect(file.gateway.tracking.reconcileInterval == .seconds(300) && file.gateway.tracking.deepReconcileInterval == .seconds(300))
    }
}
