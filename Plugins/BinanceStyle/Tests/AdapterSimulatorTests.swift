import BinanceStyleSimulator
import BrokerContract
import Crypto
import ExchangeContract
import Foundation
import SimulatorKit
import Testing
import TradingModel

@testable import BinanceStyle

/// The adapter against the simulated venue, over real sockets.
@Suite struct AdapterSimulatorTests {
    @Test func `a market order is filled, and reply, lookup, fills and stream agree`() async throws {
        try await AdapterHarness.with { harness in
            let outcome = await harness.place(try testOrder(.market, limit: nil, timeInForce: .ioc, id: "m1"))
            let accepted = try #require(outcome.acceptance, "\(outcome)")
            #expect(accepted.report.status == .filled)
            #expect(accepted.report.averagePrice == 60000)
            let fill = try #require(accepted.fills.first)

            let found = try #require(await harness.broker.lookup(harness.reference("m1")).report)
            #expect(found.venueOrderID == accepted.report.venueOrderID)
            #expect(found.filledQuantity == accepted.report.filledQuantity)
            #expect(try await harness.broker.fills(of: harness.reference("m1")).map(\.executionID) == [fill.executionID])
            let since = Timestamp(milliseconds: fill.executedAt.milliseconds - 1000)
            #expect(try await harness.broker.fills("BTCUSDT", since: since).map(\.executionID) == [fill.executionID])
            #expect(try await harness.broker.orderHistory("BTCUSDT", since: since).map(\.clientOrderID) == ["m1"])
            #expect(try await harness.events.wait { if case .fill(let told) = $0 { told.executionID == fill.executionID } else { false } })
            #expect(try await harness.events.wait { if case .order(let report) = $0 { report.status == .filled } else { false } })
            #expect(harness.taken("m1") == 1)
        }
    }

