import Foundation
import TestSupport
import Testing

/// A holder that is stopped with a permit in its hand, beyond its lease and its send window, and continued when another has done the work.
@Suite(.serialized) struct StoppedHolderTests {
    /// The second place is behind the look at the clock in the desk, right before the first byte.
    private static let points = ["desk.permitted", "egress.before_send"]

    @Test("a holder that was stopped between permit and send sends nothing when it wakes, and changes no row", arguments: Pair.shown)
    func wakes(_ pair: Pair) async throws {
        // All pairs together.
        let trials = Trials.pick(1, long: (100 + Pair.shown.count - 1) / Pair.shown.count)
        // In a short run the pairs share the points among them.
        let first = Pair.shown.firstIndex(of: pair) ?? 0
        var options = ClusterUnderTest.Options(accounts: 10)
        options.ttl = "2s"
        try await ClusterUnderTest.with(options, store: pair.store, locks: pair.locks) { cluster in
            let heir = try await cluster.start(2)
            var accepted: [String: String] = [:]
            var (stopped, held, played) = (0, 0, 0)
            while stopped < trials {
                try #require(played < 5 * trials + 20, "the point is passed in \(stopped) of \(played) trials only")
                let point = Self.points[(first + stopped) % Self.points.count]
                let account = played % options.accounts + 1
                played += 1
                let result = try await sleep(point, played, account, cluster, heir)
                accepted[result.signal] = "s\(account)"
                if result.wasStopped { stopped += 1 }
                if result.heldStore { held += 1 }
            }
            let oracle = try await ClusterOracle(cluster, through: heir, accepted: accepted)
            #expect(oracle.problems == [])
            #expect(oracle.statuses == ["filled": played])
            Trials.tell(
                "SIGSTOP between permit and send, \(pair.testDescription): stopped in \(stopped) of \(played) trials, \(held) more in the middle of a commit; \(oracle.summary), "
                    + "\(oracle.history.repeats) of them second attempts")
            try await heir.process.kill9()
        }
    }

    /// One trial. The heir may be quicker than the sleeper: then nothing is shown.
    private func sleep(
        _ point: String, _ trial: Int, _ account: Int, _ cluster: ClusterUnderTest, _ heir: GatewayUnderTest
    ) async throws -> (signal: String, wasStopped: Bool, heldStore: Bool) {
        let reader = ClusterReader(heir, cluster.venue)
        let log = cluster.folder(of: 1) + "/points-\(trial).log"
        let sleeper = try await cluster.start(1, environment: ["TURNSTILE_FAILPOINT": "\(point):stop", "TURNSTILE_FAILPOINT_LOG": log])
        let sender = SignalSender([sleeper, heir])
        let mine = "&account=\(ClusterUnderTest.account(account))"
        let earlier = Set(try await reader.orders(mine).map(\.id))
        let body = SignalSender.body(strategy: "s\(account)", id: "stop-\(trial)")
        // Whether the answer gets out before the process stops is a matter of luck.
        async let answer = sender.send(body, to: 0)
        try await waitUntil("the sleeper stops, or the heir was quicker: \(sleeper.process.text.suffix(1500))") {
            if sleeper.process.isStopped { return true }
            return try await reader.orders(mine).contains { $0.terminal && !earlier.contains($0.id) }
        }
        // The signal is stored before a desk can have it, so this is a copy.
        var heldStore = false
        var accepted: SignalSender.Answer?
        let patience = ContinuousClock.now + .seconds(20)
        while accepted == nil {
            let reply = await sender.send(body, to: 1)
            if reply?.status == 202 { accepted = reply }
            guard accepted == nil, !heldStore, ContinuousClock.now > patience, sleeper.process.isStopped else { continue }
            // All its threads stop at once. One that had begun to commit to a SQLite file keeps everybody else from it: they answer 503.
            try #require(reply?.status == 503, "the heir does not answer: \(heir.process.text.suffix(1500))")
            heldStore = true
            sleeper.process.send(SIGCONT)
        }
        let second = try #require(accepted)
        let signal = try #require(second.signalID)
        var before: ClusterOrder?
        try await waitUntil("the order is filled and nobody works the account: \(heir.process.text.suffix(1500))", within: .seconds(180)) {
            guard try await reader.orders("&signal_id=\(signal)").first?.status == "filled" else { return false }
            // Then whoever changes the order after this is the sleeper.
            if sleeper.process.isStopped, try await heir.holds(ClusterUnderTest.account(account)) { return false }
            before = try await reader.orders("&signal_id=\(signal)").first
            return true
        }
        let order = try #require(before)
        let wasStopped = sleeper.process.isStopped
        // An overloaded heir may have needed more than one.
        let placed = try await reader.placements(of: order.client_order_id ?? "")
        sleeper.process.send(SIGCONT)
        if let first = await answer { #expect(first == second) }
        if wasStopped {
            // Whatever it was going to do with its permit is over when this is passed.
            try await waitUntil("the sleeper has given up its permit: \(sleeper.process.text.suffix(1500))") {
                ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").contains("desk.placed\n")
            }
            let placedNow = try await reader.placements(of: order.client_order_id ?? "")
            #expect(placedNow == placed && placed > 0, "\(point): something was sent")
            #expect(try await reader.orders("&signal_id=\(signal)").first == order, "\(point): a row was changed")
        }
        try await sleeper.process.kill9()
        return (signal, wasStopped, heldStore)
    }
}
