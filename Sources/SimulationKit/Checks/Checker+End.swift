import StoreContract
import TradingModel

/// What must hold in the end: nothing is lost, everything is settled or waits for a person who was told.
extension Checker {
    /// Whether the run may end. Cheap while nothing was committed.
    func isSettled() -> Bool {
        guard isDirty else { return false }
        isDirty = false
        return world.sender.isDone && openLeft().isEmpty
    }

    /// What keeps the run from being settled, in words.
    func unsettled() -> String {
        world.sender.isDone ? openLeft().joined(separator: ", ") : "\(world.plan.signals.count - world.sender.accepted.count) signals are not taken"
    }

    private func openLeft() -> [String] { ordersLeft() + differencesLeft() }

    /// Where the ledger takes the venue's figures, it has them in the end, and what was to be left is left, or a person was told.
    private func differencesLeft() -> [String] {
        guard world.plan.drift == .adopt || world.plan.drift == .flatten else { return [] }
        return world.database.read { state, _ in
            world.venues.compactMap { venue -> String? in
                // By when they were committed, since their own times come from clocks that may be wrong: the first may have begun before.
                let since = max(changedAt[venue.account] ?? 0, world.plan.calmAt * 1000)
                guard (comparedAt[venue.account] ?? []).count(where: { $0 > since }) >= 2 else { return "\(venue.account) is not compared any more" }
                let open = state.findings.first { finding in
                    finding.account == venue.account && finding.kind == .position && finding.state != .resolved
                        && !(finding.state == .confirmed && (isToldInVain(finding, state) || isParked(venue.account, Symbol(finding.subject), state)))
                }
                return open.map { finding in
                    let orders = state.orders.filter { $0.requestID == finding.id }.map { "\($0.id) \($0.state.rawValue)" }.joined(separator: ", ")
                    return "finding \(finding.id) (ledger \(finding.ledger), venue \(finding.venue)) is \(finding.state.rawValue), orders: \(orders)"
                }
            }
        }
    }

    /// Beside an order that waits for a person the figures are not at rest.
    private func isParked(_ account: AccountID, _ symbol: Symbol, _ state: MemoryState) -> Bool {
        state.orders.contains { $0.account == account && $0.symbol == symbol && $0.state == .parked }
    }

    /// The order that was to leave it ended otherwise, and the alert stands.
    private func isToldInVain(_ finding: DriftFinding, _ state: MemoryState) -> Bool {
        guard finding.action == .flatten else { return false }
        let orders = state.orders.filter { $0.strategy == DriftFinding.orderStrategy && $0.requestID == finding.id }
        let isInVain = orders.last.map { $0.state != .filled && ($0.state.isTerminal || $0.state == .parked || $0.state == .queued) } ?? false
        return isInVain && state.alerts.contains { $0.resolvedAt == nil && $0.type == "drift" }
    }

    private func ordersLeft() -> [String] {
        world.database.read { state, _ in
            let parked = state.orders.filter { $0.state == .parked }
            return state.orders.compactMap { order -> String? in
                if order.state == .parked {
                    let isTold = state.alerts.contains {
                        $0.resolvedAt == nil && $0.subject == "order:\(order.id)" && ($0.type == "parked_order" || $0.type == "foreign_order")
                    }
                    return isTold ? nil : "\(order.id) is parked without an alert"
                }
                // Behind a parked order the next ones wait for the same person, until they are too old by the clock that admitted them.
                if order.state == .queued, parked.contains(where: { $0.account == order.account && $0.symbol == order.symbol }) { return nil }
                return order.state.isTerminal ? nil : "\(order.id) is \(order.state.rawValue)"
            }
        }
    }

    func finish() {
        world.database.read { state, journal in
            conserve(state)
            for venue in world.venues {
                compare(venue, state)
                comparePositions(venue, state)
            }
            replay(state, journal)
        }
    }

    /// Accepted signals are stored, each with its orders. *(I11)*
    private func conserve(_ state: MemoryState) {
        for (number, id) in world.sender.accepted.sorted(by: { $0.key < $1.key }) {
            guard state.signalIndex[SignalID(id)] != nil else { return fail("I11", "signal \(number), accepted as \(id), is lost") }
            let orders = state.orders.filter { $0.signalID == SignalID(id) }
            if orders.count != world.venues.count { fail("I11", "signal \(id) has \(orders.count) orders") }
        }
        for order in state.orders where order.state == .parked { count("parked \(order.account)") }
    }

    /// The store's orders against the venue's. What a person must decide is left out.
    private func compare(_ venue: SimulatedVenue, _ state: MemoryState) {
        for made in venue.orders {
            guard let id = made.clientOrderID else { continue }
            guard let index = state.byClientID[.init(venue.account, id)] else { return fail("I4", "the venue's order \(made.id) is not in the store") }
            let order = state.orders[index]
            guard order.state != .parked else { continue }
            // A fill that comes after the end is told by the stream alone, which may be down.
            let filled = made.filled
            let late = made.lateQuantity
            if order.filledQuantity != filled, order.filledQuantity < filled - late { fail("I14", "order \(order.id) has \(order.filledQuantity) filled in the end, the venue \(filled)") }
            if made.isOpen { fail("I11", "order \(order.id) is \(order.state.rawValue) in the end and open at the venue") }
        }
    }

    private func comparePositions(_ venue: SimulatedVenue, _ state: MemoryState) {
        guard world.plan.drift == .adopt || world.plan.drift == .flatten else { return }
        for symbol in World.symbols {
            let isLate = venue.orders.contains { $0.symbol == symbol && !$0.lateQuantity.isZero }
            guard !isLate, !isParked(venue.account, symbol, state) else { continue }
            let (ledger, held) = (state.positions[.init(venue.account, symbol)]?.quantity ?? .zero, venue.net(symbol, at: world.scheduler.now))
            if ledger != held { fail("I24", "the ledger says \(ledger) of \(symbol) in the end, the venue \(held)") }
        }
    }

    /// The journal alone tells the same end. *(I19)*
    private func replay(_ state: MemoryState, _ journal: [JournalEntry]) {
        var last: [OrderID: String] = [:]
        let words = Set(OrderState.allCases.map { "order.\($0.rawValue)" })
        for line in journal {
            if let id = line.orderID, words.contains(line.type) { last[id] = line.type }
        }
        for order in state.orders where last[order.id] != "order.\(order.state.rawValue)" {
            fail("I19", "order \(order.id) is \(order.state.rawValue), the journal's last word is \(last[order.id] ?? "none")")
        }
        if journal.enumerated().contains(where: { $0.element.sequence != Int64($0.offset + 1) }) { fail("I18", "the journal has a hole") }
    }
}
