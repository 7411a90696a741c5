import BrokerContract
import ExchangeContract
import TradingModel

extension PlantedBug {
    /// A closing whose outcome is changed by a rule, in the adapter that has such a command.
    private static func outcome(
        _ name: String, caughtBy owner: String, _ change: @escaping @Sendable (CloseOutcome) -> CloseOutcome
    ) -> PlantedBug {
        PlantedBug(name, in: "tradovate", caughtBy: owner) {
            Hooks(close: { base, symbol, id, window in change(await base.closePosition(symbol, id: id, within: window)) })
        }
    }

    private static func closes(
        _ name: String, caughtBy owner: String, _ close: @escaping @Sendable (any Exchange, Symbol, ClientOrderID, SendWindow) async -> CloseOutcome
    ) -> PlantedBug {
        PlantedBug(name, in: "tradovate", caughtBy: owner) { Hooks(close: close) }
    }

    /// Bugs of leaving a position.
    static let closing: [PlantedBug] = [
        outcome("a closing that timed out becomes refused", caughtBy: "BC-22.close.hang-after") { outcome in
            if case .unknown(.timedOut, let evidence) = outcome { .refused(.venueUnavailable, evidence) } else { outcome }
        },
        outcome("an unreadable reply to a closing is trusted", caughtBy: "BC-22.close.garbage-before") { outcome in
            if case .unknown(.unreadableReply, let evidence) = outcome { .requested(nil, evidence) } else { outcome }
        },
        closes("a lost closing is sent again", caughtBy: "BC-22.close.cut-after-request") { base, symbol, id, window in
            let first = await base.closePosition(symbol, id: id, within: window)
            guard case .unknown = first else { return first }
            return await base.closePosition(symbol, id: id, within: window)
        },
        closes("a closing goes out after its window", caughtBy: "BC-22.close.closed-window") { base, symbol, id, _ in
            await base.closePosition(symbol, id: id, within: farWindow())
        },
        closes("a closing leaves every position", caughtBy: "BC-22.close.other-symbol") { base, symbol, id, window in
            for other in (try? await base.positions()) ?? [] where other.symbol != symbol {
                _ = await base.closePosition(other.symbol, id: id, within: window)
            }
            return await base.closePosition(symbol, id: id, within: window)
        },
        closes("a short position is closed by another sale", caughtBy: "BC-22.close.short") { base, symbol, id, window in
            let held = (try? await base.positions())?.first { $0.symbol == symbol }?.quantity ?? .zero
            let order = try? NewOrder(clientOrderID: id, symbol: symbol, side: .sell, type: .market, quantity: held.magnitude, timeInForce: .day)
            guard let order, case .accepted(let report, _, let evidence) = await base.place(order, within: window) else {
                return .unknown(.contradiction, Evidence(mayHaveLeft: true))
            }
            return .requested(report.venueOrderID, evidence)
        },
    ]

    private static func replaces(
        _ name: String, caughtBy owner: String, _ replace: @escaping @Sendable (any Exchange, OrderReference, Replacement, SendWindow) async -> ReplaceOutcome
    ) -> PlantedBug {
        PlantedBug(name, caughtBy: owner) { Hooks(replace: replace) }
    }

    /// The successor as an order of its own.
    private static func makeSuccessor(
        _ base: any Exchange, of order: OrderReference, _ terms: Replacement, _ window: SendWindow
    ) async -> (PlaceOutcome, OrderReport)? {
        guard case .found(let old) = await base.lookup(order), let id = terms.successor, let quantity = terms.quantity ?? old.quantity,
            let new = try? NewOrder(
                clientOrderID: id, symbol: order.symbol, side: old.side, type: .limit, quantity: quantity, limitPrice: terms.limitPrice ?? old.limitPrice,
                timeInForce: .gtc)
        else { return nil }
        return (await base.place(new, within: window), old)
    }

    /// Bugs of replacing an order by another one.
    static let repricing: [PlantedBug] = [
        replaces("a new price is a second order", caughtBy: "BC-09.reprice.works") { base, order, terms, window in
            guard case .accepted(let report, _, let evidence)? = await makeSuccessor(base, of: order, terms, window)?.0 else {
                return .unknown(.contradiction, Evidence(mayHaveLeft: true))
            }
            return .replaced(report, evidence)
        },
        replaces("the rest of a partly filled order begins anew with the whole quantity", caughtBy: "BC-09.reprice.partly-filled") { base, order, terms, window in
            _ = await base.cancel(order, within: window)
            guard case .accepted(let report, _, let evidence)? = await makeSuccessor(base, of: order, terms, window)?.0 else {
                return .unknown(.contradiction, Evidence(mayHaveLeft: true))
            }
            return .replaced(report, evidence)
        },
        replaces("half a replacement is called refused", caughtBy: "BC-09.reprice.unaffordable") { base, order, terms, window in
            let outcome = await base.replace(order, with: terms, within: window)
            if case .cancelledOnly(_, let reason, let evidence) = outcome { return .refused(reason, evidence) }
            return outcome
        },
        replaces("a lost replacement becomes refused", caughtBy: "BC-09.reprice.cut-after-request") { base, order, terms, window in
            let outcome = await base.replace(order, with: terms, within: window)
            if case .unknown(_, let evidence) = outcome { return .refused(.venueUnavailable, evidence) }
            return outcome
        },
        replaces("mints a successor of its own", caughtBy: "BC-09.reprice.no-successor") { base, order, terms, window in
            var terms = terms
            terms.successor = terms.successor ?? ClientOrderID("own-\(order.clientOrderID.rawValue.suffix(20))")
            return await base.replace(order, with: terms, within: window)
        },
    ]

    private static func pairs(
        _ name: String, caughtBy owner: String, _ place: @escaping @Sendable (any Exchange, ExitPair, SendWindow) async -> PlaceOutcome
    ) -> PlantedBug {
        PlantedBug(name, caughtBy: owner) { Hooks(placePair: place) }
    }

    /// Bugs of stop and target for what is held.
    static let pairing: [PlantedBug] = [
        pairs("a pair is two orders that do not know each other", caughtBy: "BC-23.pair.target-fills") { base, pair, window in
            for role in [BracketRole.takeProfit, .stopLoss] {
                let isStop = role == .stopLoss
                guard let order = try? NewOrder(
                    clientOrderID: pair.id.leg(role), symbol: pair.symbol, side: pair.side, type: isStop ? .stop : .limit, quantity: pair.quantity,
                    limitPrice: isStop ? nil : pair.takeProfit, stopPrice: isStop ? pair.stopLoss : nil, timeInForce: .gtc)
                else { continue }
                let outcome = await base.place(order, within: window)
                guard case .accepted = outcome, !isStop else { return outcome }
            }
            return .unknown(.contradiction, Evidence(mayHaveLeft: true))
        },
        pairs("a pair is sent as its stop alone", caughtBy: "BC-23.pair.rests") { base, pair, window in
            guard let order = try? NewOrder(
                clientOrderID: pair.id.leg(.stopLoss), symbol: pair.symbol, side: pair.side, type: .stop, quantity: pair.quantity,
                stopPrice: pair.stopLoss, timeInForce: .gtc)
            else { return .notSent(.invalid, Evidence(mayHaveLeft: false)) }
            return await base.place(order, within: window)
        },
        pairs("a lost pair is sent again", caughtBy: "BC-23.pair.cut-after-request") { base, pair, window in
            let first = await base.placeExitPair(pair, within: window)
            guard case .unknown = first else { return first }
            return await base.placeExitPair(pair, within: window)
        },
    ]
}
