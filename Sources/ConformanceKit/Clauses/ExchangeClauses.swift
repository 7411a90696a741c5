import BrokerContract
import ExchangeContract
import TradingModel

/// XC-01 to XC-04.
enum ExchangeClauses {
    static let all: [BrokerClause] = [
        BrokerClause("XC-01.balances", "balances are the venue's, with nothing that is zero") { session in
            let balances = try await exchange(session).balances()
            try expect(!balances.isEmpty, "an account with money has no balances")
            try expect(balances.allSatisfy { !$0.available.isZero || !$0.locked.isZero }, "a zero is listed")
            try expect(Set(balances.map(\.asset)).count == balances.count, "an asset is listed twice")
        },
        BrokerClause("XC-01.locked", "what an open order holds is locked, not gone") { session in
            let exchange = try exchange(session)
            let quote = try await exchange.instrument(session.profile.symbol).quote
            let before = try await exchange.balances().first { $0.asset == quote }
            let (order, _, _) = try await session.resting()
            let held = Quantity((order.quantity * (order.limitPrice ?? 0)).value)
            let isLocked = try await session.eventually {
                let after = try await exchange.balances().first { $0.asset == quote }
                guard let before, let after else { return false }
                return after.locked - before.locked >= held && after.available + after.locked == before.available + before.locked
            }
            try expect(isLocked, "the order's \(held) \(quote) are not locked")
        },
        BrokerClause("XC-01.fresh", "balances are asked of the venue each time") { session in
            let exchange = try exchange(session)
            let base = try await exchange.instrument(session.profile.symbol).base
            let before = try await exchange.balances().first { $0.asset == base }?.available ?? .zero
            try await session.accepted(session.order(.market))
            let hasMore = try await session.eventually {
                let after = try await exchange.balances().first { $0.asset == base }?.available ?? .zero
                return after > before
            }
            try expect(hasMore, "after a buy there is no more \(base) than before")
        },
        BrokerClause("XC-02.instruments", "all instruments are listed, with the rules that one has alone") { session in
            let exchange = try exchange(session)
            let all = try await exchange.instruments()
            let one = try await exchange.instrument(session.profile.symbol)
            try expect(all.contains(one), "the list lacks \(one.symbol) or has other rules for it")
            try expect(Set(all.map(\.symbol)).count == all.count, "a symbol is listed twice")
        },
        BrokerClause("XC-03.time", "server time is asked of the venue each time") { session in
            let exchange = try exchange(session)
            let before = session.sent(.time)
            let first = try await exchange.serverTime()
            try await SystemClock().sleep(for: .milliseconds(60))
            let second = try await exchange.serverTime()
            try expect(second - first >= .milliseconds(30), "60 ms later the venue's clock had moved by \(second - first)")
            let off = second - SystemClock().wallTime
            try expect(off > .seconds(-5) && off < .seconds(5), "the venue's clock is off by \(off)")
            if session.rest != nil, session.profile.operations[.time] != nil {
                try expect(session.sent(.time) >= before + 2, "the venue was not asked")
            }
        },
        BrokerClause("XC-03.skew", "a wrong wall clock of ours does not stop orders where the adapter measures the venue's", .behaviour, skewed) { session in
            guard let offset = await session.broker.health.clockOffset, session.rest != nil else { throw ClauseAbsent("the adapter does not measure the venue's clock") }
            try expect(offset < .seconds(-500), "our clock is ten minutes ahead, but the offset is \(offset)")
            try await session.accepted(session.order())
        },
        BrokerClause("XC-04.spends", "an order by quote amount spends no more than that, or is refused before a byte leaves", .capability) { session in
            let order = try quoteOrder(session)
            let outcome = try await exchange(session).place(order, within: session.window())
            try await unlessUnsupported(outcome, session)
            guard case .accepted(let report, _, _) = outcome else { throw ClauseFailure("the order ended as \(outcome)") }
            let taken = try await session.taken(order.clientOrderID)
            try expect(taken.count == 1 && report.filledQuantity > 0, "the venue has \(taken.count) orders, filled \(report.filledQuantity)")
            try expect(report.filledQuantity * session.profile.marketPrice <= order.notional, "more was spent than asked")
        },
        BrokerClause("XC-04.closed-window", "an order by quote amount after its window sends no byte", .capability) { session in
            let outcome = try await exchange(session).place(quoteOrder(session), within: session.window(.zero))
            guard case .notSent = outcome else { throw ClauseFailure("the window was closed, but the outcome is \(outcome)") }
            try expect(session.sent(.place) == 0, "a byte left after the window")
        },
    ] + faults

    private static let faults: [BrokerClause] =
        (FaultCatalogue.requests + FaultCatalogue.replies)
        .filter { ["cut-after-request", "hang-after", "status-504-after", "garbage", "unlisted-400", "cut-request-middle"].contains($0.name) }
        .map { entry in
            BrokerClause(
                "XC-04.\(entry.name)", "an order by quote amount that \(entry.title) is unknown, once", .wireFault,
                entry.needsPatience ? .impatient : SessionSetup()
            ) { session in
                let order = try quoteOrder(session)
                _ = try session.plan(entry.fault(session.profile), on: .place)
                let outcome = try await exchange(session).place(order, within: session.window())
                try await unlessUnsupported(outcome, session)
                try PlaceFaultClauses.expectDoubt(outcome)
                let taken = try await session.taken(order.clientOrderID)
                try expect(session.sent(.place) <= 1 && taken.count <= 1, "sent \(session.sent(.place)) times, taken \(taken.count) times")
            }
        }

    private static let skewed: SessionSetup = {
        var setup = SessionSetup()
        setup.makeClock = { SkewedClock() }
        return setup
    }()

    private static func exchange(_ session: VenueSession) throws -> any Exchange {
        guard let exchange = session.broker as? any Exchange else { throw ClauseFailure("the broker is no exchange") }
        return exchange
    }

    private static func quoteOrder(_ session: VenueSession) throws -> QuoteSizedOrder {
        let notional = session.profile.quantity * session.profile.marketPrice
        return try QuoteSizedOrder(clientOrderID: session.mintID(), symbol: session.profile.symbol, side: .buy, notional: notional)
    }

    private static func unlessUnsupported(_ outcome: PlaceOutcome, _ session: VenueSession) async throws {
        guard case .notSent(.unsupported, _) = outcome else { return }
        try expect(session.sent(.place) == 0, "a byte left for what is not supported")
        throw ClauseAbsent("no orders by quote amount, and they are refused before a byte leaves")
    }
}

/// A wall clock that is ten minutes ahead; the boot clock is the machine's.
struct SkewedClock: TradingClock {
    private let machine = SystemClock()
    var wallTime: Timestamp { machine.wallTime + .seconds(600) }
    var monotonic: MonotonicInstant { machine.monotonic }
    func sleep(for duration: Duration) async throws { try await machine.sleep(for: duration) }
}
