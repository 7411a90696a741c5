import StoreContract
import TradingModel

/// What a comparison with the venue may write, the same in every store.
public enum ReconciliationRules {
    /// The change as it is to be written: its run numbered, and with the lines that the store owes to the journal.
    public static func prepare(
        _ wanted: ReconciliationChange, on facts: ReconciliationFacts
    ) throws(StoreError) -> ReconciliationChange {
        var change = wanted
        try checkAccounts(change, facts.account)
        for finding in change.findings { try check(finding, against: facts.findings.first { $0.id == finding.id }) }
        let confirmed = change.findings.filter { finding in
            finding.state == .confirmed && facts.findings.first { $0.id == finding.id }?.state != .confirmed
        }
        for correction in change.corrections {
            guard
                let finding = confirmed.first(where: {
                    $0.kind == .position && ($0.action == .adopt || $0.action == .flatten) && $0.subject == correction.symbol.rawValue && $0.venue == correction.quantity
                })
            else { throw .refused("a correction of \(correction.symbol) at \(facts.account) without a finding that is confirmed with it") }
            let before = facts.positions.first { $0.symbol == correction.symbol }
            change.journal.append(.corrected(correction, from: before, finding))
        }
        for admission in change.admissions {
            guard admission.orders.count == 1, let order = admission.orders.first, order.reduceOnly, order.kind == .close, admission.rate == nil,
                order.strategy == DriftFinding.orderStrategy,
                confirmed.contains(where: {
                    $0.kind == .position && $0.action == .flatten && $0.subject == order.symbol.rawValue && !$0.venue.isZero && $0.id == order.requestID
                })
            else { throw .refused("an order at \(facts.account) without a finding that is confirmed with it, or one that does not just leave its instrument") }
        }
        guard Set(change.admissions.compactMap { $0.orders.first?.symbol }).count == change.admissions.count else {
            throw .refused("two orders for one finding at \(facts.account)")
        }
        if let halt = change.halt {
            guard facts.halt == nil else { throw .refused("\(facts.account) is halted already") }
            guard let finding = confirmed.first(where: { $0.action == .halt }) else { throw .refused("a halt of \(facts.account) without its finding") }
            guard halt.releasedAt == nil else { throw .refused("a halt that begins as released") }
            change.journal.append(.halted(halt, finding: finding.id))
        }
        if change.run != nil { change.run?.number = (facts.runs.map(\.number).max() ?? 0) + 1 }
        return change
    }

    private static func checkAccounts(_ change: ReconciliationChange, _ account: AccountID) throws(StoreError) {
        let named =
            change.external.map(\.account) + change.findings.map(\.account) + change.corrections.map(\.account)
            + change.admissions.flatMap(\.orders).map(\.account)
            + [change.run?.account, change.halt?.account].compactMap { $0 }
        guard named.allSatisfy({ $0 == account }) else { throw .refused("a change of another account than \(account)") }
    }

    private static func check(_ finding: DriftFinding, against known: DriftFinding?) throws(StoreError) {
        guard finding.state != .confirmed || finding.action != nil else { throw .refused("finding \(finding.id) is confirmed without an action") }
        guard let known else { return }
        guard known.kind == finding.kind, known.subject == finding.subject else { throw .refused("finding \(finding.id) is about \(known.subject)") }
        guard known.state != .confirmed || (finding.state != .suspected && finding.action == known.action && finding.confirmedAt == known.confirmedAt)
        else { throw .refused("finding \(finding.id) was confirmed with \(known.action?.rawValue ?? "nothing") and stays so") }
    }

    /// Thrown where the order of a finding is in the store already, which only a second decision about the same finding can want.
    public static let ordered = StoreError.refused("the order that leaves the finding's instrument is stored already")

    /// Whether this open order's effect on the position is not settled.
    public static func isUnsettled(_ state: OrderState, _ type: OrderType) -> Bool {
        switch state {
        case .accepted, .partiallyFilled: type == .market
        default: true
        }
    }

    /// The findings of which a store has to know whether their order has filled.
    public static func flattened(_ findings: [DriftFinding]) -> [String] {
        findings.filter { $0.state == .confirmed && $0.action == .flatten }.map(\.id)
    }

    /// The halt as it ends.
    public static func released(_ halt: AccountHalt, by actor: String, reason: String, at: Timestamp) -> AccountHalt {
        var released = halt
        released.releasedAt = at
        released.releasedBy = actor
        released.releaseReason = reason
        return released
    }
}

extension JournalDraft {
    fileprivate static func corrected(_ position: PositionRecord, from before: PositionRecord?, _ finding: DriftFinding) -> JournalDraft {
        var data = JournalData()
        data.add("symbol", position.symbol.rawValue)
        data.add("from", (before?.quantity ?? .zero).description)
        data.add("to", position.quantity.description)
        data.add("average_price", position.averagePrice?.description)
        data.add("finding", finding.id)
        return JournalDraft(type: "position.corrected", account: position.account, data: data.json())
    }

    fileprivate static func halted(_ halt: AccountHalt, finding: String) -> JournalDraft {
        var data = JournalData()
        data.add("cause", halt.cause)
        data.add("detail", halt.detail)
        data.add("finding", finding)
        return JournalDraft(type: "account.halted", account: halt.account, data: data.json())
    }

    public static func resumed(_ halt: AccountHalt, by actor: String, reason: String) -> JournalDraft {
        var data = JournalData()
        data.add("actor", actor)
        data.add("reason", reason)
        data.add("cause", halt.cause)
        data.add("since", halt.since.description)
        return JournalDraft(type: "account.resumed", account: halt.account, data: data.json())
    }
}
