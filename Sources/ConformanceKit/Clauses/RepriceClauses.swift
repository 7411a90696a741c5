import BrokerContract
import TradingModel

/// BC-09: a new price or a greater quantity, in place or by another order.
enum RepriceClauses {
    static let all: [BrokerClause] =
        [
            clause("works", "a new price leaves one open order with the old quantity; an old order that gave way is cancelled, and both are told") { session in
                try await changes(to: Replacement(limitPrice: newPrice(session)), in: session)
            },
            clause("grows", "a greater quantity leaves one open order with the old price") { session in
                try await changes(to: Replacement(quantity: session.profile.quantity + session.profile.partialQuantity), in: session)
            },
            clause("partly-filled", "of a partly filled order no more than the whole quantity can fill") { session in
                let (order, _, reference) = try await session.resting()
                try await session.venue.controls.fill(order.clientOrderID, quantity: session.profile.partialQuantity)
                let terms = successor(Replacement(limitPrice: newPrice(session)), in: session)
                let outcome = await session.broker.replace(reference, with: terms, within: session.window())
                let known = try await session.venue.controls.orders().filter { $0.symbol == order.symbol }
                let most = known.reduce(Quantity.zero) { $0 + ($1.status.isTerminal ? $1.filledQuantity : $1.quantity) }
                try expect(most <= order.quantity, "of \(order.quantity) the venue may now fill \(most)")
                switch outcome {
                case .replaced: break
                case .refused, .notSent(.invalid, _):
                    let old = try await session.taken(order.clientOrderID).last
                    try expect(old?.status == .partiallyFilled && old?.price == order.limitPrice, "refused, but the order is \(String(describing: old))")
                case .cancelledOnly, .notOpen, .notSent, .unknown: throw ClauseFailure("the replacement ended as \(outcome)")
                }
                try await session.expectTruth(reference)
            },
            clause("filled", "a filled order is not replaced, and nothing takes its place") { session in
                let order = try session.order(price: session.profile.crossingBuyPrice)
                let report = try await session.accepted(order).report
                _ = try await session.eventually { try await session.taken(order.clientOrderID).last?.status == .filled }
                let terms = successor(Replacement(limitPrice: newPrice(session)), in: session)
                let outcome = await session.broker.replace(session.reference(report, of: order), with: terms, within: session.window())
                switch outcome {
                case .notOpen, .refused, .notSent(.invalid, _): break
                case .replaced, .cancelledOnly, .notSent, .unknown: throw ClauseFailure("the order was filled, but its replacement ended as \(outcome)")
                }
                let count = try await session.venue.controls.orders().count
                try expect(count == 1, "the venue has \(count) orders instead of one")
            },
            clause("unaffordable", "terms that the account cannot pay are refused and the order stays, or the order is said to be gone") { session in
                guard let quantity = session.profile.unaffordableQuantity else { throw ClauseAbsent("the venue does not refuse in its reply") }
                let (order, _, reference) = try await session.resting()
                let terms = successor(Replacement(quantity: quantity), in: session)
                let outcome = await session.broker.replace(reference, with: terms, within: session.window())
                let old = try await session.taken(order.clientOrderID).last
                switch outcome {
                case .refused, .notSent(.invalid, _):
                    try expect(old?.status == .accepted && old?.quantity == order.quantity, "refused, but the order is \(String(describing: old))")
                case .cancelledOnly(let report, _, _):
                    try expect(old?.status == .cancelled, "said to be gone, but the order is \(String(describing: old))")
                    try expect(report?.clientOrderID == nil || report?.clientOrderID == order.clientOrderID, "the report is not the old order's")
                case .replaced, .notOpen, .notSent, .unknown: throw ClauseFailure("the account cannot pay, but the replacement ended as \(outcome)")
                }
                let open = try await session.broker.openOrders().count { $0.symbol == order.symbol }
                try expect(open == (old?.status.isTerminal == true ? 0 : 1), "\(open) orders are open")
                try await session.expectTruth(reference)
            },
            clause("no-successor", "where another order takes the place, a replacement without its id sends no byte") { session in
                guard session.broker.capabilities.repricing == .successor else { throw ClauseAbsent("the order stays") }
                let (_, _, reference) = try await session.resting()
                let commands = session.commandsSent
                let outcome = await session.broker.replace(reference, with: Replacement(limitPrice: newPrice(session)), within: session.window())
                guard case .notSent(.invalid, _) = outcome else { throw ClauseFailure("no id was given, but the outcome is \(outcome)") }
                try expect(session.commandsSent == commands, "a command left without the id of the order that it makes")
            },
        ] + FaultCatalogue.essentials.map(fault)

