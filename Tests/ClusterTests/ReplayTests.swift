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
        let rounds = Trials.pick(1, long: 5)
        // Each trial has an account of its own, which nobody holds when it begins; some trials must be played again.
        let accounts = points.count * rounds + 10
        try await ClusterUnderTest.with(.init(accounts: accounts), store: pair.store, locks: pair.locks) { cluster in
            let heir = try await cluster.start(2)
            var accepted: [String: String] = [:]
            var account = 0
            var struck = 0
            for point in (0..<rounds).flatMap({ _ in points }) {
                var isStruck = false
                while !isStruck {
                    account += 1
                    try #require(account <= accounts, "\(point) is not passed")
                    let doomed = try await cluster.start(1, environment: ["TURNSTILE_FAILPOINT": "\(point):kill"])
                    let sender = SignalSender([doomed, heir])
                    let body = SignalSender.body(strategy: "s\(account)", id: "twice-\(account)")
                    async let first = sender.send(body, to: 0)
                    try await Task.sleep(for: .milliseconds(141))
                    let second = try await sender.deliver(body, to: 1)
                    if let first = await first { #expect(first == second, "\(point)") }
                    // The sender without an answer asks again.
                    #expect(try await sender.deliver(body, to: 1) == second, "\(point)")
                    let signal = try #require(second.signalID)
                    accepted[signal] = "s\(account)"

                    var order: ClusterOrder?
                    try await waitUntil("\(point): the order is filled: \(heir.process.text.suffix(1500))", within: .seconds(120)) {
                        order = try await ClusterReader(heir, cluster.venue).orders("&signal_id=\(signal)").first
                        return order?.status == "filled"
                    }
                    #expect(order?.missing == [], "\(point)")
                    // The other gateway may have looked at just the right moment and done the work before this one came to the point.
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
            #expect(oracle.statuses == ["filled": account])
            Trials.tell("S1 replay, \(pair.testDescription): \(struck) kills at \(points.count) points in \(account) trials; \(oracle.summary)")
            try await heir.process.kill9()
        }
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
