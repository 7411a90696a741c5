import StoreContract
import TradingModel

/// SC-06: what a decision rests on.
enum StoreFactClauses {
    static let all: [StoreClause] = [
        StoreClause("SC-06.facts", "the facts tell trades, unsettled orders, positions and open quantities of others") { session in
            let tenure = try await session.tenure()
            let working = try await session.admit("working") { $0.side = .sell }
            let unsettled = try await session.admit("unsettled")
            try await session.admit("waiting")
            try await session.admit("other") { $0.symbol = "ETHUSDT" }
            for id in [working, unsettled, "ord-other"] { try await session.permit(id, tenure) }
            try await session.store.update(working, under: tenure, at: StoreSession.start + .seconds(5)) { snapshot in
                var order = snapshot.order
                order.state = .partiallyFilled
                order.filledQuantity = 1
                order.filledAt = StoreSession.start + .seconds(5)
                let position = PositionRecord(
                    account: "a1", symbol: "BTCUSDT", quantity: -1, averagePrice: 60000, realizedProfit: 0, updatedAt: StoreSession.start)
                return OrderChange(order: order, newFills: [session.fill("e1")], position: position)
            }
            let facts = try await session.facts(try await session.admit("asking"), tenure)
            try expect(facts.now == StoreSession.start + .seconds(1) && facts.order.id == "ord-asking", "the question is another")
            try expect(facts.unsettled == [unsettled], "unsettled are \(facts.unsettled)")
            try expect(facts.openSellQuantity == 1 && facts.openBuyQuantity == 2, "open are \(facts.openSellQuantity) and \(facts.openBuyQuantity)")
            try expect(facts.lastTradeID == working && facts.lastTradeAt == StoreSession.start + .seconds(5), "the last trade is \(facts.lastTradeID ?? "none")")
            try expect(facts.position?.quantity == -1, "the position is \(String(describing: facts.position))")
            try expect(facts.entryOfSameSignal == nil && facts.attempts.isEmpty, "an entry or an attempt that is none")
        },
        StoreClause("SC-06.unsettled", "every open state but queued, accepted and partly filled is unsettled") { session in
            let (tenure, id) = try await session.permitted("first")
            try await session.end(id, tenure, outcome: "unknown")
            let asking = try await session.admit("asking")
            let settled: [OrderState] = [.accepted, .partiallyFilled]
            for state in OrderState.allCases where !state.isTerminal && state != .queued && state != .permitted {
                try await session.change(id, tenure) {
                    $0.state = state
                    if state == .partiallyFilled { $0.filledQuantity = 1 }
                }
                let found = try await session.facts(asking, tenure).unsettled
                try expect(found == (settled.contains(state) ? [] : [id]), "\(state.rawValue) gives \(found)")
            }
        },
        StoreClause("SC-06.cooldown-scope", "the last trade is the strategy's at the account, or anywhere, as the order's policy says") { session in
            let here = try await session.tenure("a1")
            let there = try await session.tenure("a2")
            let first = try await session.admit("first") { $0.account = "a2" }
            try await session.permit(first, there)
            let own = try await session.admit("own") { $0.policy.cooldownScope = .strategyAccount }
            let wide = try await session.admit("wide") { $0.policy.cooldownScope = .strategy }
            let other = try await session.admit("other") {
                $0.policy.cooldownScope = .strategy
                $0.strategy = "another"
            }
            let trades = [try await session.facts(own, here).lastTradeID, try await session.facts(wide, here).lastTradeID, try await session.facts(other, here).lastTradeID]
            try expect(trades == [nil, first, nil], "the last trades are \(trades)")
        },
        StoreClause("SC-06.cooldown-trades", "an open order counts as a trade from its creation, a filled one from its fill, one that ended unfilled not at all") { session in
            let (tenure, id) = try await session.permitted("first")
            try await session.end(id, tenure, outcome: "accepted")
            let asking = try await session.admit("asking")
            func last() async throws -> Timestamp? { try await session.facts(asking, tenure).lastTradeAt }
            let open = try await last()
            try expect(open == StoreSession.start, "an open order counts from \(String(describing: open))")
            try await session.change(id, tenure) {
                $0.state = .cancelled
            }
            let unfilled = try await last()
            try expect(unfilled == nil, "an order that ended without a fill counts")
            try await session.change(id, tenure, fills: [session.fill("e1")]) {
                $0.filledQuantity = 1
                $0.filledAt = StoreSession.start + .seconds(9)
            }
            let filled = try await last()
            try expect(filled == StoreSession.start + .seconds(9), "a late fill counts from \(String(describing: filled))")
        },
        StoreClause("SC-06.same-signal", "an entry of the same signal, account, symbol and side is told") { session in
            let tenure = try await session.tenure()
            let names: [(String, Side, Symbol)] = [("a", .buy, "BTCUSDT"), ("b", .buy, "BTCUSDT"), ("c", .sell, "BTCUSDT"), ("d", .buy, "ETHUSDT")]
            let orders = names.enumerated().map { number, entry in
                var order = session.order(entry.0, of: "s", side: entry.1)
                order.leg = number
                order.symbol = entry.2
                return order
            }
            _ = try await session.store.admit(Admission(signal: session.signal("s"), orders: orders, window: .zero, rate: nil))
            let before = try await session.facts("ord-b", tenure).entryOfSameSignal
            try await session.permit("ord-a", tenure)
            var found: [OrderID?] = [before]
            for id in ["ord-b", "ord-c", "ord-d"] as [OrderID] { found.append(try await session.facts(id, tenure).entryOfSameSignal) }
            try expect(found == [nil, "ord-a", nil, nil], "the entries are \(found)")
        },
        StoreClause("SC-06.decided-inside", "of forty orders at once over two processes that may trade once, one is granted") { session in
            let accounts = (0..<4).map { AccountID("a\($0)") }
            try await session.withSecond { second in
                var tenures: [AccountID: Tenure] = [:]
                for account in accounts { tenures[account] = try await session.tenure(account) }
                var works: [(OrderID, Tenure)] = []
                for number in 0..<40 {
                    let account = accounts[number % accounts.count]
                    let id = try await session.admit("\(number)") {
                        $0.account = account
                        $0.policy.cooldownScope = .strategy
                    }
                    if let tenure = tenures[account] { works.append((id, tenure)) }
                }
                let all = works
                let results = await session.atOnce(all.count) { number in
                    try await (number % 2 == 0 ? session.store : second).permit(session.request(all[number].0, all[number].1)) { facts in
                        facts.lastTradeAt == nil ? StoreSession.grant(facts.order) : .close(.skipped, reason: "cooldown", detail: "too soon")
                    }
                }
                if let error = results.firstError() { throw ClauseFailure("a permit failed: \(error)") }
                let granted = results.successes().count { if case .granted = $0 { true } else { false } }
                let attempts = try await session.place.count("attempts")
                try expect(granted == 1 && attempts == 1, "\(granted) were granted, \(attempts) attempts are stored")
            }
        },
    ]
}
