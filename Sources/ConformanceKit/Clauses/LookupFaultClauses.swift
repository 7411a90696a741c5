import BrokerContract
import TradingModel

/// BC-10 to BC-13: queries under the faults of the wire. What could not be read is an error, never "nothing there".
enum LookupFaultClauses {
    static let all: [BrokerClause] = (FaultCatalogue.requests + FaultCatalogue.replies).map(lookup) + lists

    private static func lookup(_ entry: FaultCatalogue.Entry) -> BrokerClause {
        BrokerClause(
            "BC-10.lookup.\(entry.name)", "a lookup that \(entry.title) proves nothing, and the next one tells the truth", .wireFault,
            entry.needsPatience ? .impatient : SessionSetup()
        ) { session in
            let (_, report, reference) = try await session.resting()
            if case .none = session.broker.semantics.lookup {
                try await session.expectTruth(reference)
                throw ClauseAbsent("no lookup by client order id is declared, and none is claimed")
            }
            _ = try session.plan(entry.fault(session.profile), on: .lookup)
            let result = await session.broker.lookup(reference)
            switch result {
            case .indeterminate: try expect(!entry.endsWell, "the whole reply came, but the lookup says \(result)")
            // An adapter may ask again: a query has no effect.
            case .found(let found): try expect(found.venueOrderID == report.venueOrderID, "the lookup found another order")
            case .notFound: throw ClauseFailure("an error is no answer, but the lookup says \(result)")
            }
            try await session.expectTruth(reference)
        }
    }

    private static let listFaults = ["cut-reply-body", "hang-after", "status-503-before", "unlisted-400", "garbage", "empty-body", "giant"]

    private static let lists: [BrokerClause] =
        queries("BC-11.open-orders", .openOrders) { session in try await session.broker.openOrders().count }
        + queries("BC-12.history", .history) { session in
            try await session.broker.orderHistory(session.profile.symbol, since: SystemClock().wallTime - .seconds(3600)).count
        }
        + queries("BC-13.fills", .fills) { session in
            try await session.broker.fills(session.profile.symbol, since: SystemClock().wallTime - .seconds(3600)).count
        }

    /// The query under each fault: an error, or the whole list, never less.
    private static func queries(
        _ prefix: String, _ operation: VenueOperation, _ count: @escaping @Sendable (VenueSession) async throws -> Int
    ) -> [BrokerClause] {
        (FaultCatalogue.requests + FaultCatalogue.replies).filter { listFaults.contains($0.name) }.map { entry in
            BrokerClause(
                "\(prefix).\(entry.name)", "a list that \(entry.title) is an error, never a shorter list", .wireFault,
                entry.needsPatience ? .impatient : SessionSetup()
            ) { session in
                _ = try await session.resting()
                _ = try await session.accepted(session.order(.market))
                let whole = try await session.settled { try await count(session) }
                try expect(whole > 0, "the list is empty although there is something")
                _ = try session.plan(entry.fault(session.profile), on: operation)
                do {
                    let rows = try await count(session)
                    try expect(rows == whole, "\(rows) of \(whole) rows were returned as the whole list")
                } catch is BrokerError {}
            }
        }
    }
}

extension VenueSession {
    /// Asks again while the venue's queries lag behind its replies, to the end of the declared horizon.
    func settled(_ count: @escaping @Sendable () async throws -> Int) async throws -> Int {
        var last = try await count()
        for _ in 0..<20 where last == 0 {
            try await SystemClock().sleep(for: .milliseconds(100))
            last = try await count()
        }
        return last
    }
}
