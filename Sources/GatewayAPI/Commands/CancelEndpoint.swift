import Gateway
import HTTPTypes
import Hummingbird
import StoreContract
import TradingModel

/// `DELETE /api/v1/orders/{id}`: asks for an order's cancel. Safe to repeat.
struct CancelEndpoint: Sendable {
    let gateway: TradingGateway

    /// 200 with the order if it is cancelled now or was before, 202 while the venue has not shown how it ended.
    func cancel(_ id: OrderID, _ request: Request, _ correlation: Correlation) async throws -> Response {
        _ = try QueryParameters(request, known: [])
        switch try await gateway.cancel(id, by: "request \(correlation.requestID)") {
        case .noSuchOrder: throw Problem.missing("order", id.rawValue)
        case .withdrawn(let order): return Response(json: order.row)
        case .asked(let order), .ended(let order):
            guard order.state.isTerminal else { return Response(.accepted, json: order.row) }
            guard order.isCancelled else { 
                throw Problem(
                    status: .conflict, code: "order_has_ended", detail: "The order ended as \(order.state.rawValue); nothing is left to cancel.")
            }
            return Response(json: order.row)
        case .undecided(let order):
            throw Problem(
                status: .conflict, code: "order_undecided",
                detail: "The order is \(order.state.rawValue): it is not known yet what the venue has, or it comes and goes with its entry. Ask again later.")
        case .refused(_, let why): 
            throw Problem(status: .conflict, code: "cancel_refused", detail: "The venue refused the cancel: \(why)")
        case .notSent(let why):
            throw Problem(
                status: .serviceUnavailable, code: "cancel_not_sent", detail: "Nothing was sent: \(why)", headers: [.retryAfter: "2"])
        }
    }
}

extension OrderRecord {
    /// Ended by a cancel: at the venue, or before it was there.
    fileprivate var isCancelled: Bool { state == .cancelled || state.isTerminal && reason == "cancelled" }
}
