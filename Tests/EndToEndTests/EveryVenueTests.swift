import Foundation
import TestSupport
import Testing

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
