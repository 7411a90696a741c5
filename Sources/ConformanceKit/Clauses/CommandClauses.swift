import BrokerContract
import TradingModel

/// BC-04 to BC-07: what a placement is when the wire works.
enum CommandClauses {
    static let all: [BrokerClause] = [
        BrokerClause("BC-04.one-request", "a placement is one request with the id that it was given") { session in
            let (order, report, _) = try await session.resting()
            try expect(session.rest == nil || session.sent(.place) == 1, "\(session.sent(.place)) placements were sent")
            let taken = try await session.taken(order.clientOrderID)
            try expect(taken.count == 1, "the venue has the order \(taken.count) times")
            try expect(report.clientOrderID == nil || report.clientOrderID == order.clientOrderID, "the report carries another id")
        },
        BrokerClause("BC-04.venue-id", "an acceptance carries the venue's id of this very order") { session in
            let (order, report, _) = try await session.resting()
            let taken = try await session.taken(order.clientOrderID)
            try expect(!report.venueOrderID.rawValue.isEmpty, "the acceptance has no venue id")
            try expect(report.venueOrderID == taken.last?.venueOrderID, "the acceptance names order \(report.venueOrderID)")
        },
        BrokerClause("BC-04.terms", "what the venue got is what was asked, and the report says what the venue has") { session in
            let (order, report, _) = try await session.resting()
            guard let taken = try await session.taken(order.clientOrderID).last else { throw ClauseFailure("the venue has no such order") }
            try expect(taken.symbol == order.symbol && taken.side == order.side, "the venue got another symbol or side")
            try expect(taken.quantity == order.quantity, "the venue got quantity \(taken.quantity)")
            try expect(taken.price == nil || taken.price == order.limitPrice, "the venue got price \(taken.price?.description ?? "")")
            try expect(report.symbol == order.symbol && report.side == order.side, "the report names another symbol or side")
            try expect(report.quantity == nil || report.quantity == order.quantity, "the report says quantity \(report.quantity?.description ?? "")")
            try expect(report.filledQuantity.isZero, "a resting order is reported as filled by \(report.filledQuantity)")
        },
        BrokerClause("BC-04.at-once", "the same order placed twice at once is at the venue once") { session in
            let order = try session.order()
            async let first = session.place(order)
            async let second = session.place(order)
            let outcomes = [await first, await second]
            let taken = try await session.taken(order.clientOrderID).count
            try expect(taken == 1, "the venue has the order \(taken) times")
            try expect(outcomes.contains { if case .accepted = $0 { true } else { false } }, "none was accepted: \(outcomes)")
            let refused = outcomes.contains { if case .refused = $0 { true } else { false } }
            try expect(!refused, "an order that lives was called refused: \(outcomes)")
        },
        BrokerClause("BC-04.resend", "a resend does what the declared deduplication says") { session in try await resend(session) },
        BrokerClause("BC-05.place.closed-window", "a placement after its window sends no byte") { session in
            let order = try session.order()
            let outcome = await session.broker.place(order, within: session.window(.zero))
            guard case .notSent(.windowClosed, let evidence) = outcome else { throw ClauseFailure("the window was closed, but the outcome is \(outcome)") }
            try expect(!evidence.mayHaveLeft, "the evidence says that bytes may have left")
            try await SystemClock().sleep(for: .milliseconds(100))
            try expect(session.sent(.place) == 0, "a byte left after the window")
            let taken = try await session.taken(order.clientOrderID)
            try expect(taken.isEmpty, "the venue got the order")
        },
        BrokerClause("BC-05.cancel.closed-window", "a cancel after its window sends no byte") { session in
            let (_, _, reference) = try await session.resting()
            let outcome = await session.broker.cancel(reference, within: session.window(.zero))
            guard case .notSent(.windowClosed, _) = outcome else { throw ClauseFailure("the window was closed, but the outcome is \(outcome)") }
            try expect(session.sent(.cancel) == 0, "a byte left after the window")
            try await session.expectTruth(reference)
        },
        BrokerClause("BC-05.boot-clock", "the window is read from the context's boot clock", .behaviour, setup(JumpingClock())) { session in
            // The broker's clock is an hour ahead of the one that made the window.
            let outcome = await session.place(try session.order())
            guard case .notSent(.windowClosed, _) = outcome else { throw ClauseFailure("by its clock the window was closed, but the outcome is \(outcome)") }
            try expect(session.sent(.place) == 0, "a byte left after the window")
        },
        BrokerClause("BC-07.cancelled-before", "a caller that is cancelled before the first byte gets notSent") { session in
            let order = try session.order()
            let outcome = await withTaskGroup(of: PlaceOutcome.self) { group in
                group.cancelAll()
                group.addTask { await session.place(order) }
                return await group.next()
            }
            guard case .notSent(.cancelled, _)? = outcome else { throw ClauseFailure("the caller was cancelled, but the outcome is \(String(describing: outcome))") }
            try expect(session.sent(.place) == 0, "a byte left for a caller that was cancelled")
            let taken = try await session.taken(order.clientOrderID)
            try expect(taken.isEmpty, "the venue got the order")
        },
        BrokerClause("BC-07.cancelled-in-flight", "a caller that is cancelled in flight gets unknown, soon", .wireFault, patient) { session in
            let order = try session.order()
            _ = try session.plan(.hang(delivered: true), on: .place)
            let started = SystemClock().monotonic
            let outcome = try await cancelled(session, after: .place) { await session.place(order) }
            try PlaceFaultClauses.expectDoubt(outcome)
            try expect(SystemClock().monotonic - started < .seconds(30), "the cancelled caller had to wait for the time-out")
            try await PlaceFaultClauses.expectOnce(order, in: session)
        },
        BrokerClause("BC-07.cancel-cancelled-in-flight", "a cancel whose caller is cancelled in flight is unknown", .wireFault) { session in
            let (_, _, reference) = try await session.resting()
            _ = try session.plan(.hang(delivered: true), on: .cancel)
            let outcome = try await cancelled(session, after: .cancel) { await session.broker.cancel(reference, within: session.window()) }
            guard case .unknown = outcome else { throw ClauseFailure("bytes were out, but the outcome is \(outcome)") }
            try await session.expectTruth(reference)
        },
        BrokerClause("BC-06.refused", "an order that the venue refuses in listed words is refused") { session in
            guard let quantity = session.profile.unaffordableQuantity else { throw ClauseAbsent("the venue does not refuse in its reply") }
            let order = try session.order(quantity: quantity)
            let outcome = await session.place(order)
            guard case .refused(_, let evidence) = outcome else { throw ClauseFailure("the account cannot pay, but the outcome is \(outcome)") }
            let isListed = session.broker.semantics.definitiveRefusals.contains { entry in
                (entry.code == nil || entry.code == evidence.venueCode) && (entry.httpStatus == nil || entry.httpStatus == evidence.httpStatus)
            }
            try expect(isListed, "the refusal \(evidence.venueCode ?? "") is not on the declared list")
            try await session.expectTruth(session.reference(order))
        },
        BrokerClause("BC-06.contradiction", "a reply about another order is no acceptance", .wireFault) { session in
            let order = try session.order()
            let other = ClauseText.twisted(order.clientOrderID)
            let rest = try session.plan(.rewrite(find: order.clientOrderID.rawValue, with: other.rawValue), on: .place)
            let outcome = await session.place(order)
            guard rest.rewrites > 0 else { throw ClauseAbsent("the venue's reply does not carry the client order id") }
            try PlaceFaultClauses.expectDoubt(outcome)
            try await PlaceFaultClauses.expectOnce(order, in: session)
        },
    ]

