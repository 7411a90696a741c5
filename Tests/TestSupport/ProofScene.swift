import Foundation

/// One gateway process on one simulated venue, and what both sides say about its orders.
public struct ProofScene: Sendable {
    public let folder: TemporaryFolder
    public let venue: VenueUnderTest
    public let gateway: GatewayUnderTest
    public let venueCase: VenueCase

    /// - Parameters:
    ///   - multiply: What the signal's 0.010 is multiplied by.
    ///   - front: Where the gateway finds the venue, if not at the venue itself.
    public static func with(
        _ venueCase: VenueCase, multiply: Int, front: @Sendable (VenueUnderTest) async throws -> Int? = { _ in nil },
        _ body: (ProofScene) async throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            let venue = try await VenueUnderTest.start(venueCase.simulator ?? "binance", in: folder)
            let port = try freePort()
            let account = venueCase.account(try await front(venue) ?? venue.port) + "\nvisibility_horizon: 200ms"
            try GatewayUnderTest.configure(in: folder, port: port, account: account, symbol: venueCase.symbol, multiply: multiply, maximumAge: "1h")
            let gateway = try await GatewayUnderTest.start(in: folder, port: port)
            try await gateway.waitForAccount()
            try await body(ProofScene(folder: folder, venue: venue, gateway: gateway, venueCase: venueCase))
            try await gateway.process.kill9()
            try await venue.process.kill9()
        }
    }

    /// Posts a signal of its own; returns the id of its order.
    public func post(_ action: String = "buy", id: String, extra: String = "") async throws -> String {
        let reply = try await gateway.post(GatewayUnderTest.signal(action, extra: #","alert_id":"\#(id)"\#(extra)"#))
        guard reply.status == 202, let signal = reply.json["signal_id"] as? String else {
            throw TimedOut(description: "signal \(id) is not taken: \(reply.status) \(reply.body)")
        }
        guard let order = try await gateway.get("/api/v1/orders?signal_id=\(signal)").list.first?["id"] as? String else {
            throw TimedOut(description: "signal \(id) has no order")
        }
        return order
    }

    public func order(_ id: String) async throws -> [String: Any] { try await gateway.get("/api/v1/orders/\(id)").json }

    /// Waits until the order is in one of the states; returns it.
    @discardableResult
    public func reach(_ states: Set<String>, _ id: String, within limit: Duration = .seconds(120)) async throws -> [String: Any] {
        var last: [String: Any] = [:]
        do {
            try await waitUntil("order \(id) is \(states)", within: limit) {
                last = try await order(id)
                return states.contains(last["status"] as? String ?? "")
            }
        } catch {
            throw TimedOut(description: "\(error): \(last) \(gateway.process.text.suffix(3000))")
        }
        return last
    }

    /// Fills a part of a resting order at the venue.
    public func fill(_ clientOrderID: String, _ quantity: String) async throws {
        let reply = try await TestHTTP.post(venue.url + "/_sim/fill", #"{"client_order_id":"\#(clientOrderID)","quantity":"\#(quantity)"}"#)
        guard reply.status == 200 else { throw TimedOut(description: "not filled: \(reply.body)") }
    }

    /// Every difference between the store and the venue: orders, their fills, and the position that the fills make.
    public func differences() async throws -> [String] {
        var found: [String] = []
        let theirs = try await venue.orders()
        let executions = Dictionary(grouping: try await TestHTTP.get(venue.url + "/_sim/fills").list) { $0["client_order_id"] as? String ?? "" }
        let ours = try await gateway.orders()
        var position = Decimal.zero
        if Set(theirs.compactMap { $0["client_order_id"] as? String }).count != theirs.count { found.append("an order is at the venue twice") }
        for order in theirs {
            let id = order["client_order_id"] as? String ?? "?"
            guard let mine = ours.first(where: { $0["client_order_id"] as? String == id }), let mineID = mine["id"] as? String else {
                found.append("\(id) is not in the store")
                continue
            }
            if Self.amount(order["filled_quantity"]) != Self.amount(mine["filled_quantity"]) {
                found.append("\(id): filled \(order["filled_quantity"] ?? "?") at the venue, \(mine["filled_quantity"] ?? "?") in the store")
            }
            let isOpen = ["accepted", "pending_new", "partially_filled"].contains(order["status"] as? String ?? "")
            if isOpen == (mine["terminal"] as? Bool ?? true) { found.append("\(id): \(order["status"] ?? "?") at the venue, \(mine["status"] ?? "?") in the store") }
            let fills = try await self.order(mineID)["fills"] as? [[String: Any]] ?? []
            let told = executions[id] ?? []
            if Self.sorted(fills) != Self.sorted(told) { found.append("\(id): fills \(Self.sorted(fills)), at the venue \(Self.sorted(told))") }
            for fill in told {
                position += (order["side"] as? String == "buy" ? 1 : -1) * (Self.amount(fill["quantity"]) ?? 0)
                // A fee in what was bought makes the holding smaller.
                if let asset = fill["fee_asset"] as? String, order["side"] as? String == "buy", asset == "BTC" { position -= Self.amount(fill["fee"]) ?? 0 }
            }
        }
        let held = Self.amount(try await gateway.get("/api/v1/positions").list.first?["quantity"]) ?? 0
        if held != position { found.append("position \(held), by the venue's fills \(position)") }
        return found
    }

    private static func amount(_ value: Any?) -> Decimal? { (value as? String).flatMap { Decimal(string: $0) } }
    private static func sorted(_ fills: [[String: Any]]) -> [String] {
        fills.map { "\(amount($0["quantity"]) ?? -1) at \(amount($0["price"]) ?? -1)" }.sorted()
    }
}
