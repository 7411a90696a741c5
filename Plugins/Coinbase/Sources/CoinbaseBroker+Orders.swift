import AdapterKit
import BrokerContract
import ExchangeContract
import TradingModel

extension CoinbaseBroker {
    public func place(_ order: NewOrder, within window: SendWindow) async -> PlaceOutcome {
        let kind: KnownOrders.Kind = order.bracket == nil ? .plain : .entry
        return await place(order.clientOrderID, kind, within: window) { () throws(CoinbaseOrderRequest.Refusal) in
            try CoinbaseOrderRequest(order, product: try self.rules(for: order.symbol))
        }
    }

    public func place(_ order: QuoteSizedOrder, within window: SendWindow) async -> PlaceOutcome {
        await place(order.clientOrderID, .plain, within: window) { () throws(CoinbaseOrderRequest.Refusal) in
            try CoinbaseOrderRequest(order, product: try self.rules(for: order.symbol))
        }
    }

    /// The venue cancels by its own id only. If that is not known it is searched first, by queries; the cancel itself is one request.
    public func cancel(_ order: OrderReference, within window: SendWindow) async -> CancelOutcome {
        guard window.isOpen(at: clock.monotonic) else { return .notSent(.windowClosed, Evidence(mayHaveLeft: false)) }
        let id: VenueOrderID
        switch await target(of: order) {
        case .known(let known): id = known
        case .leg(let bracket): return await cancelLeg(bracket, as: order.symbol, within: window)
        case .absent(let evidence): return .notOpen(evidence)
        case .unclear(let reason, let evidence): return .notSent(reason, evidence)
        }
        return await cancel(id, within: window)
    }

    func cancel(_ id: VenueOrderID, within window: SendWindow) async -> CancelOutcome {
        switch await client.command("/orders/batch_cancel", body: CancelBody(order_ids: [id.rawValue]), priority: .urgent, within: window) {
        case .replied(let reply): return CoinbaseOutcomes.cancel(reply, of: id)
        case .notSent(let reason, let evidence): return .notSent(reason, evidence)
        case .unknown(let cause, let evidence): return .unknown(cause, evidence)
        }
    }

    /// An edit keeps the order's ids. It must state price and size both, so the terms that stay are read first.
    public func replace(_ order: OrderReference, with terms: Replacement, within window: SendWindow) async -> ReplaceOutcome {
        guard window.isOpen(at: clock.monotonic) else { return .notSent(.windowClosed, Evidence(mayHaveLeft: false)) }
        let product: CoinbaseProduct
        do { product = try rules(for: order.symbol) } catch {
            return .notSent(error.reason, Evidence(mayHaveLeft: false, message: error.message))
        }
        let current: OrderReport
        switch await find(order) {
        case .order(let row):
            guard let report = try? row.report(as: order.symbol) else {
                return .notSent(.notConnected, Evidence(mayHaveLeft: false, message: "the order cannot be read"))
            }
            current = report
        case .leg: return .notSent(.unsupported, Evidence(mayHaveLeft: false, message: "the legs of a bracket are one order here and stay as they are"))
        case .notFound(let evidence): return .notOpen(evidence)
        case .unclear(let cause, let evidence):
            return .notSent(cause == .cancelled ? .cancelled : .notConnected, Evidence(mayHaveLeft: false, message: evidence.message))
        }
        guard !current.status.isTerminal else { return .notOpen(Evidence(mayHaveLeft: false, message: "the order is \(current.venueStatus)")) }
        let edit: EditTerms
        do { edit = try EditTerms(terms, of: current, instrument: product.instrument) } catch {
            return .notSent(error.reason, Evidence(mayHaveLeft: false, message: error.message))
        }
        switch await client.command("/orders/edit", body: edit.body, priority: .urgent, within: window) {
        case .replied(let reply):
            switch CoinbaseOutcomes.edit(reply, of: current.venueOrderID) {
            case .settled(let outcome): return outcome
            case .taken(let id, let evidence): return await confirm(edit, id, order.symbol, evidence)
            }
        case .notSent(let reason, let evidence): return .notSent(reason, evidence)
        case .unknown(let cause, let evidence): return .unknown(cause, evidence)
        }
    }

