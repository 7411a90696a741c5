import StoreContract
import TradingModel

/// Compares what the ledger says with what the venue says. Pure; runs inside the store's transaction on the ledger as it is then.
///
/// Only settled figures are compared: while an order of the symbol is in doubt or a fill is on its way, they differ for a good reason. And
/// a difference counts only when a second complete run sees the same two figures.
struct Drift {
    /// Two figures about the same thing.
    struct Sighting: Hashable {
        let kind: DriftFinding.Kind
        let subject: String
        let ledger: Quantity
        let venue: Quantity
        let isSettled: Bool
        /// Whether they count as different.
        let differs: Bool
    }

    let policy: DriftPolicy
    /// Two runs that lie closer than this count as one.
    let confirmAfter: Duration
    let order: DriftOrder
    let facts: ReconciliationFacts

    // MARK: Figures

    /// Every instrument that either side holds or that has a finding.
    static func positions(_ view: VenueView, _ facts: ReconciliationFacts) -> [Sighting] {
        guard let positions = view.positions else { return [] }
        let ledger = Dictionary(facts.positions.map { ($0.symbol, $0.quantity) }, uniquingKeysWith: { first, _ in first })
        let venue = Dictionary(positions.map { ($0.symbol, $0.quantity) }, uniquingKeysWith: +)
        let found = facts.findings.filter { $0.kind == .position }.map { Symbol($0.subject) }
        return Set(ledger.keys).union(venue.keys).union(found).sorted().map { symbol in
            let (ours, theirs) = (ledger[symbol] ?? .zero, venue[symbol] ?? .zero)
            return Sighting(
                kind: .position, subject: symbol.rawValue, ledger: ours, venue: theirs, isSettled: isSettled(symbol, ours, view, facts), differs: ours != theirs)
        }
    }

    /// Assets of which the ledger holds something. An exchange account may well have more than we bought, but not less.
    static func balances(_ view: VenueView, _ facts: ReconciliationFacts) -> [Sighting] {
        guard let balances = view.balances else { return [] }
        var held: [Asset: (quantity: Quantity, isSettled: Bool)] = [:]
        for position in facts.positions {
            guard let base = view.bases[position.symbol] else { continue }
            let before = held[base] ?? (.zero, true)
            held[base] = (
                before.quantity + position.quantity, before.isSettled && isSettled(position.symbol, position.quantity, view, facts)
            )
        }
        for finding in facts.findings where finding.kind == .balance && held[Asset(finding.subject)] == nil { held[Asset(finding.subject)] = (.zero, true) }
        return held.sorted { $0.key < $1.key }.map { asset, ours in
            let theirs = balances[asset] ?? .zero
            return Sighting(
                kind: .balance, subject: asset.rawValue, ledger: ours.quantity, venue: theirs, isSettled: ours.isSettled,
                differs: ours.quantity > 0 && theirs < ours.quantity)
        }
    }

    private static func isSettled(_ symbol: Symbol, _ ledger: Quantity, _ view: VenueView, _ facts: ReconciliationFacts) -> Bool {
        !facts.unsettled.contains(symbol) && !view.unsettled.contains(symbol) && (view.ledgerBefore[symbol] ?? .zero) == ledger
    }

    // MARK: What they mean

    /// Adds to the change what the sightings of one complete run mean.
    func judge(_ sightings: [Sighting], of view: VenueView, into change: inout ReconciliationChange) {
        for sighting in sightings {
            let open = facts.findings.first { $0.kind == sighting.kind && $0.subject == sighting.subject }
            guard sighting.isSettled else {
                // Seen twice in a row means seen twice at rest.
                if let open, open.state == .suspected { end(open, into: &change) }
                continue
            }
            guard sighting.differs else {
                if let open, !isStillLeaving(open, sighting) { agree(open, into: &change) }
                continue
            }
            if let open, open.ledger == sighting.ledger, open.venue == sighting.venue, !isNew(despite: open) {
                again(open, view, into: &change)
            } else {
                if let open { end(open, into: &change) }
                change.findings.append(first(sighting))
            }
        }
    }

    /// Whether the same two figures are another difference than the one that is known.
    private func isNew(despite finding: DriftFinding) -> Bool {
        switch finding.state {
        // By a clock that was set back, what was seen in its future would not grow old enough: it is seen for the first time again.
        case .suspected: facts.now < finding.firstSeenAt
        // The ledger took the venue's figure. If they differ as they did before, somebody has traded again since.
        case .confirmed: finding.kind == .position && (finding.action == .adopt || finding.action == .flatten)
        case .resolved: true
        }
    }

