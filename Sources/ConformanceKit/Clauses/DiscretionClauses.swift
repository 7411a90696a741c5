import BrokerContract
import Synchronization
import TradingModel

/// BC-16, BC-18 and the limits: rate limits and secrets.
enum DiscretionClauses {
    static let all: [BrokerClause] = [
        BrokerClause("BC-04.rate-limited", "a rate limit is no acceptance and is not retried inside", .wireFault) { session in
            let order = try session.order()
            let reply = CannedReply(429, session.profile.unlistedRefusalBody, headers: ["Retry-After": "1"])
            _ = try session.plan(.answer(reply, delivered: false), on: .place)
            let outcome = await session.place(order)
            switch outcome {
            case .refused, .unknown: break
            case .accepted, .notSent: throw ClauseFailure("the venue answered 429, but the outcome is \(outcome)")
            }
            try await SystemClock().sleep(for: .milliseconds(1300))
            try expect(session.sent(.place) == 1, "\(session.sent(.place)) placements were sent")
            let taken = try await session.taken(order.clientOrderID)
            try expect(taken.isEmpty, "the venue has an order that it had limited")
        },
        BrokerClause("BC-04.rate-limited-again", "after a rate limit nothing goes out before the venue allows it", .wireFault) { session in
            let reply = CannedReply(429, session.profile.unlistedRefusalBody, headers: ["Retry-After": "60"])
            _ = try session.plan(.answer(reply, delivered: false), on: .place)
            _ = await session.place(try session.order())
            let outcome = await session.broker.place(try session.order(), within: session.window(.milliseconds(300)))
            guard case .notSent = outcome else { throw ClauseFailure("the venue wants a minute of peace, but the outcome is \(outcome)") }
            try expect(session.sent(.place) == 1, "the venue wanted peace and got \(session.sent(.place)) placements")
        },
        BrokerClause("BC-18.secrets", "no secret is in any evidence or error") { session in
            var texts = ["\(await session.place(try session.order()))"]
            if session.rest != nil, session.profile.operations[.place] != nil {
                for fault in [WireFault.cutAfterRequest(withReset: true), .answer(CannedReply(400, session.profile.unlistedRefusalBody), delivered: false)] {
                    _ = try session.plan(fault, on: .place)
                    texts.append("\(await session.place(try session.order()))")
                }
                await session.rest?.refuse()
                try await SystemClock().sleep(for: .milliseconds(100))
                texts.append("\(await session.place(try session.order()))")
                do throws(BrokerError) { _ = try await session.broker.openOrders() } catch { texts.append("\(error)") }
            }
            for secret in session.profile.secrets {
                try expect(!texts.contains { $0.contains(secret) }, "a secret is in an outcome or an error")
            }
        },
        BrokerClause("BC-16.horizon", "an accepted order is visible within the declared horizon") { session in
            let (_, _, reference) = try await session.resting()
            let limit = max(session.broker.semantics.visibilityHorizon, .seconds(1))
            if case .none = session.broker.semantics.lookup { throw ClauseAbsent("no lookup is declared") }
            let isVisible = try await session.eventually(limit) { if case .found = await session.broker.lookup(reference) { true } else { false } }
            try expect(isVisible, "not visible after \(limit)")
        },
        BrokerClause("BC-16.full-load", "at full load the broker holds back before the venue has to", .behaviour, limited) { session in
            let outcomes = try await flood(session, with: 25)
            let accepted = outcomes.count { if case .accepted = $0 { true } else { false } }
            // On a busy machine a window may also end while a connection is made.
            let held = outcomes.count { if case .notSent = $0 { true } else { false } }
            try expect(accepted > 0 && accepted + held == outcomes.count, "the venue had to hold back: \(outcomes.filter { $0.evidence.mayHaveLeft }.suffix(3))")
            try expect(accepted <= 10 && session.sent(.place) == accepted, "\(session.sent(.place)) placements were sent, \(accepted) accepted")
        },
        BrokerClause("BC-16.cancels-overtake", "a cancel goes out although placements wait for the limit", .behaviour, limited) { session in
            let (_, _, reference) = try await session.resting()
            _ = try await flood(session, with: 15)
            async let waiting = session.broker.place(session.order(), within: session.window(.seconds(5)))
            // Shorter than the limit's interval, which began before.
            let outcome = await session.broker.cancel(reference, within: session.window(.seconds(5)))
            switch outcome {
            case .cancelled, .requested: break
            case .notOpen, .refused, .notSent, .unknown: throw ClauseFailure("placements wait, and the cancel ended as \(outcome)")
            }
            _ = try await waiting
        },
        BrokerClause("BC-19.own-time", "the broker waits by the clock of its context", .behaviour, counted) { session in
            guard let clock = session.clock as? CountingClock else { throw ClauseFailure("the clause got another clock") }
            let isWaiting = try await session.eventually { clock.sleeps > 0 }
            try expect(isWaiting, "it runs, and never asked its clock to wait")
        },
    ]

    private static let counted: SessionSetup = {
        var setup = SessionSetup()
        setup.makeClock = { CountingClock() }
        return setup
    }()

    private static let limited: SessionSetup = {
        var setup = SessionSetup()
        setup.isLimited = true
        return setup
    }()

    /// Places many orders at once, each with a window that ends before the limit's next one begins.
    private static func flood(_ session: VenueSession, with count: Int) async throws -> [PlaceOutcome] {
        let orders = try (0..<count).map { _ in try session.order(quantity: session.profile.partialQuantity) }
        return await withTaskGroup(of: PlaceOutcome.self) { group in
            for order in orders { group.addTask { await session.broker.place(order, within: session.window(.seconds(2))) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }
}

/// The machine's clock, with a count of what waited by it.
final class CountingClock: TradingClock {
    private let machine = SystemClock()
    private let count = Atomic(0)
    var sleeps: Int { count.load(ordering: .relaxed) }
    var wallTime: Timestamp { machine.wallTime }
    var monotonic: MonotonicInstant { machine.monotonic }
    func sleep(for duration: Duration) async throws {
        count.add(1, ordering: .relaxed)
        try await machine.sleep(for: duration)
    }
}