    private func place(
        _ id: ClientOrderID, _ kind: KnownOrders.Kind, within window: SendWindow,
        making make: () throws(CoinbaseOrderRequest.Refusal) -> CoinbaseOrderRequest
    ) async -> PlaceOutcome {
        let request: CoinbaseOrderRequest
        do { request = try make() } catch {
            return .notSent(error.reason, Evidence(mayHaveLeft: false, message: error.message))
        }
        let isFirst = state.withLock { state in
            guard state.placing[id] == nil else { return false }
            state.placing[id] = kind
            return true
        }
        guard isFirst else { return .notSent(.alreadyPlacing, Evidence(mayHaveLeft: false)) }
        defer { state.withLock { $0.placing[id] = nil } }
        let result = await client.command("/orders", body: request.body(portfolio: client.portfolio), priority: .normal, within: window)
        switch result {
        case .replied(let reply):
            switch CoinbaseOutcomes.place(reply, for: id) {
            case .settled(let outcome): return outcome
            case .taken(let venueID, let evidence): return await confirm(request, venueID, evidence)
            }
        case .notSent(let reason, let evidence): return .notSent(reason, evidence)
        case .unknown(let cause, let evidence): return .unknown(cause, evidence)
        }
    }

    // MARK: Reading back

    /// Waits before each reading of an order that the venue says it took. It may show with a delay.
    static let readingPauses: [Duration] = [.zero, .milliseconds(100), .milliseconds(250), .milliseconds(500), .seconds(1)]

    /// Reads the order that the venue named: for a client id that it knows it names the old order and echoes the new request.
    private func confirm(_ request: CoinbaseOrderRequest, _ id: VenueOrderID, _ evidence: Evidence) async -> PlaceOutcome {
        var last: (cause: UnknownCause, message: String?) = (.unreadableReply, nil)
        for pause in Self.readingPauses {
            switch await read(id, after: pause) {
            case .found(let order):
                let outcome = CoinbaseOutcomes.confirm(order, for: request, evidence)
                if case .accepted = outcome {
                    state.withLock { $0.known.add(request.clientOrderID, request.symbol, order) }
                }
                return outcome
            case .notFound(let answer): last = (.unreadableReply, answer.message)
            case .unclear(let cause, let answer): last = (cause, answer.message)
            }
            if Task.isCancelled { break }
        }
        var doubt = evidence
        doubt.message = "taken as \(id), which could not be read back: \(last.message ?? "no answer")"
        return .unknown(Task.isCancelled ? .cancelled : last.cause, doubt)
    }

    private func confirm(_ edit: EditTerms, _ id: VenueOrderID, _ symbol: Symbol, _ evidence: Evidence) async -> ReplaceOutcome {
        for pause in Self.readingPauses {
            if case .found(let order) = await read(id, after: pause), let report = try? order.report(as: symbol), edit.isDone(report) {
                return .replaced(report, evidence)
            }
            if Task.isCancelled { return .unknown(.cancelled, evidence) }
        }
        var doubt = evidence
        doubt.message = "the edit was taken, and the order does not show its terms"
        return .unknown(.contradiction, doubt)
    }

    /// One reading of one order.
    func read(_ id: VenueOrderID, after pause: Duration = .zero) async -> CoinbaseOutcomes.Reading {
        do {
            if pause > .zero { try await clock.sleep(for: pause) }
            let reply = try await client.reply("/orders/historical/\(id.rawValue)", priority: .urgent)
            return CoinbaseOutcomes.order(reply, id: id)
        } catch let error as BrokerError {
            return .unclear(error.unknownCause, Evidence(mayHaveLeft: error.effect != .notSent, message: error.message))
        } catch {
            return .unclear(.cancelled, Evidence(mayHaveLeft: false, message: "cancelled"))
        }
    }

