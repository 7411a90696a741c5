import BrokerContract
import TradingModel

/// Replies of Coinbase that prove that nothing was executed. The code is the first telling one of an answer, without `PREVIEW_`.
///
/// Left out on purpose, so that they stay unknown: every 5xx, `UNKNOWN_FAILURE_REASON` alone, `RISK_PROXY_FAILURE`, a 400 or 403 in other
/// words than these, and `DUPLICATE_CLIENT_ORDER_ID`, which says that an order with this id lives. Source: docs.cdp.coinbase.com,
/// "Create Order" and "Edit Order", read 2026-11-21.
enum CoinbaseRefusals {
    static let place: [DefinitiveRefusal] = gateway + answers(terms)

    static let edit: [DefinitiveRefusal] =
        gateway
        + answers(terms + [
            ("CANNOT_EDIT_TO_BELOW_FILLED_SIZE", .invalidQuantity), ("INVALID_EDITED_SIZE", .invalidQuantity),
            ("INVALID_EDITED_PRICE", .invalidPrice), ("ONLY_LIMIT_ORDER_EDITS_SUPPORTED", .unsupported),
            ("CANNOT_EDIT_FUTURES_ORDER", .unsupported), ("EXCEEDED_MAX_ALLOWED_EDIT_REQUEST_COUNT", .rateLimited),
            ("ORDER_IS_ALREADY_BEING_REPLACED", .other("the order is being replaced")),
            ("CANNOT_EDIT_ORDER_PENDING_CANCEL", .other("the order is being cancelled")),
            ("CANNOT_CANCEL_ACTIVE_ATTACHED_ORDER", .other("the attached order is in the market")),
            ("COMMANDER_REJECTED_EDIT_ORDER", .other("the engine rejected the edit")),
        ])

    static let cancel: [DefinitiveRefusal] =
        gateway
        + answers([
            ("INVALID_CANCEL_REQUEST", .invalidParameter), ("INVALID_CANCEL_PRODUCT_ID", .invalidSymbol),
            ("INVALID_CANCEL_FCM_TRADING_SESSION", .marketClosed), ("NOT_ALLOWED_TO_CANCEL", .permissionDenied),
            ("ORDER_IS_BEING_REPLACED", .other("the order is being replaced")),
            ("COMMANDER_REJECTED_CANCEL_ORDER", .other("the engine rejected the cancel")),
        ])

    /// The refusal that this reply is, if it is on the list.
    static func match(_ list: [DefinitiveRefusal], status: Int, code: String?, message: String) -> RejectReason? {
        let code = code.map { $0.hasPrefix("PREVIEW_") ? String($0.dropFirst(8)) : $0 }
        return list.first { entry in
            (entry.httpStatus == nil || entry.httpStatus == status)
                && (entry.code == nil || entry.code == code)
                && (entry.messageContains.map { message.contains($0) } ?? true)
        }?.reason
    }

    /// Refusals that come with status 200 and `success: false`.
    private static func answers(_ codes: [(String, RejectReason)]) -> [DefinitiveRefusal] {
        codes.map { .init(httpStatus: 200, code: $0.0, reason: $0.1) }
    }

    /// Refused before any order logic: key, rights, limit, form.
    private static let gateway: [DefinitiveRefusal] = [
        .init(httpStatus: 401, code: nil, reason: .unauthenticated),
        .init(httpStatus: 403, code: "PERMISSION_DENIED", reason: .permissionDenied),
        .init(httpStatus: 429, code: nil, reason: .rateLimited),
        .init(httpStatus: 400, code: "INVALID_ARGUMENT", reason: .invalidParameter),
    ]

    private static let terms: [(String, RejectReason)] = [
        ("INSUFFICIENT_FUND", .insufficientFunds), ("INSUFFICIENT_FUNDS", .insufficientFunds),
        ("INSUFFICIENT_FUNDS_FOR_FUTURES", .insufficientFunds), ("INVALID_LEDGER_BALANCE", .insufficientFunds),
        ("INVALID_MARGIN_HEALTH", .insufficientFunds), ("INVALID_PRODUCT_ID", .invalidSymbol), ("INELIGIBLE_PAIR", .invalidSymbol),
        ("INVALID_SIDE", .invalidParameter), ("INVALID_REQUEST", .invalidParameter), ("INVALID_SIZE_PRECISION", .invalidQuantity),
        ("INVALID_QUOTE_SIZE_PRECISION", .invalidQuantity), ("INVALID_PRICE_PRECISION", .invalidPrice),
        ("INVALID_LIMIT_PRICE_PRECISION", .invalidPrice), ("INVALID_BASE_SIZE_TOO_SMALL", .belowMinimum),
        ("INVALID_QUOTE_SIZE_TOO_SMALL", .belowMinimum), ("INVALID_BASE_SIZE_TOO_LARGE", .aboveMaximum),
        ("INVALID_QUOTE_SIZE_TOO_LARGE", .aboveMaximum), ("INVALID_LIMIT_PRICE_POST_ONLY", .postOnlyWouldTake),
        ("INVALID_LIMIT_PRICE", .invalidPrice), ("LIMIT_PRICE_TOO_FAR_FROM_MARKET", .priceOutOfRange),
        ("BREACHED_PRICE_LIMIT", .priceOutOfRange), ("STOP_PRICE_ABOVE_LAST_TRADE_PRICE", .wouldTriggerImmediately),
        ("STOP_PRICE_BELOW_LAST_TRADE_PRICE", .wouldTriggerImmediately), ("STOP_ALREADY_TRIGGERED", .wouldTriggerImmediately),
        ("UNTRADABLE_PRODUCT", .marketClosed), ("PRODUCT_TRADING_HALTED", .marketClosed), ("TRADING_DISABLED", .marketClosed),
        ("ORDER_ENTRY_DISABLED", .marketClosed), ("NOT_ALLOWED_BY_MARKET_STATE", .marketClosed),
        ("INVALID_FCM_TRADING_SESSION", .marketClosed), ("FUTURES_AFTER_HOUR_INVALID_ORDER_TYPE", .marketClosed),
        ("FUTURES_AFTER_HOUR_INVALID_TIME_IN_FORCE", .marketClosed), ("INVALID_NO_LIQUIDITY", .noLiquidity),
        ("MISSING_PRODUCT_PRICE_BOOK", .noLiquidity), ("UNSUPPORTED_ORDER_CONFIGURATION", .unsupported),
        ("BREACHED_RISK_LIMIT", .positionLimit), ("BREACHED_ACCOUNT_POSITION_LIMIT", .positionLimit),
        ("CANNOT_CLOSE_ZERO_POSITION", .invalidQuantity), ("IN_LIQUIDATION", .permissionDenied),
        ("GEOFENCING_RESTRICTION", .permissionDenied), ("INVALID_LEVERAGE", .invalidParameter),
        ("INVALID_MARGIN_TYPE", .invalidParameter), ("COMMANDER_REJECTED_NEW_ORDER", .other("the engine rejected the order")),
    ]
}
