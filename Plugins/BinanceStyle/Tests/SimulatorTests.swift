@testable import BinanceStyleSimulator
import Crypto
import Foundation
import SimulatorKit
import TestSupport
import Testing
import TradingModel

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// The wire of the simulator, checked against what the venue documents.
@Suite(.timeLimit(.minutes(1))) struct SimulatorTests {
    struct Answer {
        let status: Int
        let headers: HTTPURLResponse
        let body: String
        var json: JSONValue? { try? JSONValue(parsing: body) }
    }

    static func send(
        _ method: String, _ path: String, _ query: String = "", to address: BinanceSimulator.Address, key: String? = "key", signature: String? = "any"
    ) async throws -> Answer {
        let signed = signature.map { query + (query.isEmpty ? "" : "&") + "signature=" + $0 } ?? query
        var request = URLRequest(url: try #require(URL(string: "\(address.rest)/api/v3/\(path)\(signed.isEmpty ? "" : "?" + signed)")))
        request.httpMethod = method
        request.timeoutInterval = 10
        if let key { request.setValue(key, forHTTPHeaderField: "X-MBX-APIKEY") }
        let (data, response) = try await URLSession.shared.data(for: request)
        let http = try #require(response as? HTTPURLResponse)
        return Answer(status: http.statusCode, headers: http, body: String(decoding: data, as: UTF8.self))
    }

    static func now(_ offset: Int64 = 0) -> String { "timestamp=\(SystemClock().wallTime.milliseconds + offset)" }

    static func limit(_ id: String, price: String = "50000.00", quantity: String = "0.01000", _ more: String = "") -> String {
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=\(quantity)&price=\(price)&newClientOrderId=\(id)&\(now())\(more)"
    }

    @Test func `an order rests, is found, is refused while open, and its id is free after the end`() async throws {
        try await BinanceSimulator.withServer { simulator, address in
            let placed = try await Self.send("POST", "order", Self.limit("gw-1"), to: address)
            #expect(placed.status == 200 && placed.json?["status"] == "NEW" && placed.json?["origQty"] == "0.01000000")
            #expect(placed.headers.value(forHTTPHeaderField: "X-MBX-USED-WEIGHT-1M") != nil)
            let again = try await Self.send("POST", "order", Self.limit("gw-1"), to: address)
            #expect(again.status == 400 && again.body == #"{"code":-2010,"msg":"Duplicate order sent."}"#)
            let query = "symbol=BTCUSDT&origClientOrderId=gw-1&\(Self.now())"
            #expect(try await Self.send("GET", "order", query, to: address).json?["orderId"] == placed.json?["orderId"])
            let cancelled = try await Self.send("DELETE", "order", query + "&newClientOrderId=gwc-1", to: address)
            #expect(cancelled.json?["clientOrderId"] == "gwc-1" && cancelled.json?["origClientOrderId"] == "gw-1")
            #expect(try await Self.send("DELETE", "order", query, to: address).json?["code"] == -2011)
            #expect(try await Self.send("POST", "order", Self.limit("gw-1"), to: address).status == 200)
            #expect(simulator.exchange.read { core in core.orders.count } == 2)
            let unknown = try await Self.send("GET", "order", "symbol=BTCUSDT&origClientOrderId=nope&\(Self.now())", to: address)
            #expect(unknown.json?["code"] == -2013)
            let other = try await Self.send("GET", "order", query, to: address, key: "another account")
            #expect(other.json?["code"] == -2013)
        }
    }

    @Test func `filters and parameters are refused with the venue's codes`() async throws {
        try await BinanceSimulator.withServer { simulator, address in
            let cases: [(String, Int64, String)] = [
                (Self.limit("f1", price: "50000.001"), -1013, "PRICE_FILTER"), (Self.limit("f2", quantity: "0.000001"), -1013, "LOT_SIZE"),
                (Self.limit("f3", price: "100.00"), -1013, "PERCENT_PRICE_BY_SIDE"),
                (Self.limit("f4", quantity: "0.00001"), -1013, "NOTIONAL"), (Self.limit("f5", quantity: "0.123456789"), -1111, "precision"),
                (Self.limit("f6", quantity: "1e-2"), -1100, "quantity"), (Self.limit("bad%20id"), -1100, "newClientOrderId"),
                (Self.limit("f8", quantity: "99"), -2010, "insufficient balance"), (Self.limit("f9", "&quoteOrderQty=5"), -1106, "quoteOrderQty"),
                ("symbol=NOPE&side=BUY&type=MARKET&quantity=1&\(Self.now())", -1121, "Invalid symbol"),
                ("symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=50000&\(Self.now())", -1102, "timeInForce"),
                ("symbol=BTCUSDT&side=HOLD&type=MARKET&quantity=1&\(Self.now())", -1117, "side"),
                ("symbol=BTCUSDT&side=BUY&type=LIMIT_MAKER&quantity=0.01&price=60000&\(Self.now())", -2010, "immediately match"),
            ]
            for (query, code, text) in cases {
                // All were written at once, and the last is sent later than its window of five seconds on a busy machine.
                let answer = try await Self.send("POST", "order", query + "&recvWindow=60000", to: address)
                #expect(answer.status == 400 && answer.json?["code"] == .integer(code) && answer.body.contains(text), "\(answer.body)")
            }
            #expect(simulator.exchange.read { core in core.orders.isEmpty })
        }
    }

    @Test func `the window is checked with both texts, and again before the engine`() async throws {
        try await BinanceSimulator.withServer { simulator, address in
            let order = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01&recvWindow=300&"
            let late = try await Self.send("POST", "order", order + Self.now(-2000), to: address)
            #expect(late.json?["code"] == -1021 && late.body.contains("outside of the recvWindow"))
            let early = try await Self.send("POST", "order", order + Self.now(3000), to: address)
            #expect(early.json?["code"] == -1021 && early.body.contains("1000ms ahead"))
            #expect(try await Self.send("POST", "order", "symbol=BTCUSDT&recvWindow=60001&" + Self.now(), to: address).json?["code"] == -1131)
            try simulator.faults.add([Fault(on: .place, .delay, milliseconds: 600)])
            #expect(try await Self.send("POST", "order", order + Self.now(), to: address).json?["code"] == -1021)
            #expect(simulator.exchange.read { core in core.orders.isEmpty })
        }
    }

    @Test func `a registered key's signature is verified, in query and body`() async throws {
        let pair = Curve25519.Signing.PrivateKey()
        let options = BinanceSimulator.Options(
            keys: ["h": .hmac(secret: "s"), "e": .ed25519(publicKey: pair.publicKey)], acceptsUnknownKeys: false)
        try await BinanceSimulator.withServer(options) { _, address in
            let query = "symbol=BTCUSDT&\(Self.now())"
            let mac = HMAC<SHA256>.authenticationCode(for: Data(query.utf8), using: SymmetricKey(data: Data("s".utf8)))
            let hex = mac.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            #expect(try await Self.send("GET", "openOrders", query, to: address, key: "h", signature: hex).body == "[]")
            #expect(try await Self.send("GET", "openOrders", query + "0", to: address, key: "h", signature: hex).json?["code"] == -1021)
            #expect(try await Self.send("GET", "openOrders", query, to: address, key: "h", signature: hex + "0").json?["code"] == -1022)
            let ed = try pair.signature(for: Data(query.utf8)).base64EncodedString().replacing("+", with: "%2B").replacing("/", with: "%2F")
                .replacing("=", with: "%3D")
            #expect(try await Self.send("GET", "openOrders", query, to: address, key: "e", signature: ed).body == "[]")
            #expect(try await Self.send("GET", "openOrders", query, to: address, key: "x", signature: ed).json?["code"] == -2015)
            #expect(try await Self.send("GET", "openOrders", query, to: address, key: nil, signature: ed).status == 401)
            #expect(try await Self.send("GET", "openOrders", query, to: address, key: "h", signature: nil).json?["code"] == -1102)
        }
    }

    /// Published vectors of the venue: `venues` fact sheet H1, H3, H4.
    @Test func `the published signatures verify`() {
        let key = BinanceKey.hmac(secret: "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j")
        let rest = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
        #expect(key.verifies("c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71", of: restPayload(query: rest + "&signature=x", body: "")))
        #expect(
            key.verifies(
                "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77",
                of: restPayload(
                    query: "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC",
                    body: "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559&signature=x")))
        let socket = BinanceParameters([
            ("symbol", "BTCUSDT"), ("side", "SELL"), ("type", "LIMIT"), ("timeInForce", "GTC"), ("quantity", "0.01000000"),
            ("price", "52000.00"), ("recvWindow", "100"), ("timestamp", "1645423376532"), ("signature", "x"),
            ("apiKey", "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"),
        ])
        #expect(key.verifies("aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24", of: webSocketPayload(socket)))
    }

    @Test func `a lost reply leaves one order, and a late one surfaces`() async throws {
        try await BinanceSimulator.withServer { simulator, address in
            try simulator.faults.add([Fault(on: .place, .dropAfterAccept)])
            // libcurl below URLSession sends a POST again when a kept connection dies: the copy is then refused as a duplicate.
            #expect((try? await Self.send("POST", "order", Self.limit("lost"), to: address).status) != 200)
            let query = "symbol=BTCUSDT&origClientOrderId="
            #expect(try await Self.send("GET", "order", "\(query)lost&\(Self.now())", to: address).json?["status"] == "NEW")
            try simulator.faults.add([Fault(on: .place, .surfaceLate, milliseconds: 5000)])
            let sentAt = SystemClock().monotonic
            #expect((try? await Self.send("POST", "order", Self.limit("late"), to: address).status) != 200)
            let early = try await Self.send("GET", "order", "\(query)late&\(Self.now())", to: address)
            // On a machine that needs longer than the order hides, it has surfaced by now.
            if SystemClock().monotonic - sentAt < .milliseconds(5000) { #expect(early.json?["code"] == -2013) }
            try await waitUntil("the order surfaces") {
                try await Self.send("GET", "order", "\(query)late&\(Self.now())", to: address).status == 200
            }
            try simulator.faults.add([Fault(on: .place, .statusAfterAccept), Fault(on: .time, .rateLimit, milliseconds: 3000)])
            let status = try await Self.send("POST", "order", Self.limit("504"), to: address)
            #expect(status.status == 504 && status.json?["code"] == -1007)
            let limited = try await Self.send("GET", "time", to: address, signature: nil)
            #expect(limited.status == 429 && limited.headers.value(forHTTPHeaderField: "Retry-After") == "3")
            #expect(simulator.exchange.read { core in core.orders.map(\.clientOrderID) } == ["lost", "late", "504"])
            #expect(try await Self.send("POST", "userDataStream", to: address, signature: nil).status == 410)
        }
    }

    @Test func `a stop tells NEW twice, a cancel tells its own id in c`() throws {
        var core = ExchangeCore(
            .init(
                instruments: BinanceMarket.standard.map(\.instrument), prices: ["BTCUSDT": 60000], initialBalances: ["BTC": 1, "USDT": 100_000],
                duplicateRule: .amongOpen))
        let time = Timestamp(milliseconds: 1_763_700_000_050)
        let stop = OrderRequest(
            account: "a", clientOrderID: "s", symbol: "BTCUSDT", side: .sell, kind: .stopLimit, quantity: 1, limitPrice: 59500, stopPrice: 59000)
        var events = try core.place(stop, at: time)
        events += try core.setPrice(59000, of: "BTCUSDT", at: time)
        events += [try core.cancel(1, account: "a", cancelID: "c1", at: time)]
        let reports = events.map { $0.executionReport(sentAt: time) }
        #expect(reports.map { $0["x"] } == ["NEW", "NEW", "CANCELED"])
        #expect(reports.map { $0["w"] } == [false, true, false])
        #expect(reports[0]["W"] == nil && reports[1]["W"] == .milliseconds(time))
        #expect(reports[2]["c"] == "c1" && reports[2]["C"] == "s")
    }
}
