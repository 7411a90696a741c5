/// A text that names one kind of thing. Different kinds do not mix.
public protocol Identifier: RawRepresentable<String>, Sendable, Hashable, Comparable, Codable, CustomStringConvertible,
    ExpressibleByStringLiteral
{
    init(rawValue: String)
}

extension Identifier {
    public init(_ text: String) { self.init(rawValue: text) }
    public init(stringLiteral value: String) { self.init(rawValue: value) }
    public var description: String { rawValue }
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    public init(from decoder: any Decoder) throws {
        self.init(rawValue: try decoder.singleValueContainer().decode(String.self))
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// An account as the operator names it in the configuration, for example `spot1`.
public struct AccountID: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

/// A strategy as the operator names it in the configuration.
public struct StrategyID: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

/// A source of signals as the operator names it in the configuration; part of the hook's path.
public struct SourceID: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

/// One accepted signal. Sorts by time of receipt.
public struct SignalID: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

/// One order that the gateway means to have at one account: an intent and all its attempts. Sorts by time of receipt.
public struct OrderID: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

/// The id that the gateway gives an order before it is sent; minted once per intent and used for every attempt.
public struct ClientOrderID: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

/// The id that the venue gave the order. Text for every venue; numeric ids are kept as their digits.
/// Some venues number orders per symbol only, so it names an order together with its ``Symbol``.
public struct VenueOrderID: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

/// The venue's id of one execution. An adapter makes it unique per account, if necessary by prefixing the symbol.
public struct ExecutionID: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

/// An instrument in the venue's own spelling, for example `BTCUSDT`, `BTC-USD` or `MNQZ6`.
public struct Symbol: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

/// A currency or token, for example `USDT`.
public struct Asset: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}
