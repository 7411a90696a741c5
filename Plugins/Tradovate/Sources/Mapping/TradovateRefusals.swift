import BrokerContract
import TradingModel

/// Replies of Tradovate that prove that nothing was placed or changed. The first entry that matches wins.
///
/// Left out on purpose, so that they stay unknown: every 5xx, 408, 404, `RiskCheckTimeout`, `errorText` without a reason, and every
/// reason that is not in the venue's list. Source: the OpenAPI document of partner.tradovate.com, snapshot of 2026-08-21.
enum TradovateRefusals {
    static let list: [DefinitiveRefusal] = gate + words + codes

    /// The refusal that this reply is, if it is on the list.
    static func match(status: Int, code: String?, message: String) -> RejectReason? {
        let text = message.lowercased()
        let entry = list.first { entry in
            (entry.httpStatus == nil || entry.httpStatus == status) && (entry.code == nil || entry.code == code)
                && (entry.messageContains.map { text.contains($0.lowercased()) } ?? true)
        }
        guard let reason = entry?.reason else { return nil }
        if case .other = reason, !message.isEmpty { return .other("\(code ?? "") \(message)") }
        return reason
    }

    /// Refused before any order logic. Source: core-concepts/rate-limits, core-concepts/error-handling.
    private static let gate: [DefinitiveRefusal] = [
        .init(httpStatus: 400, code: nil, reason: .invalidParameter), .init(httpStatus: 401, code: nil, reason: .unauthenticated),
        .init(httpStatus: 423, code: nil, reason: .rateLimited), .init(httpStatus: 429, code: nil, reason: .rateLimited),
        .init(httpStatus: 200, code: penalty, reason: .rateLimited), .init(httpStatus: 200, code: violations, reason: .invalidParameter),
    ]

    /// Our names for the two bodies that have no code.
    static let penalty = "p-ticket"
    static let violations = "violations"

    /// The most frequent reasons are told in free text under these two codes.
    private static let words: [DefinitiveRefusal] = ["UnknownReason", "OtherExecutionRelated", "Unauthorized"].flatMap { code in
        [
            ("access is denied", RejectReason.permissionDenied), ("margin", .insufficientFunds), ("insufficient", .insufficientFunds),
            ("buying power", .insufficientFunds),
        ].map { .init(httpStatus: 200, code: code, messageContains: $0.0, reason: $0.1) }
    }

    private static let codes: [DefinitiveRefusal] = [
        ("InvalidContract", RejectReason.invalidSymbol), ("BackMonthProhibited", .invalidSymbol), ("InvalidPrice", .invalidPrice),
        ("MaxOrderQtyLimitReached", .aboveMaximum), ("MaxOrderQtyIsNotSpecified", .positionLimit), ("MaxPosLimitMisconfigured", .positionLimit),
        ("MaxPosLimitReached", .positionLimit), ("MaxTotalPosLimitReached", .positionLimit), ("LiquidationOnly", .permissionDenied),
        ("LiquidationOnlyBeforeExpiration", .permissionDenied), ("TradingLocked", .permissionDenied), ("AccountClosed", .permissionDenied),
        ("SessionClosed", .marketClosed), ("NoQuote", .noLiquidity), ("NotEnoughLiquidity", .noLiquidity),
        ("ExecutionProviderUnavailable", .venueUnavailable), ("ExecutionProviderNotConfigured", .venueUnavailable),
        ("AnotherCommandPending", .venueUnavailable), ("TooLate", .other("too late")), ("ParentRejected", .other("the parent was rejected")),
        ("Unauthorized", .permissionDenied), ("Unsupported", .unsupported), ("AdvancedTrailingStopUnsupported", .unsupported),
        ("TrailingStopNonOrderQtyModify", .unsupported), ("KeyInformationDocumentRequired", .permissionDenied),
        ("SSFRiskDisclosureAcknowledgmentRequired", .permissionDenied), ("MultipleAccountPlanRequired", .permissionDenied),
        ("OtherExecutionRelated", .other("the exchange refused it")), ("UnknownReason", .other("refused without a reason")),
    ].map { .init(httpStatus: 200, code: $0.0, reason: $0.1) }
}
