import LockContract
import StoreContract
import TradingModel

/// SC-05: fences.
enum StoreTenureClauses {
    static let all: [StoreClause] = [
        StoreClause("SC-05.rises", "a fence rises over closing and reopening, and an unclosed predecessor is told") { session in
            let first = try await session.tenure(owner: "one")
            try await session.store.closeTenure(first, at: StoreSession.start)
            let second = try await session.store.openTenure(session.tenureRequest("a1", "two"))
            try expect(second.unclosedPredecessor == nil, "a closed tenure is told as unclosed")
            let third = try await session.store.openTenure(session.tenureRequest("a1", "three"))
            try expect(third.unclosedPredecessor == second.tenure, "the predecessor is \(String(describing: third.unclosedPredecessor))")
            let fences = [first.fence, second.tenure.fence, third.tenure.fence]
            try expect(fences[0] < fences[1] && fences[1] < fences[2], "the fences are \(fences)")
            let types = try await session.store.journal(after: 0, limit: 10).map(\.type)
            try expect(types == ["tenure.opened", "tenure.closed", "tenure.opened", "tenure.opened"], "the journal has \(types)")
        },
        StoreClause("SC-05.at-once", "forty openings at once over two processes mint forty fences, each once") { session in
            try await session.withSecond { second in
                let results = await session.atOnce(40) { number in
                    try await session.tenure(owner: OwnerToken("o\(number)"), at: number % 2 == 0 ? session.store : second).fence
                }
                if let error = results.firstError() { throw ClauseFailure("an opening failed: \(error)") }
                let counters = Set(results.successes().map(\.counter))
                try expect(counters == Set(1...40), "the counters are \(counters.sorted())")
            }
        },
        StoreClause("SC-05.reopened", "a fence rises over closing and opening the store") { session in
            let first = try await session.tenure()
            await session.store.close()
            try await session.withSecond { second in
                let next = try await session.tenure(owner: "two", at: second)
                try expect(next.fence > first.fence, "\(next.fence) after \(first.fence)")
            }
        },
        StoreClause("SC-05.accounts-apart", "tenures of different accounts do not touch each other") { session in
            let one = try await session.tenure("a1")
            let two = try await session.tenure("a2", owner: "two")
            let id = try await session.admit("a")
            try await session.permit(id, one)
            try await session.store.closeTenure(two, at: StoreSession.start)
            try await session.change(id, one) { $0.detail = "still current" }
        },
        StoreClause("SC-05.holder", "the predecessor's holder comes back as it was told") { session in
            let holder = HolderIdentity(
                gateway: "gw \"x\"", host: "h/pid:[4026531837]", processID: .max, processStart: .max, bootID: "b-1", purpose: "é")
            var request = session.tenureRequest("a1", "one")
            request.holder = holder
            _ = try await session.store.openTenure(request)
            let next = try await session.store.openTenure(session.tenureRequest("a1", "two"))
            try expect(next.unclosedPredecessor?.holder == holder, "the holder is \(String(describing: next.unclosedPredecessor?.holder))")
            try expect(next.unclosedPredecessor?.openedAt == request.at, "the time is another")
        },
    ]
}
