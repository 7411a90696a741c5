import AdapterKit

/// One text frame of the WebSocket: a letter, and for two of them a JSON array behind it. Source: WebSocket guide, "message protocol".
enum TradovateFrame: Sendable, Hashable {
    /// The server waits for the authorisation.
    case open
    case heartbeat
    case messages([TradovateMessage])
    case close(code: Int64?, reason: String?)

    struct Malformed: Error, CustomStringConvertible {
        let description: String
    }

    /// What a client sends at least every 2.5 s.
    static let clientHeartbeat = "[]"

    init(_ text: String) throws {
        let body = text.utf8.dropFirst()
        switch text.utf8.first {
        case UInt8(ascii: "o"): self = .open
        case UInt8(ascii: "h"): self = .heartbeat
        case UInt8(ascii: "a"):
            guard case .array(let values) = try WireJSON(parsing: body) else { throw Malformed(description: "an a-frame without an array") }
            self = .messages(values.map(TradovateMessage.init))
        case UInt8(ascii: "c"):
            let parts = (try? WireJSON(parsing: body))?.array ?? []
            self = .close(code: parts.first?.integer, reason: parts.count > 1 ? parts[1].string : nil)
        default: throw Malformed(description: "a frame that begins with none of o, h, a, c")
        }
    }

    /// A request: endpoint, id, query and body, each on its line. An empty part keeps its line.
    static func request(_ endpoint: String, id: Int, query: String = "", body: String = "") -> String {
        "\(endpoint)\n\(id)\n\(query)\n\(body)"
    }
}

/// One element of an `a` frame.
enum TradovateMessage: Sendable, Hashable {
    /// The answer to the request with this id; the body of a failure is text or missing.
    case response(id: Int64, status: Int64, body: WireJSON)
    case changes([EntityChange])
    /// The server is about to close, with its reason code.
    case shutdown(String)
    /// Clock, market data, and what is not known.
    case other

    /// The letter case of names varies, `d` may be one item or a list of them, and so may `entity`. Source: WebSocket guide and clients.
    init(_ json: WireJSON) {
        let body = json["d"] ?? .null
        if let id = json["i"]?.integer, let status = json["s"]?.integer {
            self = .response(id: id, status: status, body: body)
            return
        }
        switch json["e"]?.string {
        case "props": self = .changes((body.array ?? [body]).flatMap { EntityChange.all(in: $0) })
        case "shutdown": self = .shutdown(body["reasonCode"]?.string ?? "")
        default: self = .other
        }
    }
}

/// An entity that was created or updated.
struct EntityChange: Sendable, Hashable {
    /// In lower case: `commandreport`.
    let type: String
    let entity: WireJSON

    static func all(in item: WireJSON) -> [EntityChange] {
        guard let type = item["entityType"]?.string?.lowercased(), let entity = item["entity"], item["eventType"]?.string != "Deleted" else { return [] }
        return (entity.array ?? [entity]).map { EntityChange(type: type, entity: $0) }
    }

    /// The entities of the answer to `user/syncrequest`: lists named in the plural.
    static func all(inSnapshot body: WireJSON) -> [EntityChange] {
        (body.members ?? []).flatMap { member in
            let name = member.name.lowercased()
            return (member.value.array ?? []).map { EntityChange(type: name.hasSuffix("s") ? String(name.dropLast()) : name, entity: $0) }
        }
    }
}
