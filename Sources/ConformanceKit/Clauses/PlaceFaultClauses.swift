import BrokerContract
import TradingModel

/// BC-04, BC-06, BC-10: a placement under every fault of the wire.
enum PlaceFaultClauses {
    static let all: [BrokerClause] = (FaultCatalogue.requests + FaultCatalogue.replies).map(clause) + connections

    private static func clause(_ entry: FaultCatalogue.Entry) -> BrokerClause {
        clause(entry, "BC-06.place.\(entry.name)", "a placement that \(entry.title)", entry.needsPatience ? .impatient : SessionSetup())
    }

    static func clause(_ entry: FaultCatalogue.Entry, _ id: String, _ subject: String, _ setup: SessionSetup) -> BrokerClause {
        BrokerClause(id, "\(subject) is reported as what is known, once, and a lookup tells the truth", .wireFault, setup) { session in
            let order = try session.order()
            _ = try session.plan(entry.fault(session.profile), on: .place)
            let outcome = await session.place(order)
            if entry.endsWell {
                guard case .accepted = outcome else { throw ClauseFailure("the whole reply came, but the outcome is \(outcome)") }
            } else {
                try expectDoubt(outcome)
            }
            try await expectOnce(order, in: session)
        }
    }

    /// Bytes were out and no listed answer came: nothing but unknown is true.
    static func expectDoubt(_ outcome: PlaceOutcome) throws {
        guard case .unknown(_, let evidence) = outcome else { throw ClauseFailure("bytes were out and nothing is known, but the outcome is \(outcome)") }
        try expect(evidence.mayHaveLeft, "the evidence denies that bytes may have left")
    }

    static func expectOnce(_ order: NewOrder, in session: VenueSession) async throws {
        let sent = session.sent(.place)
        try expect(sent <= 1, "\(sent) placements were sent")
        let taken = try await session.taken(order.clientOrderID).count
        try expect(taken <= 1, "the venue has the order \(taken) times")
        try await session.expectTruth(session.reference(order))
    }

    /// Faults before the first byte of the request.
    private static let connections: [BrokerClause] = [
        BrokerClause("BC-06.place.refused", "a placement whose connection is refused was not sent", .wireFault) { session in
            guard let rest = session.rest else { throw ClauseAbsent("the broker has no wire") }
            await rest.refuse()
            try await SystemClock().sleep(for: .milliseconds(150))
            var last: PlaceOutcome?
            for _ in 0..<3 {
                let order = try session.order()
                last = await session.place(order)
                try expectNoClaim(last)
                let taken = try await session.taken(order.clientOrderID)
                try expect(taken.isEmpty, "the venue has an order that could not reach it")
                if case .notSent = last { break }
            }
            guard case .notSent = last else { throw ClauseFailure("nothing listens, but the outcome is \(String(describing: last))") }
        },
        BrokerClause("BC-06.place.cut-on-connect", "a placement whose new connection is cut at once is not claimed", .wireFault) { session in
            try await cutConnection(session, afterBytes: 0)
        },
        BrokerClause("BC-06.place.cut-in-handshake", "a placement whose new connection is cut after its first bytes is not claimed", .wireFault) {
            session in try await cutConnection(session, afterBytes: 64)
        },
        BrokerClause("BC-05.place.jammed", "a placement that cannot connect before its window closes sends no byte", .wireFault) { session in
            guard let rest = session.rest else { throw ClauseAbsent("the broker has no wire") }
            try await rest.jam()
            try await SystemClock().sleep(for: .milliseconds(150))
            let order = try session.order()
            let before = session.sent(.place)
            async let placed = session.broker.place(order, within: session.window(.milliseconds(400)))
            try await SystemClock().sleep(for: .milliseconds(600))
            await rest.refuse()
            try await rest.listen()
            let outcome = await placed
            guard case .notSent = outcome else { throw ClauseFailure("no connection came about in time, but the outcome is \(outcome)") }
            try await SystemClock().sleep(for: .milliseconds(1500))
            try expect(session.sent(.place) == before, "the placement went out after its window had closed")
            let taken = try await session.taken(order.clientOrderID)
            try expect(taken.isEmpty, "the venue got an order after its window had closed")
        },
    ]

    private static func cutConnection(_ session: VenueSession, afterBytes count: Int) async throws {
        guard let rest = session.rest else { throw ClauseAbsent("the broker has no wire") }
        await rest.dropConnections()
        try await SystemClock().sleep(for: .milliseconds(100))
        rest.cutNextConnection(afterBytes: count)
        let order = try session.order()
        try expectNoClaim(await session.place(order))
        rest.clearFaults()
        try await expectOnce(order, in: session)
    }

    static func expectNoClaim(_ outcome: PlaceOutcome?) throws {
        switch outcome {
        case .accepted, .refused: throw ClauseFailure("the venue was not reached, but the outcome is \(String(describing: outcome))")
        case .notSent, .unknown, nil: return
        }
    }
}
