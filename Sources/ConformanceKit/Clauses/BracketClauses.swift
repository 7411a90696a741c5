import BrokerContract
import TradingModel

/// BC-20: an entry with stop loss and take profit, or the refusal of one.
enum BracketClauses {
    static let all: [BrokerClause] = [
        clause("legs-told", "the stream tells each leg under its derived id, with its side and price") { session in
            guard session.broker.capabilities.hasStream else { throw ClauseAbsent("the venue has no stream") }
            let placed = try await entered(session)
            for role in BracketRole.allCases {
                let id = placed.order.clientOrderID.leg(role)
                let isTold = try await session.events.wait { event in
                    guard case .order(let report) = event, report.clientOrderID == id else { return false }
                    return !report.status.isTerminal
                }
                let told = session.events.reports.filter { $0.clientOrderID == id }
                try expect(isTold, "the stream did not tell the \(role.rawValue) leg under \(id)")
                for report in told { try expectTerms(report, of: role, placed) }
            }
            let own = session.events.reports.filter { $0.clientOrderID == placed.order.clientOrderID }
            try expect(own.allSatisfy { $0.side == placed.order.side }, "a leg was told under the id of its entry")
        },
        clause("legs-looked-up", "each leg is found by its derived id alone, is among the open orders and in the history, and has no fill yet") { session in
            let since = SystemClock().wallTime - .seconds(60)
            let waiting = try await session.resting(session.order(bracket: bracket(session)))
            for role in BracketRole.allCases {
                let report = try await found(leg(role, waiting.order), in: session)
                try expect(report.status == .pendingNew, "behind an open entry the \(role.rawValue) leg is \(report.status.rawValue), not pending_new")
            }
            let placed = try await entered(session)
            for role in BracketRole.allCases {
                // What a restart knows, and what it has learnt since.
                for reference in [leg(role, placed.order), leg(role, placed.order, entry: placed.report.venueOrderID)] {
                    let isWorking = try await session.eventually { try await found(reference, in: session).status == .accepted }
                    let report = try await found(reference, in: session)
                    try expect(isWorking, "the \(role.rawValue) leg is \(report.status.rawValue), not accepted")
                    try expectTerms(report, of: role, placed)
                    try expect(report.filledQuantity.isZero, "the \(role.rawValue) leg is filled, and the price never moved")
                    try expect(try await session.broker.fills(of: reference).isEmpty, "the \(role.rawValue) leg has fills of another order")
                }
                let id = placed.order.clientOrderID.leg(role)
                let open = try await session.broker.openOrders().filter { $0.clientOrderID == id }
                try expect(open.count == 1, "the \(role.rawValue) leg is \(open.count) times among the open orders")
                let past = try await session.broker.orderHistory(session.profile.symbol, since: since).filter { $0.clientOrderID == id }
                try expect(past.count == 1, "the \(role.rawValue) leg is \(past.count) times in the history")
            }
        },
        clause("target-fills", "when the target fills, its fills are told and read under its id, and the stop is cancelled") { session in
            try await fills(.takeProfit, at: session.profile.stopLimitBuyPrice, in: session)
        },
        clause("stop-fills", "when the stop fills, its fills are told and read under its id, and the target is cancelled") { session in
            try await fills(.stopLoss, at: stop(session), in: session)
        },
        clause("entry-cancelled", "when the entry is cancelled without a fill, its legs are cancelled with it") { session in
            let (order, _, reference) = try await session.resting(session.order(bracket: bracket(session)))
            _ = await session.broker.cancel(reference, within: session.window())
            let isCancelled = try await session.eventually { if case .found(let report) = await session.broker.lookup(reference) { report.status == .cancelled } else { false } }
            try expect(isCancelled, "the entry was not cancelled")
            for role in BracketRole.allCases { try await expectCancelled(role, of: order, in: session) }
            try await session.venue.controls.setPrice(session.profile.stopLimitBuyPrice, of: session.profile.symbol)
            try await SystemClock().sleep(for: .milliseconds(150))
            let fills = try await session.broker.fills(session.profile.symbol, since: SystemClock().wallTime - .seconds(60))
            try expect(fills.isEmpty, "a leg traded behind an entry that was cancelled")
        },
        clause("legs-cancelled-by-id", "a leg is cancelled by its derived id, and its entry is untouched") { session in
            let placed = try await entered(session)
            let reference = leg(.takeProfit, placed.order, entry: placed.report.venueOrderID)
            _ = try await session.eventually { try await found(reference, in: session).status == .accepted }
            switch await session.broker.cancel(reference, within: session.window()) {
            case .cancelled(let report, _):
                try expect(report?.clientOrderID == nil || report?.clientOrderID == reference.clientOrderID, "the report names another order")
            case .requested: break
            case let outcome: throw ClauseFailure("an open leg's cancel ended as \(outcome)")
            }
            try await expectCancelled(.takeProfit, of: placed.order, in: session)
            try await session.venue.controls.setPrice(session.profile.stopLimitBuyPrice, of: session.profile.symbol)
            try await SystemClock().sleep(for: .milliseconds(150))
            try expect(try await session.broker.fills(of: reference).isEmpty, "a cancelled target traded")
            let entry = try await found(session.reference(placed.report, of: placed.order), in: session)
            try expect(entry.status == .filled, "the entry is \(entry.status.rawValue)")
        },
    ]

