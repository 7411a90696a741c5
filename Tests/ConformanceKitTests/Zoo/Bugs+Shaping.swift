import BrokerContract
import ExchangeContract
import Foundation
import TradingModel

extension PlantedBug {
    /// A placement of another order than the one that was asked for.
    private static func shape(_ name: String, caughtBy owner: String, _ change: @escaping @Sendable (NewOrder) throws -> NewOrder) -> PlantedBug {
        PlantedBug(name, caughtBy: owner) {
            Hooks(place: { base, order, window in await base.place((try? change(order)) ?? order, within: window) })
        }
    }

    static let shaping: [PlantedBug] = [
        shape("quantity goes through a Double", caughtBy: "BC-03.exact") { try $0.with(quantity: Quantity(throughDouble($0.quantity.value, 100_000))) },
        shape("price goes through a Double", caughtBy: "BC-03.exact") { order in
            try order.with(limitPrice: order.limitPrice.map { Price(throughDouble($0.value, 100)) })
        },
        shape("quantity off the lot is rounded", caughtBy: "BC-03.off-lot") { try $0.with(quantity: $0.quantity.rounded(.down, to: step(5))) },
        shape("price off the tick is rounded", caughtBy: "BC-03.off-tick") { order in
            try order.with(limitPrice: order.limitPrice.map { $0.rounded(.down, to: step(2)) })
        },
        shape("mints an id of its own", caughtBy: "BC-04.one-request") { try $0.with(id: ClientOrderID("own-\(UUID().uuidString.prefix(20))")) },
        shape("mends an id that the venue does not take", caughtBy: "BC-16.id-rules") { order in
            try order.with(id: ClientOrderID(String(order.clientOrderID.rawValue.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }.prefix(36))))
        },
        shape("cuts a long id", caughtBy: "BC-16.longest-id") { try $0.with(id: ClientOrderID(String($0.clientOrderID.rawValue.prefix(32)))) },
        shape("sends an unsupported type as market", caughtBy: "BC-15.trailing_stop.gtc") { order in
            guard order.type == .trailingStop else { return order }
            return try NewOrder(
                clientOrderID: order.clientOrderID, symbol: order.symbol, side: order.side, type: .market, quantity: order.quantity, timeInForce: .ioc)
        },
        shape("sends an unsupported time in force as gtc", caughtBy: "BC-15.limit.day") { try $0.with(timeInForce: $0.timeInForce == .day ? .gtc : $0.timeInForce) },
        shape("sends a stop-limit as a stop", caughtBy: "BC-15.stop_limit") { order in
            guard order.type == .stopLimit else { return order }
            return try NewOrder(
                clientOrderID: order.clientOrderID, symbol: order.symbol, side: order.side, type: .stop, quantity: order.quantity,
                stopPrice: order.stopPrice, timeInForce: .gtc)
        },
        shape("ignores post-only", caughtBy: "BC-15.post-only.never-takes") { try $0.with(postOnly: false) },
        shape("ignores reduce-only", caughtBy: "BC-15.reduce-only") { try $0.with(reduceOnly: false) },
        shape("leaves the bracket away", caughtBy: "BC-15.bracket") { try $0.with(bracket: .some(nil)) },
        shape("buys when asked to sell", caughtBy: "BC-13.sell") { try $0.with(side: .buy) },
        PlantedBug("accepted without a venue id", caughtBy: "BC-04.venue-id") {
            Hooks(place: { base, order, window in
                guard case .accepted(_, let fills, let evidence) = await base.place(order, within: window) else { return .unknown(.contradiction, Evidence(mayHaveLeft: true)) }
                return .accepted(echo(of: order, venueOrderID: ""), fills: fills, evidence)
            })
        },
        PlantedBug("the request is echoed as a filled report", caughtBy: "BC-04.terms") {
            Hooks(place: { base, order, window in
                guard case .accepted(let report, let fills, let evidence) = await base.place(order, within: window) else { return .unknown(.contradiction, Evidence(mayHaveLeft: true)) }
                return .accepted(echo(of: order, venueOrderID: report.venueOrderID, filled: order.quantity), fills: fills, evidence)
            })
        },
        PlantedBug("fills of the reply get ids of their own", caughtBy: "BC-13.in-reply") {
            Hooks(place: { base, order, window in
                let outcome = await base.place(order, within: window)
                guard case .accepted(let report, let fills, let evidence) = outcome else { return outcome }
                return .accepted(report, fills: fills.map { $0.with(id: ExecutionID(UUID().uuidString)) }, evidence)
            })
        },
    ]

    private static func throughDouble(_ value: Decimal, _ steps: Double) -> Decimal {
        Decimal(Int(NSDecimalNumber(decimal: value).doubleValue * steps)) / Decimal(steps)
    }

    private static func step<D: ExactDecimal>(_ places: Int) -> D { D(Decimal(sign: .plus, exponent: -places, significand: 1)) }
}

extension NewOrder {
    /// The same order with another part.
    func with(
        id: ClientOrderID? = nil, side: Side? = nil, quantity: Quantity? = nil, limitPrice: Price?? = .none, timeInForce: TimeInForce? = nil,
        postOnly: Bool? = nil, reduceOnly: Bool? = nil, bracket: Bracket?? = .none
    ) throws -> NewOrder {
        try NewOrder(
            clientOrderID: id ?? clientOrderID, symbol: symbol, side: side ?? self.side, type: type, quantity: quantity ?? self.quantity,
            limitPrice: limitPrice ?? self.limitPrice, stopPrice: stopPrice, trailingDistance: trailingDistance,
            timeInForce: timeInForce ?? self.timeInForce, goodTill: goodTill, postOnly: postOnly ?? self.postOnly,
            reduceOnly: reduceOnly ?? self.reduceOnly, bracket: bracket ?? self.bracket)
    }
}

extension Fill {
    /// The same fill with another part.
    func with(id: ExecutionID? = nil, side: Side? = nil, price: Price? = nil) -> Fill {
        Fill(
            executionID: id ?? executionID, venueOrderID: venueOrderID, clientOrderID: clientOrderID, symbol: symbol,
            side: side ?? self.side, quantity: quantity, price: price ?? self.price, fee: fee, feeAsset: feeAsset, executedAt: executedAt)
    }
}

extension OrderReport {
    /// The same report with another part.
    func with(clientOrderID: ClientOrderID? = nil, status: VenueOrderStatus? = nil, averagePrice: Price? = nil) -> OrderReport {
        OrderReport(
            venueOrderID: venueOrderID, clientOrderID: clientOrderID ?? self.clientOrderID, symbol: symbol, side: side, type: type,
            status: status ?? self.status, venueStatus: venueStatus, quantity: quantity, limitPrice: limitPrice, stopPrice: stopPrice,
            filledQuantity: filledQuantity, averagePrice: averagePrice ?? self.averagePrice, reason: reason, updatedAt: updatedAt)
    }
}
