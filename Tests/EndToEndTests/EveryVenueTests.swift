import Foundation
import TestSupport
import Testing

/// What differs from venue to venue in an otherwise equal configuration file: the account's block, and the venue's name of the instrument.
struct VenueCase: Sendable, CustomStringConvertible {
    let name: String
    /// The simulator to start; nil for the embedded broker.
    var simulator: String?
    let symbol: String
    /// A price above the market, so that a limit order fills at once; not every venue takes a bracket with a market order.
    let limit: String
    /// A stop loss below the market, a take profit above it, and a price beyond that.
    let stopLoss: String
    let takeProfit: String
    let beyond: String
    /// Orders that the venue makes of stop and target: some keep both as one.
    var exits = 2
    /// The lines of the account's block, with the simulator's port.
    let account: @Sendable (Int) -> String

    var description: String { name }

    static let all = [binance, coinbase, tradovate, paper]

    static let binance = VenueCase(name: "binance", simulator: "binance", symbol: "BTCUSDT", limit: "60500.00", stopLoss: "58000.00", takeProfit: "65000.00", beyond: "65100.00") {
        """
        broker: binance
        endpoint: { rest: "http://127.0.0.1:\($0)", websocket: "ws://127.0.0.1:\($0)/ws-api/v3" }
        credentials: { key: test-key, secret: test-secret }
        """
    }
    static let coinbase = VenueCase(name: "coinbase", simulator: "coinbase", symbol: "BTC-USD", limit: "60500.00", stopLoss: "58000.00", takeProfit: "65000.00", beyond: "65100.00", exits: 1) {
        // The key is the one published in RFC 8032.
        """
        broker: coinbase
        endpoint: { rest: "http://127.0.0.1:\($0)", websocket: "ws://127.0.0.1:\($0)" }
        credentials: { key_name: any-key, private_key: "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=" }
        """
    }
    static let tradovate = VenueCase(name: "tradovate", simulator: "tradovate", symbol: "MNQ1!", limit: "21260.25", stopLoss: "21000.25", takeProfit: "21500.25", beyond: "21550.00") {
        """
        broker: tradovate
        endpoint: { rest: "http://127.0.0.1:\($0)/v1", websocket: "ws://127.0.0.1:\($0)/v1/websocket" }
        credentials: { username: any-user, password: any-password }
        account: DEMO25
        roll: { MNQ: 5d_before_expiry }
        """
    }
    static let paper = VenueCase(name: "paper", symbol: "BTCUSDT", limit: "60500.00", stopLoss: "58000.00", takeProfit: "65000.00", beyond: "65100.00") { _ in
        paperAccount(price: "60000")
    }

    static func paperAccount(price: String) -> String {
        """
        broker: paper
        prices: { BTCUSDT: "\(price)" }
        """
    }
}

/// One configuration file, four venues: only the account's block and the venue's name of the instrument change.
@Suite(.serialized) struct EveryVenueTests {
    private struct Scene: Sendable {
        let folder: TemporaryFolder
        let port: Int
        let gateway: GatewayUnderTest
        let venue: VenueUnderTest?
        let venueCase: VenueCase

        /// One BTC and one contract alike: the signal's 0.010 times 100.
        static func configure(_ folder: TemporaryFolder, _ port: Int, _ venueCase: VenueCase, account: String) throws {
            try GatewayUnderTest.configure(in: folder, port: port, account: account, symbol: venueCase.symbol, multiply: 100)
        }

        func orders() async throws -> [[String: Any]] { try await gateway.orders().sorted { "\($0["id"] ?? "")" < "\($1["id"] ?? "")" } }

        func reach(_ states: [String], at gateway: GatewayUnderTest? = nil) async throws -> [[String: Any]] {
            var orders: [[String: Any]] = []
            do {
                try await waitUntil("orders at \(venueCase) are \(states)") {
                    orders = try await self.orders()
                    return orders.map { $0["status"] as? String ?? "" } == states
                }
            } catch {
                throw TimedOut(description: "\(error): \(orders) \((gateway ?? self.gateway).process.text.suffix(3000))")
            }
            return orders
        }

        func position() async throws -> Decimal? {
            try await gateway.get("/api/v1/positions").list.first.flatMap { $0["quantity"] as? String }.flatMap { Decimal(string: $0) }
        }
    }

    private func with(_ venueCase: VenueCase, _ body: (Scene) async throws -> Void) async throws {
        try await TemporaryFolder.with { folder in
            var venue: VenueUnderTest?
            if let simulator = venueCase.simulator { venue = try await VenueUnderTest.start(simulator, in: folder) }
            let port = try freePort()
            try Scene.configure(folder, port, venueCase, account: venueCase.account(venue?.port ?? 0))
            let gateway = try await GatewayUnderTest.start(in: folder, port: port)
            try await gateway.waitForAccount()
            try await body(Scene(folder: folder, port: port, gateway: gateway, venue: venue, venueCase: venueCase))
            try await gateway.process.kill9()
            try await venue?.process.kill9()
        }
    }