    /// With the capability the check; without it the refusal, and no byte.
    private static func clause(_ name: String, _ title: String, _ check: @escaping @Sendable (VenueSession) async throws -> Void) -> BrokerClause {
        BrokerClause("BC-20.\(name)", title, .capability) { session in
            guard !session.broker.capabilities.canBracket else { return try await check(session) }
            let order = try session.order(price: session.profile.crossingBuyPrice, bracket: bracket(session))
            let commands = session.commandsSent
            let outcome = await session.place(order)
            guard case .notSent(.unsupported, _) = outcome else { throw ClauseFailure("brackets are not declared, but the outcome is \(outcome)") }
            try expect(session.commandsSent == commands, "a byte left for what is not supported")
            try expect(try await session.venue.controls.orders().isEmpty, "the entry was sent without its legs")
            throw ClauseAbsent("no brackets, and they are refused before a byte leaves")
        }
    }

    // MARK: Making

    private typealias Placed = (order: NewOrder, report: OrderReport)

    /// A little below the market, so that it is reached without leaving the venue's price band.
    private static func stop(_ session: VenueSession) -> Price { session.profile.marketPrice - session.profile.trailingDistance }

    /// The target lies below ``VenueProfile/stopLimitBuyPrice``, to which a price can be moved that passes it.
    private static func bracket(_ session: VenueSession, stop price: Price? = nil) -> Bracket {
        Bracket(stopLoss: price ?? session.profile.restingBuyPrice - session.profile.trailingDistance, takeProfit: session.profile.stopBuyPrice)
    }

    /// A filled entry with both legs.
    private static func entered(_ session: VenueSession) async throws -> Placed {
        let order = try session.order(price: session.profile.crossingBuyPrice, bracket: bracket(session, stop: stop(session)))
        let report = try await session.accepted(order).report
        let isFilled = try await session.eventually { try await session.taken(order.clientOrderID).last?.status == .filled }
        try expect(isFilled, "an entry above the market was not filled")
        return (order, report)
    }

    private static func leg(_ role: BracketRole, _ order: NewOrder, entry: VenueOrderID? = nil) -> OrderReference {
        OrderReference(
            symbol: order.symbol, clientOrderID: order.clientOrderID.leg(role), venueOrderID: nil,
            leg: .init(role: role, entry: order.clientOrderID, entryVenueOrderID: entry))
    }

    // MARK: Judging

    private static func found(_ reference: OrderReference, in session: VenueSession) async throws -> OrderReport {
        let result = try await session.settledLookup(reference)
        guard case .found(let report) = result else { throw ClauseFailure("\(reference.clientOrderID) is not found: \(result)") }
        try expect(report.clientOrderID == nil || report.clientOrderID == reference.clientOrderID, "the lookup found \(report.clientOrderID?.rawValue ?? "")")
        return report
    }