    @Test func `a resting order is listed as open, cancelled by its own id, and told so`() async throws {
        try await AdapterHarness.with { harness in
            let outcome = await harness.place(try testOrder(limit: "50000", id: "l1"))
            #expect(outcome.acceptance?.report.status == .accepted, "\(outcome)")
            #expect(try await harness.broker.openOrders().map(\.clientOrderID) == ["l1"])
            let cancel = await harness.broker.cancel(harness.reference("l1"), within: harness.window)
            guard case .cancelled(let report?, _) = cancel else {
                Issue.record("\(cancel)")
                return
            }
            #expect(report.clientOrderID == "l1")
            #expect(try await harness.broker.openOrders().isEmpty)
            #expect(
                try await harness.events.wait {
                    if case .order(let report) = $0 { report.status == .cancelled && report.clientOrderID == "l1" } else { false }
                })
            guard case .notOpen = await harness.broker.cancel(harness.reference("l1"), within: harness.window) else {
                Issue.record("a second cancel found it open")
                return
            }
        }
    }

    @Test func `stop and stop-limit orders rest until they are triggered`() async throws {
        try await AdapterHarness.with { harness in
            let stop = await harness.place(try testOrder(.stop, side: .sell, limit: nil, stop: "59000", id: "s1"))
            #expect(stop.acceptance?.report.type == .stop, "\(stop)")
            let stopLimit = await harness.place(try testOrder(.stopLimit, side: .sell, limit: "58990", stop: "59000", id: "s2"))
            #expect(stopLimit.acceptance?.report.type == .stopLimit, "\(stopLimit)")
            _ = try harness.simulator.exchange.setPrice(58995, of: "BTCUSDT")
            #expect(
                try await harness.events.wait {
                    if case .order(let report) = $0 { report.clientOrderID == "s1" && report.status == .filled } else { false }
                })
        }
    }

    @Test func `lists longer than a page are read to their end, each row once`() async throws {
        try await AdapterHarness.with { harness in
            #expect(try await harness.place(testOrder(.market, quantity: "0.001", limit: nil, timeInForce: .ioc, id: "p0")).acceptance != nil)
            let account = try #require(harness.simulator.exchange.read { core in core.orders }.first?.account)
            for number in 1...1004 {
                _ = try harness.simulator.exchange.place(
                    OrderRequest(
                        account: account, clientOrderID: "p\(number)", symbol: "BTCUSDT", side: .buy, kind: .market,
                        quantity: try Quantity("0.001")))
            }
            let since = SystemClock().wallTime - .seconds(3 * 86400)
            let orders = try await harness.broker.orderHistory("BTCUSDT", since: since)
            #expect(orders.count == 1005)
            #expect(Set(orders.compactMap(\.clientOrderID)).count == 1005)
            let fills = try await harness.broker.fills("BTCUSDT", since: since)
            #expect(fills.count == 1005)
            #expect(Set(fills.map(\.executionID)).count == 1005)
            #expect(fills.map(\.executedAt) == fills.map(\.executedAt).sorted())
        }
    }

    @Test func `balances, rules and time are read`() async throws {
        try await AdapterHarness.with { harness in
            #expect(try await harness.broker.balances().contains { $0.asset == "USDT" && $0.available == 1_000_000 })
            #expect(try await harness.broker.instruments().map(\.symbol).contains("ETHBTC"))
            #expect(try await harness.broker.instrument("BTCUSDT").tickSize == (try Price("0.01")))
            await #expect(throws: BrokerError.self) { try await harness.broker.instrument("NOPE") }
            // Simulator and test have one clock; the venue tells whole milliseconds.
            let before = SystemClock().wallTime
            let venueTime = try await harness.broker.serverTime()
            #expect(venueTime >= before - .milliseconds(1) && venueTime <= SystemClock().wallTime)
            let health = await harness.broker.health
            #expect(health.isConnected && health.streamIsUp && health.rulesAreLoaded)
        }
    }

    @Test func `an order by quote amount spends no more than that`() async throws {
        try await AdapterHarness.with { harness in
            let order = try QuoteSizedOrder(clientOrderID: "q1", symbol: "BTCUSDT", side: .buy, notional: 100)
            let outcome = await harness.broker.place(order, within: harness.window)
            let report = try #require(outcome.acceptance?.report, "\(outcome)")
            #expect(report.filledQuantity > 0)
            #expect(report.filledQuantity * Price(60000) <= 100)
        }
    }

    @Test(arguments: [
        Fault(on: .place, .dropAfterAccept), Fault(on: .place, .statusAfterAccept, status: 504), Fault(on: .place, .statusAfterAccept, status: 500),
        Fault(on: .place, .garbageBody), Fault(on: .place, .truncateBody), Fault(on: .place, .hang, milliseconds: 60_000, afterAccept: true),
    ])
    func `an order whose reply is lost is unknown, is there once, and a lookup finds it`(_ fault: Fault) async throws {
        // A hanging reply ends by the adapter's own time-out, which must leave the lookup its time on a busy machine.
        try await AdapterHarness.with(requestTimeout: fault.action == .hang ? .seconds(8) : .seconds(30)) { harness in
            try harness.simulator.faults.add([fault])
            let outcome = await harness.place(try testOrder(limit: "50000", id: "u1"))
            #expect(outcome.doubt != nil, "\(outcome)")
            #expect(outcome.evidence.mayHaveLeft)
            #expect(harness.taken("u1") == 1)
            #expect(await harness.broker.lookup(harness.reference("u1")).report?.status == .accepted)
            #expect(try await harness.events.wait { if case .order(let report) = $0 { report.clientOrderID == "u1" } else { false } })
        }
    }

    @Test(arguments: [Fault(on: .place, .dropBeforeRead), Fault(on: .place, .statusBefore, status: 503)])
    func `an order that the venue never saw is unknown, and a lookup does not find it`(_ fault: Fault) async throws {
        try await AdapterHarness.with { harness in
            try harness.simulator.faults.add([fault])
            #expect(try await harness.place(testOrder(limit: "50000", id: "u2")).doubt != nil)
            #expect(harness.taken("u2") == 0)
            guard case .notFound(complete: true, _) = await harness.broker.lookup(harness.reference("u2")) else {
                Issue.record("found or in doubt")
                return
            }
        }
    }

    @Test func `a lookup that fails proves nothing`() async throws {
        try await AdapterHarness.with { harness in
            try harness.simulator.faults.add([Fault(on: .lookup, .statusBefore, status: 500), Fault(on: .lookup, .garbageBody)])
            for _ in 0..<2 {
                guard case .indeterminate = await harness.broker.lookup(harness.reference("none")) else {
                    Issue.record("it proved something")
                    return
                }
            }
        }
    }

    @Test func `a used id is refused while open, which is no refusal of the order that lives`() async throws {
        try await AdapterHarness.with { harness in
            #expect(try await harness.place(testOrder(limit: "50000", id: "d1")).acceptance != nil)
            let second = await harness.place(try testOrder(limit: "50000", id: "d1"))
            #expect(second.doubt == .unlistedRefusal, "\(second)")
            #expect(harness.taken("d1") == 1)
        }
    }

    @Test func `the same order at the same moment is sent once`() async throws {
        try await AdapterHarness.with { harness in
            try harness.simulator.faults.add([Fault(on: .place, .delay, milliseconds: 200)])
            let order = try testOrder(limit: "50000", id: "c1")
            async let first = harness.place(order)
            async let second = harness.place(order)
            let outcomes = [await first, await second]
            #expect(outcomes.filter { $0.acceptance != nil }.count == 1, "\(outcomes)")
            #expect(outcomes.filter { $0.notSentReason == .alreadyPlacing }.count == 1, "\(outcomes)")
            #expect(harness.taken("c1") == 1)
        }
    }

    @Test func `a refusal by the venue is definitive`() async throws {
        try await AdapterHarness.with { harness in
            let outcome = await harness.place(try testOrder(quantity: "100", limit: "50000", id: "r1"))
            #expect(outcome.refusal == .insufficientFunds, "\(outcome)")
        }
    }

    @Test func `after a rate limit nothing goes out until the venue allows it`() async throws {
        try await AdapterHarness.with { harness in
            try harness.simulator.faults.add([Fault(on: .place, .rateLimit)])
            #expect(try await harness.place(testOrder(limit: "50000", id: "t1")).refusal == .rateLimited)
            let soon = SendWindow(notAfter: SystemClock().monotonic + .milliseconds(300))
            #expect(try await harness.broker.place(testOrder(limit: "50000", id: "t2"), within: soon).notSentReason == .throttled)
            #expect(harness.taken("t2") == 0)
        }
    }

    @Test func `a closed stream is told, is opened again, and events flow again`() async throws {
        try await AdapterHarness.with { harness in
            try harness.simulator.faults.add([Fault(on: .stream, .close)])
            harness.simulator.controls.streams.playImmediateFaults()
            #expect(try await harness.events.wait { if case .disconnected = $0 { true } else { false } })
            #expect(try await harness.events.wait { if case .gap = $0 { true } else { false } })
            let gap = harness.events.all.count
            #expect(try await harness.events.wait(from: gap - 1) { $0 == .connected })
            _ = await harness.place(try testOrder(limit: "50000", id: "e1"))
            #expect(try await harness.events.wait { if case .order(let report) = $0 { report.clientOrderID == "e1" } else { false } })
        }
    }

    @Test func `an Ed25519 key that the venue knows works on both wires`() async throws {
        let key = Curve25519.Signing.PrivateKey()
        let header: [UInt8] = [0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20]
        let pkcs8 = (Data(header) + key.rawRepresentation).base64EncodedString()
        let options = BinanceSimulator.Options(keys: ["ed": .ed25519(publicKey: key.publicKey)], acceptsUnknownKeys: false)
        try await AdapterHarness.with(options, key: "ed", signingKey: .ed25519(Secret(pkcs8))) { harness in
            let outcome = await harness.place(try testOrder(limit: "50000", id: "k1"))
            #expect(outcome.acceptance != nil, "\(outcome)")
        }
    }

    @Test func `an HMAC key that the venue knows works on both wires`() async throws {
        let options = BinanceSimulator.Options(keys: ["h": .hmac(secret: "s3cret")], acceptsUnknownKeys: false)
        try await AdapterHarness.with(options, key: "h", signingKey: .hmac(Secret("s3cret"))) { harness in
            let outcome = await harness.place(try testOrder(limit: "50000", id: "k2"))
            #expect(outcome.acceptance != nil, "\(outcome)")
        }
    }

    @Test func `a key that the venue refuses from the start ends the run`() async throws {
        let options = BinanceSimulator.Options(keys: ["h": .hmac(secret: "s3cret")], acceptsUnknownKeys: false)
        try await BinanceSimulator.withServer(options) { _, address in
            let configuration = BinanceStyleConfiguration(
                rest: URL(string: address.rest), webSocket: URL(string: address.webSocket), apiKey: Secret("h"),
                signingKey: .hmac(Secret("wrong")))
            let broker = try BinanceBroker(
                configuration,
                context: BrokerContext(
                    account: "spot1", mode: .sandbox, clock: SystemClock(), logger: .init(label: "test"), stateDirectory: ""))
            let error = await #expect(throws: BrokerError.self) { try await broker.run() }
            #expect(error?.kind == .unauthenticated)
        }
    }

    @Test func `nothing is sent before the session is up`() async throws {
        let configuration = BinanceStyleConfiguration(apiKey: Secret("k"), signingKey: .hmac(Secret("s")))
        let broker = try BinanceBroker(
            configuration,
            context: BrokerContext(
                account: "spot1", mode: .sandbox, clock: SystemClock(), logger: .init(label: "test"), stateDirectory: ""))
        let window = SendWindow(notAfter: SystemClock().monotonic + .seconds(5))
        #expect(try await broker.place(testOrder(), within: window).notSentReason == .notConnected)
        guard case .notSent(.notConnected, _) = await broker.cancel(testReference, within: window) else {
            Issue.record("a cancel went out")
            return
        }
        guard case .indeterminate(_, let evidence) = await broker.lookup(testReference) else {
            Issue.record("a lookup proved something")
            return
        }
        #expect(!evidence.mayHaveLeft)
        guard case .notSent(.notConnected, _) = await broker.replace(testReference, with: Replacement(quantity: 1), within: window) else {
            Issue.record("a replacement went out")
            return
        }
    }
}
