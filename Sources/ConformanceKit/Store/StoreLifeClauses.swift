import StoreContract
import TradingModel

/// SC-11 to SC-14: alerts, refusals, health and the end.
enum StoreLifeClauses {
    static let all: [StoreClause] = [
        StoreClause("SC-11.alerts", "an alert counts up, never falls in severity, and opens anew once resolved") { session in
            let store = session.store
            func raise(_ severity: AlertSeverity, _ message: String, after seconds: Int64) async throws {
                try await store.raise(StoreSession.note(severity, message), at: StoreSession.start + .seconds(seconds))
            }
            try await raise(.high, "1", after: 0)
            try await raise(.low, "2", after: 1)
            let open = try await store.alerts(includeResolved: false, limit: 10)
            try expect(open.map(\.count) == [2] && open.first?.severity == .high && open.first?.message == "2", "open are \(open)")
            try expect(open.first?.firstAt == StoreSession.start && open.first?.lastAt == StoreSession.start + .seconds(1), "the times are wrong")
            for _ in 0..<2 { try await store.resolveAlert(type: StoreSession.noteType, subject: "s", at: StoreSession.start + .seconds(2)) }
            let none = try await store.alerts(includeResolved: false, limit: 10)
            try await raise(.low, "3", after: 3)
            let all = try await store.alerts(includeResolved: true, limit: 10)
            let newest = try await store.alerts(includeResolved: true, limit: 1)
            try expect(none.isEmpty && all.map(\.count) == [1, 2] && newest.map(\.message) == ["3"], "all are \(all)")
            let types = try await store.journal(after: 0, limit: 10).map(\.type)
            try expect(types == ["alert.raised", "alert.raised", "alert.resolved", "alert.raised"], "the journal has \(types)")
        },
        StoreClause("SC-12.alerts-at-once", "fifty alerts of one type and subject at once over two processes are one row") { session in
            try await session.withSecond { second in
                let results = await session.atOnce(50) { number in
                    try await (number % 2 == 0 ? session.store : second).raise(
                        StoreSession.note(.low, "\(number)"), at: StoreSession.start)
                }
                if let error = results.firstError() { throw ClauseFailure("raising failed: \(error)") }
                let counts = try await session.store.alerts(includeResolved: true, limit: 10).map(\.count)
                try expect(counts == [50], "the counts are \(counts)")
            }
        },
        StoreClause("SC-01.health", "a healthy store says so, a closed one does not") { session in
            try await session.store.checkHealth(at: StoreSession.start)
            await session.store.close()
            try await session.expectFailure(.unavailable, "the health of a closed store") { try await session.store.checkHealth(at: StoreSession.start) }
        },
        StoreClause("SC-14.closing", "closing commits what was taken, and nothing is taken afterwards") { session in
            let results = await withTaskGroup(of: Int.self) { group in
                group.addTask { await session.atOnce(200) { try await session.admit("\($0)") }.successes().count }
                group.addTask {
                    await session.store.close()
                    return 0
                }
                return await group.reduce(0, +)
            }
            let stored = try await session.place.count("signals")
            try expect(stored == results, "\(results) were answered, \(stored) are stored")
            try await session.withSecond { try await session.expectWholeJournal($0) }
        },
        StoreClause("SC-14.closed", "after closing every call is unavailable, and closing again does no harm") { session in
            let (tenure, id) = try await session.permitted()
            await session.store.close()
            await session.store.close()
            let store = session.store
            try await session.expectFailure(.unavailable, "admit") { try await session.admit("late") }
            try await session.expectFailure(.unavailable, "openTenure") { _ = try await session.tenure() }
            try await session.expectFailure(.unavailable, "permit") { try await session.permit(id, tenure) }
            try await session.expectFailure(.unavailable, "update") { try await session.change(id, tenure) { $0.detail = "x" } }
            try await session.expectFailure(.unavailable, "append") { try await store.append([JournalDraft(type: "n", data: "{}")], at: StoreSession.start) }
            try await session.expectFailure(.unavailable, "order") { _ = try await store.order(id) }
            try await session.expectFailure(.unavailable, "signals") { _ = try await store.signals(before: nil, limit: 1) }
            try await session.expectFailure(.unavailable, "recall") { _ = try await store.recall(session.signal("late"), window: .zero) }
            try await session.expectFailure(.unavailable, "claim") { _ = try await store.claim(of: ["a1"], limit: 1) }
            try await session.expectFailure(.unavailable, "heartbeat") { try await store.heartbeat(session.worker("g")) }
            try await session.expectFailure(.unavailable, "workers") { _ = try await store.workers() }
            try await session.expectFailure(.unavailable, "deadLetters") { _ = try await store.deadLetters() }
            try await session.expectFailure(.unavailable, "halts") { _ = try await store.halts() }
            try await session.expectFailure(.unavailable, "lastJournalSequence") { _ = try await store.lastJournalSequence() }
        },
        StoreClause("SC-13.refused-is-nothing", "what is refused or fenced has stored nothing") { session in
            let (tenure, id) = try await session.permitted()
            let stale = Tenure(account: "a1", fence: tenure.fence, owner: "x", holder: tenure.holder, openedAt: tenure.openedAt)
            func count() async throws -> [Int] {
                var counts = [Int(try await session.store.lastJournalSequence())]
                for table in ["signals", "orders", "attempts", "fills", "positions", "alerts"] { counts.append(try await session.place.count(table)) }
                return counts
            }
            let before = try await count()
            let alert = StoreSession.note(.low, "m")
            let line = JournalDraft(type: "n", data: "{}")
            try await session.expectFailure(.refused, "a signal with a broken order") { try await session.admit("b") { $0.limitPrice = nil } }
            try await session.expectFailure(.refused, "a change whose last part is refused") {
                try await session.store.update(id, under: tenure, at: StoreSession.start) { snapshot in
                    var order = snapshot.order
                    order.state = .filled
                    return OrderChange(order: order, newFills: [session.fill("e1")], journal: [line], alerts: [alert])
                }
            }
            try await session.expectFailure(.fenced, "a change of a stale worker") {
                try await session.store.update(id, under: stale, at: StoreSession.start) { OrderChange(order: $0.order, journal: [line], alerts: [alert]) }
            }
            try await session.expectFailure(.notFound, "a change of an unknown order") { try await session.change("ord-none", tenure) { $0.detail = "x" } }
            let after = try await count()
            try expect(before == after, "there were \(before), there are \(after)")
        },
        StoreClause("SC-14.reopened", "everything is there after closing and opening") { session in
            let (tenure, id) = try await session.permitted()
            try await session.end(id, tenure, outcome: "unknown")
            let before = try await session.store.order(id)
            await session.store.close()
            try await session.withSecond { second in
                let after = try await second.order(id)
                try expect(after?.order == before?.order && after?.attempts == before?.attempts, "the order came back otherwise")
                try await session.expectWholeJournal(second)
                try await second.checkHealth(at: StoreSession.start)
            }
        },
    ]
}
