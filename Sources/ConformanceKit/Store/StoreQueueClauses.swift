import LockContract
import StoreContract
import TradingModel

/// SC-18 and SC-20: what waits to be sent, and what a person has to decide about.
enum StoreQueueClauses {
    /// A tenure after `crashes` processes died at the account, the last of which is counted. Returns what became a dead letter last.
    private static func die(_ session: StoreSession, _ crashes: Int, limit: Int) async throws -> (tenure: Tenure, dead: [DeadLetter]) {
        var tenure = try await session.tenure(owner: "o0")
        var dead: [DeadLetter] = []
        for crash in 1...crashes {
            let fallen = tenure
            tenure = try await session.tenure(owner: OwnerToken("o\(crash)"))
            dead = try await session.store.countCrash(of: fallen, under: tenure, limit: limit, at: StoreSession.start + .seconds(Int64(crash)))
            let again = try await session.store.countCrash(of: fallen, under: tenure, limit: 1, at: StoreSession.start)
            try expect(again.isEmpty, "one death counts twice")
        }
        return (tenure, dead)
    }

    static let all: [StoreClause] = [
        StoreClause("SC-18.claim", "what waits is claimed oldest first: no sent order, no leg, no other account's, and no more than asked for (Q06)") { session in
            for name in ["1", "2", "3"] { try await session.admit(name) }
            try await session.admit("4") { $0.account = "a2" }
            try await session.admit("5") { $0.account = "a3" }
            let tenure = try await session.tenure()
            try await session.permit("ord-2", tenure)
            let own = try await session.store.claim(of: ["a1"], limit: 10).map(\.id)
            let both = try await session.store.claim(of: ["a2", "a1", "a1"], limit: 10).map(\.id)
            let first = try await session.store.claim(of: ["a1", "a2"], limit: 1).map(\.id)
            let none = try await session.store.claim(of: [], limit: 10) + session.store.claim(of: ["a1"], limit: 0)
            try expect(own == ["ord-1", "ord-3"] && both == ["ord-1", "ord-3", "ord-4"] && first == ["ord-1"] && none.isEmpty, "\(own), \(both), \(first), \(none.count)")
            // An attempt that certainly did not arrive waits again, in its old place.
            try await session.end("ord-2", tenure, outcome: "not_sent")
            try await session.change("ord-2", tenure) { $0.state = .absent }
            let again = try await session.store.claim(of: ["a1"], limit: 10)
            try expect(again.map(\.id) == ["ord-1", "ord-2", "ord-3"], "again: \(again.map(\.id))")
            let stored = try await session.store.order("ord-1")?.order
            try expect(again.first == stored, "it came back otherwise")
        },
        StoreClause("SC-18.takes-nothing", "a claim takes nothing away, and shows nothing before it is committed (Q03, Q04)") { session in
            try await session.withSecond { second in
                let results = await session.atOnce(40) { number in
                    _ = try await session.admit("\(number)")
                    return try await second.claim(of: ["a1"], limit: 100)
                }
                if let error = results.firstError() { throw ClauseFailure("a claim failed: \(error)") }
                for found in results.successes() {
                    for order in found {
                        let signal = try await second.signal(order.signalID)
                        try expect(signal != nil, "\(order.id) is claimed without its signal")
                    }
                }
                for store in [session.store, second] {
                    let all = try await store.claim(of: ["a1"], limit: 100)
                    try expect(all.count == 40, "\(all.count) of 40 wait")
                }
            }
        },
        StoreClause("SC-18.queues", "the queues tell how much waits in each account, and since when") { session in
            let none = try await session.store.queues()
            for name in ["1", "2", "3"] { try await session.admit(name) { $0.createdAt = StoreSession.start + .seconds(name == "2" ? -9 : 0) } }
            try await session.admit("4") { $0.account = "a0" }
            let tenure = try await session.tenure()
            try await session.permit("ord-3", tenure)
            let queues = try await session.store.queues()
            let expected = [
                AccountQueue(account: "a0", waiting: 1, deadLetters: 0, oldestCreatedAt: StoreSession.start),
                AccountQueue(account: "a1", waiting: 2, deadLetters: 0, oldestCreatedAt: StoreSession.start - .seconds(9)),
            ]
            try expect(none.isEmpty && queues == expected, "the queues are \(queues)")
        },
        StoreClause("SC-20.dead", "after as many deaths as allowed an order waits for a person, and others go on (Q09)") { session in
            try await session.admit("poison")
            try await session.admit("next")
            let (tenure, dead) = try await die(session, 3, limit: 3)
            try expect(dead.map(\.order.id) == ["ord-poison"] && dead.first?.crashes.count == 3, "dead are \(dead)")
            let letters = try await session.store.deadLetters()
            try expect(letters.map(\.order.id) == ["ord-poison"] && letters == dead, "the dead letters are \(letters)")
            try expect(letters.first?.crashes.map(\.fence.counter) == [1, 2, 3] && letters.first?.crashes.first?.holder == StoreSession.holder, "the crashes are \(letters)")
            let waiting = try await session.store.claim(of: ["a1"], limit: 10).map(\.id)
            let queue = try await session.store.queues().first
            try expect(waiting == ["ord-next"] && queue?.waiting == 2 && queue?.deadLetters == 1, "waiting are \(waiting), \(String(describing: queue))")
            try await session.expectFailure(.refused, "a permit of a dead letter") { try await session.permit("ord-poison", tenure) }
            guard case .granted = try await session.permit("ord-next", tenure) else { throw ClauseFailure("the next one is not granted") }
            let lines = try await session.store.journal(of: "sig-poison").map(\.type)
            try expect(lines.last == "order.dead_letter", "the journal has \(lines)")
        },
        StoreClause("SC-20.one-less", "one death less than allowed changes nothing") { session in
            try await session.admit("a")
            let (tenure, dead) = try await die(session, 2, limit: 3)
            let letters = try await session.store.deadLetters()
            try expect(dead.isEmpty && letters.isEmpty, "dead are \(letters)")
            guard case .granted = try await session.permit("ord-a", tenure) else { throw ClauseFailure("it is not granted") }
        },
        StoreClause("SC-20.held", "a death counts against what the dead process had permitted, and that cannot be discarded before it is settled") { session in
            try await session.admit("sent")
            try await session.admit("next")
            let fallen = try await session.tenure(owner: "o0")
            try await session.permit("ord-sent", fallen)
            let tenure = try await session.tenure(owner: "o1")
            let dead = try await session.store.countCrash(of: fallen, under: tenure, limit: 1, at: StoreSession.start)
            try expect(dead.map(\.order.id) == ["ord-sent", "ord-next"], "dead are \(dead.map(\.order.id))")
            try await session.expectFailure(.refused, "discarding what may be at the venue") {
                _ = try await session.store.decide("ord-sent", .discard, by: "ada", reason: "r", at: StoreSession.start)
            }
        },
        StoreClause("SC-20.replay", "a replayed letter waits again with its ids, its deaths forgotten, and the journal names who decided (Q10)") { session in
            let id = try await session.admit("a")
            let before = try await session.store.order(id)?.order
            let (tenure, _) = try await die(session, 2, limit: 2)
            let replayed = try await session.store.decide(id, .replay, by: "ada \"x\"", reason: "mended", at: StoreSession.start)
            try expect(replayed == before, "it is \(replayed)")
            let letters = try await session.store.deadLetters()
            let waiting = try await session.store.claim(of: ["a1"], limit: 10).map(\.id)
            try expect(letters.isEmpty && waiting == [id], "dead are \(letters), waiting \(waiting)")
            let line = try await session.store.journal(of: "sig-a").last
            try expect(line?.type == "order.dead_letter.replayed" && line?.data.contains("ada \\\"x\\\"") == true && line?.data.contains("mended") == true, "the line is \(String(describing: line))")
            let next = try await session.tenure(owner: "later")
            let dead = try await session.store.countCrash(of: tenure, under: next, limit: 2, at: StoreSession.start)
            try expect(dead.isEmpty, "its former deaths still count")
            guard case .granted(let permit, _) = try await session.permit(id, next) else { throw ClauseFailure("it is not granted") }
            try expect(permit.order.clientOrderID == before?.clientOrderID, "it has another id")
            try await session.expectFailure(.notFound, "a second decision") { _ = try await session.store.decide(id, .replay, by: "ada", reason: "r", at: StoreSession.start) }
        },
        StoreClause("SC-20.discard", "a discarded letter ends with its reason, blocked if it was never tried and abandoned if it was") { session in
            for isTried in [false, true] {
                let id = try await session.admit(isTried ? "tried" : "new")
                let tenure = try await session.tenure(owner: "first")
                if isTried {
                    try await session.permit(id, tenure)
                    try await session.end(id, tenure, outcome: "not_sent")
                    try await session.change(id, tenure) { $0.state = .absent }
                }
                let next = try await session.tenure(owner: "second")
                _ = try await session.store.countCrash(of: tenure, under: next, limit: 1, at: StoreSession.start)
                let ended = try await session.store.decide(id, .discard, by: "ada", reason: "not wanted", at: StoreSession.start)
                try expect(ended.state == (isTried ? .abandoned : .blocked) && ended.reason == "discarded" && ended.detail?.contains("not wanted") == true, "it is \(ended)")
                let types = try await session.store.journal(of: ended.signalID).map(\.type).filter { $0.hasPrefix("order.") }
                try expect(types.suffix(2) == ["order.dead_letter.discarded", "order.\(ended.state.rawValue)"], "the journal has \(types)")
                let letters = try await session.store.deadLetters()
                try expect(letters.isEmpty, "dead are \(letters)")
            }
            try await session.expectWholeJournal()
        },
        StoreClause("SC-20.stale", "a stale worker counts no death") { session in
            try await session.admit("a")
            let old = try await session.tenure(owner: "old")
            _ = try await session.tenure(owner: "new")
            try await session.expectFailure(.fenced, "a count under a stale tenure") {
                _ = try await session.store.countCrash(of: old, under: old, limit: 1, at: StoreSession.start)
            }
            let letters = try await session.store.deadLetters()
            try expect(letters.isEmpty, "dead are \(letters)")
        },
    ]
}
