import BrokerContract
import TradingModel

/// BC-15 and BC-03: what is declared works, what is not is refused before a byte is sent.
enum CapabilityClauses {
    static let all: [BrokerClause] = matrix + types + flags + rules

    private static let matrix: [BrokerClause] = OrderType.allCases.flatMap { type in
        TimeInForce.allCases.map { time in
            BrokerClause("BC-15.\(type.rawValue).\(time.rawValue)", "a \(type.rawValue) order that is \(time.rawValue) works, or is refused before a byte leaves", .capability) {
                session in
                let order = try session.order(type, timeInForce: time)
                let capabilities = session.broker.capabilities
                let isDeclared = capabilities.orderTypes.contains(type) && capabilities.timesInForce.contains(time)
                try await check(order, isDeclared: isDeclared, mayLack: true, in: session)
            }
        }
    }

    private static let types: [BrokerClause] = OrderType.allCases.map { type in
        BrokerClause("BC-15.\(type.rawValue)", "a \(type.rawValue) order that is declared works with some time in force, as that type", .capability) { session in
            guard session.broker.capabilities.orderTypes.contains(type) else {
                return try await check(session.order(type), isDeclared: false, in: session)
            }
            for time in TimeInForce.allCases where session.broker.capabilities.timesInForce.contains(time) {
                let order = try session.order(type, timeInForce: time)
                guard case .accepted(let report, _, _) = await session.place(order) else { continue }
                try expect(report.type == nil || report.type == type, "the report says \(report.type?.rawValue ?? "")")
                return
            }
            throw ClauseFailure("declared, but no time in force works")
        }
    }

    /// Either side.
    ///
    /// - Parameter mayLack: A declared type and a declared time in force may still not exist as a pair; then the pair is refused
    ///   like one that is not declared.
    private static func check(_ order: NewOrder, isDeclared: Bool, mayLack: Bool = false, in session: VenueSession) async throws {
        let commands = session.commandsSent
        let outcome = await session.place(order)
        let taken = try await session.taken(order.clientOrderID)
        switch outcome {
        case .notSent(.unsupported, let evidence):
            try expect(!evidence.mayHaveLeft && session.commandsSent == commands, "a byte left for what is not supported")
            try expect(taken.isEmpty, "the venue has an order that was called unsupported")
            try expect(!isDeclared || mayLack, "declared, but refused as unsupported")
            let what = order.bracket != nil ? "an order with a bracket" : order.postOnly ? "a post-only order" : order.reduceOnly ? "a reduce-only order" : "\(order.type.rawValue) \(order.timeInForce.rawValue)"
            throw ClauseAbsent("\(what) is refused before a byte leaves")
        case .accepted:
            try expect(isDeclared, "not declared, but it was sent and accepted")
            try expect(taken.count == 1, "the venue has the order \(taken.count) times")
            let isSameKind = taken.last.map { $0.type.hasPrefix(order.type.rawValue) || order.postOnly || $0.type.isEmpty } ?? false
            try expect(isSameKind, "the venue got a \(taken.last?.type ?? "") order")
        case .refused, .unknown, .notSent: throw ClauseFailure("\(isDeclared ? "declared" : "not declared"), but the outcome is \(outcome)")
        }
    }

    private static let flags: [BrokerClause] = [
        BrokerClause("BC-15.post-only.rests", "a post-only order rests, or is refused before a byte leaves", .capability) { session in
            try await check(session.order(postOnly: true), isDeclared: session.broker.capabilities.canPostOnly, in: session)
        },
        BrokerClause("BC-15.post-only.never-takes", "a post-only order that would trade at once does not trade", .capability) { session in
            let order = try session.order(price: session.profile.crossingBuyPrice, postOnly: true)
            let outcome = await session.place(order)
            try await SystemClock().sleep(for: .milliseconds(100))
            let taken = try await session.taken(order.clientOrderID).last
            try expect(taken?.filledQuantity.isZero ?? true, "a post-only order traded: \(outcome)")
            guard case .notSent(.unsupported, _) = outcome else { return }
            try expect(!session.broker.capabilities.canPostOnly, "declared, but refused as unsupported")
            throw ClauseAbsent("no post-only orders")
        },
        BrokerClause("BC-15.reduce-only", "a reduce-only order is known, or refused before a byte leaves", .capability) { session in
            guard session.broker.capabilities.canReduceOnly else {
                return try await check(session.order(reduceOnly: true), isDeclared: false, in: session)
            }
            // From flat it has nothing to reduce: it must never open a position.
            let order = try session.order(.market, reduceOnly: true)
            _ = await session.place(order)
            let taken = try await session.taken(order.clientOrderID).last
            try expect(taken?.filledQuantity.isZero ?? true, "a reduce-only order opened a position")
        },
        BrokerClause("BC-15.bracket", "an entry with stop and target makes both, or is refused before a byte leaves", .capability) { session in
            let bracket = Bracket(stopLoss: session.profile.restingBuyPrice, takeProfit: session.profile.stopLimitBuyPrice)
            let order = try session.order(price: session.profile.crossingBuyPrice, bracket: bracket)
            guard session.broker.capabilities.canBracket else { return try await check(order, isDeclared: false, in: session) }
            let outcome = await session.place(order)
            guard case .accepted = outcome else { throw ClauseFailure("brackets are declared, but the outcome is \(outcome)") }
            // A venue may keep both as one order; that each can be found is BC-20's.
            let isThere = try await session.eventually { try await session.venue.controls.orders().contains { $0.side == .sell } }
            try expect(isThere, "the venue has no stop and target behind the entry")
        },
        BrokerClause("BC-16.id-rules", "an id that the venue does not take is refused before a byte leaves") { session in
            let rules = session.broker.semantics.clientOrderIDRules
            let bad = [ClientOrderID(String(repeating: "x", count: rules.maximumLength + 1)), ClientOrderID("bad id/é")]
            for id in bad where !rules.accepts(id) {
                let commands = session.commandsSent
                let outcome = await session.place(try session.order(id: id))
                guard case .notSent(.invalid, _) = outcome else { throw ClauseFailure("the id \(id) breaks the rules, but the outcome is \(outcome)") }
                try expect(session.commandsSent == commands, "a byte left with an id that the venue does not take")
            }
        },
        BrokerClause("BC-16.longest-id", "an id of the full declared length comes back whole") { session in
            let rules = session.broker.semantics.clientOrderIDRules
            let minted = session.mintID()
            let id = rules.form == .uuid ? minted : ClientOrderID((minted.rawValue + String(repeating: "z", count: rules.maximumLength)).prefix(rules.maximumLength).description)
            let order = try session.order(id: id)
            try await session.accepted(order)
            try await session.expectTruth(session.reference(order))
            let taken = try await session.taken(id)
            try expect(taken.count == 1, "the venue has no order with the whole id")
        },
    ]

