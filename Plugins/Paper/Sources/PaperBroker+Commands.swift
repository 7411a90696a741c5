import BrokerContract
import ExchangeContract
import SimulatorKit
import TradingModel

extension PaperBroker {
    public func place(_ order: NewOrder, within window: SendWindow) async -> PlaceOutcome {
        guard capabilities.orderTypes.contains(order.type), capabilities.timesInForce.contains(order.timeInForce), !order.reduceOnly,
            order.type == .limit || !order.postOnly, let kind = SimulatedOrder.Kind(order)
        else { return .notSent(.unsupported, Evidence(mayHaveLeft: false, message: "not among the capabilities of the paper broker")) }
        if let bracket = order.bracket, bracket.roles.isEmpty {
            return .notSent(.invalid, Evidence(mayHaveLeft: false, message: "a bracket needs a stop loss or a take profit"))
        }
        return await place(
            OrderRequest(
                account: PaperLedger.account, clientOrderID: order.clientOrderID.rawValue, symbol: order.symbol, side: order.side,
                kind: kind, timeInForce: order.timeInForce, quantity: order.quantity, limitPrice: order.limitPrice,
                stopPrice: order.stopPrice), legs: Self.legs(of: order), within: window)
    }

    public func place(_ order: QuoteSizedOrder, within window: SendWindow) async -> PlaceOutcome {
        await place(
            OrderRequest(
                account: PaperLedger.account, clientOrderID: order.clientOrderID.rawValue, symbol: order.symbol, side: order.side,
                kind: .market, quoteQuantity: order.notional), within: window)
    }

    public func placeExitPair(_ pair: ExitPair, within window: SendWindow) async -> PlaceOutcome {
        let legs = BracketRole.allCases.map { role in
            Self.leg(role, of: pair.id, symbol: pair.symbol, side: pair.side, quantity: pair.quantity, price: pair.price(role))
        }
        return await place(legs[0], legs: Array(legs.dropFirst()), pairedAs: pair.id, within: window)
    }

    /// - Parameter pair: The id of a pair that enters the market at once; nil if the legs wait behind the order.
    private func place(
        _ request: OrderRequest, legs: [OrderRequest] = [], pairedAs pair: ClientOrderID? = nil, within window: SendWindow
    ) async -> PlaceOutcome {
        guard ([request.clientOrderID] + legs.map(\.clientOrderID)).allSatisfy({ semantics.clientOrderIDRules.accepts(ClientOrderID($0)) }) else {
            return .notSent(.invalid, Evidence(mayHaveLeft: false, message: "client order id"))
        }
        guard !Task.isCancelled else { return .notSent(.cancelled, Evidence(mayHaveLeft: false)) }
        let instrument = rules(request.symbol)
        let change = await ledger.change(within: window) { core, now throws(ExchangeRefusal) in
            // A known id is answered before any rule: it is the order that exists that counts.
            if core.order(request.clientOrderID, account: request.account) == nil, let instrument {
                try Self.checkRules(request, legs, instrument, price: core.prices[request.symbol])
            }
            guard !legs.isEmpty else { return try core.place(request, at: now) }
            if let pair { return try core.place(OrderListRequest(clientListID: pair.rawValue, working: nil, pending: [request] + legs), at: now) }
            return try core.place(OrderListRequest(clientListID: request.clientOrderID, working: request, pending: legs), at: now)
        }
        switch change {
        case .done(let events):
            // Its legs have events of their own among them.
            let own = events.filter { $0.order.clientOrderID == request.clientOrderID }
            guard let order = own.last?.order else { return .unknown(.contradiction, Evidence(mayHaveLeft: true)) }
            tell(events)
            return .accepted(order.report, fills: own.compactMap(\.fill), Evidence(mayHaveLeft: true))
        case .refused(.duplicateClientOrderID(let existing)): return await resent(request, legs, existing)
        case .refused(let refusal):
            return .refused(refusal.reason, Evidence(mayHaveLeft: true, venueCode: refusal.reason.code, message: "\(refusal)"))
        case .windowClosed: return .notSent(.windowClosed, Evidence(mayHaveLeft: false))
        case .notOpen: return .notSent(.notConnected, Evidence(mayHaveLeft: false))
        case .journalFailed(let message): return .unknown(.serverError, Evidence(mayHaveLeft: true, message: message))
        }
    }

