import BrokerContract
import ExchangeContract
import TradingModel

extension PlantedBug {
    private static func bug(_ name: String, caughtBy owner: String, _ hooks: @escaping @Sendable () -> Hooks) -> PlantedBug {
        PlantedBug(name, in: "paper", caughtBy: owner, hooks)
    }

    /// Looks a leg up and changes what was found.
    private static func seen(_ name: String, caughtBy owner: String, _ change: @escaping @Sendable (OrderReport, OrderReference.Leg) -> OrderReport) -> PlantedBug {
        bug(name, caughtBy: owner) {
            Hooks(lookup: { base, reference in
                let result = await base.lookup(reference)
                guard case .found(let report) = result, let leg = reference.leg else { return result }
                return .found(change(report, leg))
            })
        }
    }

    private static func isLeg(_ id: ClientOrderID?) -> Bool { id.map { $0.rawValue.hasSuffix("-sl") || $0.rawValue.hasSuffix("-tp") } ?? false }

    /// Bugs of brackets, in an adapter that has them.
    static let bracketing: [PlantedBug] = [
        bug("a leg is told under the venue's id", caughtBy: "BC-20.legs-told") {
            Hooks(event: { event in
                guard case .order(let report) = event, isLeg(report.clientOrderID) else { return [event] }
                return [.order(report.with(clientOrderID: ClientOrderID(report.venueOrderID.rawValue)))]
            })
        },
        bug("legs are told under their entry's id", caughtBy: "BC-20.legs-told") {
            Hooks(event: { event in
                guard case .order(let report) = event, isLeg(report.clientOrderID) else { return [event] }
                return [event, .order(report.with(clientOrderID: ClientOrderID(String(report.clientOrderID?.rawValue.dropLast(3) ?? ""))))]
            })
        },
        bug("an entry is sent without its legs", caughtBy: "BC-20.legs-looked-up") {
            Hooks(place: { base, order, window in await base.place((try? order.with(bracket: .some(nil))) ?? order, within: window) })
        },
        bug("only the stop is sent", caughtBy: "BC-20.legs-looked-up") {
            Hooks(place: { base, order, window in
                let half = Bracket(stopLoss: order.bracket?.stopLoss, takeProfit: nil)
                return await base.place((try? order.with(bracket: order.bracket == nil ? nil : half)) ?? order, within: window)
            })
        },
        bug("stop and target change places", caughtBy: "BC-20.legs-looked-up") {
            Hooks(lookup: { base, reference in
                guard let leg = reference.leg else { return await base.lookup(reference) }
                let other = leg.entry.leg(leg.role == .stopLoss ? .takeProfit : .stopLoss)
                let result = await base.lookup(OrderReference(symbol: reference.symbol, clientOrderID: other, venueOrderID: nil))
                guard case .found(let report) = result else { return result }
                return .found(report.with(clientOrderID: reference.clientOrderID))
            })
        },
        seen("the stop stays open after the target fills", caughtBy: "BC-20.target-fills") { report, _ in
            report.status == .cancelled ? report.with(status: .accepted) : report
        },
        seen("the target stays open after the stop fills", caughtBy: "BC-20.stop-fills") { report, _ in
            report.status == .cancelled ? report.with(status: .accepted) : report
        },
        bug("the other leg gets the fills too", caughtBy: "BC-20.target-fills") {
            Hooks(fillsOfOrder: { base, reference throws(BrokerError) in
                guard let leg = reference.leg else { return try await base.fills(of: reference) }
                var fills: [Fill] = []
                for role in BracketRole.allCases {
                    fills += try await base.fills(of: OrderReference(symbol: reference.symbol, clientOrderID: leg.entry.leg(role), venueOrderID: nil))
                }
                return fills
            })
        },
        seen("a leg outlives its entry", caughtBy: "BC-20.entry-cancelled") { report, _ in
            report.status == .cancelled ? report.with(status: .pendingNew) : report
        },
        bug("the cancel of a leg goes to its entry", caughtBy: "BC-20.legs-cancelled-by-id") {
            Hooks(cancel: { base, reference, window in
                guard let leg = reference.leg else { return await base.cancel(reference, within: window) }
                return await base.cancel(OrderReference(symbol: reference.symbol, clientOrderID: leg.entry, venueOrderID: nil), within: window)
            })
        },
    ]
}