    private static let rules: [BrokerClause] = [
        BrokerClause("BC-03.listed", "an instrument comes with its rules") { session in
            let instrument = try await session.broker.instrument(session.profile.symbol)
            try expect(instrument.symbol == session.profile.symbol, "the rules of \(instrument.symbol) came")
            try expect(instrument.tickSize > 0 && instrument.lotSize > 0, "an instrument without tick or lot")
            try expect(session.profile.restingBuyPrice.isMultiple(of: instrument.tickSize), "the tick is \(instrument.tickSize)")
            try expect(session.profile.quantity.isMultiple(of: instrument.lotSize), "the lot is \(instrument.lotSize)")
            if let off = session.profile.offTickPrice { try expect(!off.isMultiple(of: instrument.tickSize), "\(off) lies on the tick \(instrument.tickSize)") }
            if let off = session.profile.offLotQuantity { try expect(!off.isMultiple(of: instrument.lotSize), "\(off) lies on the lot \(instrument.lotSize)") }
        },
        BrokerClause("BC-03.not-listed", "a symbol that is not listed is not found, and no order goes out for it") { session in
            do throws(BrokerError) {
                _ = try await session.broker.instrument("NOSUCHTHING")
                throw BrokerError(.malformedReply, effect: .unknown, "an instrument came for a symbol that is not listed")
            } catch {
                try expect(error.kind == .notFound, "not listed, but the error is \(error)")
            }
            let outcome = await session.place(try session.order(symbol: "NOSUCHTHING"))
            switch outcome {
            case .notSent, .refused: break
            case .accepted, .unknown: throw ClauseFailure("not listed, but the outcome is \(outcome)")
            }
        },
        BrokerClause("BC-03.off-lot", "a quantity off the lot is refused, never adjusted") { session in
            guard let quantity = session.profile.offLotQuantity else { throw ClauseAbsent("the venue has no lot") }
            try await expectNotTaken(session.order(quantity: quantity), in: session)
        },
        BrokerClause("BC-03.off-tick", "a price off the tick is refused, never adjusted") { session in
            guard let price = session.profile.offTickPrice else { throw ClauseAbsent("the venue has no tick") }
            try await expectNotTaken(session.order(price: price), in: session)
        },
        BrokerClause("BC-03.exact", "awkward decimals reach the venue and come back exactly") { session in
            for (quantity, price) in session.profile.awkward {
                let order = try session.order(quantity: quantity, price: price)
                let report = try await session.accepted(order).report
                let taken = try await session.taken(order.clientOrderID).last
                try expect(taken?.quantity == quantity && taken?.price == price, "asked \(quantity) at \(price), the venue has \(String(describing: taken))")
                try expect(report.quantity == nil || report.quantity == quantity, "the report says \(report.quantity?.description ?? "")")
                try expect(report.limitPrice == nil || report.limitPrice == price, "the report says \(report.limitPrice?.description ?? "")")
                _ = await session.broker.cancel(session.reference(report, of: order), within: session.window())
            }
        },
    ]

    private static func expectNotTaken(_ order: NewOrder, in session: VenueSession) async throws {
        let outcome = await session.place(order)
        switch outcome {
        case .notSent(.invalid, _), .refused: break
        case .accepted, .unknown, .notSent: throw ClauseFailure("against the rules, but the outcome is \(outcome)")
        }
        let taken = try await session.taken(order.clientOrderID)
        try expect(taken.isEmpty, "the venue has an adjusted order")
    }
}
