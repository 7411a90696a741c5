import SimulatorKit
import TradingModel

/// What a request asks the venue to do.
enum CoinbaseOperation: Sendable, Equatable {
    case time, products, keyPermissions, portfolios, transactionSummary, accounts
    case product(String)
    case place, edit, cancel, orders, fills
    case order(String)

    /// - Parameter path: Without the common prefix.
    /// - Returns: What is asked, and whether it needs no token; nil for what the venue does not have.
    static func route(_ method: String, _ path: String) -> (operation: CoinbaseOperation, isPublic: Bool)? {
        if let fixed = routes["\(method) \(path)"] { return fixed }
        guard method == "GET" else { return nil }
        let parts = path.split(separator: "/").map(String.init)
        switch parts.count {
        case 3 where parts[0] == "orders" && parts[1] == "historical": return (.order(parts[2]), false)
        case 3 where parts[0] == "market" && parts[1] == "products": return (.product(parts[2]), true)
        case 2 where parts[0] == "products": return (.product(parts[1]), false)
        default: return nil
        }
    }

    private static let routes: [String: (operation: CoinbaseOperation, isPublic: Bool)] = [
        "GET time": (.time, true), "GET market/products": (.products, true), "GET products": (.products, false),
        "GET key_permissions": (.keyPermissions, false), "GET portfolios": (.portfolios, false),
        "GET transaction_summary": (.transactionSummary, false), "GET accounts": (.accounts, false), "POST orders": (.place, false),
        "POST orders/edit": (.edit, false), "POST orders/batch_cancel": (.cancel, false),
        "GET orders/historical/batch": (.orders, false), "GET orders/historical/fills": (.fills, false),
    ]
}

/// One request, with what is needed to check its token.
struct CoinbaseRequest: Sendable {
    let operation: CoinbaseOperation
    let isPublic: Bool
    let method: String
    let path: String
    let host: String
    let token: String?
    let parameters: [(name: String, value: String)]
    let body: JSONValue

    subscript(name: String) -> String? { parameters.first { $0.name == name && !$0.value.isEmpty }?.value }
    func all(_ name: String) -> [String] { parameters.filter { $0.name == name && !$0.value.isEmpty }.map(\.value) }

    func integer(_ name: String) throws(CoinbaseError) -> Int? {
        guard let text = self[name] else { return nil }
        guard let value = Int(text) else { throw .argument("\(name) must be a number") }
        return value
    }

    func time(_ name: String) throws(CoinbaseError) -> Timestamp? {
        guard let text = self[name] else { return nil }
        guard let value = Timestamp(rfc3339: text) else { throw .argument("\(name) must be an RFC3339 time") }
        return value
    }

    /// The URIs that a token may name: by the host as asked, with and without its port, and the venue's own, which the official SDK signs
    /// whatever host it is told.
    var uris: Set<String> {
        let name = host.split(separator: ":").first.map(String.init) ?? host
        return Set([host, name, "api.coinbase.com"].map { "\(method) \($0)\(path)" })
    }

    var faultPoint: FaultPoint {
        switch operation {
        case .time: .time
        case .products, .product, .keyPermissions, .portfolios, .transactionSummary: .rules
        case .accounts: .balances
        case .place, .edit: .place
        case .cancel: .cancel
        case .order: .lookup
        case .orders: self["order_status"] == nil ? .history : .openOrders
        case .fills: .fills
        }
    }

    var symbol: String? { body["product_id"]?.scalarText ?? self["product_ids"] }

    /// For the log: the query, or the members of the body.
    var logged: [(name: String, value: String)] {
        body.members.map { $0.map { ($0.name, $0.value.scalarText ?? $0.value.text) } } ?? parameters
    }
}
