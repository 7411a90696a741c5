import BrokerContract
import TradingModel

/// BC-22: leaving a position by the venue's own command.
enum ClosingClauses {
    static let all: [BrokerClause] =
        [
            clause("long", "a long position is closed by one request, and its order is told under no foreign id") { session in
                try await closes(.buy, in: session)
            },
            clause("short", "a short position is closed by one request, and its order is told under no foreign id") { session in
                guard session.broker.capabilities.canSellShort else { throw ClauseAbsent("selling short is not declared") }
                try await closes(.sell, in: session)
            },
            clause("other-symbol", "a position in another symbol is left alone") { session in
                guard let other = session.profile.other else { throw ClauseAbsent("the venue lists one symbol") }
                try await hold(session.order(.market, quantity: other.quantity, symbol: other.symbol), in: session)
                try await hold(session.order(.market), in: session)
                try await expectRequested(await close(session))
                try await expectFlat(session)
                let kept = try await session.held(other.symbol)
                try expect(kept == other.quantity, "of \(other.symbol) \(kept) is left instead of \(other.quantity)")
            },
            clause("nothing-held", "where nothing is held nothing is traded") { session in
                let outcome = await close(session)
                switch outcome {
                case .refused, .requested: break
                case .notSent, .unknown: throw ClauseFailure("nothing is held, and the outcome is \(outcome)")
                }
                try await SystemClock().sleep(for: .milliseconds(150))
                let traded = try await session.venue.controls.orders().contains { $0.filledQuantity > 0 }
                try expect(!traded, "something was traded although nothing was held")
            },
            clause("at-once", "two closings at once close once") { session in
                try await hold(session.order(.market), in: session)
                async let first = close(session)
                async let second = close(session)
                let outcomes = [await first, await second]
                try expect(outcomes.contains { if case .requested = $0 { true } else { false } }, "none was taken: \(outcomes)")
                try await expectFlat(session)
            },
            clause("not-listed", "a symbol that is not listed sends no byte") { session in
                let outcome = await session.broker.closePosition("NOSUCHTHING", id: session.mintID(), within: session.window())
                guard case .notSent(.invalid, _) = outcome else { throw ClauseFailure("not listed, but the outcome is \(outcome)") }
                try expect(session.sent(.closePosition) == 0, "a byte left for a symbol that is not listed")
            },
            clause("closed-window", "a closing after its window sends no byte") { session in
                try await hold(session.order(.market), in: session)
                let outcome = await close(session, within: .zero)
                guard case .notSent(.windowClosed, let evidence) = outcome else { throw ClauseFailure("the window was closed, but the outcome is \(outcome)") }
                try expect(!evidence.mayHaveLeft, "the evidence says that bytes may have left")
                try await SystemClock().sleep(for: .milliseconds(100))
                try expect(session.sent(.closePosition) == 0, "a byte left after the window")
                try await expectHeld(session)
            },
            clause("cancelled-before", "a caller that is cancelled before the first byte gets notSent") { session in
                try await hold(session.order(.market), in: session)
                let outcome = await withTaskGroup(of: CloseOutcome.self) { group in
                    group.cancelAll()
                    group.addTask { await close(session) }
                    return await group.next()
                }
                guard case .notSent(.cancelled, _)? = outcome else { throw ClauseFailure("the caller was cancelled, but the outcome is \(String(describing: outcome))") }
                try expect(session.sent(.closePosition) == 0, "a byte left for a caller that was cancelled")
            },
            clause("refused", "a closing whose connection is refused was not sent", .wireFault) { session in
                guard let rest = session.rest else { throw ClauseAbsent("the broker has no wire") }
                try await hold(session.order(.market), in: session)
                // What has to be asked before is known from now on.
                _ = try await session.broker.instrument(session.profile.symbol)
                await rest.refuse()
                try await SystemClock().sleep(for: .milliseconds(150))
                var last: CloseOutcome?
                for _ in 0..<3 {
                    let outcome = await close(session)
                    last = outcome
                    switch outcome {
                    case .notSent, .unknown: break
                    case .requested, .refused: throw ClauseFailure("nothing listens, but the outcome is \(outcome)")
                    }
                    if case .notSent = outcome { break }
                }
                guard case .notSent = last else { throw ClauseFailure("nothing listens, but the outcome is \(String(describing: last))") }
                try await expectHeld(session)
            },
        ] + FaultCatalogue.essentials.map(fault)

    private static func fault(_ entry: FaultCatalogue.Entry) -> BrokerClause {
        clause(
            entry.name, "a closing that \(entry.title) is reported as what is known, and closes once at most", .wireFault,
            entry.needsPatience ? .impatient : SessionSetup()
        ) { session in
            try await hold(session.order(.market), in: session)
            _ = try session.plan(entry.fault(session.profile), on: .closePosition)
            let outcome = await close(session)
            switch outcome {
            case .requested: try expect(entry.endsWell, "no readable answer came, but the outcome is \(outcome)")
            case .unknown(_, let evidence):
                try expect(!entry.endsWell, "the whole reply came, but the outcome is \(outcome)")
                try expect(evidence.mayHaveLeft, "the evidence denies that bytes may have left")
            case .refused, .notSent: throw ClauseFailure("bytes were out and nothing is known, but the outcome is \(outcome)")
            }
            try await SystemClock().sleep(for: .milliseconds(100))
            try expect(session.sent(.closePosition) == 1, "\(session.sent(.closePosition)) closings were sent")
            let held = try await session.held(session.profile.symbol)
            try expect(held.isZero || held == session.profile.quantity, "after one closing \(held) is held")
            if case .requested = outcome { try await expectFlat(session) }
        }
    }

