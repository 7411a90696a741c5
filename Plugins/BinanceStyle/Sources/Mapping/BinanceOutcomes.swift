import AdapterKit
import BrokerContract
import Foundation
import TradingModel

/// Decides what a reply proves. Pure: the same reply always means the same.
enum BinanceOutcomes {
    static func place(_ reply: VenueReply, for request: BinanceOrderRequest, refusals: BinanceRefusals = .spot) -> PlaceOutcome {
        let error = errorBody(reply)
        let evidence = evidence(of: reply, error: error)
        guard (200..<300).contains(reply.status) else {
            return rejection(reply, error: error, list: refusals.place).map { .refused($0, evidence) }
                ?? .unknown(doubt(reply), evidence)
        }
        guard let order = placed(reply, for: request), let report = try? order.report(), let fills = try? order.mappedFills() else {
            return .unknown(.unreadableReply, evidence)
        }
        guard order.clientOrderId == request.clientOrderID.rawValue, report.symbol == request.symbol, report.side == request.side,
            request.quantity == nil || report.quantity == request.quantity,
            report.quantity.map({ report.filledQuantity <= $0 }) ?? true
        else { return .unknown(.contradiction, evidence) }
        return .accepted(report, fills: fills, evidence)
    }

    /// The order of a placement's reply; of a list the entry, if all its legs are there too.
    private static func placed(_ reply: VenueReply, for request: BinanceOrderRequest) -> BinanceOrderReply? {
        guard !request.legs.isEmpty else { return try? JSONDecoder().decode(BinanceOrderReply.self, from: Data(reply.body)) }
        guard let list = try? JSONDecoder().decode(BinanceListReply.self, from: Data(reply.body)) else { return nil }
        let ids = Set(list.orderReports.map(\.clientOrderId))
        guard request.legs.allSatisfy({ ids.contains($0.rawValue) }) else { return nil }
        return list.orderReports.first { $0.clientOrderId == request.clientOrderID.rawValue }
    }

    static func cancel(_ reply: VenueReply, for reference: OrderReference, refusals: BinanceRefusals = .spot) -> CancelOutcome {
        let error = errorBody(reply)
        let evidence = evidence(of: reply, error: error)
        guard (200..<300).contains(reply.status) else {
            if reply.status == 400, error?.code == -2011, error?.msg.contains("Unknown order") == true { return .notOpen(evidence) }
            return rejection(reply, error: error, list: refusals.cancel).map { .refused($0, evidence) }
                ?? .unknown(doubt(reply), evidence)
        }
        guard let order = cancelled(reply, for: reference), let report = try? order.report() else {
            return .unknown(.unreadableReply, evidence)
        }
        // The futures have no id of the cancel's own, and say the order's once.
        guard order.origClientOrderId ?? order.clientOrderId == reference.clientOrderID.rawValue, report.symbol == reference.symbol else {
            return .unknown(.contradiction, evidence)
        }
        return report.status == .cancelled ? .cancelled(report, evidence) : .requested(evidence)
    }

    /// A member of a list takes the whole list with it; the reply is the list then.
    private static func cancelled(_ reply: VenueReply, for reference: OrderReference) -> BinanceOrderReply? {
        if let order = try? JSONDecoder().decode(BinanceOrderReply.self, from: Data(reply.body)) { return order }
        let list = try? JSONDecoder().decode(BinanceListReply.self, from: Data(reply.body))
        return list?.orderReports.first { $0.origClientOrderId == reference.clientOrderID.rawValue }
    }

    static func amend(_ reply: VenueReply, for reference: OrderReference, quantity: Quantity) -> ReplaceOutcome {
        let error = errorBody(reply)
        let evidence = evidence(of: reply, error: error)
        guard (200..<300).contains(reply.status) else {
            if reply.status == 400, error?.code == -2013 || error?.code == -2011 { return .notOpen(evidence) }
            return rejection(reply, error: error, list: BinanceRefusals.spot.amend).map { .refused($0, evidence) }
                ?? .unknown(doubt(reply), evidence)
        }
        guard let answer = try? JSONDecoder().decode(BinanceAmendReply.self, from: Data(reply.body)), let report = try? answer.report() else {
            return .unknown(.unreadableReply, evidence)
        }
        guard report.clientOrderID == reference.clientOrderID, report.symbol == reference.symbol, report.quantity == quantity else {
            return .unknown(.contradiction, evidence)
        }
        return .replaced(report, evidence)
    }

