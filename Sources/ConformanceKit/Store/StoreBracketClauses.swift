import StoreContract
import TradingModel

/// SC-16: an entry and the legs of its bracket are one request, and so one record.
enum StoreBracketClauses {
    static let bracket = Bracket(stopLoss: 58000, takeProfit: 65000)

    private static func orders(_ session: StoreSession, _ name: String) -> [OrderRecord] {
        var entry = session.order(name)
        entry.bracket = bracket
        return [entry] + BracketRole.allCases.enumerated().map { number, role in
            var leg = session.order(name, side: .sell)
            leg.id = OrderID("ord-\(name)-\(role.rawValue)")
            leg.leg = number + 1
            leg.clientOrderID = entry.clientOrderID.leg(role)
            leg.type = role == .stopLoss ? .stop : .limit
            leg.limitPrice = role == .takeProfit ? bracket.takeProfit : nil
            leg.stopPrice = role == .stopLoss ? bracket.stopLoss : nil
            leg.bracketRole = role
            leg.entryID = entry.id
            return leg
        }
    }

    @discardableResult
    private static func admit(_ session: StoreSession, _ name: String, _ change: (inout [OrderRecord]) -> Void = { _ in }) async throws -> [OrderID] {
        var orders = orders(session, name)
        change(&orders)
        let result = try await session.store.admit(Admission(signal: session.signal(name), orders: orders, window: .zero, rate: nil))
        try expect(result == .admitted, "a bracket was not admitted: \(result)")
        return orders.map(\.id)
    }

    private static func permit(_ session: StoreSession, _ id: OrderID, _ tenure: Tenure, bracket: Bracket? = bracket) async throws -> PermitResult {
        try await session.store.permit(session.request(id, tenure)) { StoreSession.grant($0.order, bracket: bracket) }
    }

    private static func states(_ session: StoreSession, _ ids: [OrderID]) async throws -> [OrderState?] {
        var states: [OrderState?] = []
        for id in ids { states.append(try await session.store.order(id)?.order.state) }
        return states
    }

