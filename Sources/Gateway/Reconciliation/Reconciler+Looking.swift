import BrokerContract
import ExchangeContract
import Logging
import OrderFlow
import StoreContract
import TradingModel

/// The questions of a comparison, and what is ours among the answers.
extension Reconciler {
    /// Missing orders that are asked about within the run; more are left to the tracker, which asks about each in its turn.
    private static let askLimit = 64
    /// Histories overlap by this much, because venues' clocks and ours differ.
    private static let overlap = Duration.seconds(60)
    /// No history is asked for further back.
    private static let farthest = Duration.seconds(86400)

    /// Throws only where the store fails: what the venue does not answer is a problem of the run.
    func look(_ look: inout VenueLook, pending: [ExternalOrder]) async throws(StoreError) {
        for position in try await store.positions(account: account) { look.ledgerBefore[position.symbol] = position.quantity }
        // Positions first: an order that trades between the two questions is then one whose fills are newer than the position, and not the
        // other way round.
        await ask(&look, "positions") { (look) async throws(BrokerError) in
            guard broker.capabilities.hasPositions else { return }
            do throws(BrokerError) { look.positions = try await broker.positions() } catch {
                guard case .unsupported = error.kind else { throw error }
            }
        }
        await ask(&look, "open orders") { (look) async throws(BrokerError) in look.openOrders = try await broker.openOrders() }
        if look.depth == .deep { try await lookBack(&look) }
        try await sortOut(&look, pending)
    }

    private func ask(_ look: inout VenueLook, _ what: String, _ question: (inout VenueLook) async throws(BrokerError) -> Void) async {
        do throws(BrokerError) { try await question(&look) } catch {
            look.problems.append("\(what): \(error)")
        }
    }

    // MARK: Open orders

    private func sortOut(_ look: inout VenueLook, _ pending: [ExternalOrder]) async throws(StoreError) {
        let ours = try await store.openOrders(of: account).filter { $0.attempts >= 1 }
        let byClientID = Dictionary(ours.map { ($0.clientOrderID, $0) }, uniquingKeysWith: { first, _ in first })
        let byVenueID = Dictionary(
            ours.compactMap { order in order.venueOrderID.map { (ExternalOrder.Key(symbol: order.symbol, venueOrderID: $0), order) } },
            uniquingKeysWith: { first, _ in first })
        // While an order of ours is not known by the venue's name for it, a stranger in its symbol may be that order.
        let nameless = Set(ours.filter { $0.venueOrderID == nil }.map(\.symbol))
        var seen: Set<OrderID> = []
        var ended: Set<OrderID> = []
        for report in look.openOrders ?? [] {
            let key = ExternalOrder.Key(symbol: report.symbol, venueOrderID: report.venueOrderID)
            if let order = report.clientOrderID.flatMap({ byClientID[$0] }) ?? byVenueID[key] {
                seen.insert(order.id)
                try await bringIn(report, of: order, &look)
            } else if let order = try await find(report.clientOrderID, report.symbol, report.venueOrderID) {
                if order.state.isTerminal {
                    ended.insert(order.id)
                    if openThoughEnded.contains(order.id), !report.status.isTerminal { addEnded(report, &look) }
                }
                try await bringIn(report, of: order, &look)
            } else if !nameless.contains(report.symbol) {
                look.add(stranger(report))
            }
        }
        if look.openOrders != nil { openThoughEnded = ended }
        for order in pending where try await find(order.clientOrderID, order.symbol, order.venueOrderID) == nil {
            if nameless.contains(order.symbol) { look.undecided.insert(order.key) } else { look.add(order) }
        }
        guard look.openOrders != nil else { return }
        try await askAboutMissing(ours.filter { !seen.contains($0.id) && $0.updatedAt < look.startedAt }, &look)
    }

    /// Hands the tracker what a list says about an order, if it is news.
    private func bringIn(_ report: OrderReport, of order: OrderRecord, _ look: inout VenueLook) async throws(StoreError) {
        var isComplete = true
        if report.filledQuantity > 0 || order.filledQuantity > 0, let snapshot = try await store.order(order.id) {
            isComplete = snapshot.fills.reduce(Quantity.zero) { $0 + $1.quantity } >= max(report.filledQuantity, order.filledQuantity)
        }
        let isSame =
            isComplete && order.filledQuantity == report.filledQuantity && order.venueOrderID == report.venueOrderID
            && (order.state == .accepted || order.state == .partiallyFilled || order.state == .cancelPending || order.state.isTerminal)
            && (!report.status.isTerminal || order.state.isTerminal)
        guard !isSame else { return }
        // Under another name, or by the venue's id alone, the row may tell of more than this order: then it is asked about by itself.
        if report.symbol == order.symbol, report.clientOrderID == order.clientOrderID {
            await tracker.learn(order.id, report)
        } else {
            _ = await tracker.askNow(order)
        }
        try await note(order, &look)
    }

    /// What changed is told; a symbol whose fills were behind is compared next time.
    private func note(_ before: OrderRecord, _ look: inout VenueLook) async throws(StoreError) {
        look.unsettled.insert(before.symbol)
        guard let after = try await store.order(before.id)?.order, after.version != before.version else { return }
        look.changes.removeAll { $0.order.id == after.id }
        look.changes.append(ReconciliationReport.Changed(order: after, before: before.state))
    }

