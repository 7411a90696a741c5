import BrokerContract
import ExchangeContract
import TradingModel

extension PlantedBug {
    private static func outcome(
        _ name: String, caughtBy owner: String, _ change: @escaping @Sendable (CancelOutcome) -> CancelOutcome
    ) -> PlantedBug {
        PlantedBug(name, caughtBy: owner) {
            Hooks(cancel: { base, order, window in change(await base.cancel(order, within: window)) })
        }
    }

    static let cancelling: [PlantedBug] = [
        outcome("not found on a cancel becomes cancelled", caughtBy: "BC-08.filled") { outcome in
            if case .notOpen(let evidence) = outcome { .cancelled(nil, evidence) } else { outcome }
        },
        outcome("a second cancel becomes refused", caughtBy: "BC-08.twice") { outcome in
            if case .notOpen(let evidence) = outcome { .refused(.other("unknown order"), evidence) } else { outcome }
        },
        outcome("a cancel of what never was becomes unknown", caughtBy: "BC-08.never-sent") { outcome in
            if case .notOpen(let evidence) = outcome { .unknown(.unlistedRefusal, evidence) } else { outcome }
        },
        outcome("a cancel that timed out becomes cancelled", caughtBy: "BC-08.cancel.hang-after") { outcome in
            if case .unknown(.timedOut, let evidence) = outcome { .cancelled(nil, evidence) } else { outcome }
        },
        outcome("an unreadable reply to a cancel becomes requested", caughtBy: "BC-08.cancel.garbage-before") { outcome in
            if case .unknown(.unreadableReply, let evidence) = outcome { .requested(evidence) } else { outcome }
        },
        outcome("a lost cancel becomes not open", caughtBy: "BC-08.cancel.cut-after-request") { outcome in
            if case .unknown(.connectionLost, let evidence) = outcome { .notOpen(evidence) } else { outcome }
        },
        outcome("a server error on a cancel becomes refused", caughtBy: "BC-08.cancel.status-503-before") { outcome in
            if case .unknown(.serverError, let evidence) = outcome { .refused(.venueUnavailable, evidence) } else { outcome }
        },
        PlantedBug("retry inside cancel", caughtBy: "BC-08.cancel.cut-reply-head") {
            Hooks(cancel: { base, order, window in
                let first = await base.cancel(order, within: window)
                guard case .unknown = first else { return first }
                return await base.cancel(order, within: window)
            })
        },
        PlantedBug("a cancel goes out twice to be sure", caughtBy: "BC-08.one-request") {
            Hooks(cancel: { base, order, window in
                let first = await base.cancel(order, within: window)
                _ = await base.cancel(order, within: window)
                return first
            })
        },
        PlantedBug("a cancel ends every open order", caughtBy: "BC-08.cancels") {
            Hooks(cancel: { base, order, window in
                let open = (try? await base.openOrders()) ?? []
                for other in open where other.clientOrderID != order.clientOrderID {
                    guard let id = other.clientOrderID else { continue }
                    _ = await base.cancel(OrderReference(symbol: other.symbol, clientOrderID: id, venueOrderID: nil), within: window)
                }
                return await base.cancel(order, within: window)
            })
        },
        PlantedBug("a cancel goes out after its window", caughtBy: "BC-05.cancel.closed-window") {
            Hooks(cancel: { base, order, _ in await base.cancel(order, within: farWindow()) })
        },
        PlantedBug("a cancel is only pretended", caughtBy: "BC-08.without-venue-id") {
            Hooks(cancel: { base, order, window in
                if order.venueOrderID == nil { return .notOpen(Evidence(mayHaveLeft: true)) }
                return await base.cancel(order, within: window)
            })
        },
        PlantedBug("replace is a cancel in disguise", caughtBy: "BC-09.replace.works") {
            Hooks(replace: { base, order, _, window in
                _ = await base.cancel(order, within: window)
                return .cancelledOnly(nil, .unsupported, Evidence(mayHaveLeft: true))
            })
        },
    ]
}
