import BrokerContract
import TradingModel

/// BC-01 and BC-02: the connection and the stream. Push is a hint, and a lost hint is told.
enum StreamClauses {
    static let all: [BrokerClause] = connection + events + faults

    private static let connection: [BrokerClause] = [
        BrokerClause("BC-01.ends", "run() ends soon after it is cancelled, and throws nothing", .behaviour, notRunning) { session in
            let started = try await ended(session, after: .milliseconds(600))
            try expect(SystemClock().monotonic - started < .seconds(20), "run() took too long to end")
        },
        BrokerClause("BC-01.health", "health is true only while the connection is up", .behaviour, notRunning) { session in
            let before = await session.broker.health
            try expect(!before.isConnected && !before.streamIsUp, "before run() health says connected")
            try await session.whileRunning {
                let health = await session.broker.health
                try expect(health.isConnected && health.rulesAreLoaded, "connected, but health says \(health)")
            }
        },
        BrokerClause("BC-01.outage", "health turns false in an outage, and the broker comes back by itself") { session in
            guard let rest = session.rest else { throw ClauseAbsent("the broker has no wire") }
            let hasStream = session.broker.capabilities.hasStream
            await rest.refuse()
            await session.stream?.refuse()
            let isDown = try await session.eventually {
                let health = await session.broker.health
                return hasStream ? !health.streamIsUp : !health.isConnected
            }
            try expect(isDown, "nothing listens any more, but health says that the \(hasStream ? "stream" : "connection") is up")
            try await rest.listen()
            try await session.stream?.listen()
            let isBack = try await session.eventually {
                let health = await session.broker.health
                return (health.streamIsUp || !hasStream) && health.isConnected
            }
            try expect(isBack, "the venue is back, the broker is not")
            try await session.accepted(session.order())
        },
        BrokerClause("BC-01.late-venue", "a venue that is not there at start is awaited", .behaviour, notRunning) { session in
            guard let rest = session.rest else { throw ClauseAbsent("the broker has no wire") }
            await rest.refuse()
            await session.stream?.refuse()
            try await session.whileRunning(waits: false) {
                try await SystemClock().sleep(for: .milliseconds(500))
                let early = await session.broker.health
                try expect(!early.isConnected, "nothing listens, but health says connected")
                try await rest.listen()
                try await session.stream?.listen()
                let isUp = try await session.eventually { await session.broker.health.isConnected }
                try expect(isUp, "the venue is there now, but the broker does not connect")
            }
        },
        BrokerClause("BC-17.no-io", "making a broker opens nothing, and before run() no order goes out", .behaviour, notRunning) { session in
            try await SystemClock().sleep(for: .milliseconds(150))
            try expect((session.rest?.connections ?? 0) + (session.stream?.connections ?? 0) == 0, "a connection was opened at construction")
            let outcome = await session.place(try session.order())
            guard case .notSent = outcome else { throw ClauseFailure("the broker does not run, but the outcome is \(outcome)") }
            try expect(session.sent(.place) == 0, "an order left before run()")
        },
    ]

