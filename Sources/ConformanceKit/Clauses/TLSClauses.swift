import BrokerContract
import TradingModel

/// BC-06 over real TLS: what breaks before the handshake is done was not sent; what breaks after the request is not known.
enum TLSClauses {
    static let all: [BrokerClause] = handshakes + [untrusted, works] + FaultCatalogue.underTLS.map { entry in
        PlaceFaultClauses.clause(entry, "BC-06.place.tls-\(entry.name)", "a placement over TLS that \(entry.title)", .tls)
    }

    private static let points: [(name: String, title: String, point: HandshakeCut)] = [
        ("first-byte", "after its first byte", .fromBroker(bytes: 1)), ("hello", "inside its first message", .fromBroker(bytes: 64)),
        ("no-answer", "before a byte of the answer", .toBroker(bytes: 0)), ("answer", "inside the answer", .toBroker(bytes: 100)),
    ]

    private static let handshakes: [BrokerClause] = points.map { entry in
        BrokerClause(
            "BC-06.place.tls-cut-\(entry.name)", "a placement whose TLS handshake is cut \(entry.title) was not sent", .wireFault, .tls
        ) { session in
            let rest = try wire(session)
            try await expectNotSent(session, reasons: [.tlsFailed, .connectionRefused]) { rest.cutHandshakes(at: entry.point) }
            try expect(rest.handshakesCut > 0, "no handshake was cut: the broker did not speak TLS")
            rest.clearFaults()
            try await session.connected()
            try await session.accepted(session.order())
        }
    }

    private static let untrusted = BrokerClause(
        "BC-06.place.tls-untrusted", "a placement to a server whose certificate is not trusted was not sent", .wireFault, .tls
    ) { session in
        let rest = try wire(session)
        guard let tls = session.tls else { throw ClauseAbsent("there is no second certificate") }
        let (own, stranger) = (try tls.server.context(), try tls.stranger.context())
        try await expectNotSent(session, reasons: [.tlsFailed], disarming: { rest.present(own) }) { rest.present(stranger) }
    }

    private static let works = BrokerClause(
        "BC-06.place.tls-works", "over TLS an order is placed, looked up, told and cancelled", .behaviour, .tls
    ) { session in
        let (order, _, reference) = try await session.resting()
        try await session.expectTruth(reference)
        let isTold = try await session.events.wait { if case .order(let report) = $0 { report.clientOrderID == order.clientOrderID } else { false } }
        try expect(!session.broker.capabilities.hasStream || isTold, "the stream did not tell the order")
        _ = await session.broker.cancel(reference, within: session.window())
        let isCancelled = try await session.eventually { try await session.taken(order.clientOrderID).last?.status == .cancelled }
        try expect(isCancelled, "the cancel did not reach the venue")
    }

    private static func wire(_ session: VenueSession) throws -> FaultProxy {
        guard let rest = session.rest else { throw ClauseAbsent("the broker has no wire") }
        return rest
    }

    /// Arms the fault, drops what is open, and places until the order itself meets the fault: a request of the broker's own may meet it
    /// first, after which the broker says that it is not connected, and nothing is shown. Then it all begins anew.
    private static func expectNotSent(
        _ session: VenueSession, reasons: Set<NotSentReason>, disarming disarm: (() -> Void)? = nil, arming arm: () -> Void
    ) async throws {
        let rest = try wire(session)
        var last: PlaceOutcome?
        for _ in 0..<10 {
            if let disarm { disarm() } else { rest.clearFaults() }
            try await session.connected()
            arm()
            await rest.dropConnections()
            let order = try session.order()
            last = await session.place(order)
            try PlaceFaultClauses.expectNoClaim(last)
            let taken = try await session.taken(order.clientOrderID)
            try expect(taken.isEmpty, "the venue has an order that could not reach it")
            if case .notSent(let reason, let evidence)? = last {
                try expect(!evidence.mayHaveLeft, "nothing was sent, but the evidence says that bytes may have left")
                if reason == .notConnected { continue }
                return try expect(reasons.contains(reason), "it was not sent because \(reason.rawValue)")
            }
        }
        throw ClauseFailure("no connection came about, but the outcome is \(String(describing: last))")
    }
}
