import BrokerContract
import TradingModel

/// BC-10 to BC-12: what queries say when the wire works.
enum LookupClauses {
    static let all: [BrokerClause] = [
        BrokerClause("BC-10.open", "a lookup finds a resting order with its terms") { session in
            let (order, _, reference) = try await session.resting()
            try await session.expectTruth(reference)
            guard case .found(let report) = try await session.settledLookup(reference) else { return }
            try expect(report.quantity == nil || report.quantity == order.quantity, "the lookup says quantity \(report.quantity?.description ?? "")")
            try expect(report.limitPrice == nil || report.limitPrice == order.limitPrice, "the lookup says price \(report.limitPrice?.description ?? "")")
            try expect(report.side == order.side && report.symbol == order.symbol, "the lookup names another side or symbol")
            try expect(!report.status.isTerminal, "the lookup says \(report.status)")
        },
        BrokerClause("BC-10.filled", "a lookup finds a filled order with its average price") { session in
            let order = try session.order(.limit, price: session.profile.crossingBuyPrice)
            let report = try await session.accepted(order).report
            let reference = session.reference(report, of: order)
            _ = try await session.eventually { try await session.taken(order.clientOrderID).last?.status == .filled }
            try await session.expectTruth(reference)
            guard case .found(let found) = try await session.settledLookup(reference) else { return }
            try expect(found.filledQuantity == order.quantity, "the lookup says filled \(found.filledQuantity)")
            let price = found.averagePrice
            try expect(price == nil || price == session.profile.marketPrice, "filled at \(session.profile.marketPrice), reported at \(price?.description ?? "")")
        },
        BrokerClause("BC-10.cancelled", "a lookup finds a cancelled order where closed orders are declared") { session in
            let (_, _, reference) = try await session.resting()
            _ = await session.broker.cancel(reference, within: session.window())
            _ = try await session.eventually { try await session.taken(reference.clientOrderID).last?.status == .cancelled }
            let result = try await session.settledLookup(reference)
            switch (result, session.broker.semantics.lookup) {
            case (.found(let report), _): try expect(report.status == .cancelled, "the lookup says \(report.status)")
            case (.notFound(complete: true, _), _): throw ClauseFailure("the order exists, but the lookup claims that it never did")
            case (_, .openAndClosed): throw ClauseFailure("closed orders are declared, but the lookup says \(result)")
            case (_, _): break
            }
        },
        BrokerClause("BC-10.never-sent", "a lookup of an id that was never sent says so, as completely as declared") { session in
            try await session.expectTruth(session.reference(try session.order()))
        },
        BrokerClause("BC-10.fresh", "a lookup is asked of the venue each time") { session in
            let (order, _, reference) = try await session.resting()
            try await session.expectTruth(reference)
            try await session.venue.controls.fill(order.clientOrderID, quantity: session.profile.partialQuantity)
            try await session.expectTruth(reference)
            try await session.venue.controls.fill(order.clientOrderID, quantity: order.quantity - session.profile.partialQuantity)
            try await session.expectTruth(reference)
        },
        BrokerClause("BC-10.surfaces-late", "an order that surfaces late is found then, and not called refused") { session in
            try await session.venue.controls.plan([VenueFault(on: "place", "surface_late", ms: 700)])
            let order = try session.order()
            let outcome = await session.place(order)
            switch outcome {
            case .unknown, .accepted: break
            case .refused, .notSent: throw ClauseFailure("the venue has the order, but the outcome is \(outcome)")
            }
            // Asked too early: whatever it says now must not be remembered.
            _ = await session.broker.lookup(session.reference(order))
            try await SystemClock().sleep(for: .milliseconds(900))
            try await session.expectTruth(session.reference(order))
        },
        BrokerClause("BC-10.stale", "a stale answer of the venue does not outlive it") { session in
            let (order, _, reference) = try await session.resting()
            try await session.venue.controls.fill(order.clientOrderID, quantity: session.profile.partialQuantity)
            try await session.venue.controls.plan([VenueFault(on: "lookup", "stale_lookup")])
            _ = await session.broker.lookup(reference)
            try await session.expectTruth(reference)
        },
        BrokerClause("BC-11.whole", "all open orders are listed, and no closed one") { session in
            var ids: Set<ClientOrderID> = []
            for _ in 0..<4 { ids.insert(try await session.resting().order.clientOrderID) }
            let (_, _, closed) = try await session.resting()
            _ = await session.broker.cancel(closed, within: session.window())
            try await session.accepted(session.order(.market))
            let venueIDs = Set(try await session.venue.controls.orders().filter { !$0.status.isTerminal }.map(\.venueOrderID))
            let agrees = try await session.eventually { Set(try await session.broker.openOrders().map(\.venueOrderID)) == venueIDs }
            let open = try await session.broker.openOrders()
            try expect(agrees, "the venue has \(venueIDs.count) open, the list has \(open.count)")
            try expect(venueIDs.count == ids.count, "the venue has \(venueIDs.count) open orders instead of \(ids.count)")
            try expect(open.allSatisfy { $0.clientOrderID == nil || ids.contains($0.clientOrderID ?? "") }, "an id in the list is not ours")
        },
        BrokerClause("BC-11.symbols", "open orders of every symbol are listed") { session in
            guard let (other, quantity, price) = session.profile.other else { throw ClauseAbsent("the venue has one symbol") }
            let first = try await session.resting()
            let second = try await session.resting(session.order(quantity: quantity, price: price, symbol: other))
            let wanted: Set<VenueOrderID> = [first.report.venueOrderID, second.report.venueOrderID]
            let isListed = try await session.eventually { Set(try await session.broker.openOrders().map(\.venueOrderID)) == wanted }
            try expect(isListed, "an open order of one of two symbols is not listed")
        },
        BrokerClause("BC-11.empty", "without open orders the list is empty") { session in
            let open = try await session.broker.openOrders()
            try expect(open.isEmpty, "\(open.count) orders are open at a fresh venue")
        },
        BrokerClause("BC-12.whole", "the history has open and closed orders") { session in
            let since = SystemClock().wallTime - .seconds(60)
            let (_, _, open) = try await session.resting()
            let (_, _, closed) = try await session.resting()
            _ = await session.broker.cancel(closed, within: session.window())
            let filled = try await session.accepted(session.order(.market)).report
            let wanted: Set<VenueOrderID> = [open.venueOrderID ?? "", closed.venueOrderID ?? "", filled.venueOrderID]
            let isWhole = try await session.eventually {
                wanted.isSubset(of: Set(try await session.broker.orderHistory(session.profile.symbol, since: since).map(\.venueOrderID)))
            }
            try expect(isWhole, "the history lacks an order")
        },
        BrokerClause("BC-12.since", "the history begins at the time that was asked for") { session in
            _ = try await session.resting()
            try await SystemClock().sleep(for: .milliseconds(30))
            let rows = try await session.broker.orderHistory(session.profile.symbol, since: SystemClock().wallTime + .seconds(3600))
            try expect(rows.isEmpty, "\(rows.count) orders from before are listed")
        },
        BrokerClause("BC-12.pages", "a history longer than a page is read to its end, each order once") { session in
            let since = SystemClock().wallTime - .seconds(60)
            try await session.accepted(session.order(.market))
            try await session.venue.controls.seedFilledOrders(1005)
            let rows = try await session.broker.orderHistory(session.profile.symbol, since: since)
            try expect(rows.count == 1006, "\(rows.count) of 1006 orders")
            try expect(Set(rows.map(\.venueOrderID)).count == rows.count, "an order is listed twice")
        },
    ]
}