    private func askAboutMissing(_ missing: [OrderRecord], _ look: inout VenueLook) async throws(StoreError) {
        let asked = missing.filter { $0.state != .absent && $0.state != .permitted && $0.state != .parked }.prefix(Self.askLimit)
        let answers = await tracker.askNow(Array(asked))
        for order in missing {
            // The venue has it as we do, only not in that list (a leg that waits for its entry, for example): nothing is on its way.
            if case .found(let report)? = answers[order.id], report.filledQuantity == order.filledQuantity, !report.status.isTerminal {
                let snapshot = order.filledQuantity > 0 ? try await store.order(order.id) : nil
                if snapshot.map({ $0.fills.reduce(Quantity.zero) { $0 + $1.quantity } == order.filledQuantity }) ?? true { continue }
            }
            try await note(order, &look)
        }
    }

    // MARK: Histories

    private func lookBack(_ look: inout VenueLook) async throws(StoreError) {
        let last = try await store.reconciliationRuns(of: account).filter { $0.depth == .deep && $0.isComplete }.map(\.startedAt).max()
        let open = try await store.openOrders(of: account).filter { $0.attempts >= 1 }
        let earliest = (last ?? ([look.startedAt] + open.map(\.createdAt)).min() ?? look.startedAt) - Self.overlap
        let since = max(earliest, look.startedAt - Self.farthest)
        var symbols = Set(look.ledgerBefore.keys).union(open.map(\.symbol)).union((look.openOrders ?? []).map(\.symbol))
        symbols.formUnion((look.positions ?? []).map(\.symbol))
        symbols.formUnion(try await store.orders(OrderQuery(account: account, limit: 500)).filter { $0.updatedAt >= since && $0.attempts >= 1 }.map(\.symbol))
        let nameless = Set(open.filter { $0.venueOrderID == nil }.map(\.symbol))
        for symbol in symbols.sorted() { try await lookBack(at: symbol, since: since, isClear: !nameless.contains(symbol), &look) }
        await askBalances(&look)
    }

    /// - Parameter isClear: Whether every order of ours in the symbol is known by the venue's name for it, so that any other is a stranger's.
    private func lookBack(at symbol: Symbol, since: Timestamp, isClear: Bool, _ look: inout VenueLook) async throws(StoreError) {
        var reports: [OrderReport] = []
        var fills: [Fill] = []
        await ask(&look, "history of \(symbol)") { (_) async throws(BrokerError) in
            do throws(BrokerError) {
                reports = try await broker.orderHistory(symbol, since: since)
                fills = try await broker.fills(symbol, since: since)
            } catch {
                // What the venue does not list any more has no history to compare.
                switch error.kind {
                case .unsupported, .notFound: break
                default: throw error
                }
            }
        }
        for report in reports {
            if let order = try await find(report.clientOrderID, symbol, report.venueOrderID) {
                try await bringIn(report, of: order, &look)
            } else if isClear {
                look.add(stranger(report))
            }
        }
        for (id, group) in Dictionary(grouping: fills, by: \.venueOrderID).sorted(by: { $0.key < $1.key }) {
            guard let order = try await find(group.lazy.compactMap(\.clientOrderID).first, symbol, id) else {
                if isClear { for fill in group { look.add(stranger(fill)) } }
                continue
            }
            // Two legs may share an order of the venue; each is asked about by itself.
            guard order.bracketRole == nil, let snapshot = try await store.order(order.id) else { continue }
            let known = Set(snapshot.fills.map(\.executionID))
            guard group.contains(where: { !known.contains($0.executionID) }) else { continue }
            _ = await tracker.learn(order.id, fills: group)
            try await note(order, &look)
        }
    }

    private func askBalances(_ look: inout VenueLook) async {
        guard let exchange = broker as? any Exchange, look.positions == nil else { return }
        for symbol in look.ledgerBefore.keys.sorted() where look.bases[symbol] == nil { look.bases[symbol] = (try? await broker.instrument(symbol))?.base }
        await ask(&look, "balances") { (look) async throws(BrokerError) in
            look.balances = Dictionary(try await exchange.balances().map { ($0.asset, $0.available + $0.locked) }, uniquingKeysWith: +)
        }
    }

    // MARK: Whose

    private func find(_ clientOrderID: ClientOrderID?, _ symbol: Symbol, _ venueOrderID: VenueOrderID) async throws(StoreError) -> OrderRecord? {
        if let clientOrderID, let order = try await store.order(account: account, clientOrderID: clientOrderID) { return order }
        return try await store.order(account: account, symbol: symbol, venueOrderID: venueOrderID)
    }

    private func stranger(_ report: OrderReport) -> ExternalOrder {
        ExternalOrders.seen(report, account: account, rules: broker.semantics.clientOrderIDRules, at: clock.wallTime)
    }

    private func stranger(_ fill: Fill) -> ExternalOrder {
        ExternalOrders.seen(fill, account: account, rules: broker.semantics.clientOrderIDRules, at: clock.wallTime)
    }

    private func addEnded(_ report: OrderReport, _ look: inout VenueLook) {
        var order = stranger(report)
        order.kind = .endedHere
        look.add(order)
    }
}
