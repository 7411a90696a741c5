import BrokerContract
import TradingModel

/// BC-23: stop and target for what is held already.
enum ExitPairClauses {
    static let all: [BrokerClause] =
        [
            clause("rests", "both legs rest under their derived ids with their prices, in lookups, lists and on the stream, by one request") { session in
                let since = SystemClock().wallTime - .seconds(60)
                let pair = try await held(session)
                let outcome = await session.broker.placeExitPair(pair, within: session.window())
                guard case .accepted(let report, _, _) = outcome else { throw ClauseFailure("a good pair was not accepted: \(outcome)") }
                try expect(report.clientOrderID == nil || report.clientOrderID == pair.id.leg(.stopLoss), "the acceptance names \(report.clientOrderID?.rawValue ?? "")")
                try expect(session.rest == nil || session.sent(.exitPair) == 1, "\(session.sent(.exitPair)) requests were sent")
                for role in BracketRole.allCases {
                    let id = pair.id.leg(role)
                    let isWorking = try await session.eventually { try await found(role, of: pair, in: session).status == .accepted }
                    let report = try await found(role, of: pair, in: session)
                    try expect(isWorking, "the \(role.rawValue) leg is \(report.status.rawValue), not accepted")
                    try expectTerms(report, of: role, pair)
                    let open = try await session.broker.openOrders().filter { $0.clientOrderID == id }
                    try expect(open.count == 1, "the \(role.rawValue) leg is \(open.count) times among the open orders")
                    let past = try await session.broker.orderHistory(pair.symbol, since: since).filter { $0.clientOrderID == id }
                    try expect(past.count == 1, "the \(role.rawValue) leg is \(past.count) times in the history")
                    guard session.broker.capabilities.hasStream else { continue }
                    let isTold = try await session.events.wait { if case .order(let report) = $0 { report.clientOrderID == id } else { false } }
                    try expect(isTold, "the stream did not tell the \(role.rawValue) leg under \(id)")
                    for report in session.events.reports where report.clientOrderID == id { try expectTerms(report, of: role, pair) }
                }
                let named = try await session.taken(pair.id)
                try expect(named.isEmpty, "an order bears the id of the pair")
            },
            clause("target-fills", "when the target fills, its fills are told and read under its id, and the stop is cancelled") { session in
                try await fills(.takeProfit, at: session.profile.stopLimitBuyPrice, in: session)
            },
            clause("stop-fills", "when the stop fills, its fills are told and read under its id, and the target is cancelled") { session in
                try await fills(.stopLoss, at: session.profile.marketPrice - session.profile.trailingDistance, in: session)
            },
            clause("cancelled-by-id", "a leg is cancelled by its derived id") { session in
                let pair = try await placed(session)
                switch await session.broker.cancel(reference(.takeProfit, pair), within: session.window()) {
                case .cancelled(let report, _): try expect(report?.clientOrderID == nil || report?.clientOrderID == pair.id.leg(.takeProfit), "the report names another order")
                case .requested: break
                case let outcome: throw ClauseFailure("an open leg's cancel ended as \(outcome)")
                }
                try await expectCancelled(.takeProfit, of: pair, in: session)
            },
            clause("wrong-way", "a stop that the price has passed leaves nothing behind") { session in
                let market = session.profile.marketPrice
                let pair = try await held(session, stop: market + session.profile.trailingDistance)
                let outcome = await session.broker.placeExitPair(pair, within: session.window())
                switch outcome {
                case .refused, .notSent(.invalid, _): break
                case .accepted, .unknown, .notSent: throw ClauseFailure("the stop is above the market, but the outcome is \(outcome)")
                }
                let open = try await session.venue.controls.orders().filter { !$0.status.isTerminal }
                try expect(open.isEmpty, "a refused pair left \(open.count) orders")
            },
            clause("at-once", "the same pair placed twice at once is at the venue once") { session in
                let pair = try await held(session)
                async let first = session.broker.placeExitPair(pair, within: session.window())
                async let second = session.broker.placeExitPair(pair, within: session.window())
                let outcomes = [await first, await second]
                try expect(outcomes.contains { if case .accepted = $0 { true } else { false } }, "none was accepted: \(outcomes)")
                try await expectOnce(pair, in: session)
            },
            clause("closed-window", "a pair after its window sends no byte") { session in
                let pair = try await held(session)
                let outcome = await session.broker.placeExitPair(pair, within: session.window(.zero))
                guard case .notSent(.windowClosed, _) = outcome else { throw ClauseFailure("the window was closed, but the outcome is \(outcome)") }
                try expect(session.sent(.exitPair) == 0, "a byte left after the window")
            },
            clause("cancelled-before", "a caller that is cancelled before the first byte gets notSent") { session in
                let pair = try await held(session)
                let outcome = await withTaskGroup(of: PlaceOutcome.self) { group in
                    group.cancelAll()
                    group.addTask { await session.broker.placeExitPair(pair, within: session.window()) }
                    return await group.next()
                }
                guard case .notSent(.cancelled, _)? = outcome else { throw ClauseFailure("the caller was cancelled, but the outcome is \(String(describing: outcome))") }
                try expect(session.sent(.exitPair) == 0, "a byte left for a caller that was cancelled")
            },
        ] + FaultCatalogue.essentials.map(fault)