    private static func fault(_ entry: FaultCatalogue.Entry) -> BrokerClause {
        clause(
            entry.name, "a replacement by another order that \(entry.title) is reported as what is known, once, and both ids can be looked up", .wireFault,
            entry.needsPatience ? .impatient : SessionSetup()
        ) { session in
            guard session.broker.capabilities.repricing == .successor else { throw ClauseAbsent("the order stays: its faults are those of BC-09.replace") }
            let (order, _, reference) = try await session.resting()
            let terms = successor(Replacement(limitPrice: newPrice(session)), in: session)
            _ = try session.plan(entry.fault(session.profile), on: .replace)
            let outcome = await session.broker.replace(reference, with: terms, within: session.window())
            switch outcome {
            case .replaced: try expect(entry.endsWell, "no readable answer came, but the outcome is \(outcome)")
            case .unknown(_, let evidence):
                try expect(!entry.endsWell, "the whole reply came, but the outcome is \(outcome)")
                try expect(evidence.mayHaveLeft, "the evidence denies that bytes may have left")
            case .cancelledOnly, .notOpen, .refused, .notSent: throw ClauseFailure("bytes were out and nothing is known, but the outcome is \(outcome)")
            }
            try expect(session.sent(.replace) == 1, "\(session.sent(.replace)) replacements were sent")
            let open = try await session.venue.controls.orders().count { !$0.status.isTerminal }
            try expect(open <= 1, "\(open) orders are open")
            try await session.expectTruth(reference)
            if let id = terms.successor {
                try await session.expectTruth(OrderReference(symbol: order.symbol, clientOrderID: id, venueOrderID: nil))
            }
        }
    }

    /// With the capability the check; without it the refusal, and no byte.
    private static func clause(
        _ name: String, _ title: String, _ kind: BrokerClause.Kind = .capability, _ setup: SessionSetup = SessionSetup(),
        _ check: @escaping @Sendable (VenueSession) async throws -> Void
    ) -> BrokerClause {
        BrokerClause("BC-09.reprice.\(name)", title, kind, setup) { session in
            guard session.broker.capabilities.repricing == .none else {
                try expect(session.broker.capabilities.canReplace, "repricing is declared, but not replacing")
                return try await check(session)
            }
            let (_, _, reference) = try await session.resting()
            let commands = session.commandsSent
            let terms = Replacement(limitPrice: newPrice(session), successor: session.mintID())
            let outcome = await session.broker.replace(reference, with: terms, within: session.window())
            guard case .notSent(.unsupported, let evidence) = outcome else { throw ClauseFailure("a new price is not declared, but the outcome is \(outcome)") }
            try expect(!evidence.mayHaveLeft && session.commandsSent == commands, "a byte left for what is not supported")
            throw ClauseAbsent("no new prices, and they are refused before a byte leaves")
        }
    }

    // MARK: Doing

    private static func newPrice(_ session: VenueSession) -> Price { session.profile.restingBuyPrice - session.profile.trailingDistance }

    /// The terms, with the id of a successor where there will be one.
    private static func successor(_ terms: Replacement, in session: VenueSession) -> Replacement {
        guard session.broker.capabilities.repricing == .successor else { return terms }
        var terms = terms
        terms.successor = session.mintID()
        return terms
    }

    private static func changes(to wanted: Replacement, in session: VenueSession) async throws {
        let (order, _, reference) = try await session.resting()
        let terms = successor(wanted, in: session)
        let outcome = await session.broker.replace(reference, with: terms, within: session.window())
        guard case .replaced(let report, _) = outcome else { throw ClauseFailure("the replacement ended as \(outcome)") }
        let id = terms.successor ?? order.clientOrderID
        let (quantity, price) = (terms.quantity ?? order.quantity, terms.limitPrice ?? order.limitPrice)
        try expect(report.clientOrderID == nil || report.clientOrderID == id, "the report names \(report.clientOrderID?.rawValue ?? "")")
        try expect(report.quantity == nil || report.quantity == quantity, "the report says quantity \(report.quantity?.description ?? "")")
        try expect(report.limitPrice == nil || report.limitPrice == price, "the report says price \(report.limitPrice?.description ?? "")")
        try expect(session.sent(.replace) == 1, "\(session.sent(.replace)) replacements were sent")
        let isChanged = try await session.eventually {
            let open = try await session.venue.controls.orders().filter { !$0.status.isTerminal }
            return open.count == 1 && open.first?.clientOrderID == id && open.first?.quantity == quantity && open.first?.price == price
        }
        let known = try await session.venue.controls.orders()
        try expect(isChanged, "the venue has \(known)")
        let open = try await session.broker.openOrders().filter { $0.symbol == order.symbol }
        try expect(open.count == 1 && open.first?.clientOrderID == id, "open are \(open.map { $0.clientOrderID?.rawValue ?? "" })")
        try await session.expectTruth(OrderReference(symbol: order.symbol, clientOrderID: id, venueOrderID: report.venueOrderID))
        guard terms.successor != nil else { return }
        try await session.expectTruth(reference)
        guard session.broker.capabilities.hasStream else { return }
        for (id, status) in [(order.clientOrderID, VenueOrderStatus.cancelled), (id, .accepted)] {
            let isTold = try await session.events.wait {
                if case .order(let report) = $0 { report.clientOrderID == id && report.status == status } else { false }
            }
            try expect(isTold, "the stream did not tell \(id) as \(status.rawValue)")
        }
    }
}
