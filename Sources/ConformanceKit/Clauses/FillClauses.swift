import BrokerContract
import TradingModel

/// BC-13, BC-14 and exact numbers: money.
enum FillClauses {
    static let all: [BrokerClause] = [
        BrokerClause("BC-13.one-id", "an execution has one id in reply, query and stream") { session in
            let (order, reference) = try await filled(session)
            let queried = try await session.broker.fills(of: reference)
            let ids = Set(queried.map(\.executionID))
            try expect(!ids.isEmpty, "the query has no fill of a filled order")
            guard session.broker.capabilities.hasStream else { return }
            let isTold = try await session.events.wait { if case .fill(let fill) = $0 { ids.contains(fill.executionID) } else { false } }
            try expect(isTold, "the stream did not tell the execution under the query's id")
            try await SystemClock().sleep(for: .milliseconds(150))
            let told = Set(session.events.fills.filter { $0.clientOrderID == nil || $0.clientOrderID == order.clientOrderID }.map(\.executionID))
            try expect(told.isSubset(of: ids), "the stream told executions that the query does not know: \(told.subtracting(ids))")
        },
        BrokerClause("BC-13.in-reply", "fills that come with a reply are those of the query") { session in
            let order = try session.order(.market)
            let (report, fills) = try await session.accepted(order)
            _ = try await session.eventually { try await session.taken(order.clientOrderID).last?.status == .filled }
            let queried = try await session.settledFills(session.reference(report, of: order))
            try expect(Set(fills.map(\.executionID)).isSubset(of: Set(queried.map(\.executionID))), "the reply's fills have other ids")
            let told = fills.reduce(Quantity.zero) { $0 + $1.quantity }
            // A reply that claims a filled quantity and whose venue sends fills must hand them over.
            try expect(told.isZero || told == report.filledQuantity, "the reply's fills add up to \(told), its report says \(report.filledQuantity)")
        },
        BrokerClause("BC-13.terms", "a fill has the order's side, symbol, quantity and the venue's price") { session in
            let (order, reference) = try await filled(session)
            let fills = try await session.settledFills(reference)
            try expect(fills.allSatisfy { $0.side == order.side && $0.symbol == order.symbol }, "a fill has another side or symbol")
            try expect(fills.allSatisfy { $0.price == session.profile.marketPrice }, "a fill has another price than the market's")
            try expect(fills.reduce(Quantity.zero) { $0 + $1.quantity } == order.quantity, "the fills do not add up to the order")
            try expect(fills.allSatisfy { $0.fee.map { $0 >= 0 } ?? true }, "a paid fee is negative")
        },
        BrokerClause("BC-13.sell", "a sell is told as a sell") { session in
            try await session.accepted(session.order(.market))
            // Less than was bought: a fee may have been taken from it.
            let order = try session.order(.market, side: .sell, quantity: session.profile.partialQuantity)
            let report = try await session.accepted(order).report
            let fills = try await session.settledFills(session.reference(report, of: order))
            try expect(report.side == .sell && !fills.isEmpty && fills.allSatisfy { $0.side == .sell }, "a sell is told as a buy")
            let oracle = try await session.taken(order.clientOrderID).last
            try expect(oracle?.side == .sell, "the venue got a buy")
        },
        BrokerClause("BC-13.partial", "partial fills are told one by one, oldest first, and add up") { session in
            let (order, _, reference) = try await session.resting()
            let parts = [session.profile.partialQuantity, order.quantity - session.profile.partialQuantity]
            for part in parts {
                try await session.venue.controls.fill(order.clientOrderID, quantity: part)
                try await SystemClock().sleep(for: .milliseconds(20))
            }
            let isWhole = try await session.eventually { try await session.broker.fills(of: reference).count == parts.count }
            let fills = try await session.broker.fills(of: reference)
            try expect(isWhole, "\(fills.count) fills instead of \(parts.count)")
            try expect(fills.map(\.quantity) == parts, "the fills are \(fills.map(\.quantity))")
            try expect(Set(fills.map(\.executionID)).count == parts.count, "two executions share an id")
            try expect(fills.map(\.executedAt) == fills.map(\.executedAt).sorted(), "not oldest first")
            try await session.expectTruth(reference)
        },
        BrokerClause("BC-13.by-symbol", "fills by symbol are those by order, from the time that was asked for") { session in
            let since = SystemClock().wallTime - .seconds(60)
            let (_, reference) = try await filled(session)
            let own = try await session.settledFills(reference).map(\.executionID)
            let listed = try await session.broker.fills(session.profile.symbol, since: since).map(\.executionID)
            try expect(Set(own).isSubset(of: Set(listed)), "the list by symbol lacks fills")
            try expect(Set(listed).count == listed.count, "a fill is listed twice")
            let later = try await session.broker.fills(session.profile.symbol, since: SystemClock().wallTime + .seconds(3600))
            try expect(later.isEmpty, "fills from before are listed")
        },
        BrokerClause("BC-13.pages", "fills beyond a page are read to the end, each once, oldest first") { session in
            let since = SystemClock().wallTime - .seconds(60)
            try await session.accepted(session.order(.market))
            try await session.venue.controls.seedFilledOrders(1005)
            let fills = try await session.broker.fills(session.profile.symbol, since: since)
            try expect(fills.count == 1006, "\(fills.count) of 1006 fills")
            try expect(Set(fills.map(\.executionID)).count == fills.count, "a fill is listed twice")
            try expect(fills.map(\.executedAt) == fills.map(\.executedAt).sorted(), "not oldest first")
        },
        BrokerClause("BC-14.positions", "positions are the venue's, or unsupported; never made up", .capability) { session in
            guard session.broker.capabilities.hasPositions else {
                do throws(BrokerError) { _ = try await session.broker.positions() } catch {
                    try expect(error.kind == .unsupported, "positions are not declared, but the error is \(error)")
                    throw ClauseAbsent("no positions, and they are refused")
                }
                throw ClauseFailure("positions are not declared, but something was returned")
            }
            let flat = try await session.broker.positions().filter { !$0.quantity.isZero }
            try expect(flat.isEmpty, "a fresh account has positions: \(flat)")
            try await session.accepted(session.order(.market))
            let isLong = try await session.eventually {
                try await session.broker.positions().contains { $0.symbol == session.profile.symbol && $0.quantity == session.profile.quantity }
            }
            try expect(isLong, "after a buy the position is not +\(session.profile.quantity)")
        },
        BrokerClause("BC-14.short", "a short position is negative, or short selling is not declared", .capability) { session in
            let order = try session.order(.market, side: .sell)
            guard session.broker.capabilities.canSellShort else { throw ClauseAbsent("selling short is not declared; the core does not ask for it") }
            try await session.accepted(order)
            let isShort = try await session.eventually {
                try await session.broker.positions().contains { $0.symbol == session.profile.symbol && $0.quantity == -session.profile.quantity }
            }
            try expect(isShort, "after a sell from flat the position is not -\(session.profile.quantity)")
        },
    ]

    private static func filled(_ session: VenueSession) async throws -> (NewOrder, OrderReference) {
        let order = try session.order(.market)
        let report = try await session.accepted(order).report
        _ = try await session.eventually { try await session.taken(order.clientOrderID).last?.status == .filled }
        return (order, session.reference(report, of: order))
    }
}

extension VenueSession {
    /// The fills of a filled order, once the venue's query shows them.
    func settledFills(_ reference: OrderReference) async throws -> [Fill] {
        _ = try await eventually { try await !broker.fills(of: reference).isEmpty }
        return try await broker.fills(of: reference)
    }
}
