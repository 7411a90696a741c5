import StoreContract
import StoreKit
import TradingModel

extension MemoryState {
    mutating func reconcile(
        _ request: ReconciliationRequest, deciding decide: (ReconciliationFacts) -> ReconciliationChange?
    ) throws(StoreError) -> ReconciliationChange? {
        worksUnder = request.tenure
        try checkCurrent(request.tenure)
        let facts = facts(for: request)
        guard let wanted = decide(facts) else { return nil }
        let change = try ReconciliationRules.prepare(wanted, on: facts)
        if let run = change.run {
            runs.removeAll { $0.account == run.account && $0.depth == run.depth && $0.isComplete == run.isComplete }
            runs.append(run)
        }
        for order in change.external {
            if let index = external.firstIndex(where: { $0.account == order.account && $0.key == order.key }) { external[index] = order } else { external.append(order) }
        }
        for finding in change.findings { try save(finding) }
        for position in change.corrections {
            positions[Pair(position.account, position.symbol)] = position
            guard let episode = openEpisode(position.account, position.symbol), let entry = order(episode.entryID) else { continue }
            try settleEpisode(after: entry, at: request.now)
        }
        for admission in change.admissions { guard case .admitted = try admit(admission) else { throw ReconciliationRules.ordered } }
        if let halt = change.halt { halts.append(halt) }
        for draft in change.journal { try write(draft, at: request.now) }
        for alert in change.alerts { try raise(alert, at: request.now) }
        for alert in change.resolvedAlerts { try resolveAlert(type: alert.type, subject: alert.subject, at: request.now) }
        return change
    }

    private func facts(for request: ReconciliationRequest) -> ReconciliationFacts {
        let account = request.tenure.account
        let working = orders.filter { !$0.state.isTerminal && $0.attempts >= 1 && $0.account == account }
        return ReconciliationFacts(
            now: request.now, account: account, positions: positions.values.filter { $0.account == account }.sorted { $0.symbol < $1.symbol },
            unsettled: Set(working.filter { ReconciliationRules.isUnsettled($0.state, $0.type) }.map(\.symbol)),
            findings: findings(of: account, includeResolved: false),
            external: request.external.compactMap { key in external.first { $0.account == account && $0.key == key } }, runs: runs(of: account),
            halt: halt(of: account), left: left(of: account))
    }

    private func left(of account: AccountID) -> Set<String> {
        let flattened = ReconciliationRules.flattened(findings(of: account, includeResolved: false))
        return Set(flattened.filter { id in
            orders.contains { $0.strategy == DriftFinding.orderStrategy && $0.account == account && $0.requestID == id && $0.state == .filled }
        })
    }

    /// A finding moves on, and one that is not resolved is alone with its subject.
    private mutating func save(_ finding: DriftFinding) throws(StoreError) {
        if let index = findings.firstIndex(where: { $0.id == finding.id }) {
            let old = findings[index]
            guard old.state != .resolved, !(old.state == .confirmed && (finding.state == .suspected || finding.action != old.action)),
                old.account == finding.account, old.kind == finding.kind, old.subject == finding.subject
            else { throw .refused("finding \(finding.id) is confirmed once and ends once") }
            findings[index] = finding
            return
        }
        let isAlone = !findings.contains {
            $0.state != .resolved && $0.account == finding.account && $0.kind == finding.kind && $0.subject == finding.subject
        }
        guard finding.state == .resolved || isAlone else { throw .refused("there is a finding about \(finding.subject) already") }
        findings.append(finding)
    }

    func findings(of account: AccountID?, includeResolved: Bool) -> [DriftFinding] {
        findings.filter { (account == nil || $0.account == account) && (includeResolved || $0.state != .resolved) }
            .sorted { ($0.firstSeenAt, $0.id) > ($1.firstSeenAt, $1.id) }
    }

    func runs(of account: AccountID?) -> [ReconciliationRun] {
        runs.filter { account == nil || $0.account == account }.sorted { a, b in a.account != b.account ? a.account < b.account : a.number > b.number }
    }

    /// The halt that nobody has released yet.
    func halt(of account: AccountID) -> AccountHalt? { halts.first { $0.account == account && $0.releasedAt == nil } }

    mutating func resume(_ account: AccountID, by actor: String, reason: String, at: Timestamp) throws(StoreError) -> AccountHalt {
        guard let index = halts.firstIndex(where: { $0.account == account && $0.releasedAt == nil }) else { throw .notFound("a halt of \(account)") }
        let halt = halts[index]
        halts[index] = ReconciliationRules.released(halt, by: actor, reason: reason, at: at)
        try write(.resumed(halt, by: actor, reason: reason), at: at)
        return halts[index]
    }
}