    static let all: [StoreClause] = [
        StoreClause("SC-16.whole", "entry and legs are read as they were admitted, and the entry with its legs") { session in
            let ids = try await admit(session, "a")
            guard let snapshot = try await session.store.order(ids[0]) else { throw ClauseFailure("the entry is gone") }
            try expect([snapshot.order] + snapshot.legs.map(\.order) == orders(session, "a"), "they came back as \(snapshot)")
            let leg = try await session.store.order(ids[1])
            try expect(leg?.legs.isEmpty == true, "a leg has legs")
        },
        StoreClause("SC-16.complete", "legs that are not those of the bracket, or have no entry, are refused") { session in
            let broken: [(String, (inout [OrderRecord]) -> Void)] = [
                ("one leg", { $0.removeLast() }), ("no legs", { $0.removeLast(2) }), ("no entry", { $0.removeFirst() }),
                ("another price", { $0[1].stopPrice = 1 }), ("another side", { $0[1].side = .buy }), ("another account", { $0[1].account = "a2" }),
                ("another symbol", { $0[1].symbol = "ETHUSDT" }), ("another client order id", { $0[1].clientOrderID = "x" }),
                ("twice the same role", { $0[2].bracketRole = .stopLoss }), ("another state", { $0[1].state = .skipped; $0[1].reason = "r" }),
                ("a leg without a bracket", { $0[0].bracket = nil }),
            ]
            for (what, change) in broken {
                try await session.expectFailure(.refused, what) { try await admit(session, "a", change) }
            }
            let signals = try await session.place.count("signals")
            try expect(signals == 0, "\(signals) signals are stored")
        },
        StoreClause("SC-16.permit", "one permit takes the legs along, with the same fence, number, window and hash") { session in
            let tenure = try await session.tenure()
            let ids = try await admit(session, "a")
            guard case .granted(let permit, let record) = try await permit(session, ids[0], tenure) else { throw ClauseFailure("not granted") }
            try expect(permit.order.bracket == bracket && record.state == .permitted, "the permit is \(permit)")
            guard let snapshot = try await session.store.order(ids[0]), let own = snapshot.attempts.first else { throw ClauseFailure("no attempt") }
            try expect(snapshot.legs.map(\.order.state) == [.permitted, .permitted] && snapshot.legs.map(\.order.quantity) == [2, 2], "the legs are \(snapshot.legs)")
            let attempts = snapshot.legs.flatMap(\.attempts)
            let isSame = attempts.allSatisfy {
                $0.number == own.number && $0.fence == own.fence && $0.notAfterMonotonic == own.notAfterMonotonic && $0.orderHash == own.orderHash
            }
            try expect(attempts.count == 2 && isSame, "the legs' attempts are \(attempts)")
            try await session.expectWholeJournal()
        },
        StoreClause("SC-16.alone", "an entry is never permitted without its bracket, a leg never by itself") { session in
            let tenure = try await session.tenure()
            let ids = try await admit(session, "a")
            for wrong in [nil, Bracket(stopLoss: nil, takeProfit: 65000), Bracket(stopLoss: 1, takeProfit: 65000)] {
                try await session.expectFailure(.refused, "another bracket") { _ = try await permit(session, ids[0], tenure, bracket: wrong) }
            }
            for id in ids.dropFirst() {
                try await session.expectFailure(.refused, "a leg by itself") { _ = try await permit(session, id, tenure, bracket: nil) }
                try await session.expectFailure(.refused, "closing a leg by itself") {
                    _ = try await session.store.permit(session.request(id, tenure)) { _ in .close(.skipped, reason: "r", detail: "d") }
                }
            }
            let found = try await states(session, ids)
            let attempts = try await session.place.count("attempts")
            try expect(found == [.queued, .queued, .queued] && attempts == 0, "they are \(found), with \(attempts) attempts")
        },
        StoreClause("SC-16.ends", "an entry that ends unsent ends its legs in the same transaction") { session in
            let tenure = try await session.tenure()
            for state in [OrderState.skipped, .blocked, .stale] {
                let ids = try await admit(session, state.rawValue)
                _ = try await session.store.permit(session.request(ids[0], tenure)) { _ in .close(state, reason: "why", detail: "d") }
                let found = try await states(session, ids)
                let leg = try await session.store.order(ids[1])?.order
                try expect(found == [state, state, state] && leg?.reason == "entry_ended", "they are \(found), because \(leg?.reason ?? "-")")
            }
            let open = try await session.store.openOrders(of: "a1")
            try expect(open.isEmpty, "open are \(open.map(\.id))")
        },
        StoreClause("SC-16.changes", "a change of the entry changes its legs with it, or nothing changes") { session in
            let tenure = try await session.tenure()
            let ids = try await admit(session, "a")
            let other = try await session.admit("other")
            _ = try await permit(session, ids[0], tenure)
            try await session.expectFailure(.refused, "a stranger for a leg") {
                try await session.store.update(ids[0], under: tenure, at: StoreSession.start) { snapshot in
                    var (entry, stranger) = (snapshot.order, snapshot.order)
                    entry.state = .accepted
                    stranger.id = other
                    return OrderChange(order: entry, legs: [OrderChange(order: stranger)])
                }
            }
            let before = try await states(session, ids)
            try await session.store.update(ids[0], under: tenure, at: StoreSession.start) { snapshot in
                func ended(_ snapshot: OrderSnapshot) -> OrderChange {
                    var (order, attempts) = (snapshot.order, snapshot.attempts)
                    order.state = .accepted
                    attempts[0].outcome = "accepted"
                    attempts[0].endedAt = StoreSession.start
                    return OrderChange(order: order, attempts: attempts)
                }
                var change = ended(snapshot)
                change.legs = snapshot.legs.map(ended)
                return change
            }
            let after = try await states(session, ids)
            try expect(before == [.permitted, .permitted, .permitted] && after == [.accepted, .accepted, .accepted], "they were \(before), they are \(after)")
        },
        StoreClause("SC-16.facts", "legs count in no open quantity and in no cooldown, and are told to an order that would close the same position") { session in
            let tenure = try await session.tenure()
            let ids = try await admit(session, "a")
            _ = try await permit(session, ids[0], tenure)
            let selling = try await session.admit("selling") { $0.side = .sell }
            let facts = try await session.facts(selling, tenure)
            try expect(facts.openSellQuantity == 0 && facts.openBuyQuantity == 2, "open are \(facts.openSellQuantity) and \(facts.openBuyQuantity)")
            try expect(facts.openLegs == Array(ids.dropFirst()) && facts.lastTradeID == ids[0], "open legs are \(facts.openLegs), the last trade \(facts.lastTradeID ?? "-")")
            let buying = try await session.facts(try await session.admit("buying"), tenure)
            try expect(buying.openLegs.isEmpty, "legs of the other side: \(buying.openLegs)")
        },
    ]
}