    /// A change of price and quantity in place, as the futures have it. The reply is the order.
    static func modify(_ reply: VenueReply, for reference: OrderReference, quantity: Quantity, price: Price) -> ReplaceOutcome {
        let error = errorBody(reply)
        let evidence = evidence(of: reply, error: error)
        guard (200..<300).contains(reply.status) else {
            if reply.status == 400, error?.code == -2013 || error?.code == -2011 { return .notOpen(evidence) }
            return rejection(reply, error: error, list: BinanceRefusals.usdm.amend).map { .refused($0, evidence) }
                ?? .unknown(doubt(reply), evidence)
        }
        guard let order = try? JSONDecoder().decode(BinanceOrderReply.self, from: Data(reply.body)), let report = try? order.report() else {
            return .unknown(.unreadableReply, evidence)
        }
        guard report.clientOrderID == reference.clientOrderID, report.symbol == reference.symbol else { return .unknown(.contradiction, evidence) }
        // What is filled by now may reach the new quantity: the venue then ends the order.
        if report.status == .cancelled { return .cancelledOnly(report, .invalidQuantity, evidence) }
        guard report.quantity == quantity, report.limitPrice == price else { return .unknown(.contradiction, evidence) }
        return .replaced(report, evidence)
    }

    static func lookup(_ reply: VenueReply, for reference: OrderReference) -> LookupResult {
        let error = errorBody(reply)
        let evidence = evidence(of: reply, error: error)
        guard (200..<300).contains(reply.status) else {
            if reply.status == 400, error?.code == -2013 { return .notFound(complete: true, evidence) }
            return .indeterminate(doubt(reply), evidence)
        }
        guard let order = try? JSONDecoder().decode(BinanceOrderReply.self, from: Data(reply.body)),
            let report = try? order.report()
        else { return .indeterminate(.unreadableReply, evidence) }
        guard order.clientOrderId == reference.clientOrderID.rawValue, report.symbol == reference.symbol else {
            return .indeterminate(.contradiction, evidence)
        }
        return .found(report)
    }

    /// The error of a query that got a whole reply other than success.
    static func queryError(_ reply: VenueReply) -> BrokerError {
        let error = errorBody(reply)
        let message = error.map { "\($0.code) \($0.msg)" } ?? "HTTP \(reply.status)"
        let kind: BrokerError.Kind =
            switch (reply.status, error?.code) {
            case (429, _), (418, _), (_, -1003): .rateLimited(retryAfter: retryAfter(reply))
            case (_, -1002), (_, -1022), (_, -2014), (_, -2015): .unauthenticated
            case (_, -1121): .notFound
            case (_, -2013): .notFound
            case (400..<500, .some): .invalidRequest
            default: .unavailable
            }
        return BrokerError(kind, effect: reply.status < 500 ? .refused : .unknown, message)
    }

    static func errorBody(_ reply: VenueReply) -> BinanceErrorReply? {
        try? JSONDecoder().decode(BinanceErrorReply.self, from: Data(reply.body))
    }

    /// `Retry-After` is in seconds here; on the WebSocket API the same idea is an epoch time in milliseconds.
    static func retryAfter(_ reply: VenueReply) -> Duration? {
        reply.header("Retry-After").flatMap(Int64.init).flatMap { $0 >= 0 && $0 < 1_000_000 ? .seconds($0) : nil }
    }

    static func rejection(_ reply: VenueReply, error: BinanceErrorReply?, list: [DefinitiveRefusal]) -> RejectReason? {
        guard (400..<500).contains(reply.status) else { return nil }
        return BinanceRefusals.match(list, status: reply.status, code: error?.code, message: error?.msg ?? "")
    }

    static func doubt(_ reply: VenueReply) -> UnknownCause {
        switch reply.status {
        case 500...: .serverError
        case 400..<500: .unlistedRefusal
        default: .unreadableReply
        }
    }

    static func evidence(of reply: VenueReply, error: BinanceErrorReply?) -> Evidence {
        let isSuccess = (200..<300).contains(reply.status)
        return Evidence(
            mayHaveLeft: true, httpStatus: reply.status, venueCode: error.map { String($0.code) },
            message: error?.msg ?? (isSuccess ? nil : String(reply.text.prefix(200))), elapsed: reply.elapsed)
    }
}