    private static let events: [BrokerClause] = [
        BrokerClause("BC-02.connected", "connected is told before any order event") { session in
            _ = try await session.resting()
            _ = try await session.events.wait { if case .order = $0 { true } else { false } }
            try expect(session.events.all.first == .connected, "the first event is \(String(describing: session.events.all.first))")
        },
        BrokerClause("BC-02.order", "a placed order is told with our id") { session in
            try stream(session)
            let (order, report, _) = try await session.resting()
            let isTold = try await session.events.wait { isReport($0) { $0.venueOrderID == report.venueOrderID && $0.clientOrderID == order.clientOrderID } }
            try expect(isTold, "the order was not told with its id")
        },
        BrokerClause("BC-02.cancel", "a cancel is told under the order's own id") { session in
            try stream(session)
            let (order, _, reference) = try await session.resting()
            _ = await session.broker.cancel(reference, within: session.window())
            let isTold = try await session.events.wait { isReport($0) { $0.status == .cancelled && $0.clientOrderID == order.clientOrderID } }
            try expect(isTold, "the cancel was not told under the order's id")
            let strange = session.events.reports.filter { $0.clientOrderID != nil && $0.clientOrderID != order.clientOrderID }
            try expect(strange.isEmpty, "an event carries an id that is no order's: \(strange.compactMap(\.clientOrderID))")
        },
        BrokerClause("BC-02.fill", "a fill is told once, with the order's ids, side and price") { session in
            try stream(session)
            let (order, report, _) = try await session.resting()
            try await session.venue.controls.fill(order.clientOrderID, quantity: session.profile.partialQuantity)
            let isTold = try await session.events.wait { isFill($0) { $0.venueOrderID == report.venueOrderID } }
            try expect(isTold, "the fill was not told")
            try await SystemClock().sleep(for: .milliseconds(150))
            let fills = session.events.fills
            try expect(fills.count == 1, "\(fills.count) fills were told")
            try expect(fills[0].side == order.side && fills[0].quantity == session.profile.partialQuantity, "the fill is \(fills[0])")
            try expect(fills[0].price == order.limitPrice, "filled at \(order.limitPrice?.description ?? ""), told at \(fills[0].price)")
        },
        BrokerClause("BC-02.market-fill", "a fill that comes before or with the acknowledgement is told") { session in
            try stream(session)
            let order = try session.order(.market)
            let report = try await session.accepted(order).report
            let isTold = try await session.events.wait { isFill($0) { $0.venueOrderID == report.venueOrderID } }
            try expect(isTold, "the fill was not told")
            let isClosed = try await session.events.wait { isReport($0) { $0.venueOrderID == report.venueOrderID && $0.status == .filled } }
            try expect(isClosed, "the end of the order was not told")
        },
    ]

    private static let faults: [BrokerClause] = [
        BrokerClause("BC-02.duplicate", "an event that comes twice is one execution") { session in
            try stream(session)
            try await session.venue.controls.plan([VenueFault(on: "stream", "duplicate_event", times: 20)])
            let order = try session.order(.market)
            let report = try await session.accepted(order).report
            let isTold = try await session.events.wait { isFill($0) { $0.venueOrderID == report.venueOrderID } }
            try expect(isTold, "the fill was not told")
            try await SystemClock().sleep(for: .milliseconds(250))
            let ids = Set(session.events.fills.map(\.executionID))
            let queried = Set(try await session.settledFills(session.reference(report, of: order)).map(\.executionID))
            try expect(ids.isSubset(of: queried), "told twice, it became executions that the venue does not know: \(ids.subtracting(queried))")
        },
        BrokerClause("BC-02.reorder", "events in another order lose nothing") { session in
            try stream(session)
            try await session.venue.controls.plan([VenueFault(on: "stream", "reorder_events")])
            let order = try session.order(.market)
            let report = try await session.accepted(order).report

            let isTold = try await session.events.wait { isFill($0) { $0.venueOrderID == report.venueOrderID } || EventRecord.isLoss($0) }
            try expect(isTold, "a fill was lost by the order of events")
            try await session.expectTruth(session.reference(report, of: order))
        },
        BrokerClause("BC-02.dropped", "a dropped event is found by a query, and told as a gap where events are numbered") { session in
            try stream(session)
            let index = session.events.all.count
            try await session.venue.controls.plan([VenueFault(on: "stream", "drop_event", times: 2)])
            let (_, _, reference) = try await session.resting()
            for _ in 0..<3 { _ = try await session.resting() }
            try await session.expectTruth(reference)
            guard case .sequenced = session.broker.semantics.stream else { return }
            let isTold = try await session.events.wait(from: index, for: EventRecord.isLoss)
            try expect(isTold, "numbered events were lost, and no gap was told")
        },
        BrokerClause("BC-02.closed", "a closed stream is told as a loss, is opened again, and events flow", .wireFault) { session in
            try await reopened(session) { await $0.dropConnections(withReset: false) }
        },
        BrokerClause("BC-02.reset", "a reset stream is told as a loss, is opened again, and events flow", .wireFault) { session in
            try await reopened(session) { await $0.dropConnections(withReset: true) }
        },
        BrokerClause("BC-02.refused-stream", "a stream that is refused for a while comes back", .wireFault) { session in
            try await reopened(session) { proxy in
                await proxy.refuse()
                try await SystemClock().sleep(for: .milliseconds(600))
                try await proxy.listen()
            }
        },
        BrokerClause("BC-02.garbage", "a message that cannot be read is told as a loss or passed over, and events flow on", .wireFault) { session in
            guard let proxy = try stream(session) else { throw ClauseAbsent("the broker has no wire") }
            let text = Array("{\"e\": no json".utf8)
            await proxy.inject([0x81, UInt8(text.count)] + text)
            try await SystemClock().sleep(for: .milliseconds(300))
            let isUp = try await session.eventually { await session.broker.health.streamIsUp }
            try expect(isUp, "one bad message ended the stream for good")
            try await expectFlow(session)
        },
        BrokerClause("BC-02.missed", "what happened while the stream was down is found by queries", .wireFault) { session in
            guard let proxy = try stream(session) else { throw ClauseAbsent("the broker has no wire") }
            let (order, report, reference) = try await session.resting()
            await proxy.refuse()
            try await session.venue.controls.fill(order.clientOrderID, quantity: session.profile.partialQuantity)
            let connections = session.events.connections
            try await proxy.listen()
            let isBack = try await session.eventually { session.events.connections > connections }
            try expect(isBack, "connected was not told again")
            try await session.expectTruth(reference)
            let fills = try await session.broker.fills(of: reference)
            try expect(fills.count == 1 && fills[0].venueOrderID == report.venueOrderID, "the query has \(fills.count) fills")
        },
        BrokerClause("BC-02.silent", "a stream that says nothing at all is given up and told as a loss", .wireFault, silence) { session in
            guard let proxy = try stream(session) else { throw ClauseAbsent("the broker has no wire") }
            let index = session.events.all.count
            proxy.setSilent(true)
            let isTold = try await session.events.wait(from: index, for: EventRecord.isLoss)
            try expect(isTold, "the stream was dead, and nothing was told")
            proxy.setSilent(false)
        },
    ]

