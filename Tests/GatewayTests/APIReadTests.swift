import Foundation
import Gateway
import GatewayAPI
import StoreContract
import Testing
import TradingModel

@Suite struct APIReadTests {
    @Test func `an order row shows decimals as text and its state in snake case`() async throws {
        let store = APIStubStore()
        let order = try APIRecords.order("O1", state: .partiallyFilled)
        store.change { $0.orders = [order] }
        try await APIFixture.serving(store) { (api) async throws in
            let reply = try await api.send(.GET, "/api/v1/orders")
            #expect(reply.status == 200)
            #expect(reply.headers["content-type"] == ["application/json"])
            #expect(reply.headers["cache-control"] == ["no-store"])
            #expect(try reply.json["next"] is NSNull)
            let row = try #require((reply.json["data"] as? [[String: Any]])?.first)
            #expect(row["id"] as? String == "O1")
            #expect(row["quantity"] as? String == "0.00000001")
            #expect(row["requested_quantity"] as? String == "0.01")
            #expect(row["stop_price"] as? String == "12345678901234567890.5")
            #expect(row["average_price"] as? String == "0.1")
            #expect(row["status"] as? String == "partially_filled")
            #expect(row["type"] as? String == "stop_limit")
            #expect(row["terminal"] as? Bool == false)
            #expect(row["detail"] as? String == "said \"no\"\n\u{1} – twice")
            #expect(row["created_at"] as? String == "2025-11-21T05:06:07.008Z")
            for key in ["signal_id", "client_order_id", "account", "strategy", "symbol", "side", "filled_quantity", "venue_order_id", "updated_at"] {
                #expect(row[key] is String, "\(key)")
            }
        }
    }

    @Test func `pages of orders follow each other by the cursor without gap or repetition`() async throws {
        let store = APIStubStore()
        let orders = try (1...5).map { try APIRecords.order(OrderID("O\($0)")) }
        store.change { $0.orders = orders }
        try await APIFixture.serving(store) { (api) async throws in
            var seen: [String] = []
            var path = "/api/v1/orders?limit=2"
            for _ in 1...3 {
                let reply = try await api.send(.GET, path)
                seen += try #require(reply.json["data"] as? [[String: Any]]).compactMap { $0["id"] as? String }
                guard let next = try reply.json["next"] as? String else { break }
                path = "/api/v1/orders?limit=2&cursor=\(next)"
            }
            #expect(seen == ["O5", "O4", "O3", "O2", "O1"])
            #expect(try await api.send(.GET, "/api/v1/orders?limit=5").json["next"] is NSNull)
            #expect(try await api.send(.GET, "/api/v1/orders?before=O2").text.contains("\"O1\""))
        }
    }

    @Test func `orders are filtered by account, strategy and several states`() async throws {
        let store = APIStubStore()
        let orders = [
            try APIRecords.order("O1", account: "a", state: .filled), try APIRecords.order("O2", account: "a", state: .unknown),
            try APIRecords.order("O3", account: "b", state: .filled), try APIRecords.order("O4", account: "a", state: .queued),
        ]
        store.change { $0.orders = orders }
        try await APIFixture.serving(store) { (api) async throws in
            let reply = try await api.send(.GET, "/api/v1/orders?account=a&strategy=trend&status=filled,unknown")
            #expect(try (reply.json["data"] as? [[String: Any]])?.compactMap { $0["id"] as? String } == ["O2", "O1"])
            #expect(try await api.send(.GET, "/api/v1/orders?strategy=other").text == #"{"data":[],"next":null}"#)
        }
    }

    @Test func `one order comes with its attempts, fills and journal lines`() async throws {
        let store = APIStubStore()
        let order = try APIRecords.order("O1")
        let fill = try APIRecords.fill()
        store.change {
            $0.orders = [order]
            $0.attempts = [APIRecords.attempt("O1")]
            $0.fills = [fill]
        }
        try await store.append(
            [
                JournalDraft(type: "order.filled", signalID: "S1", orderID: "O1", data: "{\"price\":\"0.1\"}"),
                JournalDraft(type: "order.filled", signalID: "S1", orderID: "O2", data: "{}"),
            ], at: APIRecords.time)
        try await APIFixture.serving(store) { (api) async throws in
            let body = try await api.send(.GET, "/api/v1/orders/O1").json
            #expect(body["id"] as? String == "O1")
            let attempt = try #require((body["attempts"] as? [[String: Any]])?.first)
            #expect(attempt["fence"] as? String == "1.7")
            #expect((attempt["evidence"] as? [String: Any])?["may_have_left"] as? Bool == true)
            #expect(attempt["owner"] == nil)
            #expect((body["fills"] as? [[String: Any]])?.first?["fee"] as? String == "-0.0000001")
            let journal = try #require(body["journal"] as? [[String: Any]])
            #expect(journal.count == 1)
            #expect((journal.first?["data"] as? [String: Any])?["price"] as? String == "0.1")
            let missing = try await api.send(.GET, "/api/v1/orders/O9")
            #expect(missing.status == 404)
            #expect(missing.code == "order_not_found")
        }
    }