    private static func expectTerms(_ report: OrderReport, of role: BracketRole, _ placed: Placed) throws {
        try expect(report.side == placed.order.side.opposite, "the \(role.rawValue) leg is told as a \(report.side.rawValue)")
        try expect(report.symbol == placed.order.symbol, "the \(role.rawValue) leg is told for \(report.symbol)")
        // A fee may have been taken out of what the entry bought.
        try expect(report.quantity.map { $0 <= placed.order.quantity && $0 > 0 } ?? true, "the \(role.rawValue) leg has the quantity \(report.quantity?.description ?? "")")
        let price = placed.order.bracket?.price(role)
        switch role {
        case .stopLoss:
            try expect(report.type == .stop || report.type == .stopLimit, "the stop loss is told as \(report.type?.rawValue ?? "no known type")")
            try expect(report.stopPrice == price, "the stop loss triggers at \(report.stopPrice?.description ?? "no price"), not \(price?.description ?? "")")
        case .takeProfit:
            try expect(report.type == .limit, "the take profit is told as \(report.type?.rawValue ?? "no known type")")
            try expect(report.limitPrice == price, "the take profit is at \(report.limitPrice?.description ?? "no price"), not \(price?.description ?? "")")
        }
    }

    private static func expectCancelled(_ role: BracketRole, of order: NewOrder, in session: VenueSession) async throws {
        let reference = leg(role, order)
        let isCancelled = try await session.eventually { try await found(reference, in: session).status == .cancelled }
        let report = try await found(reference, in: session)
        try expect(isCancelled, "the \(role.rawValue) leg is \(report.status.rawValue), not cancelled")
        try expect(report.filledQuantity.isZero, "a cancelled leg is said to have filled \(report.filledQuantity)")
        let isOpen = try await session.broker.openOrders().contains { $0.clientOrderID == reference.clientOrderID }
        try expect(!isOpen, "a cancelled leg is among the open orders")
    }

    private static func fills(_ role: BracketRole, at price: Price, in session: VenueSession) async throws {
        let since = SystemClock().wallTime - .seconds(60)
        let placed = try await entered(session)
        let reference = leg(role, placed.order, entry: placed.report.venueOrderID)
        _ = try await session.eventually { try await found(reference, in: session).status == .accepted }
        try await session.venue.controls.setPrice(price, of: session.profile.symbol)
        let isFilled = try await session.eventually { try await found(reference, in: session).status == .filled }
        let report = try await found(reference, in: session)
        try expect(isFilled, "the price reached the \(role.rawValue) leg, and it is \(report.status.rawValue)")
        try expect(report.filledQuantity > 0 && report.filledQuantity <= placed.order.quantity, "the leg says that it filled \(report.filledQuantity)")
        let fills = try await session.settledFills(reference)
        try expect(fills.reduce(Quantity.zero) { $0 + $1.quantity } == report.filledQuantity, "the leg's fills do not add up to \(report.filledQuantity)")
        try expect(fills.allSatisfy { $0.side == placed.order.side.opposite }, "the leg's fills are of the entry's side")
        let other: BracketRole = role == .stopLoss ? .takeProfit : .stopLoss
        try await expectCancelled(other, of: placed.order, in: session)
        try expect(try await session.broker.fills(of: leg(other, placed.order)).isEmpty, "the cancelled leg has the fills of the other one")
        let ids = Set(fills.map(\.executionID))
        let listed = try await session.broker.fills(session.profile.symbol, since: since).filter { ids.contains($0.executionID) }
        try expect(listed.count == ids.count, "the leg's fills are \(listed.count) times in the list by symbol")
        try expect(listed.allSatisfy { $0.clientOrderID == nil || $0.clientOrderID == reference.clientOrderID }, "a fill of the leg is listed under another order")
        guard session.broker.capabilities.hasStream else { return }
        let isTold = try await session.events.wait { event in
            guard case .order(let report) = event else { return false }
            return report.clientOrderID == reference.clientOrderID && report.status == .filled
        }
        try expect(isTold, "the stream did not tell that the leg was filled")
        let areTold = try await session.events.wait { if case .fill(let fill) = $0 { ids.contains(fill.executionID) } else { false } }
        try expect(areTold, "the stream did not tell the leg's fill under the query's id")
        let told = session.events.fills.filter { ids.contains($0.executionID) }
        try expect(told.allSatisfy { $0.clientOrderID == nil || $0.clientOrderID == reference.clientOrderID }, "a fill of the leg is told under another order")
    }
}
