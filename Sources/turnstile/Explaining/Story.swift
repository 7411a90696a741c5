import Foundation

/// What became of a signal or an order, in sentences, from the lines of the audit chain as the API gives them.
struct Story: Decodable {
    struct Line: Decodable {
        let at, type: String
        let orderId: String?
        let data: [String: Value]
    }

    struct Order: Decodable {
        let id, signalId, account, strategy, symbol, side, type, quantity, filledQuantity, status: String
        let averagePrice, reason, detail, role, venueOrderId: String?
        let terminal: Bool
    }

    /// A field of a line's data. Lines differ by their type, so it is taken as text whatever it is.
    struct Value: Decodable {
        let text: String?
        let members: [String: Value]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let members = try? container.decode([String: Value].self) {
                (text, self.members) = (nil, members)
                return
            }
            members = [:]
            if let list = try? container.decode([Value].self) {
                text = list.compactMap(\.text).joined(separator: "; ")
            } else if let flag = try? container.decode(Bool.self) {
                text = flag ? "yes" : "no"
            } else if let number = try? container.decode(Int64.self) {
                text = String(number)
            } else {
                text = try? container.decode(String.self)
            }
        }
    }

    let id, source, verdict, receivedAt, clientAddress, requestId: String
    let strategy: String?
    let copies: Int
    let orders: [Order]
    let journal: [Line]

    init(decoding text: String) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(Story.self, from: Data(text.utf8))
    }

    /// - Parameter only: The order to tell of; nil for all of the signal.
    func text(only: String? = nil) -> String {
        var lines = ["signal \(id) from \(source), \(verdict), received \(receivedAt) from \(clientAddress), request \(requestId)"]
        if copies > 0 { lines.append("it came \(copies) more time\(copies == 1 ? "" : "s"); each copy got the first answer and did nothing") }
        if orders.isEmpty { lines.append(verdict == "stale" ? "it was too old: nothing was traded" : "no order came of it") }
        for order in orders where only == nil || order.id == only {
            lines.append("")
            lines.append("order \(order.id): \(order.account) \(order.side) \(order.quantity) \(order.symbol) \(order.type)\(order.role.map { ", \($0) of a bracket" } ?? ""), strategy \(order.strategy)")
            for line in journal where line.orderId == order.id { lines.append("  \(elapsed(line.at))  \(sentence(line))") }
            lines.append("  now: \(conclusion(order))")
        }
        return lines.joined(separator: "\n")
    }

    private func conclusion(_ order: Order) -> String {
        var text = order.status
        if order.filledQuantity != "0" { text += ", \(order.filledQuantity) of \(order.quantity) filled" + (order.averagePrice.map { " at \($0)" } ?? "") }
        if let reason = order.reason { text += " (\(reason)\(order.detail.map { ": \($0)" } ?? ""))" }
        return text + (order.terminal ? "" : ", not ended")
    }

    /// Since the signal was received, in seconds.
    private func elapsed(_ at: String) -> String {
        guard let start = Self.seconds(receivedAt), let end = Self.seconds(at) else { return at }
        let milliseconds = Int(((end - start) * 1000).rounded())
        let text = "+\(milliseconds / 1000).\(String(format: "%03d", abs(milliseconds % 1000))) s"
        return String(repeating: " ", count: max(0, 12 - text.count)) + text
    }

    private static func seconds(_ text: String) -> Double? {
        // The fraction has six digits, which not every parser of this format takes.
        let parts = text.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let whole = try? Date(String(parts[0]) + "Z", strategy: .iso8601), let fraction = Double("0." + parts[1].dropLast()) else {
            return (try? Date(text, strategy: .iso8601))?.timeIntervalSince1970
        }
        return whole.timeIntervalSince1970 + fraction
    }

    private func sentence(_ line: Line) -> String {
        func field(_ key: String) -> String? { line.data[key]?.text }
        let cause = [field("reason"), field("detail")].compactMap(\.self).joined(separator: ": ")
        let because = cause.isEmpty ? "" : " (\(cause))"
        switch line.type {
        case "order.queued": return "stored with its signal; waits for its turn"
        case "order.permitted":
            let notes = field("notes").map { "; observed only: \($0)" } ?? ""
            return "permitted: attempt \(field("attempt") ?? "?")\(field("fence").map { " under fence \($0)" } ?? ""), quantity \(field("quantity") ?? "?")\(notes)"
        case "order.unknown": return "the outcome of the attempt is unknown\(because); nothing is sent again before evidence says what happened"
        case "order.resolving": return "the venue is asked until it shows the order or its absence is proven\(because)"
        case "order.absent": return "it is certain that the venue does not have it\(because)"
        case "order.resolved": return "resolved by evidence: it was \(field("was") ?? "in doubt") and is \(field("status") ?? "known")"
        case "order.parked": return "parked: a person must decide\(because)"
        case "order.decided":
            let answer = field("venue_answer").map { "; the venue said: \($0)" } ?? ""
            return "\(field("actor") ?? "?") decided: \(field("decision") ?? "?") (\(field("why") ?? ""))\(answer)"
        case "order.fill":
            let fill = line.data["fill"]?.members ?? [:]
            let fee = fill["fee"]?.text.map { ", fee \($0) \(fill["fee_asset"]?.text ?? "")" } ?? ""
            return "filled \(fill["quantity"]?.text ?? "?") at \(fill["price"]?.text ?? "?") (execution \(fill["execution_id"]?.text ?? "?"))\(fee)"
        case "order.illegal_move": return "evidence asked for \(field("refused_status") ?? "a state") and was refused: not allowed from \(field("status") ?? "there")"
        case "order.dead_letter": return "set aside as a dead letter: gateways died at it \(field("crashes") ?? "several") times"
        case "order.dead_letter.replayed", "order.dead_letter.discarded":
            return "dead letter \(line.type.hasSuffix("replayed") ? "replayed" : "discarded") by \(field("actor") ?? "?"): \(field("reason") ?? "")"
        case let type where type.hasPrefix("position."):
            return "the position is \(type.dropFirst(9).replacingOccurrences(of: "_", with: " "))"
        case let type where type.hasPrefix("compensation."):
            return "\((field("kind") ?? "a step").replacingOccurrences(of: "_", with: " ")) \(type.dropFirst(13))\(field("detail").map { ": \($0)" } ?? "")"
        default: return line.type.replacingOccurrences(of: "order.", with: "").replacingOccurrences(of: "_", with: " ") + because
        }
    }
}
