import StoreContract
import Synchronization
import TradingModel

/// SC-21 and SC-24: what comparisons with the venue leave behind, and halts.
enum StoreReconciliationClauses {
    private static let later = StoreSession.start + .seconds(30)

    private static func finding(
        _ id: String = "f1", subject: String = "BTCUSDT", venue: Quantity = 5, _ state: DriftFinding.State = .suspected, _ action: DriftPolicy? = nil,
        account: AccountID = "a1"
    ) -> DriftFinding {
        DriftFinding(
            id: id, account: account, kind: .position, subject: subject, ledger: 2, venue: venue, state: state, action: action,
            firstSeenAt: StoreSession.start, lastSeenAt: later, confirmedAt: state == .confirmed ? later : nil)
    }

    private static func position(_ quantity: Quantity, account: AccountID = "a1", symbol: Symbol = "BTCUSDT") -> PositionRecord {
        PositionRecord(account: account, symbol: symbol, quantity: quantity, averagePrice: 60000, realizedProfit: 0, updatedAt: later)
    }

    private static func run(_ depth: ReconciliationRun.Depth = .light, isComplete: Bool = true) -> ReconciliationRun {
        ReconciliationRun(
            account: "a1", depth: depth, trigger: "schedule", startedAt: StoreSession.start, endedAt: later, isComplete: isComplete,
            problem: isComplete ? nil : "page 2 is missing")
    }

    private static func external(_ id: VenueOrderID, first: Timestamp = StoreSession.start, filled: Quantity = 0) -> ExternalOrder {
        ExternalOrder(
            account: "a1", symbol: "BTCUSDT", venueOrderID: id, clientOrderID: "web_1", kind: .external, side: .buy, type: .limit, quantity: 3,
            limitPrice: 1, filledQuantity: filled, status: .accepted, venueStatus: "NEW", firstSeenAt: first, lastSeenAt: later)
    }

    private static func halt(_ account: AccountID = "a1") -> AccountHalt {
        AccountHalt(account: account, cause: "drift", detail: "5, not 2", since: later)
    }

    @discardableResult
    private static func write(_ session: StoreSession, _ tenure: Tenure, _ change: ReconciliationChange) async throws -> ReconciliationChange? {
        try await session.store.reconcile(ReconciliationRequest(tenure: tenure, now: later)) { _ in change }
    }

    /// The facts of a comparison that changes nothing.
    private static func facts(_ session: StoreSession, _ tenure: Tenure, _ external: [ExternalOrder.Key] = []) async throws -> ReconciliationFacts {
        let seen = Mutex<ReconciliationFacts?>(nil)
        _ = try await session.store.reconcile(ReconciliationRequest(tenure: tenure, now: later, external: external)) { facts in
            seen.withLock { $0 = facts }
            return nil
        }
        guard let facts = seen.withLock({ $0 }) else { throw ClauseFailure("the decision was not asked for") }
        return facts
    }

    private static func quantity(_ session: StoreSession) async throws -> Quantity? {
        try await session.store.positions(account: "a1").first?.quantity
    }

    private static func leaving(_ session: StoreSession, _ name: String = "leave", symbol: Symbol = "BTCUSDT", _ change: (inout OrderRecord) -> Void = { _ in }) -> Admission {
        var order = session.order(name, side: .sell)
        order.symbol = symbol
        order.strategy = DriftFinding.orderStrategy
        order.requestID = "f1"
        order.type = .market
        order.limitPrice = nil
        order.reduceOnly = true
        order.requestedQuantity = 0
        order.intent = OrderIntent(kind: .close)
        change(&order)
        return Admission(signal: session.signal(name), orders: [order], window: .zero, rate: nil)
    }

