import RateLimitContract
import TradingModel

/// The limiter of one check.
public struct RateLimitSite: Sendable {
    /// A further handle on the same limits, as another process would have one.
    public var open: @Sendable () async throws -> any RateLimiter
    /// Ends the server, and starts it again; nil where there is none.
    public var stop: (@Sendable () async throws -> Void)?
    public var start: (@Sendable () async throws -> Void)?
    public init(
        stop: (@Sendable () async throws -> Void)? = nil, start: (@Sendable () async throws -> Void)? = nil,
        open: @escaping @Sendable () async throws -> any RateLimiter
    ) {
        self.open = open
        self.stop = stop
        self.start = start
    }
}

/// One clause of the rate limit contract: an independent check with a fresh limiter.
public struct RateLimitClause: Sendable, Identifiable, CustomStringConvertible {
    /// For example `RL-02.slides`.
    public let id: String
    /// One sentence.
    public let title: String
    let body: @Sendable (RateLimitSite) async throws -> Void

    init(_ id: String, _ title: String, _ body: @escaping @Sendable (RateLimitSite) async throws -> Void) {
        self.id = id
        self.title = title
        self.body = body
    }

    public var description: String { id }

    /// Checks the clause. Never throws: whatever goes wrong is a failure with its reason.
    ///
    /// - Parameter withSite: Starts what is needed, hands it over, and ends it afterwards.
    public func check(
        _ withSite: @Sendable (_ body: @escaping @Sendable (RateLimitSite) async throws -> Void) async throws -> Void
    ) async -> ClauseResult {
        do {
            try await withSite(body)
            return .passed
        } catch let absent as ClauseAbsent {
            return .absent(absent.description)
        } catch let failure as ClauseFailure {
            return .failed(failure.description)
        } catch {
            return .failed("\(ClauseResult.unexpected)\(error)")
        }
    }
}

/// The clauses of `RateLimitContract`, as arguments of one parameterised test.
public enum RateLimitConformance {
    public static let clauses: [RateLimitClause] = [
        RateLimitClause("RL-01.burst", "of many requests at once exactly as many are taken as the limit says") { site in
            let limiter = try await site.open()
            let rule = RateRule(key: "rate_limit:tv:203.0.113.7", limit: 7, interval: .seconds(600))
            let taken = try await takenAtOnce([limiter], rule, 60)
            try expect(taken == 7, "\(taken) were taken")
        },
        RateLimitClause("RL-01.none", "a limit of none refuses everything") { site in
            let rule = RateRule(key: "k", limit: 0, interval: .seconds(600))
            guard case .refused(let wait) = try await site.open().take(rule) else { throw ClauseFailure("taken") }
            try expect(wait > .zero && wait <= rule.interval, "try again after \(wait)")
        },
        RateLimitClause("RL-02.slides", "each slot is free again one interval after it was taken, and not earlier") { site in
            let limiter = try await site.open()
            let clock = SystemClock()
            let rule = RateRule(key: "k", limit: 2, interval: .milliseconds(700))
            var asked: [MonotonicInstant] = []
            for round in 0..<2 {
                asked.append(clock.monotonic)
                guard try await isTaken(limiter, rule) else { throw ClauseFailure("slot \(round) was refused") }
                try await clock.sleep(for: .milliseconds(250))
            }
            for first in asked {
                try await takeSoon(limiter, rule)
                let passed = clock.monotonic - first
                try expect(passed >= rule.interval, "free again after \(passed)")
            }
        },
        RateLimitClause("RL-03.refused", "refused requests take no slot: who was refused is served when a slot is free") { site in
            let limiter = try await site.open()
            let rule = RateRule(key: "k", limit: 1, interval: .milliseconds(300))
            for _ in 0..<3 {
                // Were a refusal to count, asking each 20 ms would never be served.
                try await takeSoon(limiter, rule)
            }
        },
        RateLimitClause("RL-04.given-back", "a slot that was given back is free at once, and only once") { site in
            let limiter = try await site.open()
            let rule = RateRule(key: "k", limit: 2, interval: .seconds(600))
            guard case .taken(let slot) = try await limiter.take(rule), case .taken = try await limiter.take(rule),
                case .refused = try await limiter.take(rule)
            else { throw ClauseFailure("two slots were not two") }
            await limiter.giveBack(slot)
            await limiter.giveBack(slot)
            guard case .taken(let next) = try await limiter.take(rule) else { throw ClauseFailure("not free") }
            await limiter.giveBack(slot)
            guard case .refused = try await limiter.take(rule) else { throw ClauseFailure("giving back twice freed another's slot") }
            try expect(next != slot, "a slot's name was given twice")
        },
        RateLimitClause("RL-05.keys", "keys do not touch each other") { site in
            let limiter = try await site.open()
            for key in ["rate_limit:a:1.1.1.1", "rate_limit:a:1.1.1.10", "rate_limit:b:1.1.1.1", "*", "", "é \" '"] {
                let taken = try await takenAtOnce([limiter], RateRule(key: "\(key)", limit: 1, interval: .seconds(600)), 3)
                try expect(taken == 1, "\(taken) of \(key) were taken")
            }
        },
        RateLimitClause("RL-06.shared", "handles count together") { site in
            let handles = [try await site.open(), try await site.open(), try await site.open(), try await site.open()]
            guard handles[0].capabilities.isShared else { throw ClauseAbsent("each process limits for itself") }
            let rule = RateRule(key: "k", limit: 5, interval: .seconds(600))
            let taken = try await takenAtOnce(handles, rule, 40)
            try expect(taken == 5, "\(taken) were taken")
            // Also given back by another than who took it.
            guard case .refused = try await handles[0].take(rule) else { throw ClauseFailure("taken beyond the limit") }
        },
        RateLimitClause("RL-07.outage", "without a server nothing is taken, and the handle works again by itself") { site in
            guard let stop = site.stop, let start = site.start else { throw ClauseAbsent("there is no server") }
            let limiter = try await site.open()
            let rule = RateRule(key: "k", limit: 1000, interval: .seconds(600))
            guard case .taken = try await limiter.take(rule) else { throw ClauseFailure("refused") }
            try await stop()
            for _ in 0..<3 {
                if let decision = try? await limiter.take(rule) { throw ClauseFailure("without a server the answer is \(decision)") }
            }
            try await start()
            try await eventually("works again") { (try? await isTaken(limiter, rule)) == true }
        },
    ]

    /// Asks for a slot, and looks at what a refusal says.
    ///
    /// Never inlined: the optimiser of Swift 6.3 ends with a bad pointer where it splits a coroutine that this is part of.
    @inline(never)
    private static func isTaken(_ limiter: any RateLimiter, _ rule: RateRule) async throws -> Bool {
        guard case .refused(let wait) = try await limiter.take(rule) else { return true }
        try expect(wait > .zero && wait <= rule.interval, "try again after \(wait)")
        return false
    }

    /// Asks again and again until a slot was taken.
    private static func takeSoon(_ limiter: any RateLimiter, _ rule: RateRule) async throws {
        try await eventually("a slot is free") { try await isTaken(limiter, rule) }
    }

    private static func takenAtOnce(_ handles: [any RateLimiter], _ rule: RateRule, _ number: Int) async throws -> Int {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<number {
                group.addTask { if case .taken = try await handles[index % handles.count].take(rule) { true } else { false } }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
    }
}