    @Test func `one signal comes with its answer, orders and journal lines`() async throws {
        let store = APIStubStore()
        let orders = [try APIRecords.order("O1"), try APIRecords.order("O2"), try APIRecords.order("O3", signal: "S2")]
        store.change {
            $0.signals = [APIRecords.signal("S1"), APIRecords.signal("S2")]
            $0.orders = orders
        }
        try await store.append([JournalDraft(type: "signal.received", signalID: "S1", data: "{}")], at: APIRecords.time)
        try await APIFixture.serving(store) { (api) async throws in
            let list = try await api.send(.GET, "/api/v1/signals?limit=1")
            #expect(try list.json["next"] as? String == "S2")
            #expect(!list.text.contains("\"body\""))
            let body = try await api.send(.GET, "/api/v1/signals/S1").json
            #expect((body["answer"] as? [String: Any])?["body"] as? String == #"{"status":"accepted"}"#)
            #expect(body["copies"] as? Int == 3)
            #expect((body["orders"] as? [[String: Any]])?.compactMap { $0["id"] as? String } == ["O1", "O2"])
            #expect((body["journal"] as? [[String: Any]])?.first?["type"] as? String == "signal.received")
            #expect(try await api.send(.GET, "/api/v1/signals/S9").code == "signal_not_found")
        }
    }

    @Test func `a position is told with its open episode, an entry without one by itself, and steps with what they wait for`() async throws {
        let store = APIStubStore()
        let position = PositionRecord(
            account: "spot1", symbol: "BTCUSDT", quantity: 2, averagePrice: 60000, realizedProfit: 0, updatedAt: APIRecords.time)
        func episode(_ symbol: Symbol, _ state: EpisodeState) -> EpisodeRecord {
            EpisodeRecord(
                id: EpisodeID("O-\(symbol)"), account: "spot1", symbol: symbol, side: .buy, state: state, entryID: "O1", signalID: "S1", strategy: "trend",
                stopLoss: 58000, protection: ProtectionPolicy(), unprotectedSince: APIRecords.time, openedAt: APIRecords.time, updatedAt: APIRecords.time)
        }
        let step = CompensationStep(
            id: "c1", episode: "O-BTCUSDT", account: "spot1", symbol: "BTCUSDT", kind: .placeStop, state: .planned, attempts: 2, orderID: "O2",
            detail: "order O2 ended rejected", nextAt: APIRecords.time, createdAt: APIRecords.time, updatedAt: APIRecords.time)
        let done = CompensationStep(
            id: "c0", episode: "O-BTCUSDT", account: "spot1", symbol: "BTCUSDT", kind: .flatten, state: .done, nextAt: APIRecords.time,
            createdAt: APIRecords.time, updatedAt: APIRecords.time)
        let (held, pending) = (episode("BTCUSDT", .pendingStop), episode("ETHUSDT", .pendingEntry))
        store.change {
            $0.positions = [position]
            $0.episodes = [pending, held]
            $0.steps = [step, done]
        }
        try await APIFixture.serving(store) { (api) async throws in
            let rows = try #require(try await api.send(.GET, "/api/v1/positions").json["data"] as? [[String: Any]])
            #expect(rows.map { $0["symbol"] as? String } == ["BTCUSDT", "ETHUSDT"] && rows.map { $0["quantity"] as? String } == ["2", "0"])
            let episodes = rows.compactMap { $0["episode"] as? [String: Any] }
            #expect(episodes.map { $0["state"] as? String } == ["pending_stop", "pending_entry"])
            #expect(episodes[0]["stop_loss"] as? String == "58000" && episodes[0]["managed"] as? Bool == true)
            let open = try #require(try await api.send(.GET, "/api/v1/monitoring/transactions").json["data"] as? [[String: Any]])
            #expect(open.count == 1 && open[0]["kind"] as? String == "place_stop" && open[0]["attempts"] as? Int == 2)
            let all = try await api.send(.GET, "/api/v1/monitoring/transactions?ended=true").json["data"] as? [[String: Any]]
            #expect(all?.map { $0["state"] as? String } == ["planned", "done"])
            #expect(try await api.send(.GET, "/api/v1/monitoring/transactions?x=1").status == 400)
        }
    }

