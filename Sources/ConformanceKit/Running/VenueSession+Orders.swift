import BrokerContract
import Foundation
import TradingModel

extension VenueSession {
    // MARK: Making

    /// An id that the venue takes and that was never used.
    func mintID() -> ClientOrderID {
        let uuid = UUID().uuidString.lowercased()
        let rules = broker.semantics.clientOrderIDRules
        switch rules.form {
        case .uuid: return ClientOrderID(uuid)
        case .token: return ClientOrderID("ck" + uuid.filter { $0 != "-" }.prefix(max(1, min(22, rules.maximumLength - 2))))
        }
    }

    func order(
        _ type: OrderType = .limit, side: Side = .buy, quantity: Quantity? = nil, price: Price? = nil, timeInForce: TimeInForce? = nil,
        postOnly: Bool = false, reduceOnly: Bool = false, bracket: Bracket? = nil, symbol: Symbol? = nil, id: ClientOrderID? = nil
    ) throws -> NewOrder {
        let limit = type == .stopLimit ? price ?? profile.stopLimitBuyPrice : price ?? profile.restingBuyPrice
        let time = timeInForce ?? (type == .market ? profile.marketTimeInForce : profile.restingTimeInForce)
        return try NewOrder(
            clientOrderID: id ?? mintID(), symbol: symbol ?? profile.symbol, side: side, type: type, quantity: quantity ?? profile.quantity,
            limitPrice: type.needsLimitPrice ? limit : nil, stopPrice: type.needsStopPrice ? profile.stopBuyPrice : nil,
            trailingDistance: type == .trailingStop ? profile.trailingDistance : nil, timeInForce: time,
            goodTill: time == .gtd ? SystemClock().wallTime + .seconds(86_400) : nil, postOnly: postOnly, reduceOnly: reduceOnly, bracket: bracket)
    }

    func window(_ length: Duration = .seconds(60)) -> SendWindow { SendWindow(notAfter: SystemClock().monotonic + length) }

    func reference(_ order: NewOrder, venueOrderID: VenueOrderID? = nil) -> OrderReference {
        OrderReference(symbol: order.symbol, clientOrderID: order.clientOrderID, venueOrderID: venueOrderID)
    }

    func reference(_ report: OrderReport, of order: NewOrder) -> OrderReference { reference(order, venueOrderID: report.venueOrderID) }

    // MARK: Doing

    func place(_ order: NewOrder) async -> PlaceOutcome { await broker.place(order, within: window()) }

    /// Places an order that must be accepted.
    @discardableResult
    func accepted(_ order: NewOrder) async throws -> (report: OrderReport, fills: [Fill]) {
        let outcome = await place(order)
        guard case .accepted(let report, let fills, _) = outcome else { throw ClauseFailure("a good order was not accepted: \(outcome)") }
        return (report, fills)
    }

    /// Places a limit order that rests.
    func resting(_ order: NewOrder? = nil) async throws -> (order: NewOrder, report: OrderReport, reference: OrderReference) {
        let order = try order ?? self.order()
        let report = try await accepted(order).report
        return (order, report, reference(report, of: order))
    }

    // MARK: Finding

    /// What the venue has under the id.
    func taken(_ id: ClientOrderID) async throws -> [OracleOrder] { try await venue.controls.orders().filter { $0.clientOrderID == id } }

    /// Looks up until something is proven, as after a fault that may still block the connection.
    func settledLookup(_ reference: OrderReference) async throws -> LookupResult {
        var result = await broker.lookup(reference)
        for _ in 0..<20 {
            guard case .indeterminate = result else { break }
            try await SystemClock().sleep(for: .milliseconds(100))
            result = await broker.lookup(reference)
        }
        return result
    }

    /// Checks that a lookup says what the oracle says.
    func expectTruth(_ reference: OrderReference) async throws {
        let oracle = try await taken(reference.clientOrderID)
        let result = try await settledLookup(reference)
        guard let known = oracle.last else { return try expectAbsence(result, reference) }
        guard case .found(let report) = result else {
            switch (broker.semantics.lookup, result) {
            case (.none, .indeterminate), (.none, .notFound(complete: false, _)): return
            case (.openOnly, .notFound(complete: false, _)) where known.status.isTerminal: return
            case (.openAndClosed, _), (.openOnly, _), (.none, _): break
            }
            throw ClauseFailure("the venue has the order, but the lookup says \(result)")
        }
        try expect(report.venueOrderID == known.venueOrderID, "the lookup found order \(report.venueOrderID), not \(known.venueOrderID)")
        try expect(report.filledQuantity == known.filledQuantity, "filled \(report.filledQuantity), at the venue \(known.filledQuantity)")
        try expect(
            report.status.isTerminal == known.status.isTerminal, "the lookup says \(report.status), the venue says \(known.status)")
    }

    private func expectAbsence(_ result: LookupResult, _ reference: OrderReference) throws {
        switch (result, broker.semantics.lookup) {
        case (.found(let report), _): throw ClauseFailure("the venue has no such order, but the lookup found \(report.venueOrderID)")
        case (.notFound(complete: true, _), .openAndClosed): return
        case (_, .openAndClosed): throw ClauseFailure("the venue never had the order, but the lookup says \(result)")
        case (.notFound(complete: true, _), _): throw ClauseFailure("the lookup does not cover closed orders, but claims completeness")
        case (_, _): return
        }
    }

    // MARK: The wire

    /// How many requests of the operation reached the proxy.
    func sent(_ operation: VenueOperation) -> Int {
        let patterns = profile.operations[operation] ?? []
        return rest?.requests.count { request in patterns.contains { $0.matches(request) } } ?? 0
    }

    /// Requests that can change something: everything but GET, and the placements.
    var commandsSent: Int { rest?.requests.count { $0.method != "GET" } ?? 0 }

    func plan(_ fault: WireFault, on operation: VenueOperation) throws -> FaultProxy {
        guard let rest else { throw ClauseAbsent("the broker has no wire") }
        guard !profile.usesTLS else { throw ClauseAbsent("the proxies see TLS") }
        guard let patterns = profile.operations[operation] else { throw ClauseAbsent("\(operation.rawValue) is no request of this venue") }
        rest.plan(fault, on: patterns)
        return rest
    }
}
