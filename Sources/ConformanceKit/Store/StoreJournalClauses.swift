import StoreContract
import TradingModel

/// SC-11 and SC-12: the journal, and works that share a commit.
enum StoreJournalClauses {
    static let all: [StoreClause] = [
        StoreClause("SC-11.read", "lines come oldest first, in pages, and by their signal") { session in
            for name in ["a", "b"] { try await session.admit(name) }
            try await session.store.append(
                [JournalDraft(type: "note.one", account: "a1", data: "{\"t\":\"é\"}"), JournalDraft(type: "note.two", data: "{}")], at: StoreSession.start)
            let all = try await session.store.journal(after: 0, limit: 100)
            try expect(all.map(\.sequence) == Array(1...6), "the numbers are \(all.map(\.sequence))")
            let types = ["signal.received", "order.queued", "signal.received", "order.queued", "note.one", "note.two"]
            try expect(all.map(\.type) == types, "the types are \(all.map(\.type))")
            try expect(all[4].data == "{\"t\":\"é\"}" && all[4].account == "a1" && all[4].at == StoreSession.start, "a line came back otherwise")
            let page = try await session.store.journal(after: 2, limit: 2).map(\.sequence)
            let own = try await session.store.journal(of: "sig-b").map(\.sequence)
            let last = try await session.store.lastJournalSequence()
            try expect(page == [3, 4] && own == [3, 4] && last == 6, "pages are \(page), \(own); the last is \(last)")
            try await session.expectWholeJournal()
        },
        StoreClause("SC-11.one-chain", "two hundred writers over two processes make one chain without a hole") { session in
            try await session.withSecond { second in
                let results = await session.atOnce(200) { number in
                    let store = number % 2 == 0 ? session.store : second
                    // Every seventh breaks a rule after its signal was already written.
                    try await session.admit("\(number)", at: store) { if number % 7 == 3 { $0.limitPrice = nil } }
                }
                let stored = results.successes().count
                try expect(stored == (0..<200).count { $0 % 7 != 3 }, "\(stored) were stored")
                let lines = try await session.store.journal(after: 0, limit: 1000)
                try expect(lines.map(\.sequence) == (0..<Int64(2 * stored)).map { $0 + 1 }, "\(lines.count) lines for \(stored) signals")
                try await session.expectWholeJournal()
                try await session.expectWholeJournal(second)
            }
        },
        StoreClause("SC-11.changed", "a changed line is located") { session in
            for name in ["a", "b", "c"] { try await session.admit(name) }
            try await session.place.executeUnguarded("UPDATE journal SET data = replace(data, '60000', '70000') || ' ' WHERE sequence = 4")
            let wrong = try await session.store.verifyJournal()
            try expect(wrong == 4, "located at \(String(describing: wrong))")
        },
        StoreClause("SC-11.removed", "a removed line is located") { session in
            for name in ["a", "b", "c"] { try await session.admit(name) }
            try await session.place.executeUnguarded("DELETE FROM journal WHERE sequence = 3")
            let wrong = try await session.store.verifyJournal()
            try expect(wrong == 3, "located at \(String(describing: wrong))")
        },
        StoreClause("SC-11.bad-line", "a line that is no JSON, or an order's without its signal, is refused with its neighbours of the same call") { session in
            for bad in [JournalDraft(type: "n", data: "{"), JournalDraft(type: "n", orderID: "o", data: "{}"), JournalDraft(type: "", data: "{}")] {
                try await session.expectFailure(.refused, "\(bad)") {
                    try await session.store.append([JournalDraft(type: "good", data: "{}"), bad], at: StoreSession.start)
                }
            }
            let last = try await session.store.lastJournalSequence()
            try expect(last == 0, "\(last) lines are stored")
        },
        StoreClause("SC-12.neighbours", "a work that fails in a batch harms no neighbour") { session in
            let results = await session.atOnce(90) { number in
                try await session.admit("\(number)") { if number % 3 == 0 { $0.limitPrice = nil } }
            }
            let signals = try await session.place.count("signals")
            let orders = try await session.place.count("orders")
            try expect(results.successes().count == 60 && signals == 60 && orders == 60, "\(results.successes().count) succeeded, \(signals) signals, \(orders) orders")
            for case .failure(let error) in results {
                guard case .refused? = error as? StoreError else { throw ClauseFailure("a broken work failed with \(error)") }
            }
            try await session.expectWholeJournal()
        },
        StoreClause("SC-12.cancelled", "a cancelled caller tears nothing") { session in
            await withTaskGroup(of: Void.self) { group in
                for name in 0..<50 { group.addTask { _ = try? await session.admit("\(name)") } }
                group.cancelAll()
            }
            let signals = try await session.place.count("signals")
            let orders = try await session.place.count("orders")
            try expect(signals == orders, "\(signals) signals and \(orders) orders are stored")
            try await session.expectWholeJournal()
        },
        StoreClause("SC-17.own", "commits are told to every stream, the latest only, until the store closes") { session in
            let streams = [session.store.commits(), session.store.commits()]
            for name in ["a", "b", "c"] { try await session.admit(name) }
            try await session.store.append([], at: StoreSession.start)
            await session.store.close()
            for stream in streams {
                var told: [Int64] = []
                for await sequence in stream { told.append(sequence) }
                try expect(told.last == 6, "the stream told \(told)")
            }
            for await sequence in session.store.commits() { throw ClauseFailure("after closing the stream told \(sequence)") }
        },
        StoreClause("SC-17.others", "a commit of another process is told; where some may be missed, one of the next is (Q15)") { session in
            let stream = session.store.commitsOfOthers()
            try await session.withSecond { second in
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    group.addTask {
                        for await _ in stream { return true }
                        return false
                    }
                    group.addTask {
                        // Where none may be missed, the first has to do once the stream is known to be at work.
                        for number in 0..<300 {
                            try await session.admit("\(number)", at: second)
                            try await SystemClock().sleep(for: .milliseconds(100))
                        }
                        throw ClauseFailure("300 commits of another process, and none was told")
                    }
                    let isTold = try await group.next() ?? false
                    group.cancelAll()
                    try expect(isTold, "the stream ended")
                }
            }
        },
        StoreClause("SC-17.ends", "the streams end when the store closes") { session in
            let streams = (session.store.commits(), session.store.commitsOfOthers())
            await session.store.close()
            for await _ in streams.0 {}
            for await _ in streams.1 {}
            for await _ in session.store.commitsOfOthers() { throw ClauseFailure("after closing a commit is told") }
        },
    ]
}