    /// With the capability the check; without it the refusal, and no byte.
    private static func clause(
        _ name: String, _ title: String, _ kind: BrokerClause.Kind = .capability, _ setup: SessionSetup = SessionSetup(),
        _ check: @escaping @Sendable (VenueSession) async throws -> Void
    ) -> BrokerClause {
        BrokerClause("BC-22.close.\(name)", title, kind, setup) { session in
            guard !session.broker.capabilities.canClosePosition else {
                try expect(session.broker.capabilities.hasPositions, "closing positions is declared, but there are none")
                return try await check(session)
            }
            let commands = session.commandsSent
            let outcome = await close(session)
            guard case .notSent(.unsupported, let evidence) = outcome else { throw ClauseFailure("closing is not declared, but the outcome is \(outcome)") }
            try expect(!evidence.mayHaveLeft && session.commandsSent == commands, "a byte left for what is not supported")
            throw ClauseAbsent("no command that closes a position, and it is refused before a byte leaves")
        }
    }

    // MARK: Doing

    private static func close(_ session: VenueSession, within length: Duration = .seconds(60)) async -> CloseOutcome {
        await session.broker.closePosition(session.profile.symbol, id: session.mintID(), within: session.window(length))
    }

    /// Places a market order, and waits until the venue and the broker have its position.
    private static func hold(_ order: NewOrder, in session: VenueSession) async throws {
        try await session.accepted(order)
        let wanted = order.side == .buy ? order.quantity : -order.quantity
        let isHeld = try await session.eventually {
            try await session.broker.positions().contains { $0.symbol == order.symbol && $0.quantity == wanted }
        }
        try expect(isHeld, "after a \(order.side.rawValue) the position is not \(wanted)")
    }

    private static func closes(_ side: Side, in session: VenueSession) async throws {
        let since = SystemClock().wallTime - .seconds(60)
        let entry = try session.order(.market, side: side)
        try await hold(entry, in: session)
        let id = session.mintID()
        let outcome = await session.broker.closePosition(session.profile.symbol, id: id, within: session.window())
        let made = try expectRequested(outcome)
        try expect(session.rest == nil || session.sent(.closePosition) == 1, "\(session.sent(.closePosition)) closings were sent")
        try await expectFlat(session)
        let own: @Sendable (Fill) -> Bool = { fill in made.map { fill.venueOrderID == $0 } ?? (fill.side == side.opposite) }
        let areListed = try await session.eventually {
            try await session.broker.fills(session.profile.symbol, since: since).filter(own).reduce(Quantity.zero) { $0 + $1.quantity } == entry.quantity
        }
        let fills = try await session.broker.fills(session.profile.symbol, since: since)
        try expect(areListed, "the fills of the closing order are not in the list by symbol: \(fills)")
        try expect(fills.filter(own).allSatisfy { $0.side == side.opposite }, "the closing order is told as one of the position's side")
        guard session.broker.capabilities.hasStream else { return }
        let isTold = try await session.events.wait { if case .fill(let fill) = $0 { own(fill) } else { false } }
        try expect(isTold, "the stream did not tell a fill of the closing order")
        let ids = session.events.fills.filter(own).map(\.clientOrderID) + session.events.reports.filter { $0.venueOrderID == made }.map(\.clientOrderID)
        try expect(ids.allSatisfy { $0 == nil || $0 == id }, "the closing order is told under the client order ids \(ids)")
    }

    // MARK: Judging

    @discardableResult
    private static func expectRequested(_ outcome: CloseOutcome) throws -> VenueOrderID? {
        guard case .requested(let id, _) = outcome else { throw ClauseFailure("a position is held, but its closing ended as \(outcome)") }
        return id
    }

    /// At the venue and as the broker tells it, and it stays so.
    private static func expectFlat(_ session: VenueSession) async throws {
        let symbol = session.profile.symbol
        let isFlat = try await session.eventually { try await session.held(symbol).isZero }
        let isTold = try await session.eventually { try await !session.broker.positions().contains { $0.symbol == symbol && !$0.quantity.isZero } }
        try await SystemClock().sleep(for: .milliseconds(150))
        let held = try await session.held(symbol)
        try expect(isFlat && held.isZero, "the venue's orders leave \(held)")
        try expect(isTold, "the broker still tells a position")
    }

    private static func expectHeld(_ session: VenueSession) async throws {
        let held = try await session.held(session.profile.symbol)
        try expect(held == session.profile.quantity, "the position was \(session.profile.quantity) and is \(held)")
    }
}

extension VenueSession {
    /// What the account holds by what the venue's orders have filled.
    func held(_ symbol: Symbol) async throws -> Quantity {
        try await venue.controls.orders().filter { $0.symbol == symbol }.reduce(.zero) { sum, order in
            order.side == .buy ? sum + order.filledQuantity : sum - order.filledQuantity
        }
    }
}
