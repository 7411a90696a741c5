import BrokerContract
import TradingModel

/// BC-09: a replacement is treated like a placement; without the capability it is refused before a byte leaves.
enum ReplaceClauses {
    static let all: [BrokerClause] = (FaultCatalogue.requests + FaultCatalogue.replies).map(fault) + [works, closedWindow]

    private static func fault(_ entry: FaultCatalogue.Entry) -> BrokerClause {
        BrokerClause(
            "BC-09.replace.\(entry.name)", "a replacement that \(entry.title) claims nothing and is sent once", .wireFault,
            entry.needsPatience ? .impatient : SessionSetup()
        ) { session in
            let (_, _, reference) = try await session.resting()
            let terms = Replacement(quantity: session.profile.partialQuantity)
            guard session.broker.capabilities.canReplace else { try await expectRefusal(reference, in: session) }
            _ = try session.plan(entry.fault(session.profile), on: .replace)
            let outcome = await session.broker.replace(reference, with: terms, within: session.window())
            switch outcome {
            case .replaced: try expect(entry.endsWell, "no readable answer came, but the outcome is \(outcome)")
            case .unknown: try expect(!entry.endsWell, "the whole reply came, but the outcome is \(outcome)")
            case .cancelledOnly, .notOpen, .refused, .notSent: throw ClauseFailure("bytes were out and nothing is known, but the outcome is \(outcome)")
            }
            let sent = session.sent(.replace)
            try expect(sent == 1, "\(sent) replacements were sent")
        }
    }

    private static let works = BrokerClause("BC-09.replace.works", "a replacement changes the resting order, or is refused as unsupported", .capability) {
        session in
        let (order, _, reference) = try await session.resting()
        guard session.broker.capabilities.canReplace else { try await expectRefusal(reference, in: session) }
        let outcome = await session.broker.replace(
            reference, with: Replacement(quantity: session.profile.partialQuantity), within: session.window())
        guard case .replaced(let report, _) = outcome else { throw ClauseFailure("the replacement ended as \(outcome)") }
        try expect(report.quantity == nil || report.quantity == session.profile.partialQuantity, "the quantity is \(report.quantity?.description ?? "")")
        try expect(report.limitPrice == nil || report.limitPrice == order.limitPrice, "the price that was to stay became another")
        let open = try await session.broker.openOrders().filter { $0.symbol == order.symbol }
        try expect(open.count == 1, "\(open.count) orders are open instead of one")
        let isChanged = try await session.eventually {
            try await session.venue.controls.orders().contains { !$0.status.isTerminal && $0.quantity == session.profile.partialQuantity }
        }
        try expect(isChanged, "the venue has no open order with the new quantity")
    }

    private static let closedWindow = BrokerClause("BC-05.replace.closed-window", "a replacement after its window sends no byte", .capability) { session in
        let (_, _, reference) = try await session.resting()
        guard session.broker.capabilities.canReplace else { try await expectRefusal(reference, in: session) }
        let outcome = await session.broker.replace(
            reference, with: Replacement(quantity: session.profile.partialQuantity), within: session.window(.zero))
        guard case .notSent(.windowClosed, _) = outcome else { throw ClauseFailure("the window was closed, but the outcome is \(outcome)") }
        try expect(session.sent(.replace) == 0, "a byte left after the window")
    }

    /// The other side of the clause: always ends it.
    private static func expectRefusal(_ reference: OrderReference, in session: VenueSession) async throws -> Never {
        let commands = session.commandsSent
        let outcome = await session.broker.replace(
            reference, with: Replacement(quantity: session.profile.partialQuantity), within: session.window())
        guard case .notSent(.unsupported, let evidence) = outcome else { throw ClauseFailure("replace is not declared, but the outcome is \(outcome)") }
        try expect(!evidence.mayHaveLeft && session.commandsSent == commands, "a byte left for what is not supported")
        throw ClauseAbsent("no replacement, and it is refused before a byte leaves")
    }
}
