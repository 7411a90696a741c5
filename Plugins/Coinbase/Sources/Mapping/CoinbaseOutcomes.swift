import AdapterKit
import BrokerContract
import Foundation
import TradingModel

/// Decides what a reply proves. Pure: the same reply always means the same.
enum CoinbaseOutcomes {
    /// What the reply to a new order or an edit says.
    enum Claim<Outcome> {
        case settled(Outcome)
        /// The venue says that it took the request, which is no proof yet: the order must be read.
        case taken(VenueOrderID, Evidence)
    }

    static func place(_ reply: VenueReply, for id: ClientOrderID) -> Claim<PlaceOutcome> {
        let error = CoinbaseErrorReply(reply.body)
        let evidence = evidence(of: reply, code: error.code, message: error.message)
        guard (200..<300).contains(reply.status) else {
            return .settled(
                rejection(reply, error.code, error.message, list: CoinbaseRefusals.place).map { .refused($0, evidence) }
                    ?? .unknown(doubt(reply), evidence))
        }
        guard let answer = try? JSONDecoder().decode(CoinbaseCreateReply.self, from: Data(reply.body)) else {
            return .settled(.unknown(.unreadableReply, evidence))
        }
        if answer.success {
            guard let success = answer.success_response, !success.order_id.isEmpty else {
                return .settled(.unknown(.unreadableReply, evidence))
            }
            let told = self.evidence(of: reply, code: nil, message: "order_id \(success.order_id)")
            if let other = success.client_order_id, other.lowercased() != id.rawValue { return .settled(.unknown(.contradiction, told)) }
            return .taken(VenueOrderID(success.order_id), told)
        }
        return .settled(
            rejection(reply, error.code, error.message, list: CoinbaseRefusals.place).map { .refused($0, evidence) }
                ?? .unknown(.unlistedRefusal, evidence))
    }

    /// What the order itself proves about a placement that the venue says it took.
    static func confirm(_ order: CoinbaseOrderReply, for request: CoinbaseOrderRequest, _ evidence: Evidence) -> PlaceOutcome {
        var evidence = evidence
        do {
            if let words = try request.contradiction(in: order) {
                evidence.message = "the venue answered with \(words): order_id \(order.order_id)"
                return .unknown(.contradiction, evidence)
            }
            let report = try order.report(as: request.symbol)
            guard report.quantity.map({ report.filledQuantity <= $0 }) ?? true else {
                evidence.message = "more is filled than was ordered: order_id \(order.order_id)"
                return .unknown(.contradiction, evidence)
            }
            return .accepted(report, fills: [], evidence)
        } catch {
            evidence.message = "the order cannot be read: order_id \(order.order_id)"
            return .unknown(.unreadableReply, evidence)
        }
    }

    static func cancel(_ reply: VenueReply, of id: VenueOrderID) -> CancelOutcome {
        let error = CoinbaseErrorReply(reply.body)
        let evidence = evidence(of: reply, code: error.code, message: error.message)
        guard (200..<300).contains(reply.status) else {
            return rejection(reply, error.code, error.message, list: CoinbaseRefusals.cancel).map { .refused($0, evidence) }
                ?? .unknown(doubt(reply), evidence)
        }
        guard let answer = try? JSONDecoder().decode(CoinbaseCancelReply.self, from: Data(reply.body)) else {
            return .unknown(.unreadableReply, evidence)
        }
        guard answer.results.count == 1, let result = answer.results.first, result.order_id == id.rawValue else {
            return .unknown(.contradiction, evidence)
        }
        let told = self.evidence(of: reply, code: result.failure_reason, message: nil)
        if result.success { return .requested(told) }
        switch result.failure_reason {
        case "UNKNOWN_CANCEL_ORDER", "ORDER_IS_FULLY_FILLED": return .notOpen(told)
        case "DUPLICATE_CANCEL_REQUEST": return .requested(told)
        default:
            return rejection(reply, result.failure_reason, nil, list: CoinbaseRefusals.cancel).map { .refused($0, told) }
                ?? .unknown(.unlistedRefusal, told)
        }
    }

