import Foundation
import TestSupport
import Testing

/// The judge itself: each kind of wrong must be found, or its silence says nothing.
@Suite struct ClusterOracleTests {
    /// Two accounts, one signal for each, both filled.
    private struct Scene {
        var orders: [[String: Any]] = [1, 2].map { number in
            [
                "id": "o\(number)", "signal_id": "g\(number)", "client_order_id": "c\(number)", "account": "a\(number)", "strategy": "s\(number)",
                "symbol": "BTCUSDT", "side": "buy", "type": "market", "quantity": "0.001", "filled_quantity": "0.001", "average_price": "60000",
                "venue_order_id": "7\(number)", "status": "filled", "terminal": true, "attempt_count": 1, "version": 3, "updated_at": "2026-01-01T00:00:00Z",
            ]
        }
        var venue: [[String: Any]] = [1, 2].map { number in
            ["account": ClusterUnderTest.key(number), "client_order_id": "c\(number)", "status": "filled", "filled_quantity": "0.00100"]
        }
        var journal: [[String: Any]] = Self.opened("1.1", by: "gw-1") + [Self.permitted("o1", 1, "1.1"), Self.permitted("o2", 1, "1.1", account: "a2")]
        var accepted = ["g1": "s1", "g2": "s2"]

        static func opened(_ fence: String, by gateway: String, lease: String = "5.5") -> [[String: Any]] {
            ["a1", "a2"].map { ["type": "tenure.opened", "account": $0, "data": ["fence": fence, "gateway": gateway, "lease_fence": lease]] }
        }
        static func permitted(_ order: String, _ attempt: Int, _ fence: String, account: String = "a1") -> [String: Any] {
            ["type": "order.permitted", "order_id": order, "account": account, "data": ["attempt": attempt, "fence": fence]]
        }

        func judge() throws -> ClusterOracle {
            func decode<Value: Decodable>(_ rows: [[String: Any]]) throws -> [Value] {
                try JSONDecoder().decode([Value].self, from: JSONSerialization.data(withJSONObject: rows))
            }
            let lines = journal.enumerated().map { index, line in line.merging(["sequence": index + 1, "at": "2026-01-01T00:00:00Z"]) { $1 } }
            return ClusterOracle(.init(accounts: 2), orders: try decode(orders), atVenue: try decode(venue), journal: try decode(lines), accepted: accepted)
        }
    }

    @Test func `an unblemished scene has no problems`() throws {
        let oracle = try Scene().judge()
        #expect(oracle.problems == [])
        #expect(oracle.history.permits == 2 && oracle.history.doubleGrants == 0)
    }

    private func problem(_ change: (inout Scene) -> Void) throws -> String {
        var scene = Scene()
        change(&scene)
        return try scene.judge().problems.joined(separator: "; ")
    }

    @Test func `a second order at the venue, one that is missing there and one that nobody knows are found`() throws {
        #expect(try problem { $0.venue.append($0.venue[0]) }.contains("2 orders at the venue for one intent"))
        #expect(try problem { $0.venue.removeLast() }.contains("order o2 is filled, but not at the venue"))
        #expect(try problem { $0.venue[1]["client_order_id"] = "c9" }.contains("does not know: a2 c9"))
        #expect(try problem { $0.venue[1]["account"] = ClusterUnderTest.key(1) }.contains("does not know: a1 c2"))
        #expect(try problem { $0.venue[1]["filled_quantity"] = "0.002" }.contains("at the venue 0.002"))
        #expect(try problem { $0.orders[1]["status"] = "skipped" }.contains("ended skipped, but the venue has it"))
    }

    @Test func `a lost signal, an order too many, an incomplete one and one that waits for a person are found`() throws {
        #expect(try problem { $0.orders.removeLast(); $0.venue.removeLast() }.contains("signal g2 of s2 has orders for []"))
        #expect(try problem { $0.orders[1]["account"] = "a1" }.contains("signal g2 of s2"))
        #expect(try problem { $0.accepted["g2"] = nil }.contains("signal g2 was accepted from nobody"))
        #expect(try problem { $0.orders[0]["average_price"] = nil }.contains("order o1 has no [\"average_price\"]"))
        #expect(try problem { $0.orders[0]["status"] = "parked"; $0.venue.removeFirst() }.contains("order o1 ended parked"))
    }

    @Test func `a permit beside a living one, under an old fence, under a closed tenure and out of turn are found`() throws {
        #expect(try problem { $0.journal.append(Scene.permitted("o1", 2, "1.1")) }.contains("order o1: permit 2 while attempt 1 is live"))
        #expect(try problem { $0.journal.append(Scene.permitted("o3", 2, "1.1")) }.contains("order o3: permit 2 after 0"))
        #expect(try problem { $0.journal += Scene.opened("1.2", by: "gw-2") + [Scene.permitted("o3", 1, "1.1")] }.contains("permitted under fence 1.1, but the account's is 1.2"))
        #expect(try problem { $0.journal += Scene.opened("1.1", by: "gw-2") }.contains("fence 1.1 after 1.1"))
        let closed: [String: Any] = ["type": "tenure.closed", "account": "a1", "data": ["fence": "1.1"]]
        #expect(try problem { $0.journal += [closed, Scene.permitted("o3", 1, "1.1")] }.contains("1.1, closed"))
        let absent: [String: Any] = ["type": "order.absent", "order_id": "o1", "account": "a1", "data": [String: Any]()]
        #expect(try problem { $0.journal += [absent, Scene.permitted("o1", 2, "1.1")] } == "")
    }

    @Test func `tenures that were taken from a gateway that had not given them back are counted`() throws {
        var scene = Scene()
        scene.journal += Scene.opened("1.2", by: "gw-2", lease: "5.5") + Scene.opened("1.3", by: "gw-1", lease: "6.1")
        let history = try scene.judge().history
        #expect(history.doubleGrants == 4 && history.equalFences == 2)
    }
}
