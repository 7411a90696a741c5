import BrokerContract
import TradingModel

/// Decides what a reply to a command proves. Pure: the same reply always means the same.
enum TradovateOutcomes {
    /// An id is taken as the order, but not as its acceptance by risk and exchange: those come later, and so may a rejection.
    static func place(_ reply: TradovateReply, for request: TradovateOrderRequest, at now: Timestamp) -> PlaceOutcome {
        if let id = reply.created("orderId") {
            let order = request.order
            let report = OrderReport(
                venueOrderID: VenueOrderID(String(id)), clientOrderID: order.clientOrderID, symbol: order.symbol, side: order.side,
                type: order.type, status: .pendingNew, venueStatus: "PendingNew", quantity: order.quantity, limitPrice: order.limitPrice,
                stopPrice: order.stopPrice, filledQuantity: .zero, averagePrice: nil, updatedAt: now)
            return .accepted(report, fills: [], reply.evidence)
        }
        if let reason = reply.refusal { return .refused(reason, reply.evidence) }
        return .unknown(reply.contradictsItself ? .contradiction : reply.doubt, reply.evidence)
    }

    static func cancel(_ reply: TradovateReply) -> CancelOutcome {
        if reply.created("commandId") != nil { return .requested(reply.evidence) }
        if reply.code == "TooLate", reply.refusal != nil { return .notOpen(reply.evidence) }
        if let reason = reply.refusal { return .refused(reason, reply.evidence) }
        return .unknown(reply.contradictsItself ? .contradiction : reply.doubt, reply.evidence)
    }

    /// The id is that of the closing order; what becomes of it comes later.
    static func close(_ reply: TradovateReply) -> CloseOutcome {
        if let id = reply.created("orderId") { return .requested(VenueOrderID(String(id)), reply.evidence) }
        if let reason = reply.refusal { return .refused(reason, reply.evidence) }
        return .unknown(reply.contradictsItself ? .contradiction : reply.doubt, reply.evidence)
    }

    /// A reply without the id of a command. With one, only a later event tells the outcome.
    static func replace(_ reply: TradovateReply) -> ReplaceOutcome {
        if reply.code == "TooLate", reply.refusal != nil { return .notOpen(reply.evidence) }
        if let reason = reply.refusal { return .refused(reason, reply.evidence) }
        return .unknown(reply.contradictsItself ? .contradiction : reply.doubt, reply.evidence)
    }
}