    /// The same order again is the order that exists; another one under its id contradicts.
    private func resent(_ request: OrderRequest, _ legs: [OrderRequest], _ existing: SimulatedOrder) async -> PlaceOutcome {
        let known = try? await ledger.read { core throws(BrokerError) in
            core.orders.count { $0.listID != nil && $0.listID == existing.listID } == (legs.isEmpty ? 0 : legs.count + 1) && legs.allSatisfy { leg in
                core.order(leg.clientOrderID, account: PaperLedger.account).map {
                    $0.listID == existing.listID && $0.limitPrice == leg.limitPrice && $0.stopPrice == leg.stopPrice
                } ?? false
            }
        }
        let isSame =
            known == true &&
            existing.symbol == request.symbol && existing.side == request.side && existing.kind == request.kind
            && existing.limitPrice == request.limitPrice && existing.stopPrice == request.stopPrice
            && existing.quoteQuantity == request.quoteQuantity && (request.quantity == nil || existing.quantity == request.quantity)
        guard isSame, let fills = try? await fills(of: existing.reference) else {
            return .unknown(.contradiction, Evidence(mayHaveLeft: true, message: "another order has this client order id"))
        }
        return .accepted(existing.report, fills: fills, Evidence(mayHaveLeft: true, message: "resent"))
    }

    public func cancel(_ order: OrderReference, within window: SendWindow) async -> CancelOutcome {
        guard !Task.isCancelled else { return .notSent(.cancelled, Evidence(mayHaveLeft: false)) }
        let change = await ledger.change(within: window) { core, now throws(ExchangeRefusal) in
            guard let found = core.order(order.clientOrderID.rawValue, account: PaperLedger.account), found.symbol == order.symbol else {
                throw .noSuchOpenOrder
            }
            return try core.cancelMember(found.id, account: PaperLedger.account, at: now)
        }
        switch change {
        case .done(let events):
            tell(events)
            return .cancelled(events.first?.order.report, Evidence(mayHaveLeft: true))
        case .refused: return .notOpen(Evidence(mayHaveLeft: true))
        case .windowClosed: return .notSent(.windowClosed, Evidence(mayHaveLeft: false))
        case .notOpen: return .notSent(.notConnected, Evidence(mayHaveLeft: false))
        case .journalFailed(let message): return .unknown(.serverError, Evidence(mayHaveLeft: true, message: message))
        }
    }

    public func replace(_ order: OrderReference, with terms: Replacement, within window: SendWindow) async -> ReplaceOutcome {
        .notSent(.unsupported, Evidence(mayHaveLeft: false))
    }

    /// Throws in the exchange's words what `RejectReason` says in the contract's; ``ExchangeRefusal/reason`` reads it back.
    private static func checkRules(
        _ request: OrderRequest, _ legs: [OrderRequest], _ instrument: Instrument, price: Price?
    ) throws(ExchangeRefusal) {
        let unit = request.limitPrice ?? request.stopPrice ?? price ?? .zero
        let prices = ([request.limitPrice, request.stopPrice] + legs.flatMap { [$0.limitPrice, $0.stopPrice] }).compactMap { $0 }
        let value = request.quoteQuantity ?? (request.quantity ?? .zero) * unit
        if let reason = PaperRules.violation(instrument, quantity: request.quantity, prices: prices, value: value) {
            throw .invalidRequest(reason.code)
        }
    }

    /// The legs of the order's bracket: a stop and a limit order, under the ids that are derived from the entry's.
    private static func legs(of order: NewOrder) -> [OrderRequest] {
        (order.bracket?.roles ?? []).map { role in
            leg(
                role, of: order.clientOrderID, symbol: order.symbol, side: order.side.opposite, quantity: order.quantity,
                price: order.bracket?.price(role))
        }
    }

    private static func leg(
        _ role: BracketRole, of id: ClientOrderID, symbol: Symbol, side: Side, quantity: Quantity, price: Price?
    ) -> OrderRequest {
        OrderRequest(
            account: PaperLedger.account, clientOrderID: id.leg(role).rawValue, symbol: symbol, side: side, kind: role == .stopLoss ? .stop : .limit,
            quantity: quantity, limitPrice: role == .takeProfit ? price : nil, stopPrice: role == .stopLoss ? price : nil)
    }
}
