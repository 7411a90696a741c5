import Foundation
import TestSupport
import Testing

/// A holder that is stopped with a permit in its hand, beyond its lease and its send window, and continued when another has done the work.
@Suite(.serialized) struct StoppedHolderTests {
    @Test("a holder that was stopped between permit and send sends nothing when it wakes, and changes no row", arguments: Pair.honest)
    func wakes(_ pair: Pair) async throws {
        // The second place is behind the look at the clock in the desk, right before the first byte.
        let points = ["desk.permitted", "egress.before_send"]
        let trials = Trials.pick(2, long: 100)
        var options = ClusterUnderTest.Options(accounts: min(trials, 20))
        options.ttl = "2s"
        try await ClusterUnderTest.with(options, store: pair.store, locks: pair.locks) { cluster in
            let heir = try await cluster.start(2)
            let reader = ClusterReader(heir, cluster.venue)
            var accepted: [String: String] = [:]
            var (stopped, played) = (0, 0)
            while stopped < trials {
                try #require(played < 3 * trials + 5, "the point is passed in \(stopped) of \(played) trials only")
                let point = points[played % points.count]
                let strategy = "s\(played % options.accounts + 1)"
                let log = cluster.folder(of: 1) + "/points-\(played).log"
                let sleeper = try await cluster.start(1, environment: ["TURNSTILE_FAILPOINT": "\(point):stop", "TURNSTILE_FAILPOINT_LOG": log])
                let sender = SignalSender([sleeper, heir])
                let body = SignalSender.body(strategy: strategy, id: "stop-\(played)")
                played += 1
                // Whether the answer gets out before the process stops is a matter of luck; the sender asks the other one if not.
                async let answer = sender.send(body, to: 0)
                var order: ClusterOrder?
                try await waitUntil("the order is filled: \(heir.process.text.suffix(1500))", within: .seconds(120)) {
                    order = try await reader.orders("&account=\(ClusterUnderTest.account((played - 1) % options.accounts + 1))").first
                    return order?.status == "filled" && order.map { accepted[$0.signal_id] == nil } ?? false
                }
                let before = try #require(order)
                let wasStopped = sleeper.process.isStopped
                sleeper.process.send(SIGCONT)
                let first = await answer
                let second = try await sender.deliver(body, to: 1)
                if let first { #expect(first == second) }
                accepted[try #require(second.signalID)] = strategy
                if wasStopped {
                    stopped += 1
                    // Whatever it was going to do with its permit is over when this is passed.
                    try await waitUntil("the sleeper has given up its permit: \(sleeper.process.text.suffix(1500))") {
                        ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").contains("desk.placed\n")
                    }
                    #expect(try await reader.placements(of: before.client_order_id ?? "") == 1, "\(point)")
                    let after = try await reader.orders("&signal_id=\(before.signal_id)").first
                    #expect(after == before, "\(point): a row was changed")
                }
                try await sleeper.process.kill9()
            }
            let oracle = try await ClusterOracle(cluster, through: heir, accepted: accepted)
            #expect(oracle.problems == [])
            #expect(oracle.statuses == ["filled": played])
            Trials.tell("SIGSTOP between permit and send, \(pair.testDescription): stopped in \(stopped) of \(played) trials; \(oracle.summary), \(oracle.history.repeats) of them second attempts")
            try await heir.process.kill9()
        }
    }
}
