import StoreContract
import TradingModel

/// SC-04: how many signals fit into a time.
enum StoreRateClauses {
    private static let rule = RateRule(key: "tv", limit: 2, interval: .seconds(10))

    private static func admit(_ session: StoreSession, _ name: String, after seconds: Int64, _ rule: RateRule = rule) async throws -> AdmissionResult {
        try await session.store.admit(
            Admission(
                signal: session.signal(name, at: StoreSession.start + .seconds(seconds)), orders: [], window: .zero, rate: rule))
    }

    static let all: [StoreClause] = [
        StoreClause("SC-04.window", "the rate is an exact sliding window, and a duplicate costs no slot") { session in
            let steps: [(String, Int64, AdmissionResult)] = [
                ("1", 0, .admitted), ("1", 1, .duplicate(first: "sig-1", StoredAnswer(status: 202, body: "answer-1"))), ("2", 4, .admitted),
                ("3", 9, .rateLimited(retryAfter: .seconds(1))), ("3", 10, .admitted), ("4", 11, .rateLimited(retryAfter: .seconds(3))),
                ("4", 14, .admitted),
            ]
            for (name, seconds, expected) in steps {
                let result = try await admit(session, name, after: seconds)
                try expect(result == expected, "signal \(name) after \(seconds) s: \(result)")
            }
            let stored = try await session.place.count("signals")
            try expect(stored == 4, "\(stored) signals are stored")
        },
        StoreClause("SC-04.keys", "one key's signals cost nothing under another") { session in
            for (number, key) in ["a", "b", "a", "b"].enumerated() {
                let result = try await admit(session, "\(number)", after: 0, RateRule(key: key, limit: 2, interval: .seconds(10)))
                try expect(result == .admitted, "\(result)")
            }
            let result = try await admit(session, "more", after: 0, RateRule(key: "a", limit: 2, interval: .seconds(10)))
            try expect(result == .rateLimited(retryAfter: .seconds(10)), "\(result)")
        },
        StoreClause("SC-04.at-once", "of fifty signals at once over two processes exactly as many as fit are admitted") { session in
            try await session.withSecond { second in
                let rule = RateRule(key: "tv", limit: 10, interval: .seconds(10))
                let results = await session.atOnce(50) { number in
                    try await (number % 2 == 0 ? session.store : second).admit(
                        Admission(signal: session.signal("\(number)"), orders: [session.order("\(number)")], window: .zero, rate: rule))
                }
                if let error = results.firstError() { throw ClauseFailure("an admission failed: \(error)") }
                let admitted = results.successes().count { $0 == .admitted }
                let orders = try await session.place.count("orders")
                try expect(admitted == 10 && orders == 10, "\(admitted) were admitted, \(orders) orders are stored")
            }
        },
        StoreClause("SC-04.clock-back", "a wall clock that is set back blocks for no longer than the interval") { session in
            for name in ["1", "2"] { _ = try await admit(session, name, after: 86400) }
            let result = try await admit(session, "3", after: 0)
            try expect(result == .admitted, "\(result)")
        },
        StoreClause("SC-04.refused-is-free", "an admission that is refused gives its slot back") { session in
            let rule = RateRule(key: "tv", limit: 1, interval: .seconds(10))
            var order = session.order("a")
            order.limitPrice = nil
            let broken = Admission(signal: session.signal("a"), orders: [order], window: .zero, rate: rule)
            try await session.expectFailure(.refused, "an incomplete order") { _ = try await session.store.admit(broken) }
            let result = try await admit(session, "b", after: 0, rule)
            try expect(result == .admitted, "\(result)")
        },
        StoreClause("SC-04.limit-of-none", "a limit of zero admits nothing") { session in
            let result = try await admit(session, "a", after: 0, RateRule(key: "tv", limit: 0, interval: .seconds(10)))
            try expect(result == .rateLimited(retryAfter: .seconds(10)), "\(result)")
        },
        StoreClause("SC-04.broken-limiter", "a failing rate table stores nothing and is told apart") { session in
            try await session.place.execute("DROP TABLE rate_events")
            var admission = Admission(signal: session.signal("a"), orders: [session.order("a")], window: .zero, rate: rule)
            try await session.expectFailure(.limiterUnavailable, "a limited admission") { _ = try await session.store.admit(admission) }
            let stored = try await session.place.count("signals")
            try expect(stored == 0, "the signal is stored")
            admission.rate = nil
            let result = try await session.store.admit(admission)
            try expect(result == .admitted, "without a rule: \(result)")
        },
    ]
}
