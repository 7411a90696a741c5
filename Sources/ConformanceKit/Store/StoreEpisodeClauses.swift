import StoreContract
import TradingModel

/// SC-22: episodes. SC-23: fills that were taken back.
enum StoreEpisodeClauses {
    private static let protection = ProtectionPolicy(stopWithin: .seconds(3), onFailure: .flatten)

    private static func states(_ session: StoreSession, includeEnded: Bool = true) async throws -> [EpisodeState] {
        try await session.store.episodes(account: "a1", includeEnded: includeEnded, limit: 10).map(\.state)
    }

    /// The venue takes the order, and as much of it is filled in all.
    private static func evidence(
        _ session: StoreSession, _ id: OrderID, _ tenure: Tenure, _ state: OrderState, filled: Quantity = .zero, fill: ExecutionID? = nil,
        held: Quantity? = nil
    ) async throws {
        try await session.store.update(id, under: tenure, at: StoreSession.start) { snapshot in
            var order = snapshot.order
            order.state = state
            order.reason = state == .rejected ? "no" : nil
            order.filledQuantity = filled
            let change = filled - snapshot.order.filledQuantity
            let position = held.map {
                PositionRecord(account: "a1", symbol: "BTCUSDT", quantity: $0, averagePrice: 60000, realizedProfit: 0, updatedAt: StoreSession.start)
            }
            return OrderChange(
                order: order, newFills: fill.map { [session.fill($0, quantity: change)] } ?? [], position: fill == nil ? nil : position)
        }
    }

    /// An entry whose stop the gateway places.
    private static func managed(_ session: StoreSession, _ name: String = "a") async throws -> OrderID {
        try await session.admit(name) {
            $0.policy.protection = protection
            $0.intent = OrderIntent(stopLoss: 58000)
        }
    }

    private static func stop(_ session: StoreSession, of facts: EpisodeFacts, _ name: String = "p1") -> OrderRecord {
        var order = session.order("a", side: .sell)
        order.id = OrderID("ord-a-\(name)")
        order.clientOrderID = ClientOrderID("c-a-\(name)")
        order.leg = facts.nextLeg
        order.type = .stop
        order.limitPrice = nil
        order.stopPrice = 58000
        order.reduceOnly = true
        order.intent = OrderIntent(purpose: .stopLoss, episode: facts.episode.id)
        return order
    }

    private static func step(_ facts: EpisodeFacts, _ state: CompensationStep.State, id: String = "s1") -> CompensationStep {
        CompensationStep(
            id: id, episode: facts.episode.id, account: "a1", symbol: "BTCUSDT", kind: .placeStop, state: state, attempts: 1, orderID: "ord-a-p1",
            nextAt: StoreSession.start, createdAt: StoreSession.start, updatedAt: StoreSession.start)
    }

    private static func work(_ session: StoreSession, _ facts: EpisodeFacts) -> EpisodeWork {
        var episode = facts.episode
        episode.ownOrders += 1
        return EpisodeWork(episode: episode, orders: [stop(session, of: facts)], steps: [step(facts, .running)])
    }

