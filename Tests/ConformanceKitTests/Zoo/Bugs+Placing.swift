import BrokerContract
import ExchangeContract
import TradingModel

extension PlantedBug {
    /// A placement whose outcome is changed by a rule.
    private static func outcome(
        _ name: String, caughtBy owner: String, _ change: @escaping @Sendable (NewOrder, PlaceOutcome) -> PlaceOutcome
    ) -> PlantedBug {
        PlantedBug(name, caughtBy: owner) {
            Hooks(place: { base, order, window in change(order, await base.place(order, within: window)) })
        }
    }

    private static func doubt(
        _ name: String, _ cause: UnknownCause, caughtBy owner: String, becomes change: @escaping @Sendable (NewOrder, Evidence) -> PlaceOutcome
    ) -> PlantedBug {
        outcome(name, caughtBy: owner) { order, outcome in
            if case .unknown(cause, let evidence) = outcome { change(order, evidence) } else { outcome }
        }
    }

    /// Claims of the adapter about what it does not know.
    static let placing: [PlantedBug] = [
        doubt("a time-out becomes refused", .timedOut, caughtBy: "BC-06.place.hang-after") { .refused(.venueUnavailable, $1) },
        doubt("a server error becomes refused", .serverError, caughtBy: "BC-06.place.status-504-after") { .refused(.venueUnavailable, $1) },
        doubt("an unknown 4xx becomes refused", .unlistedRefusal, caughtBy: "BC-06.place.unlisted-400") { .refused(.other("400"), $1) },
        doubt("a redirect becomes refused", .unreadableReply, caughtBy: "BC-06.place.redirect-307") { .refused(.other("307"), $1) },
        doubt("a lost connection becomes not sent", .connectionLost, caughtBy: "BC-06.place.cut-after-request") {
            .notSent(.connectionRefused, Evidence(mayHaveLeft: false, message: $1.message))
        },
        doubt("an unreadable success is trusted", .unreadableReply, caughtBy: "BC-06.place.garbage-before") { .accepted(echo(of: $0), fills: [], $1) },
        doubt("the success flag is trusted for another order", .contradiction, caughtBy: "BC-06.contradiction") { .accepted(echo(of: $0), fills: [], $1) },
        doubt("a cancelled caller is told that nothing was sent", .cancelled, caughtBy: "BC-07.cancelled-in-flight") {
            .notSent(.cancelled, Evidence(mayHaveLeft: false, message: $1.message))
        },
        outcome("an order that is being placed is called refused", caughtBy: "BC-04.at-once") { _, outcome in
            if case .notSent(.alreadyPlacing, let evidence) = outcome { .refused(.duplicateClientOrderID, evidence) } else { outcome }
        },
        doubt("a resend that the venue recognises becomes refused", .unlistedRefusal, caughtBy: "BC-04.resend") { .refused(.duplicateClientOrderID, $1) },
        outcome("every refusal is called unknown", caughtBy: "BC-06.refused") { _, outcome in
            if case .refused(_, let evidence) = outcome { .unknown(.unlistedRefusal, evidence) } else { outcome }
        },
        outcome("a refused connection is called a refused order", caughtBy: "BC-06.place.refused") { _, outcome in
            if case .notSent(.connectionRefused, let evidence) = outcome { .refused(.venueUnavailable, evidence) } else { outcome }
        },
        outcome("the venue's limit is hit, not held", caughtBy: "BC-16.full-load") { _, outcome in
            guard case .notSent(.throttled, var evidence) = outcome else { return outcome }
            evidence.mayHaveLeft = true
            return .refused(.rateLimited, evidence)
        },
        outcome("evidence denies that bytes left", caughtBy: "BC-06.place.reset-after-request") { _, outcome in
            guard case .unknown(let cause, var evidence) = outcome else { return outcome }
            evidence.mayHaveLeft = false
            return .unknown(cause, evidence)
        },
        outcome("a secret is in the evidence", caughtBy: "BC-18.secrets") { _, outcome in
            guard case .unknown(let cause, var evidence) = outcome else { return outcome }
            evidence.message = "signed with conformance-secret"
            return .unknown(cause, evidence)
        },
        outcome("a rate limit is called not sent", caughtBy: "BC-04.rate-limited") { _, outcome in
            if case .refused(.rateLimited, let evidence) = outcome { .notSent(.throttled, evidence) } else { outcome }
        },
        PlantedBug("retry inside place", caughtBy: "BC-06.place.cut-request-middle") {
            Hooks(place: { base, order, window in
                let first = await base.place(order, within: window)
                guard case .unknown = first else { return first }
                return await base.place(order, within: window)
            })
        },
        PlantedBug("a rate limit is retried inside", caughtBy: "BC-04.rate-limited") {
            Hooks(place: { base, order, window in
                let first = await base.place(order, within: window)
                guard case .refused(.rateLimited, _) = first else { return first }
                return await base.place(order, within: window)
            })
        },
        PlantedBug("sends after the window", caughtBy: "BC-05.place.closed-window") {
            Hooks(place: { base, order, _ in await base.place(order, within: farWindow()) })
        },
        PlantedBug("reads the window only before it connects", caughtBy: "BC-05.place.jammed") {
            Hooks(place: { base, order, window in
                guard window.isOpen(at: SystemClock().monotonic) else { return .notSent(.windowClosed, Evidence(mayHaveLeft: false)) }
                return await base.place(order, within: farWindow())
            })
        },
        PlantedBug("reads another clock for the window", caughtBy: "BC-05.boot-clock") {
            Hooks(place: { base, order, window in
                guard window.isOpen(at: SystemClock().monotonic) else { return .notSent(.windowClosed, Evidence(mayHaveLeft: false)) }
                return await base.place(order, within: SendWindow(notAfter: window.notAfter + .seconds(7200)))
            })
        },
        PlantedBug("sends for a caller that was cancelled", caughtBy: "BC-07.cancelled-before") {
            Hooks(place: { base, order, window in await Task { await base.place(order, within: window) }.value })
        },
        PlantedBug("an order by quote amount that timed out becomes refused", caughtBy: "XC-04.hang-after") {
            Hooks(placeQuote: { base, order, window in
                let outcome = await base.place(order, within: window)
                if case .unknown(_, let evidence) = outcome { return .refused(.venueUnavailable, evidence) }
                return outcome
            })
        },
    ]

    static func farWindow() -> SendWindow { SendWindow(notAfter: SystemClock().monotonic + .seconds(30)) }

    /// The request, told as if the venue had said it.
    static func echo(of order: NewOrder, venueOrderID: VenueOrderID = "1", filled: Quantity = .zero) -> OrderReport {
        OrderReport(
            venueOrderID: venueOrderID, clientOrderID: order.clientOrderID, symbol: order.symbol, side: order.side, type: order.type,
            status: .accepted, venueStatus: "NEW", quantity: order.quantity, limitPrice: order.limitPrice, filledQuantity: filled,
            averagePrice: nil, updatedAt: SystemClock().wallTime)
    }
}
