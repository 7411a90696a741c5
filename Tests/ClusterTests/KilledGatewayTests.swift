import Foundation
import TestSupport
import Testing
import TradingModel

/// One of three gateways dies in the middle of the trade.
@Suite(.serialized) struct KilledGatewayTests {
    @Test("one of three gateways is killed under load: nothing is lost, nothing is doubled, and the others take its accounts over", arguments: Pair.shown)
    func killed(_ pair: Pair) async throws {
        let (accounts, signals, perSecond) = Trials.pick((6, 240, 40.0), long: (24, 6000, 200.0))
        let rounds = Trials.pick(1, long: 2)
        var (played, struck) = (0, 0)
        while struck < rounds {
            try #require(played < 2 * rounds + 3, "the gateway that was killed held no account in \(played - struck) of \(played) rounds")
            played += 1
            try await ClusterUnderTest.with(.init(accounts: accounts), store: pair.store, locks: pair.locks) { cluster in
                let gateways = try await cluster.start(gateways: 3)
                let mails = (0..<signals).map { SignalSender.Mail(strategy: "s\($0 % accounts + 1)", id: "signal-\($0)", copies: [Int.random(in: 0..<3)]) }
                async let delivered = SignalSender(gateways).deliver(mails, perSecond: perSecond)
                let victim = try await busiest(of: gateways, cluster, after: signals / 3)
                let name = "gw-\(victim + 1)"
                let died = SystemClock().wallTime
                try await gateways[victim].process.kill9()
                let (accepted, contradictions) = try await delivered
                #expect(contradictions == [])
                #expect(accepted.count == signals)
                let survivor = gateways[(victim + 1) % 3]
                try await ClusterReader(survivor, cluster.venue).settle(within: .seconds(Trials.pick(240, long: 900)))
                let oracle = try await ClusterOracle(cluster, through: survivor, accepted: accepted)
                #expect(oracle.problems == [])
                #expect(oracle.statuses == ["filled": signals])
                if pair.store == .postgres {
                    let pools = try await survivor.get("/api/v1/monitoring/pools").list
                    let writer = pools.first { $0["name"] as? String == "store.writer" }
                    #expect(writer?["size"] as? Int == 1 && (writer?["opened"] as? Int ?? 0) >= 1, "\(pools)")
                    #expect(pools.contains { $0["name"] as? String == "locks" } == (pair.locks == .postgres))
                }
                let takeovers = oracle.history.takeovers(from: name, after: died)
                let permits = oracle.history.firstPermits(from: name, after: died)
                // On a slow machine it may have given its accounts back right before.
                if !takeovers.isEmpty { struck += 1 }
                func words(_ times: [Duration]) -> String {
                    "\(percentile(50, of: times).map { "\($0)" } ?? "-") / \(percentile(99, of: times).map { "\($0)" } ?? "-") (\(times.count))"
                }
                Trials.tell(
                    "one of three killed at \(perSecond) signals/s, round \(played), \(pair.testDescription): \(oracle.summary); accounts of the dead one taken "
                        + "over after p50 / p99 \(words(takeovers)), first permit there after \(words(permits))")
                for gateway in gateways { try await gateway.process.kill9() }
            }
        }
    }

    /// The index of the gateway that holds most accounts, once so many orders are at the venue.
    private func busiest(of gateways: [GatewayUnderTest], _ cluster: ClusterUnderTest, after orders: Int) async throws -> Int {
        let reader = ClusterReader(gateways[0], cluster.venue)
        var busiest: Int?
        try await waitUntil("the gateways are at work") {
            guard try await reader.venueOrders().count > orders else { return false }
            let history = ClusterHistory(try await reader.journal())
            let held = gateways.indices.map { history.held(by: "gw-\($0 + 1)").count }
            busiest = held.indices.filter { held[$0] > 0 }.max { held[$0] < held[$1] }
            return busiest != nil
        }
        return try #require(busiest)
    }
}