    static let all: [StoreClause] = [
        StoreClause("SC-21.order", "the order that leaves a finding's instrument is stored with the finding and its correction, once") { session in
            let tenure = try await session.tenure()
            try await write(session, tenure, ReconciliationChange(findings: [finding()]))
            let change = ReconciliationChange(findings: [finding("f1", .confirmed, .flatten)], corrections: [position(5)], admissions: [leaving(session)])
            try await write(session, tenure, change)
            let orders = try await session.store.openOrders(of: "a1")
            let held = try await quantity(session)
            try expect(orders.map(\.id) == ["ord-leave"] && orders.first?.state == .queued && held == 5, "there are \(orders), and the ledger says \(held ?? 0)")
            try await session.expectFailure(.refused, "the same once more") { try await write(session, tenure, change) }
            try await session.expectWholeJournal()
        },
        StoreClause("SC-21.left", "a comparison is told that a finding's order has filled, and not before") { session in
            let tenure = try await session.tenure()
            try await write(session, tenure, ReconciliationChange(findings: [finding()]))
            try await write(
                session, tenure,
                ReconciliationChange(findings: [finding("f1", .confirmed, .flatten)], corrections: [position(5)], admissions: [leaving(session)]))
            let waiting = try await facts(session, tenure)
            try expect(waiting.left.isEmpty, "its order waits, and \(waiting.left) are left")
            _ = try await session.store.permit(session.request("ord-leave", tenure)) { StoreSession.grant($0.order, quantity: 5) }
            try await session.end("ord-leave", tenure, outcome: "accepted")
            try await session.change("ord-leave", tenure) { ($0.state, $0.filledQuantity) = (.partiallyFilled, 1) }
            let partly = try await facts(session, tenure)
            try expect(partly.left.isEmpty, "its order has filled in part, and \(partly.left) are left")
            try await session.change("ord-leave", tenure) { ($0.state, $0.filledQuantity) = (.filled, 5) }
            let filled = try await facts(session, tenure)
            try expect(filled.left == ["f1"], "its order has filled, and \(filled.left) are left")
        },
        StoreClause("SC-21.order-whole", "an order without its finding, or one that does more than leave, is refused with the whole change") { session in
            let tenure = try await session.tenure()
            let confirmed = finding("f1", .confirmed, .flatten)
            let wrong: [(String, ReconciliationChange)] = [
                ("no finding", ReconciliationChange(run: run(), admissions: [leaving(session)])),
                ("another action", ReconciliationChange(run: run(), findings: [finding("f1", .confirmed, .adopt)], admissions: [leaving(session)])),
                ("another symbol", ReconciliationChange(run: run(), findings: [confirmed], admissions: [leaving(session, symbol: "ETHUSDT")])),
                ("another account", ReconciliationChange(run: run(), findings: [confirmed], admissions: [leaving(session) { $0.account = "a2" }])),
                ("one that may open", ReconciliationChange(run: run(), findings: [confirmed], admissions: [leaving(session) { $0.reduceOnly = false }])),
                ("one of another finding", ReconciliationChange(run: run(), findings: [confirmed], admissions: [leaving(session) { $0.requestID = "f2" }])),
                ("one of a strategy", ReconciliationChange(run: run(), findings: [confirmed], admissions: [leaving(session) { $0.strategy = "s" }])),
                ("one that says how much", ReconciliationChange(run: run(), findings: [confirmed], admissions: [leaving(session) { $0.intent = nil }])),
                ("a venue that is flat", ReconciliationChange(run: run(), findings: [finding("f1", venue: 0, .confirmed, .flatten)], admissions: [leaving(session)])),
                ("two of one finding", ReconciliationChange(run: run(), findings: [confirmed], admissions: [leaving(session), leaving(session, "again")])),
            ]
            for (what, change) in wrong { try await session.expectFailure(.refused, what) { try await write(session, tenure, change) } }
            _ = try await session.store.admit(leaving(session))
            try await session.expectFailure(.refused, "a signal that is there already") {
                try await write(session, tenure, ReconciliationChange(run: run(), findings: [confirmed], admissions: [leaving(session)]))
            }
            for (table, count) in [("reconciliation_runs", 0), ("drift_findings", 0), ("orders", 1)] {
                let found = try await session.place.count(table)
                try expect(found == count, "\(table) has \(found) rows")
            }
        },
        StoreClause("SC-21.once", "a confirmed finding's correction changes the ledger once, with a line that names both figures") { session in
            let tenure = try await session.tenure()
            try await write(session, tenure, ReconciliationChange(findings: [finding()]))
            let adopted = ReconciliationChange(findings: [finding("f1", .confirmed, .adopt)], corrections: [position(5)])
            try await write(session, tenure, adopted)
            let held = try await quantity(session)
            try expect(held == 5, "the ledger says \(String(describing: held))")
            let lines = try await session.store.journal(after: 0, limit: 100).filter { $0.type == "position.corrected" }
            try expect(lines.count == 1 && lines[0].data.contains("\"to\":\"5\"") && lines[0].data.contains("f1"), "the journal has \(lines)")
            try await session.expectFailure(.refused, "the same correction again") { try await write(session, tenure, adopted) }
            try await session.expectFailure(.refused, "a confirmed finding that becomes suspected") {
                try await write(session, tenure, ReconciliationChange(findings: [finding()]))
            }
            try await session.expectWholeJournal()
        },
        StoreClause("SC-21.whole", "a correction or a halt without its finding is refused, and nothing of the change is written") { session in
            let tenure = try await session.tenure()
            let changes = [
                ReconciliationChange(run: run(), external: [external("x1")], corrections: [position(5)]),
                ReconciliationChange(run: run(), external: [external("x1")], findings: [finding("f1", .confirmed, .alert)], corrections: [position(5)]),
                ReconciliationChange(run: run(), external: [external("x1")], findings: [finding("f1", .confirmed, .adopt)], corrections: [position(6)]),
                ReconciliationChange(run: run(), external: [external("x1")], findings: [finding("f1", .confirmed, .adopt)], halt: halt()),
                ReconciliationChange(run: run(), external: [external("x1")], findings: [finding(account: "a2")]),
            ]
            for change in changes { try await session.expectFailure(.refused, "a change without its reason") { try await write(session, tenure, change) } }
            for table in ["reconciliation_runs", "external_orders", "drift_findings", "positions", "halts"] {
                let count = try await session.place.count(table)
                try expect(count == 0, "\(table) has \(count) rows")
            }
        },
        StoreClause("SC-21.fenced", "a stale worker's comparison is refused") { session in
            let old = try await session.tenure(owner: "old")
            _ = try await session.tenure(owner: "new")
            try await session.expectFailure(.fenced, "a stale comparison") { try await write(session, old, ReconciliationChange(run: run())) }
            let runs = try await session.store.reconciliationRuns(of: nil)
            try expect(runs.isEmpty, "there are \(runs)")
        },
        StoreClause("SC-21.one", "one instrument has one finding that is not resolved; after its end there may be another") { session in
            let tenure = try await session.tenure()
            try await write(session, tenure, ReconciliationChange(findings: [finding("f1")]))
            try await session.expectFailure(.refused, "a second finding") { try await write(session, tenure, ReconciliationChange(findings: [finding("f2")])) }
            try await write(session, tenure, ReconciliationChange(findings: [finding("f1", .resolved), finding("f2", venue: 7)]))
            try await session.expectFailure(.refused, "a finding that comes back") { try await write(session, tenure, ReconciliationChange(findings: [finding("f1", venue: 9)])) }
            let open = try await session.store.driftFindings(of: "a1", includeResolved: false, limit: 10).map(\.id)
            let all = try await session.store.driftFindings(of: nil, includeResolved: true, limit: 10).map(\.id)
            try expect(open == ["f2"] && Set(all) == ["f1", "f2"], "open are \(open), all \(all)")
        },
        StoreClause("SC-21.facts", "the decision sees the ledger, what is not settled, what is known, and what is open") { session in
            let (tenure, id) = try await session.permitted()
            try await write(
                session, tenure,
                ReconciliationChange(
                    run: run(), external: [external("x1")], findings: [finding("f1", .confirmed, .adopt), finding("f2", subject: "ETHUSDT", .confirmed, .halt)],
                    corrections: [position(5)], halt: halt()))
            let seen = try await facts(session, tenure, [.init(symbol: "BTCUSDT", venueOrderID: "x1"), .init(symbol: "BTCUSDT", venueOrderID: "x2")])
            try expect(seen.positions == [position(5)] && seen.unsettled == ["BTCUSDT"], "it saw \(seen.positions), \(seen.unsettled)")
            try expect(seen.external == [external("x1")] && Set(seen.findings.map(\.id)) == ["f1", "f2"], "it saw \(seen.external), \(seen.findings)")
            try expect(seen.halt == halt() && seen.runs.map(\.number) == [1], "it saw \(String(describing: seen.halt)), \(seen.runs)")
            try await session.end(id, tenure, outcome: "accepted")
            try await session.change(id, tenure) { $0.state = .accepted }
            let settled = try await facts(session, tenure)
            try expect(settled.unsettled.isEmpty && settled.external.isEmpty, "it saw \(settled.unsettled), \(settled.external)")
        },
        StoreClause("SC-21.kept", "runs are numbered and the latest of each kind is kept; an external order is one row that keeps its first time") { session in
            let tenure = try await session.tenure()
            for change in [run(), run(.deep), run(isComplete: false), run()] { try await write(session, tenure, ReconciliationChange(run: change)) }
            let runs = try await session.store.reconciliationRuns(of: "a1")
            try expect(runs.map(\.number) == [4, 3, 2] && runs.map(\.isComplete) == [true, false, true], "runs are \(runs)")
            try await write(session, tenure, ReconciliationChange(external: [external("x1"), external("x2", first: later)]))
            try await write(session, tenure, ReconciliationChange(external: [external("x1", filled: 2)]))
            let orders = try await session.store.externalOrders(of: "a1", limit: 10)
            try expect(orders == [external("x2", first: later), external("x1", filled: 2)], "orders are \(orders)")
            let others = try await session.store.externalOrders(of: "a2", limit: 10)
            try expect(others.isEmpty, "another account has \(others)")
        },
        StoreClause("SC-24.halt", "no permit of a halted account is granted, whatever the decision, and other accounts go on") { session in
            let tenure = try await session.tenure()
            let id = try await session.admit("a")
            try await write(session, tenure, ReconciliationChange(findings: [finding("f1", .confirmed, .halt)], halt: halt()))
            try await session.expectFailure(.refused, "a permit of a halted account") { try await session.permit(id, tenure) }
            let seen = try await session.facts(id, tenure)
            let state = try await session.store.order(id)?.order.state
            try expect(seen.halt == halt() && state == .queued, "the decision saw \(String(describing: seen.halt)), the order is \(String(describing: state))")
            try await session.admit("b") { $0.account = "a2" }
            guard case .granted = try await session.permit("ord-b", session.tenure("a2")) else { throw ClauseFailure("another account stands still") }
            try await session.expectFailure(.refused, "a second halt") {
                try await write(session, tenure, ReconciliationChange(findings: [finding("f2", subject: "ETHUSDT", .confirmed, .halt)], halt: halt()))
            }
        },
        StoreClause("SC-24.released", "a person's release ends a halt once, and the journal names who and why") { session in
            let tenure = try await session.tenure()
            let id = try await session.admit("a")
            try await write(session, tenure, ReconciliationChange(findings: [finding("f1", .confirmed, .halt)], halt: halt()))
            let released = try await session.store.resume("a1", by: "ada", reason: "looked at it", at: later)
            try expect(released.releasedBy == "ada" && released.releaseReason == "looked at it" && released.releasedAt == later, "it is \(released)")
            let line = try await session.store.journal(after: 0, limit: 100).last
            try expect(line?.type == "account.resumed" && line?.data.contains("ada") == true && line?.data.contains("looked at it") == true, "the line is \(String(describing: line))")
            guard case .granted = try await session.permit(id, tenure) else { throw ClauseFailure("it is not granted") }
            try await session.expectFailure(.notFound, "a second release") { _ = try await session.store.resume("a1", by: "ada", reason: "r", at: later) }
        },
        StoreClause("SC-24.kept", "a halt is there after closing and opening") { session in
            let tenure = try await session.tenure()
            try await write(session, tenure, ReconciliationChange(findings: [finding("f1", .confirmed, .halt)], halt: halt()))
            await session.store.close()
            try await session.withSecond { second in
                let halts = try await second.halts()
                try expect(halts == [halt()], "halts are \(halts)")
            }
        },
    ]
}
