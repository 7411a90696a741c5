import TestSupport

/// A simulated venue and a gateway on it, as processes, in a folder of their own.
struct GatewayScene: Sendable {
    let folder: TemporaryFolder
    let venue: VenueUnderTest
    let gateway: GatewayUnderTest

    static func with(policy: String = "{ cooldown: 0s, long_only: true }", _ body: (GatewayScene) async throws -> Void) async throws {
        try await TemporaryFolder.with { folder in
            let venue = try await VenueUnderTest.start(in: folder)
            let port = try freePort()
            try GatewayUnderTest.configure(in: folder, port: port, venuePort: venue.port, policy: policy)
            let gateway = try await GatewayUnderTest.start(in: folder, port: port)
            try await gateway.waitForAccount()
            try await body(GatewayScene(folder: folder, venue: venue, gateway: gateway))
            try await gateway.process.kill9()
            try await venue.process.kill9()
        }
    }

    /// Waits until every order is terminal and there are `count` of them.
    @discardableResult
    func settled(_ count: Int, within limit: Duration = .seconds(60)) async throws -> [[String: Any]] {
        var orders: [[String: Any]] = []
        do {
            try await waitUntil("\(count) orders are terminal", within: limit) {
                orders = try await gateway.orders()
                return orders.count == count && orders.allSatisfy { $0["terminal"] as? Bool == true }
            }
        } catch {
            throw TimedOut(description: "\(error): \(orders) \(gateway.process.text.suffix(3000))")
        }
        return orders
    }

    /// Every order at the venue is the one in the store, and the other way round.
    func storeEqualsVenue() async throws -> Bool {
        let ours = Set(try await gateway.orders().compactMap { $0["venue_order_id"] is String ? $0["client_order_id"] as? String : nil })
        let theirs = try await venue.orders().compactMap { $0["client_order_id"] as? String }
        return theirs.count == Set(theirs).count && Set(theirs) == ours
    }
}
