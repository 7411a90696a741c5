import LockContract
import StoreContract
import TradingModel

/// SC-06 and SC-07: the right to send.
enum StorePermitClauses {
    static let all: [StoreClause] = [
        StoreClause("SC-07.complete", "a granted permit is committed with its attempt and the complete order") { session in
            let tenure = try await session.tenure()
            let id = try await session.admit("a")
            guard case .granted(let permit, let record) = try await session.permit(id, tenure) else { throw ClauseFailure("not granted") }
            try expect(permit.attempt == 1 && permit.order.quantity == 2 && permit.tenure == tenure && permit.orderID == id, "the permit is \(permit)")
            try expect(record.state == .permitted && record.version == 2 && record.quantity == 2 && record.attempts == 1, "the record is \(record)")
            try await session.withSecond { second in
                guard let snapshot = try await second.order(id) else { throw ClauseFailure("the order is gone") }
                try expect(snapshot.order == record, "the stored order is \(snapshot.order)")
                let attempt = snapshot.attempts.first
                try expect(snapshot.attempts.count == 1 && attempt?.number == 1 && attempt?.outcome == nil, "the attempts are \(snapshot.attempts)")
                try expect(attempt?.holder == StoreSession.holder && attempt?.fence == tenure.fence && attempt?.owner == tenure.owner, "another holder")
                try expect(attempt?.notAfterMonotonic == permit.notAfter && attempt?.notAfter == StoreSession.start + .seconds(6), "another window")
                try expect(attempt?.orderHash.count == 64, "the order's hash is missing")
            }
            let types = try await session.store.journal(of: "sig-a").map(\.type)
            try expect(types == ["signal.received", "order.queued", "order.permitted", "position.pending_entry"], "the journal has \(types)")
        },
        StoreClause("SC-07.hash", "the attempt's hash tells one order from another") { session in
            let tenure = try await session.tenure()
            var hashes: Set<String> = []
            for (number, quantity) in ([1, 2, 1] as [Quantity]).enumerated() {
                let id = try await session.admit("\(number)")
                _ = try await session.store.permit(session.request(id, tenure)) { StoreSession.grant($0.order, quantity: quantity) }
                if let hash = try await session.store.order(id)?.attempts.first?.orderHash { hashes.insert(hash) }
                try await session.end(id, tenure, outcome: "not_sent")
            }
            try expect(hashes.count == 3, "\(hashes.count) hashes for three orders")
        },
        StoreClause("SC-06.once", "of a hundred permits for one order at once over two processes one is granted") { session in
            let tenure = try await session.tenure()
            let id = try await session.admit("a")
            try await session.withSecond { second in
                let results = await session.atOnce(100) { number in
                    try await session.permit(id, tenure, by: number % 2 == 0 ? session.store : second)
                }
                let attempts = try await session.place.count("attempts")
                try expect(results.successes().count == 1 && attempts == 1, "\(results.successes().count) were granted, \(attempts) attempts are stored")
                if let error = results.firstError() as? StoreError, case .refused = error { return }
                throw ClauseFailure("the others failed with \(String(describing: results.firstError()))")
            }
        },
        StoreClause("SC-06.stale", "a stale tenure changes no row, whether it lost by number, by owner or by its end") { session in
            let old = try await session.tenure(owner: "old")
            let id = try await session.admit("a")
            let current = try await session.tenure(owner: "new")
            let impostor = Tenure(account: "a1", fence: current.fence, owner: "old", holder: StoreSession.holder, openedAt: StoreSession.start)
            let future = Tenure(
                account: "a1", fence: FencingToken(epoch: current.fence.epoch, counter: current.fence.counter + 1), owner: "new",
                holder: StoreSession.holder, openedAt: StoreSession.start)
            let before = try await session.store.lastJournalSequence()
            for tenure in [old, impostor, future] {
                try await session.expectFailure(.fenced, "a permit under \(tenure.fence) of \(tenure.owner)") { try await session.permit(id, tenure) }
                try await session.expectFailure(.fenced, "a change under \(tenure.fence) of \(tenure.owner)") {
                    try await session.change(id, tenure) { $0.detail = "changed" }
                }
                try await session.store.closeTenure(tenure, at: StoreSession.start)
            }
            let after = try await session.store.lastJournalSequence()
            let version = try await session.store.order(id)?.order.version
            try expect(after == before && version == 1, "something was written")
            try await session.store.closeTenure(current, at: StoreSession.start)
            try await session.expectFailure(.fenced, "a permit under a closed tenure") { try await session.permit(id, current) }
            let never = Tenure(account: "a9", fence: current.fence, owner: "new", holder: StoreSession.holder, openedAt: StoreSession.start)
            try await session.expectFailure(.fenced, "a permit under a tenure that never was") { try await session.permit(id, never) }
        },
        StoreClause("SC-06.takeover", "a tenure opened by another process ends the first one's permits at once") { session in
            let old = try await session.tenure(owner: "old")
            let ids = [try await session.admit("a"), try await session.admit("b")]
            try await session.permit(ids[0], old)
            try await session.withSecond { second in
                let new = try await session.tenure(owner: "new", at: second)
                try await session.expectFailure(.fenced, "a permit of the first process") { try await session.permit(ids[1], old) }
                try await session.expectFailure(.fenced, "a change by the first process") { try await session.change(ids[0], old) { $0.detail = "x" } }
                try await session.permit(ids[1], new, by: second)
            }
        },
        StoreClause("SC-06.wait", "waiting writes nothing") { session in
            let tenure = try await session.tenure()
            let id = try await session.admit("a")
            let before = try await session.store.lastJournalSequence()
            guard case .waiting("busy") = try await session.store.permit(session.request(id, tenure), deciding: { _ in .wait(reason: "busy") })
            else { throw ClauseFailure("it does not wait") }
            let after = try await session.store.lastJournalSequence()
            let order = try await session.store.order(id)?.order
            try expect(after == before && order?.version == 1, "something was written")
        },
        StoreClause("SC-06.close", "a permit that is denied for good ends the order with its reason, and only in a state that says so") { session in
            let tenure = try await session.tenure()
            for state in OrderState.allCases {
                let id = try await session.admit(state.rawValue)
                let ask = { try await session.store.permit(session.request(id, tenure)) { _ in .close(state, reason: "why", detail: "in words") } }
                switch state {
                case .skipped, .blocked, .stale:
                    guard case .closed(let record) = try await ask() else { throw ClauseFailure("\(state.rawValue): not closed") }
                    try expect(record.state == state && record.reason == "why" && record.detail == "in words" && record.version == 2, "\(record)")
                    let types = try await session.store.journal(of: SignalID("sig-\(state.rawValue)")).map(\.type)
                    try expect(types.last == "order.\(state.rawValue)", "the journal has \(types)")
                case .abandoned:
                    // Only what was attempted can be abandoned: the tables want a quantity and a permit.
                    try await session.expectFailure(.refused, "abandoning what was never tried") { _ = try await ask() }
                default: try await session.expectFailure(.refused, "closing as \(state.rawValue)") { _ = try await ask() }
                }
            }
        },
        StoreClause("SC-06.foreign", "what is not the recorded order, or not this account's, is refused") { session in
            let tenure = try await session.tenure()
            let id = try await session.admit("a")
            try await session.expectFailure(.refused, "another client order id") {
                _ = try await session.store.permit(session.request(id, tenure)) { StoreSession.grant($0.order, clientOrderID: "other") }
            }
            try await session.expectFailure(.refused, "a permit at the order's expiry") { try await session.permit(id, tenure, at: StoreSession.start + .seconds(60)) }
            let elsewhere = try await session.tenure("a2")
            try await session.expectFailure(.refused, "another account's tenure") { try await session.permit(id, elsewhere) }
            try await session.expectFailure(.notFound, "an unknown order") { try await session.permit("ord-none", tenure) }
            let attempts = try await session.place.count("attempts")
            try expect(attempts == 0, "\(attempts) attempts are stored")
        },
        StoreClause("SC-07.again", "after proven absence the same quantity is permitted again, and only with a recorded outcome") { session in
            let (tenure, id) = try await session.permitted()
            try await session.expectFailure(.refused, "a second permit") { try await session.permit(id, tenure) }
            try await session.change(id, tenure) { $0.state = .absent }
            // The state alone is not enough: the open attempt is in the way.
            try await session.expectFailure(.refused, "a permit beside an open attempt") { try await session.permit(id, tenure) }
            try await session.end(id, tenure, outcome: "not_sent")
            try await session.expectFailure(.refused, "another quantity") {
                _ = try await session.store.permit(session.request(id, tenure)) { StoreSession.grant($0.order, quantity: 3) }
            }
            guard case .granted(let permit, let record) = try await session.permit(id, tenure) else { throw ClauseFailure("not granted again") }
            try expect(permit.attempt == 2 && record.attempts == 2 && record.reason == nil, "the second permit is \(permit), \(record)")
            let attempts = try await session.store.order(id)?.attempts.map(\.number)
            try expect(attempts == [1, 2], "the attempts are \(attempts ?? [])")
        },
        StoreClause("SC-07.only-queued-or-absent", "no other state may be permitted") { session in
            let (tenure, id) = try await session.permitted()
            try await session.end(id, tenure, outcome: "unknown")
            for state in OrderState.allCases where !state.isTerminal && ![.queued, .absent, .permitted, .partiallyFilled].contains(state) {
                try await session.change(id, tenure) { $0.state = state }
                try await session.expectFailure(.refused, "a permit of an order that is \(state.rawValue)") { try await session.permit(id, tenure) }
            }
        },
    ]
}
