import StoreContract
import TradingModel

/// SC-08 to SC-10: what becomes of an order.
enum StoreUpdateClauses {
    static let all: [StoreClause] = [
        StoreClause("SC-08.whole", "one change writes order, attempt, fill, position, journal and alert together") { session in
            let (tenure, id) = try await session.permitted()
            let fill = Fill(
                executionID: "e1", venueOrderID: "v1", clientOrderID: "c-a", symbol: "BTCUSDT", side: .buy, quantity: 2,
                price: try Price("0.00000001"), fee: try Notional("-0.5"), feeAsset: "BNB", executedAt: StoreSession.start)
            let record = try await session.store.update(id, under: tenure, at: StoreSession.start + .seconds(2)) { snapshot in
                var order = snapshot.order
                order.state = .filled
                order.filledQuantity = 2
                order.averagePrice = fill.price
                order.venueOrderID = "v1"
                order.venueStatus = "FILLED"
                order.filledAt = StoreSession.start
                var attempts = snapshot.attempts
                attempts[0].outcome = "accepted"
                attempts[0].evidence = "{\"http_status\":200}"
                attempts[0].endedAt = StoreSession.start
                let line = JournalDraft(type: "order.filled", signalID: order.signalID, orderID: order.id, account: order.account, data: "{\"n\":1}")
                return OrderChange(
                    order: order, attempts: attempts, newFills: [fill],
                    position: PositionRecord(account: "a1", symbol: "BTCUSDT", quantity: 2, averagePrice: fill.price, realizedProfit: 0, updatedAt: StoreSession.start),
                    journal: [line], alerts: [StoreSession.note(.low, "m")])
            }
            try expect(record.version == 3 && record.state == .filled && record.updatedAt == StoreSession.start + .seconds(2), "the record is \(record)")
            try await session.withSecond { second in
                let snapshot = try await second.order(id)
                try expect(snapshot?.order == record && snapshot?.fills == [fill], "the order or its fill came back otherwise")
                try expect(snapshot?.attempts.first?.outcome == "accepted" && snapshot?.attempts.first?.evidence == "{\"http_status\":200}", "the attempt did not end")
                try expect(snapshot?.position?.quantity == 2, "the position is missing")
                let positions = try await second.positions(account: nil)
                let own = try await second.positions(account: "a1")
                let none = try await second.positions(account: "a2")
                try expect(positions.count == 1 && own == positions && none.isEmpty, "the positions are \(positions)")
                let alerts = try await second.alerts(includeResolved: false, limit: 10)
                let byVenue = try await second.order(account: "a1", symbol: "BTCUSDT", venueOrderID: "v1")
                let elsewhere = try await second.order(account: "a1", symbol: "ETHUSDT", venueOrderID: "v1")
                try expect(alerts.map(\.type) == [StoreSession.noteType] && byVenue?.id == id && elsewhere == nil, "alert or venue id are not found")
            }
            try await session.expectWholeJournal()
        },
        StoreClause("SC-08.nothing", "nothing to change writes nothing") { session in
            let (tenure, id) = try await session.permitted()
            let before = try await session.store.lastJournalSequence()
            let none = try await session.store.update(id, under: tenure, at: StoreSession.start) { _ in nil }
            let same = try await session.store.update(id, under: tenure, at: StoreSession.start) { OrderChange(order: $0.order, attempts: $0.attempts, position: $0.position) }
            let after = try await session.store.lastJournalSequence()
            try expect(none.version == 2 && same.version == 2 && after == before, "something was written")
        },
        StoreClause("SC-08.intent", "identity, quantity and what is filled cannot be changed") { session in
            let (tenure, id) = try await session.permitted()
            for (what, change) in forbidden {
                try await session.expectFailure(.refused, what) { try await session.change(id, tenure, change) }
            }
            let version = try await session.store.order(id)?.order.version
            try expect(version == 2, "something was written")
        },
        StoreClause("SC-08.position", "a position changes only with a fill, and only the order's own") { session in
            let (tenure, id) = try await session.permitted()
            let position = PositionRecord(account: "a1", symbol: "BTCUSDT", quantity: 1, averagePrice: 1, realizedProfit: 0, updatedAt: StoreSession.start)
            for (what, account, symbol, fills) in [
                ("a position without a fill", "a1", "BTCUSDT", []), ("another account's position", "a2", "BTCUSDT", [session.fill("e1")]),
                ("another instrument's position", "a1", "ETHUSDT", [session.fill("e1")]),
            ] as [(String, AccountID, Symbol, [Fill])] {
                var other = position
                other.account = account
                other.symbol = symbol
                let wrong = other
                try await session.expectFailure(.refused, what) {
                    try await session.store.update(id, under: tenure, at: StoreSession.start) { OrderChange(order: $0.order, newFills: fills, position: wrong) }
                }
            }
            let stored = try await session.store.positions(account: nil)
            try expect(stored.isEmpty, "a position is stored")
        },
        StoreClause("SC-08.unknown", "an order that is not there, or not the tenure's, is told") { session in
            let (tenure, id) = try await session.permitted()
            try await session.expectFailure(.notFound, "an unknown order") { try await session.change("ord-none", tenure) { $0.detail = "x" } }
            let elsewhere = try await session.tenure("a2")
            try await session.expectFailure(.refused, "another account's tenure") { try await session.change(id, elsewhere) { $0.detail = "x" } }
        },
        StoreClause("SC-08.at-once", "sixty fills at once over two processes are each counted once") { session in
            let (tenure, id) = try await session.permitted()
            try await session.withSecond { second in
                let results = await session.atOnce(120) { number in
                    // Each execution is told twice.
                    let fill = session.fill(ExecutionID("e\(number / 2)"), quantity: try Quantity("0.01"))
                    try await (number % 2 == 0 ? session.store : second).update(id, under: tenure, at: StoreSession.start) { snapshot in
                        guard !snapshot.fills.contains(where: { $0.executionID == fill.executionID }) else { return nil }
                        var order = snapshot.order
                        order.state = .partiallyFilled
                        order.filledQuantity += fill.quantity
                        return OrderChange(order: order, newFills: [fill])
                    }
                }
                if let error = results.firstError() { throw ClauseFailure("a change failed: \(error)") }
                let snapshot = try await session.store.order(id)
                let filled = snapshot?.order.filledQuantity
                try expect(snapshot?.fills.count == 60 && filled == (try Quantity("0.6")), "\(snapshot?.fills.count ?? 0) fills of \(filled ?? 0)")
                try expect(snapshot?.order.version == 62, "the version is \(snapshot?.order.version ?? 0)")
            }
        },
        StoreClause("SC-09.fills-once", "an execution id counts once per account, and the whole change is refused with it") { session in
            let (tenure, id) = try await session.permitted()
            try await session.change(id, tenure, fills: [session.fill("e1")]) {
                $0.state = .partiallyFilled
                $0.filledQuantity = 1
            }
            try await session.expectFailure(.refused, "a known execution id") {
                try await session.change(id, tenure, fills: [session.fill("e2"), session.fill("e1")]) { $0.filledQuantity = 2 }
            }
            let snapshot = try await session.store.order(id)
            try expect(snapshot?.order.filledQuantity == 1 && snapshot?.fills.map(\.executionID) == ["e1"], "part of the change is stored")
            let elsewhere = try await session.tenure("a2")
            let other = try await session.admit("b") { $0.account = "a2" }
            try await session.permit(other, elsewhere)
            try await session.change(other, elsewhere, fills: [session.fill("e1")]) {
                $0.state = .partiallyFilled
                $0.filledQuantity = 1
            }
        },
        StoreClause("SC-09.fill-order", "fills come in the order in which they became known") { session in
            let (tenure, id) = try await session.permitted()
            let names: [ExecutionID] = ["9", "1", "5", "a", "0"]
            for (number, name) in names.enumerated() {
                try await session.change(id, tenure, fills: [session.fill(name, quantity: try Quantity("0.1"))]) {
                    $0.state = .partiallyFilled
                    $0.filledQuantity += Quantity(1)
                    $0.detail = "\(number)"
                }
            }
            let found = try await session.store.order(id)?.fills.map(\.executionID)
            try expect(found == names, "they come as \(found ?? [])")
        },
        StoreClause("SC-09.outcome-once", "the outcome of an attempt is recorded once, and nothing else of it changes") { session in
            let (tenure, id) = try await session.permitted()
            let wrong: [(String, @Sendable (inout AttemptRecord) -> Void)] = [
                ("another number", { $0.number = 2 }), ("another hash", { $0.orderHash = String(repeating: "0", count: 64) }),
                ("another owner", { $0.owner = "x" }), ("another window", { $0.notAfter = StoreSession.start }), ("no outcome", { $0.outcome = nil; $0.evidence = "x" }),
                ("an outcome without its time", { $0.endedAt = nil }), ("an unknown word", { $0.outcome = "perhaps" }),
            ]
            func record(_ change: @escaping @Sendable (inout AttemptRecord) -> Void) async throws {
                try await session.store.update(id, under: tenure, at: StoreSession.start) { snapshot in
                    var attempt = snapshot.attempts[0]
                    attempt.outcome = "accepted"
                    attempt.endedAt = StoreSession.start
                    change(&attempt)
                    return OrderChange(order: snapshot.order, attempts: [attempt])
                }
            }
            for (what, change) in wrong { try await session.expectFailure(.refused, what) { try await record(change) } }
            try await record { _ in }
            try await session.expectFailure(.refused, "a second outcome") { try await record { $0.outcome = "unknown" } }
        },
        StoreClause("SC-09.ended", "a terminal order stays as it ended but still takes a late fill") { session in
            let (tenure, id) = try await session.permitted()
            try await session.change(id, tenure) { $0.state = .cancelled }
            for state in OrderState.allCases where state != .cancelled {
                try await session.expectFailure(.refused, "cancelled → \(state.rawValue)") {
                    try await session.change(id, tenure) {
                        $0.state = state
                        $0.reason = "r"
                    }
                }
            }
            let late = try await session.change(id, tenure, fills: [session.fill("late")]) { $0.filledQuantity = 1 }
            try expect(late.state == .cancelled && late.filledQuantity == 1, "the record is \(late)")
        },
        StoreClause("SC-10.open", "open means not terminal, for every state") { session in
            let tenure = try await session.tenure()
            var open: Set<OrderID> = []
            for state in OrderState.allCases {
                let id = try await session.admit(state.rawValue)
                if !state.isTerminal { open.insert(id) }
                guard state != .queued else { continue }
                try await session.permit(id, tenure)
                guard state != .permitted else { continue }
                try await session.change(id, tenure) {
                    $0.state = state
                    $0.reason = "r"
                    if state == .filled || state == .partiallyFilled { $0.filledQuantity = 1 }
                }
            }
            let listed = Set(try await session.store.openOrders(of: "a1").map(\.id))
            try expect(listed == open, "missing \(open.subtracting(listed)), too many \(listed.subtracting(open))")
            for state in OrderState.allCases {
                let found = try await session.store.orders(OrderQuery(states: [state])).map(\.id)
                try expect(found == [OrderID("ord-\(state.rawValue)")], "\(state.rawValue) gives \(found)")
            }
            let accounts = try await session.store.accountsWithOpenOrders()
            try expect(accounts == ["a1"], "accounts with open orders are \(accounts)")
        },
        StoreClause("SC-10.lists", "orders and signals are listed newest first and in pages, open ones oldest first") { session in
            for name in ["1", "2", "3"] { try await session.admit(name) }
            let page = try await session.store.orders(OrderQuery(account: "a1", states: [.queued], limit: 2)).map(\.id)
            let rest = try await session.store.orders(OrderQuery(strategy: "trend", before: "ord-2")).map(\.id)
            let none = try await session.store.orders(OrderQuery(account: "a2")).map(\.id) + session.store.orders(OrderQuery(states: [])).map(\.id)
            let open = try await session.store.openOrders(of: "a1").map(\.id)
            let signals = try await session.store.signals(before: "sig-3", limit: 1).map(\.id)
            try expect(page == ["ord-3", "ord-2"] && rest == ["ord-1"] && none.isEmpty, "pages are \(page), \(rest), \(none)")
            try expect(open == ["ord-1", "ord-2", "ord-3"] && signals == ["sig-2"], "open are \(open), signals \(signals)")
        },
    ]

    /// What no change may do to a permitted order.
    private static let forbidden: [(String, @Sendable (inout OrderRecord) -> Void)] = [
        ("another symbol", { $0.symbol = "ETHUSDT" }), ("another client order id", { $0.clientOrderID = "other" }),
        ("another side", { $0.side = .sell }), ("another quantity", { $0.quantity = 3 }), ("no quantity", { $0.quantity = nil }),
        ("another price", { $0.limitPrice = 1 }), ("another number of attempts", { $0.attempts = 2 }),
        ("another expiry", { $0.expiresAt = StoreSession.start }), ("another request", { $0.requestedQuantity = 9 }),
        ("a filled quantity below zero", { $0.filledQuantity = -1 }), ("queued again", { $0.state = .queued }),
        ("another policy", { $0.policy = OrderPolicy(longOnly: true) }), ("a rejection without a reason", { $0.state = .rejected }),
        ("filled by nothing", { $0.state = .filled }), ("another account", { $0.account = "a2" }), ("another strategy", { $0.strategy = "x" }),
        ("another signal", { $0.signalID = "sig-z" }), ("another id", { $0.id = "ord-z" }), ("another time of creation", { $0.createdAt = $0.createdAt + .seconds(1) }),
    ]
}
