import Foundation

/// Why a piece of text is not an exact decimal number.
public enum DecimalError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Not of the form `-12.345` or `1.2e-7`, all of it.
    case malformed(String)
    /// More than 38 significant digits, an exponent beyond ±40, or more than 40 digits after the point: it could not be kept exactly.
    case notRepresentable(String)
    /// The type forbids the sign, for example a negative price tick.
    case negative(String)

    public var description: String {
        switch self {
        case .malformed(let text): "'\(text.prefix(64))' is not a decimal number"
        case .notRepresentable(let text): "'\(text.prefix(64))' has more than 38 significant digits, too many decimals or too large an exponent"
        case .negative(let text): "'\(text.prefix(64))' must not be negative"
        }
    }
}

/// A direction of rounding, always stated at the call.
public enum RoundingDirection: String, Sendable, Codable, CaseIterable {
    case down, up, nearest
}

/// A decimal amount with a meaning: ``Price``, ``Quantity`` and ``Notional`` differ in type so that they cannot be mixed up.
///
/// Values are read from text and never pass through binary floating point.
public protocol ExactDecimal: Sendable, Hashable, Comparable, Codable, CustomStringConvertible, ExpressibleByIntegerLiteral {
    var value: Decimal { get }
    init(_ value: Decimal)
}

extension ExactDecimal {
    /// Reads the whole text or throws ``DecimalError``; `"12abc"` is an error, not 12.
    public init(_ text: String) throws(DecimalError) { self.init(try Decimal(exactly: text)) }

    public init(integerLiteral value: Int64) { self.init(Decimal(value)) }

    public static var zero: Self { Self(Decimal.zero) }
    public static func < (a: Self, b: Self) -> Bool { a.value < b.value }
    public static func + (a: Self, b: Self) -> Self { Self(a.value + b.value) }
    public static func - (a: Self, b: Self) -> Self { Self(a.value - b.value) }
    public static prefix func - (a: Self) -> Self { Self(-a.value) }
    public static func += (a: inout Self, b: Self) { a = a + b }
    public static func -= (a: inout Self, b: Self) { a = a - b }

    public var magnitude: Self { value < 0 ? Self(-value) : self }
    public var isZero: Bool { value.isZero }

    /// Plain notation without exponent and without trailing zeros: `0.00000001`.
    public var description: String { value.plainText }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        self.init(try Decimal(exactly: text))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    /// The multiple of `step` next to this value in the stated direction.
    /// A step of zero means "no rule" and changes nothing.
    public func rounded(_ direction: RoundingDirection, to step: Self) -> Self {
        guard step.value > 0 else { return self }
        let mode: NSDecimalNumber.RoundingMode =
            switch direction {
            case .down: .down
            case .up: .up
            case .nearest: .plain
            }
        var quotient = value / step.value
        // A quotient such as 0.1/0.3 is cut at 38 digits; rounding it to whole steps is exact as long as the value itself is.
        var whole = Decimal()
        NSDecimalRound(&whole, &quotient, 0, mode)
        return Self(whole * step.value)
    }

    /// Whether this value lies on a multiple of `step`. A step of zero accepts everything.
    public func isMultiple(of step: Self) -> Bool { rounded(.down, to: step) == self }
}

/// A price in quote currency per unit of base.
public struct Price: ExactDecimal {
    public let value: Decimal
    public init(_ value: Decimal) { self.value = value }
}

/// An amount of the base asset, or a number of contracts. Signed where it is a position.
public struct Quantity: ExactDecimal {
    public let value: Decimal
    public init(_ value: Decimal) { self.value = value }
    public static func * (a: Quantity, b: Price) -> Notional { Notional(a.value * b.value) }
    public static func * (a: Quantity, b: Decimal) -> Quantity { Quantity(a.value * b) }
}

/// An amount of the quote currency.
public struct Notional: ExactDecimal {
    public let value: Decimal
    public init(_ value: Decimal) { self.value = value }
    /// Rounded where the quotient has no end, so that it can be written and read again; nil if there is none.
    public static func / (a: Notional, b: Quantity) -> Price? { b.isZero ? nil : (a.value / b.value).readable.map { Price($0) } }
    public static func / (a: Notional, b: Price) -> Quantity? { b.isZero ? nil : (a.value / b.value).readable.map { Quantity($0) } }
}