    @Test(arguments: VenueCase.all)
    func `the same signal becomes one filled order at each venue`(_ venueCase: VenueCase) async throws {
        try await with(venueCase) { scene in
            #expect(try await scene.gateway.post(GatewayUnderTest.signal()).status == 202)
            let order = try #require(try await scene.reach(["filled"]).first)
            #expect(order["filled_quantity"] as? String == "1" && order["average_price"] is String)
            if let venue = scene.venue {
                let theirs = try await venue.orders()
                #expect(theirs.count == 1 && theirs.first?["client_order_id"] as? String == order["client_order_id"] as? String)
            }
        }
    }

    @Test(arguments: VenueCase.all)
    func `a bracket becomes entry, stop and target at each venue; the target fills, the stop ends, the position is flat`(_ venueCase: VenueCase) async throws {
        try await with(venueCase) { scene in
            let bracket =
                #","type":"limit","limit_price":"\#(venueCase.limit)","stop_loss":"\#(venueCase.stopLoss)","take_profit":"\#(venueCase.takeProfit)""#
            #expect(try await scene.gateway.post(GatewayUnderTest.signal(extra: bracket)).status == 202)
            let orders = try await scene.reach(["filled", "accepted", "accepted"])
            #expect(orders.map { $0["role"] as? String } == [nil, "stop_loss", "take_profit"])
            #expect(orders.dropFirst().allSatisfy { $0["entry_id"] as? String == orders[0]["id"] as? String && $0["side"] as? String == "sell" })
            if let venue = scene.venue {
                // The venue sets its exits to work after the entry's fill, in its own time.
                var theirs: [[String: Any]] = []
                try await waitUntil("the venue has the exits") {
                    theirs = try await venue.orders()
                    return theirs.count { $0["side"] as? String == "sell" && $0["status"] as? String == "accepted" } == venueCase.exits
                }
                #expect(theirs.count == 1 + venueCase.exits, "\(theirs)")
                let symbol = try #require(theirs.first?["symbol"] as? String)
                try await venue.setPrice(venueCase.beyond, of: symbol)
                _ = try await scene.reach(["filled", "cancelled", "filled"])
                let open = try await venue.orders().filter { ["accepted", "pending_new", "partially_filled"].contains($0["status"] as? String ?? "") }
                #expect(open.isEmpty, "\(open)")
            } else {
                // The embedded broker has the prices of its configuration.
                try await scene.gateway.process.kill9()
                try Scene.configure(scene.folder, scene.port, venueCase, account: VenueCase.paperAccount(price: venueCase.beyond))
                let again = try await GatewayUnderTest.start(in: scene.folder, port: scene.port)
                _ = try await scene.reach(["filled", "cancelled", "filled"], at: again)
                try await check(scene)
                try await again.process.kill9()
                return
            }
            try await check(scene)
        }
    }

    @Test(arguments: VenueCase.all)
    func `a position is left before its bracket ends: its exits are cancelled, and a plain sell closes it`(_ venueCase: VenueCase) async throws {
        try await with(venueCase) { scene in
            let bracket =
                #","type":"limit","limit_price":"\#(venueCase.limit)","stop_loss":"\#(venueCase.stopLoss)","take_profit":"\#(venueCase.takeProfit)""#
            #expect(try await scene.gateway.post(GatewayUnderTest.signal(extra: bracket)).status == 202)
            let ids = try await scene.reach(["filled", "accepted", "accepted"]).compactMap { $0["id"] as? String }
            #expect(try await scene.gateway.cancel(ids[1], token: GatewayUnderTest.token).status == 401)
            #expect(try await scene.gateway.cancel(ids[0]).json["code"] as? String == "order_has_ended")
            for id in ids.dropFirst() {
                // One may go with the other; whoever asks again is told the same.
                try await waitUntil("\(id) is cancelled") {
                    let reply = try await scene.gateway.cancel(id)
                    #expect([200, 202].contains(reply.status), "\(reply.body)")
                    return reply.status == 200 && reply.json["status"] as? String == "cancelled"
                }
            }
            // What the entry bought, less a fee that was taken out of it: long-only sells no more than is held.
            #expect(try await scene.gateway.post(GatewayUnderTest.signal("sell")).status == 202)
            _ = try await scene.reach(["filled", "cancelled", "cancelled", "filled"])
            let left = try #require(try await scene.position())
            #expect(left.magnitude <= Decimal(sign: .plus, exponent: -3, significand: 1), "\(left) is left")
            if let venue = scene.venue {
                let open = try await venue.orders().filter { ["accepted", "pending_new", "partially_filled"].contains($0["status"] as? String ?? "") }
                #expect(open.isEmpty, "\(open)")
            }
        }
    }

    /// Flat, to within a fee that the venue takes out of what is bought.
    private func check(_ scene: Scene) async throws {
        let left = try #require(try await scene.position())
        #expect(left.magnitude <= Decimal(sign: .plus, exponent: -3, significand: 1), "\(left) is left")
        let alerts = try await scene.gateway.get("/api/v1/monitoring/alerts").body
        for type in ["over_fill", "foreign_order", "parked_order", "illegal_transition", "protection_lost", "order_missing"] { #expect(!alerts.contains(type), "\(alerts)") }
    }
}