    // MARK: Targets

    private enum Target {
        case known(VenueOrderID)
        case leg(CoinbaseBracket)
        case absent(Evidence)
        case unclear(NotSentReason, Evidence)
    }

    private func target(of order: OrderReference) async -> Target {
        let known = order.venueOrderID ?? state.withLock { $0.known[order.clientOrderID]?.venueOrderID }
        if let known, order.leg == nil { return .known(known) }
        switch await find(order) {
        case .order(let row): return .known(VenueOrderID(row.order_id))
        case .leg(let bracket, _): return .leg(bracket)
        case .notFound(let evidence): return .absent(evidence)
        case .unclear(let cause, let evidence):
            return .unclear(cause == .cancelled ? .cancelled : .notConnected, Evidence(mayHaveLeft: false, message: evidence.message))
        }
    }

    func rules(for symbol: Symbol) throws(CoinbaseOrderRequest.Refusal) -> CoinbaseProduct {
        let (product, isLoaded) = state.withLock { ($0.products[symbol], $0.rulesReadAt != nil) }
        guard isLoaded else { throw .init(reason: .notConnected, message: "the instrument rules are not loaded yet") }
        guard let product else { throw .init(reason: .invalid, message: "the venue does not list \(symbol)") }
        return product
    }

    private struct CancelBody: Encodable {
        let order_ids: [String]
    }
}

/// The terms of an order after an edit, all of them.
struct EditTerms: Sendable {
    struct Body: Encodable, Sendable {
        let order_id: String
        let price: String
        let size: String
        let stop_price: String?
        let cancel_attached_order: Bool?
    }

    let venueOrderID: VenueOrderID
    let quantity: Quantity
    let limitPrice: Price
    let stopPrice: Price?
    let detachesBracket: Bool

    var body: Body {
        Body(
            order_id: venueOrderID.rawValue, price: limitPrice.description, size: quantity.description,
            stop_price: stopPrice?.description, cancel_attached_order: detachesBracket ? true : nil)
    }

    init(
        _ terms: Replacement, of current: OrderReport, instrument: Instrument, detachesBracket: Bool = false
    ) throws(CoinbaseOrderRequest.Refusal) {
        guard current.type == .limit || current.type == .stopLimit, let oldPrice = current.limitPrice, let oldQuantity = current.quantity
        else { throw .init(reason: .unsupported, message: "only limit and stop-limit orders can be edited") }
        if terms.stopPrice != nil, current.type != .stopLimit {
            throw .init(reason: .unsupported, message: "a limit order has no stop price to edit")
        }
        venueOrderID = current.venueOrderID
        self.detachesBracket = detachesBracket
        quantity = terms.quantity ?? oldQuantity
        limitPrice = terms.limitPrice ?? oldPrice
        stopPrice = current.type == .stopLimit ? terms.stopPrice ?? current.stopPrice : nil
        guard quantity > 0, quantity.isMultiple(of: instrument.lotSize) else {
            throw .init(reason: .invalid, message: "quantity \(quantity) is not on the lot \(instrument.lotSize)")
        }
        for price in [limitPrice, stopPrice].compactMap({ $0 }) where price <= 0 || !price.isMultiple(of: instrument.tickSize) {
            throw .init(reason: .invalid, message: "price \(price) is not on the tick \(instrument.tickSize)")
        }
    }

    /// Whether the venue shows the order with these terms, or shows that it ended meanwhile.
    func isDone(_ report: OrderReport) -> Bool {
        report.quantity == quantity && report.limitPrice == limitPrice && (stopPrice == nil || report.stopPrice == stopPrice)
            && report.venueStatus != "EDIT_QUEUED"
    }
}
