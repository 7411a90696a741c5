import AdapterKit
import BrokerContract
import TradingModel

/// Decides what a reply proves. Pure: the same reply always means the same.
enum NewVenueOutcomes {
    /// To be built: how the venue answers a client order id that it has. Never a refusal, because the first order lives under it. A reply of
    /// whatever status that carries this order is judged like a success; any other stays unknown.
    static func place(_ reply: VenueReply, for order: NewOrder) -> PlaceOutcome {
        let evidence = evidence(reply)
        guard isSuccess(reply) else { return refusal(reply).map { .refused($0, evidence) } ?? .unknown(doubt(reply), evidence) }
        guard let json = try? WireJSON(parsing: reply.body), let report = try? NewVenueReplies.order(json) else {
            return .unknown(.unreadableReply, evidence)
        }
        // The echo of a request proves nothing about another order.
        guard report.clientOrderID == order.clientOrderID, report.symbol == order.symbol, report.side == order.side,
            report.quantity == nil || report.quantity == order.quantity
        else { return .unknown(.contradiction, evidence) }
        return .accepted(report, fills: [], evidence)
    }

    /// To be built: how the venue says that an order is not open, which may mean that it filled.
    static func cancel(_ reply: VenueReply, for order: OrderReference) -> CancelOutcome {
        let evidence = evidence(reply)
        guard isSuccess(reply) else { return .unknown(doubt(reply), evidence) }
        guard let json = try? WireJSON(parsing: reply.body), let report = try? NewVenueReplies.order(json) else {
            return .unknown(.unreadableReply, evidence)
        }
        guard report.clientOrderID == order.clientOrderID else { return .unknown(.contradiction, evidence) }
        return report.status == .cancelled ? .cancelled(report, evidence) : .requested(evidence)
    }

    /// The error of a query that got a whole reply other than success.
    static func queryError(_ reply: VenueReply) -> BrokerError {
        let message = NewVenueReplies.errorCode(reply).map { "\($0.code) \($0.message)" } ?? "HTTP \(reply.status)"
        let kind: BrokerError.Kind =
            switch reply.status {
            case 401, 403: .unauthenticated
            case 404: .notFound
            case 429: .rateLimited(retryAfter: retryAfter(reply))
            case 400..<500: .invalidRequest
            default: .unavailable
            }
        return BrokerError(kind, effect: reply.status < 500 ? .refused : .unknown, message)
    }

    static func retryAfter(_ reply: VenueReply) -> Duration? {
        reply.header("Retry-After").flatMap(Int64.init).flatMap { $0 >= 0 && $0 < 1_000_000 ? .seconds($0) : nil }
    }

    static func isSuccess(_ reply: VenueReply) -> Bool { (200..<300).contains(reply.status) }

    /// What is not readable, not listed or not the venue's own words stays in doubt.
    static func doubt(_ reply: VenueReply) -> UnknownCause {
        switch reply.status {
        case 500...: .serverError
        case 400..<500: .unlistedRefusal
        default: .unreadableReply
        }
    }

    static func evidence(_ reply: VenueReply) -> Evidence {
        let error = NewVenueReplies.errorCode(reply)
        return Evidence(
            mayHaveLeft: true, httpStatus: reply.status, venueCode: error?.code,
            message: error?.message ?? (isSuccess(reply) ? nil : String(reply.text.prefix(200))), elapsed: reply.elapsed)
    }

    private static func refusal(_ reply: VenueReply) -> RejectReason? {
        guard (400..<500).contains(reply.status), let error = NewVenueReplies.errorCode(reply) else { return nil }
        return NewVenueDialect.refusals.first { entry in
            (entry.httpStatus ?? reply.status) == reply.status && (entry.code ?? error.code) == error.code
                && (entry.messageContains.map { error.message.contains($0) } ?? true)
        }?.reason
    }
}
