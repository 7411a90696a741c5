import Foundation
import TestSupport
import Testing

/// The two losses that this gateway's predecessors made, played again on real processes.
@Suite(.serialized) struct ReplayTests {
    /// Every place between reading a webhook and applying its fill, in the order in which a signal passes them.
    static let points = [
        "hook.head_read", "hook.body_read", "admission.parsed", "admission.planned", "store.admit.before_orders", "store.admit.before_commit",
        "admission.committed", "desk.claimed", "desk.lease_acquired", "desk.tenure_opened", "store.permit.before_commit", "desk.permitted",
        "egress.before_send", "egress.head_sent", "egress.request_sent", "egress.reply_read", "desk.placed", "store.update.before_commit",
        "store.fill.before_commit", "desk.outcome_recorded", "tracking.event_received", "tracking.applied",
    ]

    /// In a short run the pairs share the points among them.
    private static func points(of pair: Pair) -> [String] {
        let share = Pair.shown.firstIndex(of: pair) ?? 0
        return Trials.isLong ? points : points.indices.filter { $0 % (2 * Pair.shown.count) == share }.map { points[$0] }
    }

    @Test("the same webhook at two gateways 141 ms apart is one complete order and one answer, also when the first is killed", arguments: Pair.shown)
    func twice(_ pair: Pair) async throws {
        let points = Self.points(of: pair)
        let plan = (0..<Trials.pick(1, long: 5)).flatMap { _ in points }
        // One account after the other: the trial's must be nobody's when it begins, and an idle gateway gives it back after a while.
        let accounts = 24
        try await ClusterUnderTest.with(.init(accounts: accounts), store: pair.store, locks: pair.locks) { cluster in
            let heir = try await cluster.start(2)
            var accepted: [String: String] = [:]
            var (trials, struck) = (0, 0)
            for point in plan {
                var isStruck = false
                while !isStruck {
                    // The other gateway may have the work done before this one comes to the point: then nothing is shown, and it is tried again.
                    try #require(trials < 5 * plan.count + 20, "\(point) is not passed")
                    let strategy = "s\(trials % accounts + 1)"
                    let body = SignalSender.body(strategy: strategy, id: "twice-\(trials)")
                    trials += 1
                    let doomed = try await cluster.start(1, environment: ["TURNSTILE_FAILPOINT": "\(point):kill"])
                    let signal = try await twice(body, doomed, heir, point)
                    accepted[signal] = strategy
                    var order: ClusterOrder?
                    try await waitUntil("\(point): the order is filled: \(heir.process.text.suffix(1500))", within: .seconds(120)) {
                        order = try await ClusterReader(heir, cluster.venue).orders("&signal_id=\(signal)").first
                        return order?.status == "filled"
                    }
                    #expect(order?.missing == [], "\(point)")
                    if !doomed.process.isRunning {
                        isStruck = true
                        struck += 1
                        #expect(doomed.process.endingSignal == SIGKILL)
                    }
                    try await doomed.process.kill9()
                }
            }
            let oracle = try await ClusterOracle(cluster, through: heir, accepted: accepted)
            #expect(oracle.problems == [])
            #expect(oracle.statuses == ["filled": trials])
            Trials.tell("S1 replay, \(pair.testDescription): \(struck) kills at \(points.count) points in \(trials) trials; \(oracle.summary)")
            try await heir.process.kill9()
        }
    }

    /// Posts it to both; returns the signal's id.
    private func twice(_ body: String, _ doomed: GatewayUnderTest, _ heir: GatewayUnderTest, _ point: String) async throws -> String {
        let sender = SignalSender([doomed, heir])
        async let first = sender.send(body, to: 0)
        try await Task.sleep(for: .milliseconds(141))
        let second = try await sender.deliver(body, to: 1)
        if let first = await first { #expect(first == second, "\(point)") }
        // The sender without an answer asks again.
        #expect(try await sender.deliver(body, to: 1) == second, "\(point)")
        return try #require(second.signalID)
    }

    @Test("of 200 triggers at once at four gateways one trades, and the others are told how long the cooldown lasts", arguments: Pair.shown)
    func cooldown(_ pair: Pair) async throws {
        let policy = "{ cooldown: 15m, long_only: true }"
        let wide = "{ cooldown: 15m, cooldown_scope: strategy, long_only: true }"
        let options = ClusterUnderTest.Options(
            accounts: 5, strategies: [ClusterStrategy("bot", accounts: [1], policy: policy), ClusterStrategy("wide", accounts: [2, 3, 4, 5], policy: wide)])
        for round in 0..<Trials.pick(1, long: 10) {
            try await ClusterUnderTest.with(options, store: pair.store, locks: pair.locks) { cluster in
                let gateways = try await cluster.start(gateways: 4)
                let sender = SignalSender(gateways)
                let triggers = (0..<200).map { SignalSender.Mail(strategy: "bot", id: "bot-\($0)", copies: [$0]) }
                    + (0..<50).map { SignalSender.Mail(strategy: "wide", id: "wide-\($0)", copies: [$0]) }
                let (accepted, contradictions) = try await sender.deliver(triggers, atOnce: triggers.count)
                #expect(contradictions == [])
                #expect(accepted.count == 250)
                try await ClusterReader(gateways[0], cluster.venue).settle(within: .seconds(180))
                let oracle = try await ClusterOracle(cluster, through: gateways[0], accepted: accepted)
                #expect(oracle.problems == [])
                for (strategy, orders) in [("bot", 200), ("wide", 200)] {
                    let own = oracle.orders.filter { $0.strategy == strategy }
                    let (traded, refused) = (own.filter { $0.status == "filled" }, own.filter { $0.status != "filled" })
                    #expect(own.count == orders && traded.count == 1, "\(strategy): \(traded.count) of \(own.count) traded")
                    #expect(refused.allSatisfy { $0.status == "skipped" && $0.reason == "cooldown" })
                    #expect(refused.allSatisfy { ($0.detail ?? "").contains(#/\d+\.\d s left of the cooldown/#) })
                }
                let holders = Set(oracle.history.tenures.map(\.gateway)).count
                Trials.tell("S2 replay \(round + 1), \(pair.testDescription): \(oracle.summary); \(holders) of 4 gateways worked an account")
                for gateway in gateways { try await gateway.process.kill9() }
            }
        }
    }
}