    /// - Parameter id: The order that was to be edited. The answer may leave it out.
    static func edit(_ reply: VenueReply, of id: VenueOrderID) -> Claim<ReplaceOutcome> {
        let error = CoinbaseErrorReply(reply.body)
        let evidence = evidence(of: reply, code: error.code, message: error.message)
        guard (200..<300).contains(reply.status) else {
            return .settled(
                rejection(reply, error.code, error.message, list: CoinbaseRefusals.edit).map { .refused($0, evidence) }
                    ?? .unknown(doubt(reply), evidence))
        }
        guard let answer = try? JSONDecoder().decode(CoinbaseEditReply.self, from: Data(reply.body)) else {
            return .settled(.unknown(.unreadableReply, evidence))
        }
        if answer.success { return .taken(id, self.evidence(of: reply, code: nil, message: nil)) }
        let codes = answer.failures.flatMap { [$0.edit_failure_reason, $0.edit_order_failure_reason, $0.preview_failure_reason] }
            .compactMap { $0 }.filter { !$0.isEmpty }
        let code = codes.first { !$0.hasPrefix("UNKNOWN_") } ?? codes.first
        let words = answer.failures.flatMap { [$0.error_details, $0.message] }.compactMap { $0 }.first { !$0.isEmpty }
        let told = self.evidence(of: reply, code: code, message: words)
        switch code {
        case "ORDER_NOT_FOUND", "ONLY_OPEN_ORDERS_CAN_BE_EDITED": return .settled(.notOpen(told))
        case "EDIT_REQUEST_EQUAL_TO_ORIGINAL_REQUEST": return .taken(id, told)
        default:
            return .settled(
                rejection(reply, code, words, list: CoinbaseRefusals.edit).map { .refused($0, told) } ?? .unknown(.unlistedRefusal, told))
        }
    }

    /// What asking for one order by the venue's id came to.
    enum Reading {
        case found(CoinbaseOrderReply)
        /// The venue's own words for an id that it does not have.
        case notFound(Evidence)
        case unclear(UnknownCause, Evidence)
    }

    static func order(_ reply: VenueReply, id: VenueOrderID) -> Reading {
        let error = CoinbaseErrorReply(reply.body)
        let evidence = evidence(of: reply, code: error.code, message: error.message)
        guard (200..<300).contains(reply.status) else {
            let isNotFound =
                error.message?.contains("was not found") == true
                || (reply.status == 404 && ["NOT_FOUND", "not_found"].contains(error.code))
            return isNotFound && reply.status < 500 ? .notFound(evidence) : .unclear(doubt(reply), evidence)
        }
        guard let answer = try? JSONDecoder().decode(CoinbaseOrderEnvelope.self, from: Data(reply.body)) else {
            return .unclear(.unreadableReply, evidence)
        }
        guard answer.order.order_id == id.rawValue else { return .unclear(.contradiction, evidence) }
        return .found(answer.order)
    }

    /// The error of a query that got a whole reply other than success.
    static func queryError(_ reply: VenueReply) -> BrokerError {
        let error = CoinbaseErrorReply(reply.body)
        let words = [error.code, error.message].compactMap { $0 }.joined(separator: ": ")
        let kind: BrokerError.Kind =
            switch reply.status {
            case 429: .rateLimited(retryAfter: retryAfter(reply))
            case 401: .unauthenticated
            case 403: .rejected(.permissionDenied)
            case 404: .notFound
            case 400: .invalidRequest
            default: .unavailable
            }
        return BrokerError(kind, effect: reply.status < 500 ? .refused : .unknown, words.isEmpty ? "HTTP \(reply.status)" : words)
    }

    /// The venue documents no such header; a proxy before it may send one. In seconds.
    static func retryAfter(_ reply: VenueReply) -> Duration? {
        reply.header("Retry-After").flatMap(Int64.init).flatMap { $0 >= 0 && $0 < 86400 ? .seconds($0) : nil }
    }

    private static func rejection(
        _ reply: VenueReply, _ code: String?, _ message: String?, list: [DefinitiveRefusal]
    ) -> RejectReason? {
        guard reply.status < 500 else { return nil }
        return CoinbaseRefusals.match(list, status: reply.status, code: code, message: message ?? "")
    }

    private static func doubt(_ reply: VenueReply) -> UnknownCause {
        switch reply.status {
        case 500...: .serverError
        case 400..<500: .unlistedRefusal
        default: .unreadableReply
        }
    }

    private static func evidence(of reply: VenueReply, code: String?, message: String?) -> Evidence {
        let isSuccess = (200..<300).contains(reply.status)
        return Evidence(
            mayHaveLeft: true, httpStatus: reply.status, venueCode: code,
            message: message ?? (isSuccess ? nil : String(reply.text.prefix(200))), elapsed: reply.elapsed)
    }
}
