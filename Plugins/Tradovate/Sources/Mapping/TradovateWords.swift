import TradingModel

extension VenueOrderStatus {
    /// There is no word for a partial fill: it shows in the fills alone.
    init(tradovate word: String, filled: Quantity, of quantity: Quantity?) {
        let isWhole = quantity.map { filled >= $0 } ?? false
        switch word {
        case "PendingNew": self = filled > 0 ? .partiallyFilled : .pendingNew
        // A suspended order is alive: a GTC order outside the session.
        case "Working", "Suspended", "PendingCancel", "PendingReplace": self = filled > 0 ? .partiallyFilled : .accepted
        case "Filled": self = .filled
        case "Completed": self = isWhole ? .filled : .cancelled
        case "Canceled": self = .cancelled
        case "Rejected": self = .rejected
        case "Expired": self = .expired
        default: self = .unrecognised
        }
    }

    /// Whether an order with this word of the venue may still trade. What we do not know may.
    static func isOpen(tradovate word: String) -> Bool {
        !["Filled", "Completed", "Canceled", "Rejected", "Expired"].contains(word)
    }
}

extension OrderType {
    init?(tradovate word: String) {
        switch word {
        case "Market": self = .market
        case "Limit": self = .limit
        case "Stop": self = .stop
        case "StopLimit": self = .stopLimit
        case "TrailingStop": self = .trailingStop
        default: return nil
        }
    }

    var tradovate: String {
        switch self {
        case .market: "Market"
        case .limit: "Limit"
        case .stop: "Stop"
        case .stopLimit: "StopLimit"
        case .trailingStop: "TrailingStop"
        }
    }
}

extension Side {
    var tradovate: String { self == .buy ? "Buy" : "Sell" }
}

extension TimeInForce {
    /// Nil for what is not offered.
    var tradovate: String? {
        switch self {
        case .day: "Day"
        case .gtc: "GTC"
        case .ioc: "IOC"
        case .fok: "FOK"
        case .gtd: nil
        }
    }
}

extension RejectReason {
    /// The reason of a refusal that is certain, whether it came as an answer or as a later event. Margin has no code of its own.
    init(tradovate code: String?, text: String?) {
        self = TradovateRefusals.match(status: 200, code: code ?? "UnknownReason", message: text ?? "") ?? .other(text ?? code ?? "rejected")
    }
}