    /// The adapter's own time-out comes long after everything else.
    private static let patient = SessionSetup(requestTimeout: .seconds(90))

    private static func setup(_ clock: any TradingClock) -> SessionSetup {
        var setup = SessionSetup()
        setup.makeClock = { clock }
        return setup
    }

    /// Runs the command and cancels its caller once the request is at the proxy.
    private static func cancelled<T: Sendable>(
        _ session: VenueSession, after operation: VenueOperation, _ command: @escaping @Sendable () async -> T
    ) async throws -> T {
        let before = session.sent(operation)
        return try await withThrowingTaskGroup(of: T.self) { group in
            group.addTask { await command() }
            let isOut = try await session.eventually { session.sent(operation) > before }
            try expect(isOut, "the request never left")
            try await SystemClock().sleep(for: .milliseconds(100))
            group.cancelAll()
            guard let outcome = try await group.next() else { throw ClauseFailure("the command never ended") }
            return outcome
        }
    }

    private static func resend(_ session: VenueSession) async throws {
        let (order, report, _) = try await session.resting()
        let outcome = await session.place(order)
        let taken = try await session.taken(order.clientOrderID)
        if case .refused = outcome, taken.count == 1 { throw ClauseFailure("the order lives, but its resend is called refused") }
        switch session.broker.semantics.deduplication {
        case .none: return
        case .amongOpen, .window, .forever:
            try expect(taken.count == 1, "the venue took the resend although deduplication is declared")
            if case .accepted(let again, _, _) = outcome {
                try expect(again.venueOrderID == report.venueOrderID, "the resend is reported as another order")
            }
        }
    }
}

enum ClauseText {
    /// Another id of the same length and form.
    static func twisted(_ id: ClientOrderID) -> ClientOrderID {
        ClientOrderID(String(id.rawValue.dropLast()) + (id.rawValue.hasSuffix("0") ? "1" : "0"))
    }
}

/// A boot clock that is an hour ahead; the wall clock is the machine's.
struct JumpingClock: TradingClock {
    private let machine = SystemClock()
    var wallTime: Timestamp { machine.wallTime }
    var monotonic: MonotonicInstant { machine.monotonic + .seconds(3600) }
    func sleep(for duration: Duration) async throws { try await machine.sleep(for: duration) }
}