    static let all: [StoreClause] = [
        StoreClause("SC-22.states", "a permit opens an episode, and each order and fill moves it in its own transaction") { session in
            let tenure = try await session.tenure()
            let none = try await states(session)
            let id = try await managed(session)
            let queued = try await states(session)
            try await session.permit(id, tenure)
            let permitted = try await states(session, includeEnded: false)
            try await evidence(session, id, tenure, .accepted)
            let accepted = try await states(session, includeEnded: false)
            try await evidence(session, id, tenure, .filled, filled: 2, fill: "e1", held: 2)
            let filled = try await states(session, includeEnded: false)
            try expect(none.isEmpty && queued.isEmpty, "an order without a permit has an episode")
            try expect(
                [permitted, accepted, filled] == [[.pendingEntry], [.entryPlaced], [.pendingStop]], "it went \(permitted), \(accepted), \(filled)")
            let selling = try await session.admit("selling") { $0.side = .sell }
            try await session.permit(selling, tenure)
            let closing = try await states(session, includeEnded: false)
            try await evidence(session, selling, tenure, .filled, filled: 2, fill: "e2", held: 0)
            let closed = try await states(session)
            try expect(closing == [.closing] && closed == [.closed], "then \(closing), \(closed)")
            try await session.expectWholeJournal()
        },
        StoreClause("SC-22.rolled-back", "an entry that ends without a fill rolls its episode back; a plain one is active as soon as it holds something") { session in
            let tenure = try await session.tenure()
            let first = try await session.admit("first")
            try await session.permit(first, tenure)
            try await evidence(session, first, tenure, .rejected)
            let second = try await session.admit("second")
            try await session.permit(second, tenure)
            try await evidence(session, second, tenure, .partiallyFilled, filled: 1, fill: "e1", held: 1)
            let found = try await states(session)
            try expect(found == [.active, .rolledBack], "they are \(found)")
        },
        StoreClause("SC-22.one", "whatever states it is in, an instrument has one open episode, and another entry joins it") { session in
            let tenure = try await session.tenure()
            let id = try await managed(session)
            try await session.permit(id, tenure)
            for (number, state) in [OrderState.unknown, .accepted, .partiallyFilled, .filled].enumerated() {
                let filled: Quantity = state == .filled ? 2 : state == .partiallyFilled ? 1 : 0
                try await evidence(session, id, tenure, state, filled: filled, fill: filled > 0 ? ExecutionID("e\(number)") : nil, held: filled)
                let other = try await session.admit("other-\(number)")
                let facts = try await session.facts(other, tenure)
                try expect(facts.episode?.entryID == id, "the open episode is not told while its entry is \(state.rawValue)")
                try await session.permit(other, tenure)
                try await evidence(session, other, tenure, .rejected)
                let count = try await session.place.count("episodes")
                try expect(count == 1, "\(count) episodes while the entry is \(state.rawValue)")
            }
            let open = try await states(session, includeEnded: false)
            try expect(open == [.pendingStop], "it is \(open)")
        },
        StoreClause("SC-22.tables", "the tables refuse a second open episode in every state that is not terminal, and a change of an ended one") { session in
            let tenure = try await session.tenure()
            let id = try await session.admit("a")
            try await session.permit(id, tenure)
            let states = EpisodeState.allCases.filter { !$0.isTerminal }
            for held in states {
                try await session.place.execute("UPDATE episodes SET state = '\(held.rawValue)'")
                for new in states {
                    let sql = """
                        INSERT INTO episodes (id, account, symbol, state, entry_id, record)
                        VALUES ('second', 'a1', 'BTCUSDT', '\(new.rawValue)', 'ord-a', '{}')
                        """
                    do { try await session.place.execute(sql) } catch is TableRefusal { continue }
                    throw ClauseFailure("beside one that is \(held.rawValue) the tables took another that is \(new.rawValue)")
                }
            }
            try await session.place.execute("UPDATE episodes SET state = 'closed'")
            for sql in ["UPDATE episodes SET state = 'active'", "DELETE FROM episodes"] {
                do { try await session.place.execute(sql) } catch is TableRefusal { continue }
                throw ClauseFailure("the tables took: \(sql)")
            }
        },
        StoreClause("SC-22.tend", "what is decided for an episode is written whole, seen by the next decision, and protects once the venue has it") { session in
            let tenure = try await session.tenure()
            let id = try await managed(session)
            try await session.permit(id, tenure)
            try await evidence(session, id, tenure, .filled, filled: 2, fill: "e1", held: 2)
            guard let episode = try await session.store.episodes(account: "a1", includeEnded: false, limit: 1).first else { throw ClauseFailure("no episode") }
            try expect(episode.stopLoss == 58000 && episode.protection == protection && episode.unprotectedSince != nil, "the episode is \(episode)")
            let first = try await session.store.tend(episode.id, under: tenure, at: StoreSession.start) { work(session, $0) }
            try expect(first?.orders.first?.leg == 1, "the order is \(String(describing: first))")
            // A decision that looks at what is there does nothing twice.
            do {
                let second = try await session.store.tend(episode.id, under: tenure, at: StoreSession.start) { facts in
                    facts.own.isEmpty || facts.steps.isEmpty ? work(session, facts) : nil
                }
                try expect(second == nil, "it was done again")
            } catch let error as StoreError { throw ClauseFailure("it was tried again: \(error)") }
            let steps = try await session.store.compensations(includeEnded: false, limit: 10)
            try expect(steps.map(\.state) == [.running], "the steps are \(steps)")
            let waiting = try await session.store.claim(of: ["a1"], limit: 10).map(\.id)
            try expect(waiting == ["ord-a-p1"], "waiting are \(waiting)")
            try await session.permit("ord-a-p1", tenure)
            let permitted = try await states(session)
            try await evidence(session, "ord-a-p1", tenure, .accepted)
            let protected = try await states(session)
            try expect(permitted == [.pendingStop] && protected == [.active], "it was \(permitted), it is \(protected)")
            let ended = try await session.store.tend(episode.id, under: tenure, at: StoreSession.start) { facts in
                EpisodeWork(episode: facts.episode, steps: facts.steps.map { var step = $0; step.state = .done; return step })
            }
            try expect(ended?.steps.count == 1, "the step was not ended")
            let open = try await session.store.compensations(includeEnded: false, limit: 10)
            try expect(open.isEmpty, "open are \(open)")
            try await session.expectWholeJournal()
        },
        StoreClause("SC-22.not-its-own", "work that is not the episode's is refused, and so is a stale tenure's") { session in
            let tenure = try await session.tenure()
            let id = try await managed(session)
            try await session.permit(id, tenure)
            guard let episode = try await session.store.episodes(account: "a1", includeEnded: false, limit: 1).first else { throw ClauseFailure("no episode") }
            let wrong: [(String, @Sendable (inout EpisodeWork) -> Void)] = [
                ("another account", { $0.orders[0].account = "a2" }), ("another symbol", { $0.orders[0].symbol = "ETHUSDT" }),
                ("another episode", { $0.orders[0].intent?.episode = "other" }), ("a signal's purpose", { $0.orders[0].intent?.purpose = .signal }),
                ("an order that may open a position", { $0.orders[0].reduceOnly = false }), ("an order that is not new", { $0.orders[0].attempts = 1 }),
                ("another state of the episode", { $0.episode.state = .active }), ("orders that are not counted", { $0.episode.ownOrders = 0 }),
                ("a step of another episode", { $0.steps[0].episode = "other" }),
            ]
            for (what, change) in wrong {
                try await session.expectFailure(.refused, what) {
                    _ = try await session.store.tend(episode.id, under: tenure, at: StoreSession.start) { facts in
                        var wrong = work(session, facts)
                        change(&wrong)
                        return wrong
                    }
                }
            }
            let orders = try await session.place.count("orders")
            try expect(orders == 1, "\(orders) orders are stored")
            _ = try await session.tenure(owner: "owner-2")
            try await session.expectFailure(.fenced, "a stale tenure") {
                _ = try await session.store.tend(episode.id, under: tenure, at: StoreSession.start) { work(session, $0) }
            }
        },
        StoreClause("SC-22.steps-end", "with the end of an episode its open steps end") { session in
            let tenure = try await session.tenure()
            let id = try await managed(session)
            try await session.permit(id, tenure)
            try await evidence(session, id, tenure, .filled, filled: 2, fill: "e1", held: 2)
            guard let episode = try await session.store.episodes(account: "a1", includeEnded: false, limit: 1).first else { throw ClauseFailure("no episode") }
            _ = try await session.store.tend(episode.id, under: tenure, at: StoreSession.start) { work(session, $0) }
            let open = try await session.store.compensations(includeEnded: false, limit: 10)
            try await session.permit("ord-a-p1", tenure)
            try await evidence(session, "ord-a-p1", tenure, .filled, filled: 2, fill: "e2", held: 0)
            let left = try await session.store.compensations(includeEnded: false, limit: 10)
            let all = try await session.store.compensations(includeEnded: true, limit: 10)
            try expect(open.count == 1, "\(open.count) steps are open before")
            try expect(left.isEmpty && all.count == 1, "after it \(left.count) of \(all.count) are open")
        },
        StoreClause("SC-22.predecessor", "an order that comes after another is told it, and does not count it as the last trade") { session in
            let tenure = try await session.tenure()
            var orders = [session.order("first", of: "s"), session.order("second", of: "s")]
            orders[1].leg = 1
            orders[1].intent = OrderIntent(kind: .target, targetSide: .buy, after: "ord-first")
            _ = try await session.store.admit(Admission(signal: session.signal("s"), orders: orders, window: .zero, rate: nil))
            try await session.permit("ord-first", tenure)
            let facts = try await session.facts("ord-second", tenure)
            try expect(facts.predecessor?.id == "ord-first" && facts.predecessor?.state == .permitted, "the predecessor is \(String(describing: facts.predecessor))")
            try expect(facts.lastTradeID == nil, "the last trade is \(facts.lastTradeID ?? "-")")
            let other = try await session.facts(try await session.admit("other"), tenure)
            try expect(other.predecessor == nil && other.lastTradeID == "ord-first", "another order's last trade is \(other.lastTradeID ?? "-")")
        },
        StoreClause("SC-22.side", "the first permit fixes the side of an order that leaves a position, and of no other") { session in
            let tenure = try await session.tenure()
            func permit(_ id: OrderID) async throws {
                _ = try await session.store.permit(session.request(id, tenure)) { facts in
                    do {
                        return .grant(
                            try NewOrder(
                                clientOrderID: facts.order.clientOrderID, symbol: "BTCUSDT", side: facts.order.side.opposite, type: .limit, quantity: 2,
                                limitPrice: 60000, timeInForce: .gtc), notes: [])
                    } catch { return .wait(reason: "\(error)") }
                }
            }
            let close = try await session.admit("close") {
                $0.side = .sell
                $0.reduceOnly = true
                $0.requestedQuantity = 0
                $0.intent = OrderIntent(kind: .close)
            }
            try await permit(close)
            let side = try await session.store.order(close)?.order.side
            try expect(side == .buy, "the side is \(side?.rawValue ?? "none")")
            let plain = try await session.admit("plain")
            let opening = try await session.admit("opening") { $0.intent = OrderIntent(kind: .target, targetSide: .buy) }
            for id in [plain, opening] {
                try await session.expectFailure(.refused, "another side of \(id)") { try await permit(id) }
            }
        },
        StoreClause("SC-23.bust", "a fill is taken back once, the position with it, and the record of the fill stays") { session in
            let (tenure, id) = try await session.permitted()
            try await evidence(session, id, tenure, .filled, filled: 2, fill: "e1", held: 2)
            func takeBack(_ execution: ExecutionID = "e1", under tenure: Tenure) async throws -> PositionRecord {
                try await session.store.takeBack(execution, of: id, under: tenure, at: StoreSession.start) { history in
                    var position = history.position ?? PositionRecord(
                        account: "a1", symbol: "BTCUSDT", quantity: 0, averagePrice: nil, realizedProfit: 0, updatedAt: StoreSession.start)
                    position.quantity -= history.fill.quantity
                    return FillCorrection(
                        position: position, journal: [JournalDraft(type: "position.corrected", signalID: history.order.signalID, orderID: id, account: "a1", data: "{}")],
                        alerts: [StoreSession.note(.high, "bust")])
                }
            }
            let position = try await takeBack(under: tenure)
            try await session.expectFailure(.refused, "the same fill again") { _ = try await takeBack(under: tenure) }
            try await session.expectFailure(.notFound, "an unknown fill") { _ = try await takeBack("e9", under: tenure) }
            let stored = try await session.store.positions(account: "a1").first
            let order = try await session.store.order(id)
            let alerts = try await session.store.alerts(includeResolved: false, limit: 10)
            try expect(position.quantity == 0 && stored?.quantity == 0 && alerts.count == 1, "the position is \(String(describing: stored))")
            try expect(order?.fills.count == 1 && order?.order.filledQuantity == 2, "the fill is gone")
            let states = try await states(session)
            try expect(states == [.closed], "the episode is \(states)")
            _ = try await session.tenure(owner: "owner-2")
            try await session.expectFailure(.fenced, "a stale tenure") { _ = try await takeBack(under: tenure) }
            try await session.expectWholeJournal()
        },
    ]
}
