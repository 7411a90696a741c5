import SimulatorKit
import TradingModel

/// The venue's entities by kind and id, with the reads that every kind has.
struct TradovateTables: Sendable {
    /// The field that names an entity's master. Source: OpenAPI document, the `deps` calls.
    static let masters: [String: String] = [
        "order": "accountId", "position": "accountId", "cashbalance": "accountId", "command": "orderId", "orderversion": "orderId",
        "fill": "orderId", "commandreport": "commandId", "executionreport": "commandId", "fillfee": "id", "contract": "contractMaturityId",
        "contractmaturity": "productId",
    ]

    /// By the kind in lower case.
    private(set) var rows: [String: [Int64: JSONValue]] = [:]

    subscript(kind: String, id: Int64) -> JSONValue? {
        get { rows[kind.lowercased()]?[id] }
        set { rows[kind.lowercased(), default: [:]][id] = newValue }
    }

    func list(_ kind: String) -> [JSONValue] { (rows[kind.lowercased()] ?? [:]).sorted { $0.key < $1.key }.map(\.value) }

    func children(_ kind: String, of masters: Set<Int64>) -> [JSONValue] {
        guard let field = Self.masters[kind.lowercased()] else { return [] }
        return list(kind).filter { $0[field]?.integer.map(masters.contains) ?? false }
    }
}

/// One event of a kind of entity, before it is put on a wire.
struct EntityEvent: Sendable {
    /// In the venue's spelling: `commandReport`.
    let kind: String
    let isNew: Bool
    let entity: JSONValue
}
