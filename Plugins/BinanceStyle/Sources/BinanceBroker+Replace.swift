import BrokerContract
import TradingModel

extension BinanceBroker {
    public func replace(_ order: OrderReference, with terms: Replacement, within window: SendWindow) async -> ReplaceOutcome {
        guard capabilities.canReplace else {
            return .notSent(.unsupported, Evidence(mayHaveLeft: false, message: "\(dialect.name) changes no orders in place"))
        }
        return dialect.product == .spot ? await amend(order, terms, within: window) : await modify(order, terms, within: window)
    }

    /// Lowers an order's quantity in its place. Nothing else keeps the order: cancel-replace makes another one, under another
    /// venue id and without the fills, which a replacement cannot tell.
    private func amend(_ order: OrderReference, _ terms: Replacement, within window: SendWindow) async -> ReplaceOutcome {
        let rules: BinanceSymbolRules
        do { rules = try self.rules(for: order.symbol) } catch {
            return .notSent(error.reason, Evidence(mayHaveLeft: false, message: error.message))
        }
        guard let quantity = terms.quantity, terms.limitPrice == nil, terms.stopPrice == nil, rules.takesAmendments else {
            return .notSent(.unsupported, Evidence(mayHaveLeft: false, message: "only an order's quantity can be changed in place, and only downwards"))
        }
        guard quantity > 0, quantity.isMultiple(of: rules.instrument.lotSize) else {
            return .notSent(.invalid, Evidence(mayHaveLeft: false, message: "quantity \(quantity) is not on the lot \(rules.instrument.lotSize)"))
        }
        let result = await client.command(
            .put, "/api/v3/order/amend/keepPriority",
            [
                "symbol": order.symbol.rawValue, "origClientOrderId": order.clientOrderID.rawValue,
                // Without it the venue gives the order an id that nobody knows.
                "newClientOrderId": order.clientOrderID.rawValue, "newQty": quantity.description,
            ], costs: [BinanceDialect.Scope.weight: 4], priority: .urgent, within: window)
        switch result {
        case .replied(let reply): return BinanceOutcomes.amend(reply, for: order, quantity: quantity)
        case .notSent(let reason, let evidence): return .notSent(reason, evidence)
        case .unknown(let cause, let evidence): return .unknown(cause, evidence)
        }
    }

    /// Changes price and quantity of a futures order. The venue wants both, and the side, so the order is read first; it keeps its id
    /// and loses its place. Source: USD-M documentation, "Modify Order".
    private func modify(_ order: OrderReference, _ terms: Replacement, within window: SendWindow) async -> ReplaceOutcome {
        guard window.isOpen(at: clock.monotonic) else { return .notSent(.windowClosed, Evidence(mayHaveLeft: false)) }
        guard terms.stopPrice == nil else {
            return .notSent(.unsupported, Evidence(mayHaveLeft: false, message: "there are no stop orders to change"))
        }
        let rules: BinanceSymbolRules
        do { rules = try self.rules(for: order.symbol) } catch {
            return .notSent(error.reason, Evidence(mayHaveLeft: false, message: error.message))
        }
        let current: OrderReport
        switch await lookup(order) {
        case .found(let report): current = report
        case .notFound(_, let evidence): return .notOpen(evidence)
        case .indeterminate(let cause, let evidence):
            return .notSent(cause == .cancelled ? .cancelled : .notConnected, Evidence(mayHaveLeft: false, message: evidence.message))
        }
        guard !current.status.isTerminal else { return .notOpen(Evidence(mayHaveLeft: false, message: "the order is \(current.venueStatus)")) }
        guard let quantity = terms.quantity ?? current.quantity, let price = terms.limitPrice ?? current.limitPrice else {
            return .notSent(.unsupported, Evidence(mayHaveLeft: false, message: "only limit orders can be changed"))
        }
        guard quantity > 0, price > 0, quantity.isMultiple(of: rules.instrument.lotSize), price.isMultiple(of: rules.instrument.tickSize) else {
            return .notSent(.invalid, Evidence(mayHaveLeft: false, message: "\(quantity) at \(price) is not on lot and tick"))
        }
        let result = await client.command(
            .put, dialect.paths.order,
            [
                "symbol": order.symbol.rawValue, "origClientOrderId": order.clientOrderID.rawValue, "side": current.side.binance,
                "quantity": quantity.description, "price": price.description,
            ], costs: [BinanceDialect.Scope.weight: 1, BinanceDialect.Scope.orders: 1], priority: .urgent, within: window)
        switch result {
        case .replied(let reply): return BinanceOutcomes.modify(reply, for: order, quantity: quantity, price: price)
        case .notSent(let reason, let evidence): return .notSent(reason, evidence)
        case .unknown(let cause, let evidence): return .unknown(cause, evidence)
        }
    }
}
