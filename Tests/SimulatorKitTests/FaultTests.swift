import AsyncHTTPClient
import Foundation
import Hummingbird
import Logging
import NIOCore
import ServerKit
import SimulatorKit
import Testing
import TradingModel

/// A venue of one route, to see the faults on real sockets.
@Suite struct FaultTests {
    static func withVenue(_ body: @escaping @Sendable (SimulatorControls, Int) async throws -> Void) async throws {
        let clock = SystemClock()
        let exchange = SimulatedExchange(try ExchangeCoreTests.core().settings, clock: clock)
        let faults = FaultPlan()
        let controls = SimulatorControls(
            exchange: exchange, faults: faults, streams: StreamFaults(plan: faults, clock: clock), log: RequestLog())
        try await withRunning { onListening in
            let router = Router(context: ChannelContext.self)
            controls.addRoutes(to: router)
            router.post("order") { _, context in
                let replies = FaultReplies(
                    status: { status, _ in SimulatorReply(status: status, body: "status") },
                    reject: { _ in SimulatorReply(status: 400, body: "rejected") },
                    rateLimit: { _ in SimulatorReply(status: 429, body: "slow down") })
                let (reply, _) = try await faults.perform(.place, symbol: nil, clock: clock, replies: replies) { _ in
                    let count = exchange.read { core in core.orders.count }
                    _ = try exchange.place(try ExchangeCoreTests.order("id-\(count)", .buy, .market, "0.001"))
                    return SimulatorReply(status: 200, body: "{\"accepted\":true}")
                }
                return try await reply.response(on: context.channel)
            }
            let server = try makeServer(
                responder: router.buildResponder(), options: ServerOptions(),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), onListening: onListening)
            try await server.run()
        } _: { try await body(controls, $0) }
    }

    /// Sends one placement on a connection of its own and returns what came before the connection ended.
    static func place(_ port: Int) async throws -> String {
        try await RawConnection.with(port: port) { connection in
            try await connection.send("POST /order HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
            try await connection.readToEnd()
            return connection.text
        }
    }

    static func post(_ path: String, _ body: String, _ port: Int) async throws -> (status: Int, body: String) {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.method = .POST
        request.body = .bytes(ByteBuffer(string: body))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        return (Int(response.status.code), String(buffer: try await response.body.collect(upTo: 1 << 20)))
    }

    static func get(_ path: String, _ port: Int) async throws -> JSONValue {
        let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)"), timeout: .seconds(10))
        return try JSONValue(parsing: String(buffer: try await response.body.collect(upTo: 1 << 20)))
    }

    @Test(arguments: [
        (FaultAction.dropBeforeRead, "", 0), (.dropAfterAccept, "", 1), (.statusBefore, "503", 0), (.statusAfterAccept, "504", 1),
        (.reject, "rejected", 0), (.rateLimit, "429", 0), (.close, "", 0),
    ])
    func `a fault happens once, on the wire, with the order taken or not`(action: FaultAction, answer: String, orders: Int) async throws {
        try await Self.withVenue { controls, port in
            try controls.faults.add([Fault(on: .place, action)])
            let first = try await Self.place(port)
            #expect(answer.isEmpty ? first.isEmpty : first.contains(answer))
            #expect(controls.exchange.read { core in core.orders.count } == orders)
            #expect(try await Self.place(port).contains("accepted"))
            #expect(controls.exchange.read { core in core.orders.count } == orders + 1)
        }
    }

    @Test func `a truncated body announces more than it brings`() async throws {
        try await Self.withVenue { controls, port in
            try controls.faults.add([Fault(on: .place, .truncateBody, bytes: 5)])
            let text = try await Self.place(port)
            #expect(text.lowercased().contains("content-length: 17") && text.hasSuffix("{\"acc"))
        }
    }

    @Test func `a garbage body is 200 and cannot be read`() async throws {
        try await Self.withVenue { controls, port in
            try controls.faults.add([Fault(on: .place, .garbageBody)])
            let text = try await Self.place(port)
            #expect(text.contains("200 OK"))
            let body = try #require(text.components(separatedBy: "\r\n\r\n").last)
            #expect(throws: JSONError.self) { try JSONValue(parsing: body) }
        }
    }

    @Test func `hang and delay take their time`() async throws {
        try await Self.withVenue { controls, port in
            try controls.faults.add([
                Fault(on: .place, .hang, milliseconds: 200), Fault(on: .place, .delay, milliseconds: 200),
                Fault(on: .place, .hang, milliseconds: 100, afterAccept: true),
            ])
            let start = ContinuousClock.now
            #expect(try await Self.place(port).isEmpty)
            #expect(try await Self.place(port).contains("accepted"))
            #expect(ContinuousClock.now - start >= .milliseconds(400))
            #expect(try await Self.place(port).isEmpty)
            #expect(controls.exchange.read { core in core.orders.count } == 2)
        }
    }

    @Test func `skip lets occasions pass, times repeats`() throws {
        let plan = FaultPlan()
        try plan.add([Fault(on: .place, .reject, times: 2, skip: 1), Fault(on: .any, .hang, symbol: "ETHUSDT")])
        let taken = (0..<4).map { _ in plan.take(on: .place, symbol: "BTCUSDT")?.action }
        #expect(taken == [nil, .reject, .reject, nil])
        #expect(plan.take(on: .stream, symbol: "ETHUSDT") == nil)
        #expect(plan.take(on: .lookup, symbol: "ETHUSDT")?.action == .hang)
        #expect(plan.pending.isEmpty)
    }

    @Test func `a share of the occasions is drawn by the seed, the same each time`() throws {
        func drawn(_ seed: Int) throws -> [Bool] {
            let plan = FaultPlan()
            try plan.add([Fault(on: .stream, .dropEvent, times: 1000, percent: 80, seed: seed)])
            return (0..<1000).map { _ in plan.take(on: .stream) != nil }
        }
        let first = try drawn(7)
        let (again, other) = (try drawn(7), try drawn(8))
        #expect(first == again && first != other)
        #expect((760...840).contains(first.count { $0 }))
    }

    @Test(arguments: [
        (#"[{"on":"place","action":"explode"}]"#, "unknown action 'explode'"), (#"[{"on":"moon","action":"hang"}]"#, "unknown on 'moon'"),
        (#"[{"on":"place","action":"hang","mss":1}]"#, "unknown field 'mss'"), (#"[{"action":"hang"}]"#, "'on' is required"),
        (#"[{"on":"stream","action":"reject"}]"#, "no meaning"), (#"[{"on":"place","action":"hang","times":0}]"#, "times must be"),
        (#"{"on":"place","action":"hang"}"#, "list"), (#"[{"on":"place""#, "not JSON"),
    ])
    func `an impossible fault is answered with 400 and plans nothing`(body: String, reason: String) async throws {
        try await Self.withVenue { controls, port in
            let (status, text) = try await Self.post("/_sim/faults", body, port)
            #expect(status == 400 && text.contains(reason), "\(text)")
            #expect(controls.faults.pending.isEmpty)
        }
    }

    @Test func `the controls move the venue and the oracle tells every order`() async throws {
        try await Self.withVenue { controls, port in
            _ = try controls.exchange.place(try ExchangeCoreTests.order("resting", .buy, .limit, limit: 50000))
            #expect(try await Self.post("/_sim/fill", #"{"client_order_id":"resting","quantity":"0.04"}"#, port).status == 200)
            let part = try await Self.get("/_sim/orders", port)
            guard case .array(let orders) = part else { Issue.record("not a list"); return }
            #expect(orders.first?["status"] == "partially_filled" && orders.first?["filled_quantity"] == "0.04")
            #expect(try await Self.post("/_sim/price", #"{"symbol":"BTCUSDT","price":"49999.99"}"#, port).status == 200)
            #expect(controls.exchange.read { core in core.order(1)?.status } == .filled)
            #expect(try await Self.post("/_sim/price", #"{"symbol":"BTCUSDT","price":"1e999"}"#, port).status == 400)
            #expect(try await Self.post("/_sim/price", #"{"symbol":"NOPE","price":"1"}"#, port).status == 400)
            #expect(try await Self.post("/_sim/liquidity", #"{"symbol":"BTCUSDT","quantity":"0.0005"}"#, port).status == 200)
            _ = try await Self.post("/_sim/faults", #"[{"on":"place","action":"hang","ms":5,"skip":1}]"#, port)
            #expect(try await Self.get("/_sim/faults", port).text.contains(#""skip":1"#))
            #expect(try await Self.post("/_sim/reset", "", port).status == 200)
            #expect(try await Self.get("/_sim/orders", port) == .array([]))
            #expect(try await Self.get("/_sim/faults", port) == .array([]))
        }
    }

    @Test(arguments: ["{\"a\":1,}", "[1 2]", "01", "{\"a\"}", "\"\\x\"", "\"\\ud800\"", "nul", "", String(repeating: "[", count: 100), "\"\u{1}\""])
    func `what is not JSON is not read`(text: String) { #expect(throws: JSONError.self) { try JSONValue(parsing: text) } }

    @Test func `JSON keeps the text of numbers and the order of members`() throws {
        let text = #"{"z":0.10000000,"a":[1e-8,"\u00e9\ud83d\ude00\n"],"n":null,"t":true}"#
        let value = try JSONValue(parsing: text)
        #expect(value.text == #"{"z":0.10000000,"a":[1e-8,"é😀\n"],"n":null,"t":true}"#)
    }
}
