import Foundation
import StoreContract
import TradingModel

/// The native format: `{"v":1,"strategy":"trend","symbol":"BTCUSD","action":"buy","quantity":"0.010",…}`.
///
/// Read in two steps, so that a secret in the body is checked before anything is said about the rest.
public struct NativePayload: Sendable {
    private let bytes: [UInt8]
    private let members: [JSONNode.Member]

    /// Fields that carry information about the alert and decide nothing here.
    private static let informative: Set<String> = [
        "exchange", "position", "position_size", "prev_position", "prev_position_size", "order_id", "interval", "bar_time", "comment", "extras",
    ]
    private static let decisive: Set<String> = [
        "v", "strategy", "symbol", "action", "quantity", "type", "limit_price", "stop_price", "stop_loss", "take_profit", "time_in_force", "price", "fired_at",
        "max_lag", "secret", "alert_id", "signal_id", "intent",
    ]

    /// Reads the JSON, or throws where it breaks.
    public init(_ bytes: [UInt8]) throws(PayloadProblem) {
        self.bytes = bytes
        let root = try StrictJSON.parse(bytes)
        guard case .object(let members) = root.content else {
            let place = StrictJSON.place(of: root.offset, in: bytes)
            throw PayloadProblem("wrong_type", "the body must be a JSON object", line: place.line, column: place.column, pointer: "")
        }
        self.members = members
    }

    /// The `secret` field, if it is a text.
    public var secret: String? {
        if case .string(let text)? = node("secret")?.content { text } else { nil }
    }

    /// The payload without its secret: equal payloads give equal text, however their members are ordered.
    public var canonicalText: String {
        text(of: members.filter { $0.key != "secret" }.sorted { $0.key < $1.key }, sorted: true)
    }

    /// The payload for the record, its secret replaced by `***`.
    public var redactedText: String {
        text(of: members, sorted: false)
    }

