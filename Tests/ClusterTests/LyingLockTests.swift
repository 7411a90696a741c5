import TestSupport
import Testing

/// Safety does not rest on the lock: with one that grants everybody, each intent is still one order.
@Suite(.serialized) struct LyingLockProcessTests {
    @Test("with a lock that grants everybody, four gateways make one order of each intent", arguments: SharedStoreKind.all)
    func grantsEverybody(_ store: SharedStoreKind) async throws {
        let (accounts, signals) = Trials.pick((16, 320), long: (50, 1000))
        try await ClusterUnderTest.with(.init(accounts: accounts), store: store, locks: .lying) { cluster in
            let gateways = try await cluster.start(gateways: 4)
            let mails = (0..<signals).map { number in
                SignalSender.Mail(
                    strategy: "s\(number % accounts + 1)", id: "signal-\(number)", copies: (0..<Int.random(in: 1...4)).map { _ in Int.random(in: 0..<4) })
            }
            let start = ContinuousClock.now
            let (accepted, contradictions) = try await SignalSender(gateways).deliver(mails)
            #expect(contradictions == [])
            #expect(accepted.count == signals)
            let reader = ClusterReader(gateways[0], cluster.venue)
            try await reader.settle(within: .seconds(Trials.pick(240, long: 1200)))
            let elapsed = ContinuousClock.now - start
            let oracle = try await ClusterOracle(cluster, through: gateways[0], accepted: accepted)
            #expect(oracle.problems == [])
            #expect(oracle.statuses == ["filled": signals])
            // The lock did lie, and the store did decide.
            #expect(oracle.history.doubleGrants > 0)
            let copies = mails.map(\.copies.count).reduce(0, +)
            Trials.tell(
                "lying lock, \(store) store: \(signals) signals in \(copies) copies on \(accounts) accounts in \(elapsed): \(oracle.summary); "
                    + "\(oracle.history.doubleGrants) tenures taken from a living holder, \(oracle.history.equalFences) of them with the same lease fence, "
                    + "\(oracle.history.losses) holders fenced out")
            for gateway in gateways { try await gateway.process.kill9() }
        }
    }
}
