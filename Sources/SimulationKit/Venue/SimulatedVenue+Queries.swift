import BrokerContract
import TradingModel

/// What queries show: an order from its visibility on, as it was a moment ago where a replica lags.
extension SimulatedVenue {
    private var lag: Int64 { spells.contains(.lookupsStale) ? random.between(0, 1_500_000) : 0 }

    private func shown(_ order: VenueOrder, _ lag: Int64) -> OrderReport? {
        guard order.visibleAt <= scheduler.now, !spells.contains(.lookupsBlind) else { return nil }
        return order.history.last { $0.at <= scheduler.now - lag }?.report ?? order.history.first?.report
    }

    func lookup(_ reference: OrderReference, plants: Set<Plant>) -> LookupResult {
        let evidence = Evidence(mayHaveLeft: true)
        if spells.contains(.venueDown) || spells.contains(.lookupsFail) { return .indeterminate(.timedOut, evidence) }
        let lag = lag
        // By its own id the venue finds every order, once it can be seen.
        if let id = reference.venueOrderID, let order = orders.first(where: { $0.id == id }) {
            return shown(order, lag).map(LookupResult.found) ?? .notFound(complete: terms.lookup == 2, evidence)
        }
        let named = terms.lookup == 0 ? nil : orders.last { $0.clientOrderID == reference.clientOrderID && (terms.lookup == 2 || $0.isOpen) && shown($0, lag) != nil }
        if let named, let report = shown(named, lag) { return .found(report) }
        if plants.contains(.foreignAdopted), let alike = orders.last(where: { $0.clientOrderID == nil && $0.symbol == reference.symbol }) { return .found(report(alike)) }
        return .notFound(complete: terms.lookup == 2 || plants.contains(.openListComplete), evidence)
    }

    func openOrders() throws(BrokerError) -> [OrderReport] {
        try check()
        let lag = lag
        return orders.filter(\.isOpen).compactMap { shown($0, lag) }
    }

    func history(_ symbol: Symbol, since: Timestamp) throws(BrokerError) -> [OrderReport] {
        try check()
        guard terms.lookup == 2 else { throw BrokerError(.unsupported, effect: .notSent, "no history") }
        let lag = lag
        return orders.filter { $0.symbol == symbol && SimulatedClock.start + .microseconds($0.createdAt) >= since }.compactMap { shown($0, lag) }
    }

    func fills(of reference: OrderReference) throws(BrokerError) -> [Fill] {
        try check()
        let lag = lag
        guard let order = orders.last(where: { $0.id == reference.venueOrderID || (reference.venueOrderID == nil && $0.clientOrderID == reference.clientOrderID) }),
            shown(order, lag) != nil
        else { throw BrokerError(.notFound, effect: .refused, "no such order") }
        return order.fills.filter { $0.at <= scheduler.now - lag }.map(\.fill)
    }

    func fills(_ symbol: Symbol, since: Timestamp) throws(BrokerError) -> [Fill] {
        try check()
        return orders.filter { $0.symbol == symbol && shown($0, 0) != nil }.flatMap { $0.fills.map(\.fill) }.filter { $0.executedAt >= since }.sorted { $0.executedAt < $1.executedAt }
    }

    func positions() throws(BrokerError) -> [Position] {
        try check()
        let now = scheduler.now - lag
        return Set(orders.map(\.symbol)).sorted().compactMap { symbol in
            let quantity = net(symbol, at: now)
            return quantity.isZero ? nil : Position(symbol: symbol, quantity: quantity, averagePrice: Self.price)
        }
    }

    /// What the account holds, by everything that has traded.
    func net(_ symbol: Symbol, at now: Int64) -> Quantity {
        orders.filter { $0.symbol == symbol }.flatMap(\.fills).filter { $0.at <= now }.reduce(.zero) { $0 + ($1.fill.side == .buy ? $1.fill.quantity : -$1.fill.quantity) }
    }

    func cancel(_ reference: OrderReference) -> CancelOutcome {
        let evidence = Evidence(mayHaveLeft: true)
        guard let order = orders.last(where: { $0.id == reference.venueOrderID || (reference.venueOrderID == nil && $0.clientOrderID == reference.clientOrderID) }),
            order.isOpen
        else { return .notOpen(evidence) }
        end(order, .cancelled)
        return random.chance(50) ? .cancelled(report(order), evidence) : .requested(evidence)
    }

    private func check() throws(BrokerError) {
        guard !spells.contains(.venueDown), !spells.contains(.lookupsFail) else { throw BrokerError(.timedOut, effect: .unknown, "no answer") }
        guard !spells.contains(.pagesMissing) else { throw BrokerError(.unavailable, effect: .unknown, "page 2 failed") }
    }
}
