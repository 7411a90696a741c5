import SimulatorKit
import TradingModel

/// Orders that belong together: legs that wait for their entry, and two of which one cancels the other.
extension TradovateVenue {
    /// Two orders of one side that work at once, of which one cancels the other. Source: OpenAPI, `placeOCO`; the refusal was recorded by users.
    func placeOCO(_ body: JSONValue, fault: Fault?) throws(TradovateRefusal) -> JSONValue {
        let first = try newTerms(body)
        guard let leg = body["other"] else { throw .violation(field: "other", text: "other is required") }
        let second = try legTerms(leg, of: first)
        let price = exchange.read { core in core.prices[Symbol(first.contract.name)] } ?? first.contract.product.price
        let isSell = first.side == .sell
        let fits = { (limit: Price?, stop: Price?) in
            guard let limit, let stop else { return false }
            return isSell ? stop < price && price < limit : limit < price && price < stop
        }
        guard first.side == second.side, Set([first.type, second.type]) == ["Limit", "Stop"],
            fits(first.price ?? second.price, first.stopPrice ?? second.stopPrice)
        else { throw .failure(reason: "InvalidPrice", text: "Wrong OCO combination") }
        let ids = [first, second].map { record($0, isSuspended: false, fault: fault) }
        link(ids[0], ids[1], account: first.account)
        release(ids[0], first)
        release(ids[1], second)
        return .object(["orderId": .integer(ids[0]), "ocoId": .integer(ids[1])])
    }

    /// The entry has ended with a fill: its legs start to work, for what it has filled.
    ///
    /// What the venue does with the legs of an entry that was cancelled after a part is not published; this is what protects the part.
    func activateLegs(of id: Int64, filled: Quantity) {
        let legs = state.withLock { state in state.terms.filter { $0.value.parent == id }.sorted { $0.key < $1.key } }
        for (leg, old) in legs where status(of: leg) == "Suspended" {
            var terms = old
            if filled < old.quantity { terms = resize(leg, to: filled) ?? old }
            submit(leg, terms)
            settleNew(leg)
        }
    }

    /// The entry has ended.
    func endLegs(of id: Int64) {
        let legs = state.withLock { state in state.terms.filter { $0.value.parent == id } }
        guard !legs.isEmpty else { return }
        let entry = state.withLock { $0.exchangeID[id] }.flatMap { number in exchange.read { core in core.order(number) } }
        if let entry, entry.filledQuantity > 0 { return activateLegs(of: id, filled: entry.filledQuantity) }
        for leg in legs.keys where status(of: leg) == "Suspended" { end(leg, "Canceled", execType: "Canceled", of: nil) }
    }

    func cancelSibling(_ id: Int64) {
        let (terms, exchangeID) = state.withLock { ($0.terms[id], $0.exchangeID[id]) }
        guard let terms else { return }
        if let exchangeID, (try? exchange.cancel(exchangeID, account: String(terms.account))) == nil { return }
        end(id, "Canceled", execType: "Canceled", of: nil)
    }

    /// A part of the other one has filled: no more than the rest may be closed.
    func shrinkSibling(_ id: Int64, to open: Quantity) {
        let (terms, exchangeID) = state.withLock { ($0.terms[id], $0.exchangeID[id]) }
        guard let terms, let exchangeID, (try? exchange.amend(exchangeID, account: String(terms.account), quantity: open)) != nil else { return }
        _ = resize(id, to: open)
    }

    /// A version of the order without a command of a client.
    private func resize(_ id: Int64, to quantity: Quantity) -> TradovateTerms? {
        state.withLock { state in
            guard var terms = state.terms[id] else { return nil }
            terms.quantity = quantity
            state.terms[id] = terms
            let version = terms.version(id: makeID(in: &state), orderID: id)
            tell([EntityEvent(kind: "orderVersion", isNew: true, entity: version)], account: terms.account, in: &state)
            return terms
        }
    }
}
