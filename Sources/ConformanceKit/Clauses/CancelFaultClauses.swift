import BrokerContract
import TradingModel

/// BC-08: a cancel under every fault of the wire.
enum CancelFaultClauses {
    static let all: [BrokerClause] =
        (FaultCatalogue.requests + FaultCatalogue.replies).map(clause) + [
            BrokerClause("BC-08.cancel.refused", "a cancel whose connection is refused was not sent", .wireFault) { session in
                guard let rest = session.rest else { throw ClauseAbsent("the broker has no wire") }
                let (_, _, reference) = try await session.resting()
                await rest.refuse()
                try await SystemClock().sleep(for: .milliseconds(150))
                let outcome = await session.broker.cancel(reference, within: session.window())
                switch outcome {
                case .notSent, .unknown: break
                case .cancelled, .requested, .notOpen, .refused:
                    throw ClauseFailure("nothing listens, but the outcome is \(outcome)")
                }
                try await rest.listen()
                try await session.expectTruth(reference)
            }
        ]

    private static func clause(_ entry: FaultCatalogue.Entry) -> BrokerClause {
        BrokerClause(
            "BC-08.cancel.\(entry.name)", "a cancel that \(entry.title) claims nothing, is sent once, and can be repeated", .wireFault,
            entry.needsPatience ? .impatient : SessionSetup()
        ) { session in
            let (_, _, reference) = try await session.resting()
            _ = try session.plan(entry.fault(session.profile), on: .cancel)
            let outcome = await session.broker.cancel(reference, within: session.window())
            switch outcome {
            case .cancelled, .requested: try expect(entry.endsWell, "no readable answer came, but the outcome is \(outcome)")
            case .unknown: try expect(!entry.endsWell, "the whole reply came, but the outcome is \(outcome)")
            case .notOpen, .refused, .notSent: throw ClauseFailure("bytes were out and nothing is known, but the outcome is \(outcome)")
            }
            let sent = session.sent(.cancel)
            try expect(sent == 1, "\(sent) cancels were sent")
            try await session.expectTruth(reference)
            try await expectRepeatable(reference, in: session)
        }
    }

    /// A repeat ends the order, or finds it ended.
    private static func expectRepeatable(_ reference: OrderReference, in session: VenueSession) async throws {
        let again = await session.broker.cancel(reference, within: session.window())
        switch again {
        case .cancelled, .requested, .notOpen: break
        case .refused, .notSent, .unknown: throw ClauseFailure("the repeated cancel ended as \(again)")
        }
        let isCancelled = try await session.eventually { try await session.taken(reference.clientOrderID).last?.status == .cancelled }
        try expect(isCancelled, "after two cancels the venue still has the order open")
    }
}
