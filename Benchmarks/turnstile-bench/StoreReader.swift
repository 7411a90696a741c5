import GRDB

/// Looks into a gateway's store from outside.
struct StoreReader: Sendable {
    private let queue: DatabaseQueue

    init(_ path: String) throws {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        queue = try DatabaseQueue(path: path, configuration: configuration)
    }

    func orders() async throws -> Int { try await count("SELECT count(*) FROM orders") }
    func signals() async throws -> Int { try await count("SELECT count(*) FROM signals") }
    func openOrders() async throws -> Int { try await count("SELECT count(*) FROM orders WHERE is_open = 1") }
    /// Orders that the venue has not seen.
    func unsentOrders() async throws -> Int { try await count("SELECT count(*) FROM orders WHERE attempts = 0") }

    /// When the signal behind each order was received, in microseconds, by client order id.
    func receivedAt() async throws -> [String: Int64] {
        try await queue.read { db in
            let rows = try Row.fetchAll(
                db, sql: "SELECT orders.client_order_id, signals.received_at FROM orders JOIN signals ON signals.id = orders.signal_id")
            return Dictionary(rows.map { ($0[0] as String, $0[1] as Int64) }, uniquingKeysWith: { first, _ in first })
        }
    }

    private func count(_ sql: String) async throws -> Int {
        try await queue.read { try Int.fetchOne($0, sql: sql) ?? 0 }
    }
}
