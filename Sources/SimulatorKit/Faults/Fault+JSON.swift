/// What is wrong with a control request; it becomes a 400 with this text.
public struct ControlError: Error, Sendable, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

extension Fault {
    /// Reads one entry of `POST /_sim/faults`, strictly.
    public init(_ json: JSONValue) throws(ControlError) {
        guard let members = json.members else { throw ControlError("a fault is an object such as {\"on\":\"place\",\"action\":\"hang\"}") }
        self.init(on: try Self.word(json, "on"), try Self.word(json, "action"))
        for member in members {
            switch member.name {
            case "on", "action": break
            case "times": times = try Self.integer(member, in: 1...1_000_000)
            case "skip": skip = try Self.integer(member, in: 0...1_000_000)
            case "percent": percent = try Self.integer(member, in: 1...100)
            case "seed": seed = try Self.integer(member, in: 0...1_000_000_000)
            case "copies": copies = try Self.integer(member, in: 1...100)
            case "ms": milliseconds = try Self.integer(member, in: 0...86_400_000)
            case "status": status = try Self.integer(member, in: 400...599)
            case "code": code = try Self.integer(member, in: -1_000_000...1_000_000)
            case "bytes": bytes = try Self.integer(member, in: 0...1_000_000)
            case "message": message = try Self.text(member)
            case "symbol": symbol = try Self.text(member)
            case "after_accept":
                guard case .boolean(let value) = member.value else { throw ControlError("after_accept must be true or false") }
                afterAccept = value
            default:
                throw ControlError(
                    "unknown field '\(member.name)'; known: on, action, times, skip, percent, seed, copies, ms, status, code, message, bytes, after_accept, symbol")
            }
        }
        guard action.isPossible(on: on) else { throw ControlError("'\(action.rawValue)' has no meaning on '\(on.rawValue)'") }
    }

    public var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("on", .string(on.rawValue)), .init("action", .string(action.rawValue)), .init("times", .integer(times)),
            .init("skip", .integer(skip)),
        ]
        for (name, value) in [("percent", percent), ("seed", seed), ("copies", copies), ("ms", milliseconds), ("status", status), ("code", code), ("bytes", bytes)] {
            if let value { members.append(.init(name, .integer(value))) }
        }
        for (name, value) in [("message", message), ("symbol", symbol)] {
            if let value { members.append(.init(name, .string(value))) }
        }
        if afterAccept { members.append(.init("after_accept", true)) }
        return .object(members)
    }

    private static func word<W: RawRepresentable<String> & CaseIterable>(_ json: JSONValue, _ name: String) throws(ControlError) -> W {
        guard case .string(let text)? = json[name] else { throw ControlError("'\(name)' is required") }
        guard let word = W(rawValue: text) else {
            throw ControlError("unknown \(name) '\(text)'; known: \(W.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return word
    }

    private static func integer(_ member: JSONValue.Member, in range: ClosedRange<Int>) throws(ControlError) -> Int {
        guard case .number(let text) = member.value, let value = Int(text), range.contains(value) else {
            throw ControlError("\(member.name) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private static func text(_ member: JSONValue.Member) throws(ControlError) -> String {
        guard case .string(let text) = member.value, text.utf8.count <= 4096 else {
            throw ControlError("\(member.name) must be a text of at most 4096 bytes")
        }
        return text
    }
}
