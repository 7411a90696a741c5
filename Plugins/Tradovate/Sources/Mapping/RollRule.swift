import TradingModel

/// Which contract of a product counts as the first, for symbols such as `MNQ1!`.
///
/// It is the operator's rule, never a guess: chart providers roll by rules of their own, and an order in the wrong month is a wrong order.
public enum RollRule: Sendable, Hashable, CustomStringConvertible {
    /// The first maturity that expires more than so many times 24 hours from now.
    case daysBeforeExpiry(Int)
    /// The maturity that the venue itself calls the front.
    case venueFront

    /// Reads `5d_before_expiry` or `venue_front`; nil for anything else.
    public init?(_ text: String) {
        if text == "venue_front" {
            self = .venueFront
            return
        }
        guard text.hasSuffix("d_before_expiry"), let days = Int(text.dropLast("d_before_expiry".count)), (0...60).contains(days) else { return nil }
        self = .daysBeforeExpiry(days)
    }

    public var description: String {
        switch self {
        case .daysBeforeExpiry(let days): "\(days)d_before_expiry"
        case .venueFront: "venue_front"
        }
    }

    /// The maturity that is number `position` (1 is the front) at `now`. At the very instant of the roll the next one counts.
    func choose(_ position: Int, from maturities: [TradovateMaturity], at now: Timestamp) -> TradovateMaturity? {
        let sorted = maturities.sorted { $0.expiration < $1.expiration }
        let first: Int? =
            switch self {
            case .daysBeforeExpiry(let days): sorted.firstIndex { $0.expiration - .seconds(Int64(days) * 86400) > now }
            case .venueFront: sorted.firstIndex(where: \.isFront)
            }
        guard let first, position >= 1, first + position - 1 < sorted.count else { return nil }
        return sorted[first + position - 1]
    }
}

/// A symbol that names a place in the row of contracts instead of one of them: `MNQ1!`.
struct ContinuousSymbol: Sendable, Hashable {
    let root: String
    /// 1 is the front, 2 the one after it.
    let position: Int

    /// Nil if the symbol does not end with `!`, or not in this form.
    init?(_ symbol: Symbol) {
        let text = symbol.rawValue
        guard text.hasSuffix("!") else { return nil }
        let body = text.dropLast()
        guard let digit = body.last?.wholeNumberValue, digit >= 1, body.count >= 2 else { return nil }
        root = String(body.dropLast())
        position = digit
    }
}
