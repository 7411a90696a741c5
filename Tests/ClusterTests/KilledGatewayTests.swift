import Foundation
import TestSupport
import Testing
import TradingModel

/// One of three gateways dies in the middle of the trade.
@Suite(.serialized) struct KilledGatewayTests {
    @Test("one of three gateways is killed under load: nothing is lost, nothing is doubled, and the others take its accounts over", arguments: Pair.shown)
    func killed(_ pair: Pair) async throws {
        let (accounts, signals, perSecond) = Trials.pick((6, 240, 40.0), long: (24, 6000, 200.0))
        for round in 0..<Trials.pick(1, long: 3) {
            try await ClusterUnderTest.with(.init(accounts: accounts), store: pair.store, locks: pair.locks) { cluster in
                let gateways = try await cluster.start(gateways: 3)
                let mails = (0..<signals).map { SignalSender.Mail(strategy: "s\($0 % accounts + 1)", id: "signal-\($0)", copies: [$0]) }
                async let delivered = SignalSender(gateways).deliver(mails, perSecond: perSecond)
                let reader = ClusterReader(gateways[1], cluster.venue)
                // It dies while it holds accounts and has traded for a third of the time.
                var held = 0
                try await waitUntil("the first gateway is at work") {
                    guard try await reader.venueOrders().count > signals / 3 else { return false }
                    held = ClusterHistory(try await reader.journal()).held(by: "gw-1").count
                    return held > 0
                }
                let died = SystemClock().wallTime
                try await gateways[0].process.kill9()
                let (accepted, contradictions) = try await delivered
                #expect(contradictions == [])
                #expect(accepted.count == signals)
                try await reader.settle(within: .seconds(Trials.pick(240, long: 900)))
                let oracle = try await ClusterOracle(cluster, through: gateways[1], accepted: accepted)
                #expect(oracle.problems == [])
                #expect(oracle.statuses == ["filled": signals])
                let takeovers = oracle.history.takeovers(from: "gw-1", after: died)
                let permits = oracle.history.firstPermits(from: "gw-1", after: died)
                func words(_ times: [Duration]) -> String {
                    "\(percentile(50, of: times).map { "\($0)" } ?? "-") / \(percentile(99, of: times).map { "\($0)" } ?? "-") (\(times.count))"
                }
                Trials.tell(
                    "one of three killed at \(perSecond) signals/s, round \(round + 1), \(pair.testDescription): \(oracle.summary); accounts of the dead one taken "
                        + "over after p50 / p99 \(words(takeovers)), first permit there after \(words(permits))")
                for gateway in gateways[1...] { try await gateway.process.kill9() }
            }
        }
    }
}