    /// What was to be left is still held: the finding and its alert stay until it is not.
    private func isStillLeaving(_ finding: DriftFinding, _ sighting: Sighting) -> Bool {
        guard finding.state == .confirmed, finding.action == .flatten, finding.kind == .position, !sighting.venue.isZero, !facts.left.contains(finding.id)
        else { return false }
        return (sighting.venue > 0) == (finding.venue > 0) && sighting.venue.magnitude <= finding.venue.magnitude
    }

    private func first(_ sighting: Sighting) -> DriftFinding {
        let number = (facts.runs.map(\.number).max() ?? 0) + 1
        return DriftFinding(
            id: "\(facts.account):\(sighting.kind.rawValue):\(sighting.subject):\(number)", account: facts.account, kind: sighting.kind,
            subject: sighting.subject, ledger: sighting.ledger, venue: sighting.venue, firstSeenAt: facts.now, lastSeenAt: facts.now)
    }

    private func end(_ finding: DriftFinding, into change: inout ReconciliationChange) {
        var ended = finding
        ended.state = .resolved
        ended.resolvedAt = facts.now
        change.findings.append(ended)
    }

    private func agree(_ finding: DriftFinding, into change: inout ReconciliationChange) {
        end(finding, into: &change)
        if finding.state == .confirmed { change.journal.append(line("reconcile.ok", finding)) }
        // One that was confirmed before with other figures has left its alert.
        change.resolvedAlerts.append(AlertKey(type: finding.kind == .position ? "drift" : "balance_drift", subject: subject(finding)))
    }

    private func again(_ known: DriftFinding, _ view: VenueView, into change: inout ReconciliationChange) {
        var finding = known
        finding.lastSeenAt = facts.now
        defer { change.findings.append(finding) }
        guard finding.state == .suspected, facts.now - finding.firstSeenAt >= confirmAfter else { return }
        finding.state = .confirmed
        finding.confirmedAt = facts.now
        let action = finding.kind == .position ? policy : .alert
        finding.action = action
        change.journal.append(line("reconcile.mismatch", finding))
        let figures = "\(facts.account) \(finding.subject): the ledger says \(finding.ledger), the venue \(finding.venue)"
        var done = ""
        switch action {
        case .alert: break
        case .adopt:
            change.corrections.append(correction(finding, view))
            change.journal.append(line("reconcile.adopted", finding))
            done = "; the ledger was corrected to the venue's figure"
        case .flatten:
            change.corrections.append(correction(finding, view))
            change.journal.append(line("reconcile.adopted", finding))
            done = "; the ledger was corrected to the venue's figure"
            if !finding.venue.isZero {
                let admission = order.admission(finding, at: facts.now)
                change.admissions.append(admission)
                done += ", and order \(admission.orders.map(\.id.rawValue).joined()) is to leave it"
            }
        case .halt:
            if facts.halt == nil, change.halt == nil {
                change.halt = AccountHalt(account: facts.account, cause: "drift", detail: figures, since: facts.now)
            }
            done = "; the account is halted until a person releases it"
        }
        change.alerts.append(
            finding.kind == .position
                ? AlertDraft(type: "drift", severity: .high, subject: subject(finding), message: figures + done)
                : AlertDraft(type: "balance_drift", severity: .medium, subject: subject(finding), message: figures))
    }

    private func correction(_ finding: DriftFinding, _ view: VenueView) -> PositionRecord {
        let symbol = Symbol(finding.subject)
        let before = facts.positions.first { $0.symbol == symbol }
        let theirs = view.positions?.first { $0.symbol == symbol }?.averagePrice
        return PositionRecord(
            account: facts.account, symbol: symbol, quantity: finding.venue,
            averagePrice: finding.venue.isZero ? nil : theirs ?? before?.averagePrice, realizedProfit: before?.realizedProfit ?? .zero, updatedAt: facts.now)
    }

    private func subject(_ finding: DriftFinding) -> String { "\(finding.kind.rawValue):\(finding.account)/\(finding.subject)" }

    private func line(_ type: String, _ finding: DriftFinding) -> JournalDraft {
        JournalDraft(
            type: type, account: finding.account,
            data: JSONValue.fields([
                "finding": finding.id, "kind": finding.kind.rawValue, "subject": finding.subject, "ledger": finding.ledger.description,
                "venue": finding.venue.description, "action": finding.action?.rawValue,
            ]).text)
    }
}
