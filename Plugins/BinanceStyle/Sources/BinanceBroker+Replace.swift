import BrokerContract
import TradingModel

extension BinanceBroker {
    public func replace(_ order: OrderReference, with terms: Replacement, within window: SendWindow) async -> ReplaceOutcome {
        guard capabilities.canReplace else {
            return .notSent(.unsupported, Evidence(mayHaveLeft: false, message: "\(dialect.name) changes no orders in place"))
        }
        guard dialect.product == .spot else { return await modify(order, terms, within: window) }
        let onlyQuantity = terms.limitPrice == nil && terms.stopPrice == nil
        if onlyQuantity, terms.successor == nil { return await amend(order, terms, within: window) }
        return await succeed(order, terms, within: window)
    }

    /// Lowers an order's quantity in its place; nothing else keeps the order.
    private func amend(_ order: OrderReference, _ terms: Replacement, within window: SendWindow) async -> ReplaceOutcome {
        let rules: BinanceSymbolRules
        do { rules = try self.rules(for: order.symbol) } catch {
            return .notSent(error.reason, Evidence(mayHaveLeft: false, message: error.message))
        }
        guard let quantity = terms.quantity, terms.limitPrice == nil, terms.stopPrice == nil, rules.takesAmendments else {
            return .notSent(.unsupported, Evidence(mayHaveLeft: false, message: "\(order.symbol) takes no amendments"))
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

    /// Lets another order take the place of one that has no fills. The venue wants all its terms, so the old one is read first.
    private func succeed(_ order: OrderReference, _ terms: Replacement, within window: SendWindow) async -> ReplaceOutcome {
        guard window.isOpen(at: clock.monotonic) else { return .notSent(.windowClosed, Evidence(mayHaveLeft: false)) }
        guard let successor = terms.successor, successor != order.clientOrderID, BinanceDialect.clientOrderIDRules.accepts(successor) else {
            return .notSent(.invalid, Evidence(mayHaveLeft: false, message: "another order takes the place, and it needs an id of its own"))
        }
        guard state.withLock({ $0.placing.insert(successor).inserted }) else { return .notSent(.alreadyPlacing, Evidence(mayHaveLeft: false)) }
        defer { state.withLock { _ = $0.placing.remove(successor) } }
        let request: BinanceSuccessorRequest
        do {
            let rules = try self.rules(for: order.symbol)
            let current = try await client.query(
                dialect.paths.order, ["symbol": order.symbol.rawValue, "origClientOrderId": order.clientOrderID.rawValue],
                weight: dialect.paths.weights.lookup, priority: .urgent, as: BinanceOrderReply.self)
            let report = try Self.mapped { try current.report() }
            guard current.clientOrderId == order.clientOrderID.rawValue else {
                return .notSent(.notConnected, Evidence(mayHaveLeft: false, message: "the venue answered with another order"))
            }
            guard !report.status.isTerminal else { return .notOpen(Evidence(mayHaveLeft: false, message: "the order is \(report.venueStatus)")) }
            if terms.limitPrice == nil, terms.stopPrice == nil, let quantity = terms.quantity, let old = report.quantity, quantity < old {
                return await amend(order, terms, within: window)
            }
            request = try BinanceSuccessorRequest(order, current, report, terms, successor: successor, rules: rules)
        } catch let refusal as BinanceOrderRequest.Refusal {
            return .notSent(refusal.reason, Evidence(mayHaveLeft: false, message: refusal.message))
        } catch let error as BrokerError where error.kind == .notFound {
            return .notOpen(Evidence(mayHaveLeft: false, message: error.message))
        } catch {
            let isCancelled = (error as? BrokerError)?.kind == .cancelled
            return .notSent(isCancelled ? .cancelled : .notConnected, Evidence(mayHaveLeft: false, message: "\(error)"))
        }
        let result = await client.command(
            .post, BinanceSuccessorRequest.path, request.parameters, costs: [BinanceDialect.Scope.weight: 1, BinanceDialect.Scope.orders: 1],
            priority: .urgent, within: window)
        switch result {
        case .replied(let reply): return BinanceOutcomes.succeed(reply, for: request)
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
