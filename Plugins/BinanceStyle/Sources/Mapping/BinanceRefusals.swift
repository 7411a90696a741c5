import BrokerContract
import TradingModel

/// Replies that prove that nothing was executed, by dialect: the same number may mean another thing in another one. The first entry that matches wins.
///
/// Left out on purpose, so that they stay unknown: every 5xx, -1000, -1001, -1006, -1007, -1008, and "Duplicate order sent.",
/// which says that an order with this id lives. Source: errors and rest-api of the spot documentation, commit a5e0bc3.
struct BinanceRefusals: Sendable {
    let place, cancel, amend: [DefinitiveRefusal]

    static let spot = BinanceRefusals(
        place: gateway + filters + engine + malformed + lists, cancel: cancels, amend: gateway + malformed + filters + amendments)

    static let cancels: [DefinitiveRefusal] =
        gateway + malformed + [.init(httpStatus: 400, code: "-2011", messageContains: "cancel restrictions", reason: .invalidParameter)]

    /// -2038 leaves the order as it was. Source: errors, "Messages for -1010, -2010, -2011 and -2038".
    private static let amendments: [DefinitiveRefusal] = [
        .init(httpStatus: 400, code: "-2038", messageContains: "increase", reason: .unsupported),
        .init(httpStatus: 400, code: "-2038", reason: .invalidParameter),
    ]

    /// The refusal that this reply is, if it is on the list.
    static func match(_ list: [DefinitiveRefusal], status: Int, code: Int?, message: String) -> RejectReason? {
        list.first { entry in
            (entry.httpStatus == nil || entry.httpStatus == status)
                && (entry.code == nil || entry.code == code.map(String.init))
                && (entry.messageContains.map { message.contains($0) } ?? true)
        }?.reason
    }

    /// Refused before any order logic. 403 is the firewall, 418 a ban, 429 a limit. Source: rest-api, "HTTP Return Codes".
    static let gateway: [DefinitiveRefusal] =
        [
            .init(httpStatus: 403, code: nil, reason: .other("blocked by the venue's firewall")),
            .init(httpStatus: 418, code: nil, reason: .rateLimited),
            .init(httpStatus: 429, code: nil, reason: .rateLimited),
            .init(httpStatus: 400, code: "-1003", reason: .rateLimited),
            .init(httpStatus: 400, code: "-1015", reason: .rateLimited),
            .init(httpStatus: 400, code: "-1016", reason: .venueUnavailable),
            .init(httpStatus: 400, code: "-1021", reason: .requestExpired),
        ]
        + ["-1002", "-1022", "-2014", "-2015"].flatMap { code in
            [400, 401].map { .init(httpStatus: $0, code: code, reason: .unauthenticated) }
        }

    private static let filters: [DefinitiveRefusal] =
        [
            ("PERCENT_PRICE", .priceOutOfRange), ("PRICE_FILTER", .invalidPrice), ("LOT_SIZE", .invalidQuantity),
            ("NOTIONAL", .belowMinimum), ("MAX_NUM", .tooManyOpenOrders), ("MAX_POSITION", .positionLimit),
            ("MAX_ASSET", .positionLimit), ("Market is closed", .marketClosed),
        ].flatMap { (text: String, reason: RejectReason) in
            ["-1013", "-2010"].map { .init(httpStatus: 400, code: $0, messageContains: text, reason: reason) }
        } + [.init(httpStatus: 400, code: "-1013", reason: .invalidParameter)]

    /// -2010 and -1010 carry their meaning in words only. Source: errors, "Messages for -1010, -2010, -2011 and -2038".
    private static let engine: [DefinitiveRefusal] = [
        ("insufficient balance", .insufficientFunds), ("would immediately match and take", .postOnlyWouldTake),
        ("would trigger immediately", .wouldTriggerImmediately), ("orders are not supported for this symbol", .unsupported),
        ("action is disabled on this account", .permissionDenied), ("may not place or cancel orders", .permissionDenied),
        ("not permitted for this", .permissionDenied), ("is restricted", .permissionDenied),
        ("trading is not enabled", .permissionDenied), ("QTY is zero or less", .invalidQuantity),
        ("IcebergQty exceeds QTY", .invalidQuantity), ("liquidity", .noLiquidity),
    ].map { (text: String, reason: RejectReason) in .init(httpStatus: 400, code: "-2010", messageContains: text, reason: reason) }

    /// Rules of order lists. Source: errors, -1158 to -1199.
    private static let lists: [DefinitiveRefusal] =
        ["-1158", "-1160", "-1165", "-1166", "-1168", "-1196", "-1197", "-1198", "-1199"].map {
            .init(httpStatus: 400, code: $0, reason: .invalidParameter)
        } + [.init(httpStatus: 400, code: "-2010", messageContains: "relationship of the prices", reason: .invalidPrice)]

    /// Requests that the API could not read or does not allow: they never reach the engine.
    static let malformed: [DefinitiveRefusal] =
        (Array(-1106 ... -1100) + [-1108] + Array(-1119 ... -1114) + [-1128, -1130, -1134, -1135, -1145]).map {
            .init(httpStatus: 400, code: String($0), reason: .invalidParameter)
        } + [
            .init(httpStatus: 400, code: "-1014", reason: .unsupported),
            .init(httpStatus: 400, code: "-1020", reason: .unsupported),
            .init(httpStatus: 400, code: "-1111", reason: .invalidParameter),
            .init(httpStatus: 400, code: "-1112", reason: .noLiquidity),
            .init(httpStatus: 400, code: "-1121", reason: .invalidSymbol),
            .init(httpStatus: 400, code: "-1122", reason: .invalidSymbol),
            .init(httpStatus: 400, code: "-1151", reason: .invalidSymbol),
            .init(httpStatus: 400, code: "-1220", reason: .invalidSymbol),
        ]
}
