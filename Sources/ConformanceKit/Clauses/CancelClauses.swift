import BrokerContract
import TradingModel

/// BC-08, BC-10 to BC-12: cancels and queries when the wire works.
enum CancelClauses {
    static let all: [BrokerClause] = [
        BrokerClause("BC-08.cancels", "a cancel ends the order that it names, and no other") { session in
            let (_, _, reference) = try await session.resting()
            let (_, _, other) = try await session.resting()
            let outcome = await session.broker.cancel(reference, within: session.window())
            switch outcome {
            case .cancelled(let report, _):
                try expect(report?.clientOrderID == nil || report?.clientOrderID == reference.clientOrderID, "the report names another order")
                try expect(report.map { $0.status == .cancelled } ?? true, "the report says \(report?.status.rawValue ?? "")")
            case .requested: break
            case .notOpen, .refused, .notSent, .unknown: throw ClauseFailure("an open order's cancel ended as \(outcome)")
            }
            let isCancelled = try await session.eventually { try await session.taken(reference.clientOrderID).last?.status == .cancelled }
            try expect(isCancelled, "the venue still has the order open")
            let rest = try await session.taken(other.clientOrderID).last
            try expect(rest?.status == .accepted, "another order was touched")
            try await session.expectTruth(reference)
        },
        BrokerClause("BC-08.one-request", "a cancel is one request") { session in
            let (_, _, reference) = try await session.resting()
            _ = await session.broker.cancel(reference, within: session.window())
            try expect(session.rest == nil || session.sent(.cancel) == 1, "\(session.sent(.cancel)) cancels were sent")
        },
        BrokerClause("BC-08.filled", "a cancel of a filled order does not say cancelled") { session in
            let order = try session.order(.market)
            let report = try await session.accepted(order).report
            _ = try await session.eventually { try await session.taken(order.clientOrderID).last?.status == .filled }
            let outcome = await session.broker.cancel(session.reference(report, of: order), within: session.window())
            switch outcome {
            case .notOpen, .requested: break
            case .cancelled, .refused, .notSent, .unknown: throw ClauseFailure("the order was filled, but its cancel ended as \(outcome)")
            }
            try await session.expectTruth(session.reference(report, of: order))
        },
        BrokerClause("BC-08.never-sent", "a cancel of an id that was never sent does not say cancelled") { session in
            let reference = session.reference(try session.order())
            let outcome = await session.broker.cancel(reference, within: session.window())
            switch outcome {
            case .notOpen: break
            case .requested, .notSent, .unknown:
                try expect(session.broker.semantics.cancelKey != .clientOrderID, "by client order id the answer is known, but the outcome is \(outcome)")
            case .cancelled, .refused: throw ClauseFailure("there is no such order, but its cancel ended as \(outcome)")
            }
        },
        BrokerClause("BC-08.twice", "a second cancel is harmless and does not say that it cancelled") { session in
            let (_, _, reference) = try await session.resting()
            _ = await session.broker.cancel(reference, within: session.window())
            _ = try await session.eventually { try await session.taken(reference.clientOrderID).last?.status == .cancelled }
            let again = await session.broker.cancel(reference, within: session.window())
            switch again {
            case .notOpen, .requested: break
            case .cancelled, .refused, .notSent, .unknown: throw ClauseFailure("the second cancel ended as \(again)")
            }
        },
        BrokerClause("BC-08.without-venue-id", "a cancel needs no more than what a restart knows") { session in
            let (order, _, _) = try await session.resting()
            let outcome = await session.broker.cancel(session.reference(order), within: session.window())
            switch outcome {
            case .cancelled, .requested: break
            case .notOpen, .refused, .notSent, .unknown:
                try expect(session.broker.semantics.cancelKey == .venueOrderID, "by client order id the cancel ended as \(outcome)")
                try await session.expectTruth(session.reference(order))
            }
        },
        BrokerClause("BC-08.partly-filled", "a cancel of a partly filled order keeps what was filled") { session in
            let (order, _, reference) = try await session.resting()
            try await session.venue.controls.fill(order.clientOrderID, quantity: session.profile.partialQuantity)
            let outcome = await session.broker.cancel(reference, within: session.window())
            if case .cancelled(let report?, _) = outcome {
                try expect(report.filledQuantity == session.profile.partialQuantity, "the report says filled \(report.filledQuantity)")
            }
            _ = try await session.eventually { try await session.taken(order.clientOrderID).last?.status == .cancelled }
            try await session.expectTruth(reference)
            let filled = try await session.broker.fills(of: reference).reduce(Quantity.zero) { $0 + $1.quantity }
            try expect(filled == session.profile.partialQuantity, "the fills add up to \(filled)")
        },
    ]
}
