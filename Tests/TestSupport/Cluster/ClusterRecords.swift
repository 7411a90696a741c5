/// An order as the API shows it.
public struct ClusterOrder: Decodable, Sendable, Hashable {
    public let id: String
    public let signal_id: String
    public let client_order_id: String?
    public let account: String
    public let strategy: String?
    public let symbol: String?
    public let side: String?
    public let type: String?
    public let quantity: String?
    public let filled_quantity: String?
    public let average_price: String?
    public let venue_order_id: String?
    public let status: String
    public let terminal: Bool
    public let reason: String?
    public let detail: String?
    public let attempt_count: Int
    public let version: Int
    public let updated_at: String

    /// The fields of a traded order that have nothing in them.
    public var missing: [String] {
        let fields: KeyValuePairs = [
            "client_order_id": client_order_id, "strategy": strategy, "symbol": symbol, "side": side, "type": type, "quantity": quantity,
            "filled_quantity": filled_quantity, "average_price": average_price, "venue_order_id": venue_order_id,
        ]
        return fields.filter { $0.value?.isEmpty ?? true }.map(\.key)
    }
}

/// An order that the venue accepted.
public struct ClusterVenueOrder: Decodable, Sendable, Hashable {
    /// The key of the account's credentials.
    public let account: String
    public let client_order_id: String
    public let status: String
    public let filled_quantity: String
}

/// A line of the journal.
public struct ClusterLine: Decodable, Sendable {
    public struct Data: Decodable, Sendable {
        public let attempt: Int?
        public let fence: String?
        public let lease_fence: String?
        public let gateway: String?
        public let type: String?
        public let subject: String?
    }

    public let sequence: Int
    public let at: String
    public let type: String
    public let order_id: String?
    public let account: String?
    public let data: Data
}

struct ClusterPage<Row: Decodable>: Decodable {
    let data: [Row]
    let next: String?
}