    @Test func `positions, accounts, adapters and alerts have their rows`() async throws {
        let store = APIStubStore()
        let position = PositionRecord(
            account: "spot1", symbol: "BTCUSDT", quantity: try Quantity("-0.5"), averagePrice: nil, realizedProfit: try Notional("1.10"),
            updatedAt: APIRecords.time)
        let alert = AlertRecord(
            id: 1, type: "unknown_order", severity: .high, subject: "order:O1", message: "?", count: 2, firstAt: APIRecords.time,
            lastAt: APIRecords.time, resolvedAt: APIRecords.time)
        store.change {
            $0.positions = [position]
            $0.alerts = [alert]
        }
        try await APIFixture.serving(store) { (api) async throws in
            #expect(
                try await api.send(.GET, "/api/v1/positions?account=spot1").text
                    == #"{"data":[{"account":"spot1","symbol":"BTCUSDT","quantity":"-0.5","average_price":null,"realized_profit":"1.1","updated_at":"2025-11-21T05:06:07.008Z","episode":null}],"next":null}"#)
            let account = try #require((try await api.send(.GET, "/api/v1/accounts").json["data"] as? [[String: Any]])?.first)
            #expect(account["id"] as? String == "paper1")
            #expect(account["mode"] as? String == "paper")
            #expect((account["health"] as? [String: Any])?["connected"] as? Bool == false)
            #expect(account["tenure"] is NSNull)
            #expect(account["open_orders"] as? Int == 0)
            #expect(try await api.send(.GET, "/api/v1/adapters").text == #"{"data":[],"next":null}"#)
            #expect(try await api.send(.GET, "/api/v1/monitoring/alerts").text == #"{"data":[],"next":null}"#)
            #expect(try await api.send(.GET, "/api/v1/monitoring/alerts?resolved=true").text.contains(#""severity":"high""#))
        }
    }

    @Test(arguments: [
        ("/api/v1/orders?limit=0", "limit"), ("/api/v1/orders?limit=1001", "limit"), ("/api/v1/orders?limit=+5", "limit"),
        ("/api/v1/orders?limit=1.5", "limit"), ("/api/v1/orders?limit=1&limit=2", "limit"), ("/api/v1/orders?status=nonsense", "status"),
        ("/api/v1/orders?status=", "status"), ("/api/v1/orders?acount=a", "acount"), ("/api/v1/orders?before=a&cursor=b", "cursor"),
        ("/api/v1/monitoring/alerts?resolved=maybe", "resolved"), ("/api/v1/positions?x", "x"), ("/api/v1/orders/O1?x=1", "x"),
        ("/api/v1/events?since=-1", "since"), ("/api/v1/events?types=Order.*", "types"), ("/api/v1/events?types=order*", "types"),
        ("/readyz?verbos", "verbos"),
    ])
    func `a bad query parameter is named`(path: String, parameter: String) async throws {
        try await APIFixture.serving(APIStubStore()) { (api) async throws in
            let reply = try await api.send(.GET, path)
            #expect(reply.status == 400)
            #expect(reply.headers["content-type"] == ["application/problem+json"])
            #expect(try reply.json["parameter"] as? String == parameter)
            #expect(["invalid_parameter", "unknown_parameter"].contains(reply.code))
        }
    }

    @Test func `a limit at its edge is taken`() async throws {
        try await APIFixture.serving(APIStubStore()) { (api) async throws in
            #expect(try await api.send(.GET, "/api/v1/orders?limit=1").status == 200)
            #expect(try await api.send(.GET, "/api/v1/orders?limit=1000").status == 200)
        }
    }

    @Test func `a store that does not answer is 503 and tells nothing of its inside`() async throws {
        let store = APIStubStore()
        store.change { $0.isAvailable = false }
        try await APIFixture.serving(store) { (api) async throws in
            for path in ["/api/v1/orders", "/api/v1/signals/S1", "/api/v1/positions", "/api/v1/events"] {
                let reply = try await api.send(.GET, path)
                #expect(reply.status == 503)
                #expect(reply.code == "store_unavailable")
                #expect(reply.headers["retry-after"] == ["5"])
                #expect(!reply.text.contains("secret-place"))
            }
        }
    }
}