    private static func fault(_ entry: FaultCatalogue.Entry) -> BrokerClause {
        clause(
            entry.name, "a pair that \(entry.title) is reported as what is known, once, and lookups of its legs tell the truth", .wireFault,
            entry.needsPatience ? .impatient : SessionSetup()
        ) { session in
            let pair = try await held(session)
            _ = try session.plan(entry.fault(session.profile), on: .exitPair)
            let outcome = await session.broker.placeExitPair(pair, within: session.window())
            if entry.endsWell {
                guard case .accepted = outcome else { throw ClauseFailure("the whole reply came, but the outcome is \(outcome)") }
            } else {
                try PlaceFaultClauses.expectDoubt(outcome)
            }
            try expect(session.sent(.exitPair) == 1, "\(session.sent(.exitPair)) requests were sent")
            try await expectOnce(pair, in: session)
        }
    }

    /// With the capability the check; without it the refusal, and no byte.
    private static func clause(
        _ name: String, _ title: String, _ kind: BrokerClause.Kind = .capability, _ setup: SessionSetup = SessionSetup(),
        _ check: @escaping @Sendable (VenueSession) async throws -> Void
    ) -> BrokerClause {
        BrokerClause("BC-23.pair.\(name)", title, kind, setup) { session in
            guard !session.broker.capabilities.canPlaceExitPair else { return try await check(session) }
            let commands = session.commandsSent
            let outcome = await session.broker.placeExitPair(try pair(session), within: session.window())
            guard case .notSent(.unsupported, _) = outcome else { throw ClauseFailure("exit pairs are not declared, but the outcome is \(outcome)") }
            try expect(session.commandsSent == commands, "a byte left for what is not supported")
            throw ClauseAbsent("no exit pairs, and they are refused before a byte leaves")
        }
    }

    // MARK: Making

    /// To leave a part of a long position of the ordinary quantity, of which a fee may have been taken.
    private static func pair(_ session: VenueSession, stop: Price? = nil) throws -> ExitPair {
        let profile = session.profile
        return try ExitPair(
            id: session.mintID(), symbol: profile.symbol, side: .sell, quantity: profile.partialQuantity,
            stopLoss: stop ?? profile.marketPrice - profile.trailingDistance, takeProfit: profile.stopBuyPrice)
    }

    /// A pair whose quantity is held.
    private static func held(_ session: VenueSession, stop: Price? = nil) async throws -> ExitPair {
        let entry = try session.order(.market)
        try await session.accepted(entry)
        let isFilled = try await session.eventually { try await session.taken(entry.clientOrderID).last?.status == .filled }
        try expect(isFilled, "a market order was not filled")
        return try pair(session, stop: stop)
    }

    private static func placed(_ session: VenueSession) async throws -> ExitPair {
        let pair = try await held(session)
        let outcome = await session.broker.placeExitPair(pair, within: session.window())
        guard case .accepted = outcome else { throw ClauseFailure("a good pair was not accepted: \(outcome)") }
        for role in BracketRole.allCases {
            let isWorking = try await session.eventually { try await found(role, of: pair, in: session).status == .accepted }
            try expect(isWorking, "the \(role.rawValue) leg does not work")
        }
        return pair
    }