    private static let notRunning: SessionSetup = {
        var setup = SessionSetup()
        setup.runs = false
        return setup
    }()

    private static let silence: SessionSetup = {
        var setup = SessionSetup()
        setup.streamSilenceLimit = .seconds(2)
        return setup
    }()

    @discardableResult
    private static func stream(_ session: VenueSession) throws -> FaultProxy? {
        guard session.broker.capabilities.hasStream else { throw ClauseAbsent("the venue has no stream") }
        return session.stream
    }

    private static func isReport(_ event: BrokerEvent, _ fits: (OrderReport) -> Bool) -> Bool { if case .order(let report) = event { fits(report) } else { false } }
    private static func isFill(_ event: BrokerEvent, _ fits: (Fill) -> Bool) -> Bool { if case .fill(let fill) = event { fits(fill) } else { false } }

    /// Runs the broker for so long, cancels it, and waits for its end.
    private static func ended(_ session: VenueSession, after duration: Duration) async throws -> MonotonicInstant {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await session.broker.run() }
            try await SystemClock().sleep(for: duration)
            let cancelledAt = SystemClock().monotonic
            group.cancelAll()
            try await group.next()
            return cancelledAt
        }
    }

    private static func reopened(_ session: VenueSession, _ fault: (FaultProxy) async throws -> Void) async throws {
        guard let proxy = try stream(session) else { throw ClauseAbsent("the broker has no wire") }
        let index = session.events.all.count
        let connections = session.events.connections
        try await fault(proxy)
        let isTold = try await session.events.wait(from: index, for: EventRecord.isLoss)
        try expect(isTold, "the stream ended, and nothing was told")
        let isBack = try await session.eventually { session.events.connections > connections }
        try expect(isBack, "connected was not told again")
        try await expectFlow(session)
    }

    private static func expectFlow(_ session: VenueSession) async throws {
        // A connection that is about to be given up swallows the events of an order or two.
        for attempt in 1...4 {
            let index = session.events.all.count
            let report = try await session.resting().report
            let flows = try await session.events.wait(from: index, upTo: session.patience / 4) { isReport($0) { $0.venueOrderID == report.venueOrderID } }
            if flows { return }
            try expect(attempt < 4, "the stream is up, but events do not flow")
        }
    }
}