    private func text(of members: [JSONNode.Member], sorted: Bool) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + 16)
        out.append(UInt8(ascii: "{"))
        for (index, member) in members.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            JSONValue.quote(member.key, to: &out)
            out.append(UInt8(ascii: ":"))
            if member.key == "secret" {
                JSONValue.quote("***", to: &out)
            } else {
                member.value.value.write(to: &out, sorted: sorted)
            }
        }
        out.append(UInt8(ascii: "}"))
        return String(decoding: out, as: UTF8.self)
    }

    /// A field's text, for a key that the source's configuration names.
    public func text(of field: String) -> String? {
        switch node(field)?.content {
        case .string(let text)?: text
        case .number(let text)?: text
        default: nil
        }
    }

    /// Reads the meaning. `keyField` is one more field that this source may send.
    public func signal(keyField: String?) throws(PayloadProblem) -> TradeSignal {
        try refusePlaceholders()
        for member in members where !Self.decisive.contains(member.key) && !Self.informative.contains(member.key) && member.key != keyField {
            throw problem("unknown_field", "unknown field \"\(member.key.prefix(64))\"; put your own data under \"extras\"", member.key)
        }
        if let version = node("v") {
            guard case .number("1") = version.content else { throw problem("unsupported_version", "v must be 1", "v") }
        } else {
            throw problem("missing_field", "\"v\": 1 is missing", nil)
        }
        let symbol = try requiredText("symbol")
        let action = try requiredText("action").lowercased()
        let declared = try choice("intent", OrderIntent.Kind.self)
        guard let side = action == Self.close ? .sell : Side(rawValue: action) else {
            throw problem("unknown_action", "action must be \"buy\", \"sell\" or \"close\", not \"\(action.prefix(32))\"", "action", status: 422)
        }
        if action == Self.close, declared != nil, declared != .close {
            throw problem("contradiction", "action \"close\" leaves the position, which is not the intent that is stated", "intent", status: 422)
        }
        let type = try choice("type", OrderType.self) ?? .market
        guard type != .trailingStop else { throw problem("unsupported_type", "trailing stops are not supported in signals", "type", status: 422) }
        let limitPrice = try decimal("limit_price", Price.self)
        let stopPrice = try decimal("stop_price", Price.self)
        for (field, present, needed) in [("limit_price", limitPrice != nil, type.needsLimitPrice), ("stop_price", stopPrice != nil, type.needsStopPrice)] {
            if needed, !present { throw problem("missing_field", "\(field) is required for a \(type.rawValue) order", nil) }
            if !needed, present { throw problem("unexpected_field", "\(field) has no meaning for a \(type.rawValue) order", field) }
        }
        let bracket = try bracket(side, around: [("limit_price", limitPrice), ("stop_price", stopPrice)])
        let timeInForce = try choice("time_in_force", TimeInForce.self) ?? .gtc
        guard timeInForce != .gtd else { throw problem("unsupported_time_in_force", "gtd is not supported in signals", "time_in_force", status: 422) }
        let strategy = try text("strategy")
        let alertID = try text("alert_id")
        let signalID = try text("signal_id")
        return TradeSignal(
            strategy: strategy.map { StrategyID($0) }, symbol: symbol, side: side, quantity: try decimal("quantity", Quantity.self), type: type,
            limitPrice: limitPrice, stopPrice: stopPrice, bracket: bracket, timeInForce: timeInForce, referencePrice: try price(), firedAt: try firedAt(),
            maximumAge: try maximumAge(), key: alertID ?? signalID, kind: action == Self.close ? .close : declared, target: try target(isMeant: declared == .target))
    }

    private static let close = "close"

    /// The position that the sender is at after the signal. Unless the payload says that this is what it means, it is for information, and
    /// what cannot be read counts as absent.
    private func target(isMeant: Bool) throws(PayloadProblem) -> TradeSignal.Target? {
        guard case .string(let word)? = node("position")?.content, let side = Self.sides[word.lowercased()] else {
            if isMeant { throw problem("missing_field", "a target needs position: \"long\", \"short\" or \"flat\"", node("position") == nil ? nil : "position") }
            return nil
        }
        let size: String? =
            switch node("position_size")?.content {
            case .string(let text)?: text
            case .number(let text)?: text
            default: nil
            }
        guard let size, !size.isEmpty else { return TradeSignal.Target(side: side, quantity: nil) }
        do {
            // Some senders give a short position's size with its sign.
            let quantity = try Quantity(size).magnitude
            return TradeSignal.Target(side: quantity.isZero ? nil : side, quantity: quantity)
        } catch {
            if isMeant { throw problem("invalid_number", "position_size: \(error)", "position_size") }
            return TradeSignal.Target(side: side, quantity: nil)
        }
    }

    private static let sides: [String: Side?] = ["long": .buy, "short": .sell, "flat": nil]

    // MARK: Fields

    private func node(_ key: String) -> JSONNode? { members.first { $0.key == key }?.value }

    private func problem(_ code: String, _ message: String, _ key: String?, status: Int = 400) -> PayloadProblem {
        let place = StrictJSON.place(of: key.flatMap(node)?.offset ?? 0, in: bytes)
        let pointer = key.map { "/" + $0.replacing("~", with: "~0").replacing("/", with: "~1") }
        return PayloadProblem(code, message, line: place.line, column: place.column, pointer: pointer ?? "", status: status)
    }

    private func text(_ key: String) throws(PayloadProblem) -> String? {
        switch node(key)?.content {
        case nil, .null?: return nil
        case .string(let text)?:
            guard text.utf8.count <= 256 else { throw problem("too_long", "\(key) is longer than 256 bytes", key) }
            guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                throw problem("control_character", "\(key) contains a control character", key)
            }
            return text.isEmpty ? nil : text
        default: throw problem("wrong_type", "\(key) must be a text", key)
        }
    }

    private func requiredText(_ key: String) throws(PayloadProblem) -> String {
        guard let text = try text(key) else { throw problem("missing_field", "\(key) is missing or empty", node(key) == nil ? nil : key) }
        return text
    }

    private func decimal<D: ExactDecimal>(_ key: String, _ type: D.Type) throws(PayloadProblem) -> D? {
        let text: String
        switch node(key)?.content {
        case nil, .null?: return nil
        case .number(let number)?: text = number
        case .string(let string)?: text = string
        default: throw problem("wrong_type", "\(key) must be a decimal number or a text with one", key)
        }
        let value: D
        do { value = try D(text) } catch { throw problem("invalid_number", "\(key): \(error)", key) }
        guard value.value.sign == .plus, !value.isZero else { throw problem("not_positive", "\(key) must be greater than zero, not \(value)", key) }
        return value
    }

    /// The stop loss must lie on the losing side of the order's own prices, the take profit on the winning side.
    private func bracket(_ side: Side, around own: [(String, Price?)]) throws(PayloadProblem) -> Bracket? {
        guard node("stop_loss") != nil || node("take_profit") != nil else { return nil }
        for field in ["stop_loss", "take_profit"] {
            guard case .object? = node(field)?.content else { continue }
            throw problem("relative_price_unsupported", "\(field) must be an absolute price: there is no market price here to count from", field, status: 422)
        }
        let bracket = Bracket(stopLoss: try decimal("stop_loss", Price.self), takeProfit: try decimal("take_profit", Price.self))
        guard !bracket.roles.isEmpty else { return nil }
        let rising = [[("stop_loss", bracket.stopLoss)], own, [("take_profit", bracket.takeProfit)]]
        let groups = side == .buy ? rising : rising.reversed()
        for (index, group) in groups.enumerated() {
            for (lowName, low) in group {
                for (highName, high) in groups.dropFirst(index + 1).joined() {
                    guard let low, let high, low >= high else { continue }
                    throw problem(
                        "invalid_bracket", "\(lowName) \(low) must be below \(highName) \(high) for a \(side.rawValue)",
                        bracket.stopLoss == low || bracket.stopLoss == high ? "stop_loss" : "take_profit", status: 422)
                }
            }
        }
        return bracket
    }

    /// `{{close}}` can render as `NaN` or nothing; the reference price decides nothing, so an empty text counts as absent.
    private func price() throws(PayloadProblem) -> Price? {
        if case .string("")? = node("price")?.content { return nil }
        return try decimal("price", Price.self)
    }

    private func choice<C: RawRepresentable<String> & CaseIterable>(_ key: String, _ type: C.Type) throws(PayloadProblem) -> C? {
        guard let text = try text(key) else { return nil }
        guard let value = C(rawValue: text.lowercased()) else {
            throw problem("unknown_value", "\(key) must be one of \(C.allCases.map(\.rawValue).joined(separator: ", ")), not \"\(text.prefix(32))\"", key)
        }
        return value
    }

    /// RFC 3339, or a Unix time in seconds or milliseconds.
    private func firedAt() throws(PayloadProblem) -> Timestamp? {
        let text: String
        switch node("fired_at")?.content {
        case nil, .null?: return nil
        case .string("")?: return nil
        case .string(let string)?: text = string
        case .number(let number)?: text = number
        default: throw problem("wrong_type", "fired_at must be a time", "fired_at")
        }
        if let time = Timestamp(rfc3339: text) { return time }
        if let number = Int64(text), number >= 0, number < 100_000_000_000_000 {
            return Timestamp(milliseconds: number < 100_000_000_000 ? number * 1000 : number)
        }
        throw problem("invalid_time", "fired_at must be an RFC 3339 time or a Unix time, not \"\(text.prefix(40))\"", "fired_at")
    }

    /// In seconds.
    private func maximumAge() throws(PayloadProblem) -> Duration? {
        guard let seconds = try decimal("max_lag", Quantity.self) else { return nil }
        guard seconds <= 86400, let milliseconds = Int64((seconds * 1000).rounded(.down, to: 1).description) else {
            throw problem("out_of_range", "max_lag must be at most 86400 seconds", "max_lag")
        }
        return .milliseconds(milliseconds)
    }

    private func refusePlaceholders() throws(PayloadProblem) {
        // Nearly every payload has neither braces in a row nor an escape that could hide them.
        var previous: UInt8 = 0
        let mayHaveOne = bytes.contains { byte in
            defer { previous = byte }
            return byte == UInt8(ascii: "\\") || (byte == UInt8(ascii: "{") && previous == byte)
        }
        guard mayHaveOne else { return }
        func search(_ node: JSONNode, _ pointer: String) -> (JSONNode, String, String)? {
            switch node.content {
            case .string(let text): return text.contains("{{") ? (node, pointer, text) : nil
            case .array(let nodes):
                for (index, node) in nodes.enumerated() { if let hit = search(node, "\(pointer)/\(index)") { return hit } }
                return nil
            case .object(let members):
                for member in members { if let hit = search(member.value, "\(pointer)/\(member.key)") { return hit } }
                return nil
            case .null, .bool, .number: return nil
            }
        }
        for member in members where member.key != "secret" {
            guard let (node, pointer, text) = search(member.value, "/\(member.key)") else { continue }
            let place = StrictJSON.place(of: node.offset, in: bytes)
            throw PayloadProblem(
                "placeholder_unresolved",
                "\"\(text.prefix(64))\" was sent as it is; {{strategy.…}} placeholders are filled only in strategy alerts", line: place.line,
                column: place.column, pointer: pointer)
        }
    }
}

extension Quantity {
    fileprivate static func * (a: Quantity, b: Int) -> Quantity { Quantity(a.value * Decimal(b)) }
}