    private static func reference(_ role: BracketRole, _ pair: ExitPair) -> OrderReference {
        OrderReference(symbol: pair.symbol, clientOrderID: pair.id.leg(role), venueOrderID: nil)
    }

    // MARK: Judging

    private static func found(_ role: BracketRole, of pair: ExitPair, in session: VenueSession) async throws -> OrderReport {
        let result = try await session.settledLookup(reference(role, pair))
        guard case .found(let report) = result else { throw ClauseFailure("the \(role.rawValue) leg is not found: \(result)") }
        try expect(report.clientOrderID == nil || report.clientOrderID == pair.id.leg(role), "the lookup found \(report.clientOrderID?.rawValue ?? "")")
        return report
    }

    private static func expectTerms(_ report: OrderReport, of role: BracketRole, _ pair: ExitPair) throws {
        try expect(report.side == pair.side && report.symbol == pair.symbol, "the \(role.rawValue) leg is told as a \(report.side.rawValue) of \(report.symbol)")
        try expect(report.quantity == nil || report.quantity == pair.quantity, "the \(role.rawValue) leg has the quantity \(report.quantity?.description ?? "")")
        let told = role == .stopLoss ? report.stopPrice : report.limitPrice
        try expect(told == pair.price(role), "the \(role.rawValue) leg is at \(told?.description ?? "no price"), not \(pair.price(role))")
        let type = report.type
        try expect(role == .takeProfit ? type == .limit : type == .stop || type == .stopLimit, "the \(role.rawValue) leg is told as \(type?.rawValue ?? "no known type")")
    }

    private static func expectCancelled(_ role: BracketRole, of pair: ExitPair, in session: VenueSession) async throws {
        let isCancelled = try await session.eventually { try await found(role, of: pair, in: session).status == .cancelled }
        let report = try await found(role, of: pair, in: session)
        try expect(isCancelled, "the \(role.rawValue) leg is \(report.status.rawValue), not cancelled")
        try expect(report.filledQuantity.isZero, "a cancelled leg is said to have filled \(report.filledQuantity)")
    }

    private static func expectOnce(_ pair: ExitPair, in session: VenueSession) async throws {
        var counts: [Int] = []
        for role in BracketRole.allCases {
            counts.append(try await session.taken(pair.id.leg(role)).count)
            try await session.expectTruth(reference(role, pair))
        }
        try expect(counts == [0, 0] || counts == [1, 1], "the venue has the legs \(counts) times")
    }

    private static func fills(_ role: BracketRole, at price: Price, in session: VenueSession) async throws {
        let pair = try await placed(session)
        try await session.venue.controls.setPrice(price, of: pair.symbol)
        let isFilled = try await session.eventually { try await found(role, of: pair, in: session).status == .filled }
        let report = try await found(role, of: pair, in: session)
        try expect(isFilled, "the price reached the \(role.rawValue) leg, and it is \(report.status.rawValue)")
        let fills = try await session.settledFills(reference(role, pair))
        try expect(fills.reduce(Quantity.zero) { $0 + $1.quantity } == pair.quantity, "the leg's fills do not add up to \(pair.quantity)")
        try expect(fills.allSatisfy { $0.side == pair.side }, "the leg's fills are of the other side")
        let other: BracketRole = role == .stopLoss ? .takeProfit : .stopLoss
        try await expectCancelled(other, of: pair, in: session)
        try expect(try await session.broker.fills(of: reference(other, pair)).isEmpty, "the cancelled leg has the fills of the other one")
        guard session.broker.capabilities.hasStream else { return }
        let ids = Set(fills.map(\.executionID))
        let isTold = try await session.events.wait { if case .fill(let fill) = $0 { ids.contains(fill.executionID) } else { false } }
        try expect(isTold, "the stream did not tell the leg's fill under the query's id")
        let told = session.events.fills.filter { ids.contains($0.executionID) }
        try expect(told.allSatisfy { $0.clientOrderID == nil || $0.clientOrderID == pair.id.leg(role) }, "a fill of the leg is told under another order")
    }
}