extension Decimal {
    /// Reads `-12.345` or `1.2e-7`, the whole text, without loss, or throws ``DecimalError``.
    ///
    /// `Decimal(string:)` is not used on raw input: it reads `"12abc"` as 12 and rounds silently beyond 38 digits.
    public init(exactly text: String) throws(DecimalError) {
        var significant = 0
        var leading = true
        var digits = 0
        var seenPoint = false
        var decimals = 0
        var trailingZeros = 0
        var exponentDigits: [UInt8]?
        var previous: UInt8 = 0
        for (index, byte) in text.utf8.enumerated() {
            switch byte {
            case 0x30...0x39:
                if exponentDigits != nil {
                    exponentDigits?.append(byte)
                } else {
                    digits += 1
                    if seenPoint { decimals += 1 }
                    trailingZeros = byte == 0x30 ? trailingZeros + 1 : 0
                    if byte != 0x30 { leading = false }
                    if !leading { significant += 1 }
                }
            case 0x2E where !seenPoint && exponentDigits == nil && digits > 0: seenPoint = true
            case 0x2D, 0x2B:
                let startsNumber = index == 0
                let startsExponent = previous == 0x65 || previous == 0x45
                guard startsNumber || startsExponent else { throw .malformed(text) }
            case 0x65, 0x45:
                guard exponentDigits == nil, digits > 0, previous != 0x2E else { throw .malformed(text) }
                exponentDigits = []
            default: throw .malformed(text)
            }
            previous = byte
        }
        guard digits > 0, previous != 0x2E, text.utf8.count <= 160 else { throw .malformed(text) }
        if let exponentDigits {
            guard !exponentDigits.isEmpty else { throw .malformed(text) }
            let exponent = exponentDigits.prefix(4).reduce(0) { $0 * 10 + Int($1 - 0x30) }
            guard exponentDigits.count <= 3, exponent <= 40 else { throw .notRepresentable(text) }
        }
        // Zeros at the end cost no digit, so that what is written plainly can be read again: 1e40 is 41 characters and one digit.
        guard significant - trailingZeros <= 38 else { throw .notRepresentable(text) }
        // Beyond that even a product of three values would leave Decimal's exponents, at which Foundation ends the process.
        guard max(decimals - trailingZeros, 0) <= Self.maximumDecimals else { throw .notRepresentable(text) }
        guard let value = Decimal(string: text, locale: nil) else { throw .malformed(text) }
        guard value.isFinite, -value.exponent <= Self.maximumDecimals else { throw .notRepresentable(text) }
        self = value
    }

    /// Digits after the point that a value may have.
    public static let maximumDecimals = 40

    /// This value with at most ``maximumDecimals`` digits after the point and 38 significant ones: what can be written and read
    /// again. For results of divisions, which end nowhere. Nil if it is no number.
    public var readable: Decimal? {
        guard isFinite else { return nil }
        var value = self
        var rounded = self
        let excess = magnitude.significand.description.utf8.count - 38
        let decimals = min(Self.maximumDecimals, -exponent - max(excess, 0))
        if decimals < -exponent { NSDecimalRound(&rounded, &value, decimals, .plain) }
        return rounded
    }

    /// The product, or nil if it could not be kept exactly.
    public func multipliedExactly(by other: Decimal) -> Decimal? {
        guard isFinite, other.isFinite, exponent + other.exponent >= -Self.maximumDecimals * 2 else { return nil }
        // Of two numbers with few digits and few decimals nothing can be cut.
        let small = -Self.maximumDecimals / 2...0
        if small.contains(exponent), small.contains(other.exponent), magnitude.significand < Self.fewDigits, other.magnitude.significand < Self.fewDigits {
            return self * other
        }
        let product = self * other
        guard product.isFinite, let readAgain = try? Decimal(exactly: product.plainText), readAgain == product else { return nil }
        // Digits multiply: with no more than 38 in both together nothing was cut.
        let digits = significand.description.utf8.count + other.significand.description.utf8.count
        guard digits <= 38 || product / other == self && product / self == other else { return nil }
        return product
    }

    /// 15 digits; products of two such numbers have at most 30.
    private static let fewDigits = Decimal(1_000_000_000_000_000)

    /// Plain notation without exponent.
    public var plainText: String { description }
}
