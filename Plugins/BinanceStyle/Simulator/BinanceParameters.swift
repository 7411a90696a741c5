import Foundation
import SimulatorKit
import TradingModel

/// The parameters of one request, decoded, from query, form body or WebSocket `params`.
struct BinanceParameters: Sendable {
    /// As sent; a name of the query hides the same name of the body.
    let all: [(name: String, value: String)]

    init(_ all: [(name: String, value: String)]) { self.all = all }

    init(query: String, body: String) {
        let own = Self.decode(query)
        let names = Set(own.map(\.name))
        all = own + Self.decode(body).filter { !names.contains($0.name) }
    }

    /// The text, nil if absent or empty.
    subscript(name: String) -> String? {
        guard let value = all.first(where: { $0.name == name })?.value, !value.isEmpty else { return nil }
        return value
    }

    func required(_ name: String) throws(BinanceError) -> String {
        guard let value = self[name] else { throw .missing(name) }
        return value
    }

    func integer(_ name: String) throws(BinanceError) -> Int64? {
        guard let text = self[name] else { return nil }
        guard let value = Int64(text), value >= 0 else { throw .illegal(name, legal: "^[0-9]{1,20}$") }
        return value
    }

    func limit() throws(BinanceError) -> Int {
        guard let limit = try integer("limit") else { return 500 }
        guard limit > 0 else { throw .illegal("limit", legal: "^[0-9]{1,4}$") }
        return Int(min(limit, 1000))
    }

    /// A plain decimal of at most eight places.
    func decimal<D: ExactDecimal>(_ name: String, as type: D.Type = D.self) throws(BinanceError) -> D? {
        guard let text = self[name] else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ (1...20).contains($0.utf8.count) && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } })
        else { throw .illegal(name, legal: "^([0-9]{1,20})(\\.[0-9]{1,20})?$") }
        guard let value = try? D(text) else { throw .precision(name) }
        let places = parts.count == 2 ? parts[1].reversed().drop { $0 == "0" }.count : 0
        guard places <= 8 else { throw .precision(name) }
        return value
    }

    /// A client id; the engine's rule is the one of its FIX interface.
    /// Source: Binance spot API docs, fix-api.md, read 2026-11-21.
    func clientID(_ name: String) throws(BinanceError) -> String? {
        guard let text = self[name] else { return nil }
        let isLegal = text.utf8.count <= 36 && text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
            default: false
            }
        }
        guard isLegal else { throw .illegal(name, legal: "^[a-zA-Z0-9-_]{1,36}$") }
        return text
    }

    private static func decode(_ text: String) -> [(name: String, value: String)] {
        text.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let unescape = { (part: Substring) -> String in
                part.replacing("+", with: " ").removingPercentEncoding ?? String(part)
            }
            return (unescape(parts[0]), parts.count > 1 ? unescape(parts[1]) : "")
        }
    }
}
