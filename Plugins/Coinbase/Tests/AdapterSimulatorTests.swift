import BrokerContract
import CoinbaseSimulator
import Crypto
import ExchangeContract
import Foundation
import SimulatorKit
import Testing
import TradingModel

@testable import Coinbase

/// The adapter against the simulated venue, over real sockets.
@Suite struct AdapterSimulatorTests {
    @Test func `a market order is filled, and reply, lookup, fills and stream agree`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            let id = testID(1)
            let report = try #require(try await harness.place(testOrder(.market, quantity: "0.01", limit: nil, timeInForce: .ioc, id: id)).acceptance)
            #expect(report.status == .filled && report.averagePrice == 60000)
            let found = try #require(await harness.broker.lookup(harness.reference(id)).report)
            #expect(found.venueOrderID == report.venueOrderID && found.filledQuantity == report.filledQuantity)
            #expect(try await harness.events.tells(id, .filled))
            // Fills are listed a moment after everything else has told of them; the adapter waits for them.
            let fill = try #require(try await harness.broker.fills(of: harness.reference(id)).first)
            #expect(try fill.quantity == Quantity("0.01") && fill.price == 60000 && fill.feeAsset == "USD" && fill.clientOrderID == id)
            #expect(try await harness.events.wait { if case .fill(let told) = $0 { told == fill } else { false } })
            let since = fill.executedAt - .seconds(1)
            #expect(try await harness.broker.fills("BTC-USD", since: since).map(\.executionID) == [fill.executionID])
            #expect(try await harness.broker.orderHistory("BTC-USD", since: since).map(\.clientOrderID) == [id])
            #expect(harness.taken(id) == 1 && harness.requests("POST", "orders") == 1)
        }
    }

    @Test func `a resting order is listed as open, cancelled, and told so`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            let id = testID(2)
            #expect(try await harness.place(testOrder(limit: "50000", id: id)).acceptance?.status == .accepted)
            #expect(try await harness.broker.openOrders().map(\.clientOrderID) == [id])
            guard case .requested = await harness.broker.cancel(harness.reference(id), within: harness.window) else {
                Issue.record("the cancel was not taken")
                return
            }
            #expect(try await harness.events.tells(id, .cancelled))
            #expect(try await harness.broker.openOrders().isEmpty)
            guard case .notOpen = await harness.broker.cancel(harness.reference(id), within: harness.window) else {
                Issue.record("a second cancel found it open")
                return
            }
        }
    }

    @Test func `an order of an earlier process is cancelled by our id alone, with one cancel`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            let id = testID(3)
            #expect(try await harness.place(testOrder(limit: "50000", id: id)).acceptance != nil)
            harness.broker.state.withLock { $0.known = KnownOrders() }
            guard case .requested = await harness.broker.cancel(harness.reference(id), within: harness.window) else {
                Issue.record("the cancel was not taken")
                return
            }
            #expect(harness.requests("POST", "orders/batch_cancel") == 1)
            guard case .notOpen = await harness.broker.cancel(harness.reference(testID(4)), within: harness.window) else {
                Issue.record("an order that does not exist was cancelled")
                return
            }
            #expect(harness.requests("POST", "orders/batch_cancel") == 1)
        }
    }

    @Test func `a cancelled order shows as still open while its cancel is queued`() async throws {
        try await AdapterHarness.with(.init(cancelDelay: .seconds(4))) { (harness) async throws in
            let id = testID(5)
            _ = await harness.place(try testOrder(limit: "50000", id: id))
            _ = await harness.broker.cancel(harness.reference(id), within: harness.window)
            let queued = try #require(try await harness.broker.openOrders().first)
            #expect(queued.venueStatus == "CANCEL_QUEUED" && queued.status == .accepted)
            #expect(try await harness.events.tells(id, .cancelled))
        }
    }

    @Test func `an edit changes price and quantity in place, and what is not named stays`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            let id = testID(6)
            let placed = try #require(try await harness.place(testOrder(limit: "50000", id: id)).acceptance)
            let outcome = await harness.broker.replace(harness.reference(id), with: Replacement(limitPrice: 50500), within: harness.window)
            guard case .replaced(let report, _) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(report.venueOrderID == placed.venueOrderID && report.limitPrice == 50500)
            #expect(report.quantity == (try Quantity("0.001")))
            let same = await harness.broker.replace(harness.reference(id), with: Replacement(limitPrice: 50500), within: harness.window)
            if case .replaced = same {} else { Issue.record("\(same)") }
            let odd = await harness.broker.replace(harness.reference(id), with: Replacement(limitPrice: try Price("50500.001")), within: harness.window)
            if case .notSent(.invalid, _) = odd {} else { Issue.record("\(odd)") }
            let gone = await harness.broker.replace(harness.reference(testID(7)), with: Replacement(limitPrice: 50500), within: harness.window)
            if case .notOpen = gone {} else { Issue.record("\(gone)") }
        }
    }

    @Test func `stop-limit and good-till-date orders rest, trigger and expire`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            let stop = await harness.place(try testOrder(.stopLimit, side: .sell, limit: "58990", stop: "59000", id: testID(9)))
            #expect(stop.acceptance?.type == .stopLimit, "\(stop)")
            let end = harness.simulator.exchange.now + .seconds(6)
            let dated = await harness.place(try testOrder(limit: "50000", timeInForce: .gtd, goodTill: end, id: testID(10)))
            #expect(dated.acceptance?.status == .accepted, "\(dated)")
            try harness.simulator.exchange.setPrice(58995, of: "BTC-USD")
            #expect(try await harness.events.tells(testID(9), .filled))
            #expect(try await harness.events.tells(testID(10), .expired))
        }
    }

    @Test func `lists longer than a page are read to their end, each row once`() async throws {
        try await AdapterHarness.with(.init(fillDelay: .zero)) { (harness) async throws in
            for number in 1...1100 {
                _ = try harness.simulator.exchange.place(
                    OrderRequest(
                        account: TestKeys.name, clientOrderID: testID(1000 + number).rawValue, symbol: "BTC-USD", side: .buy, kind: .market,
                        quantity: try Quantity("0.001")))
            }
            let since = SystemClock().wallTime - .seconds(86400)
            let orders = try await harness.broker.orderHistory("BTC-USD", since: since)
            #expect(orders.count == 1100 && Set(orders.compactMap(\.clientOrderID)).count == 1100)
            let fills = try await harness.broker.fills("BTC-USD", since: since)
            #expect(fills.count == 1100 && Set(fills.map(\.executionID)).count == 1100)
            #expect(fills.map(\.executedAt) == fills.map(\.executedAt).sorted())
            // The oldest one is on the last page.
            #expect(await harness.broker.lookup(harness.reference(testID(1001))).report != nil)
        }
    }

    @Test func `balances, rules and time are read`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            #expect(try await harness.broker.balances().contains { $0.asset == "USD" && $0.available == 1_000_000 })
            #expect(try await harness.broker.instruments().map(\.symbol) == ["BTC-USD", "ETH-BTC", "ETH-USD"])
            #expect(try await harness.broker.instrument("BTC-USD").tickSize == (try Price("0.01")))
            await #expect(throws: BrokerError.self) { try await harness.broker.instrument("NOPE") }
            await #expect(throws: BrokerError.self) { try await harness.broker.positions() }
            // Simulator and test have one clock; the venue tells whole milliseconds.
            let before = SystemClock().wallTime
            let venueTime = try await harness.broker.serverTime()
            #expect(venueTime >= before - .milliseconds(1) && venueTime <= SystemClock().wallTime)
            let health = await harness.broker.health
            #expect(health.isConnected && health.streamIsUp && health.rulesAreLoaded)
        }
    }

    @Test func `an order by quote amount spends no more than that, fee apart, and its fills are in base`() async throws {
        try await AdapterHarness.with(.init(fillDelay: .zero)) { (harness) async throws in
            let order = try QuoteSizedOrder(clientOrderID: testID(11), symbol: "BTC-USD", side: .buy, notional: 100)
            let report = try #require(await harness.broker.place(order, within: harness.window).acceptance)
            #expect(report.filledQuantity > 0 && report.filledQuantity * Price(60000) <= 100)
            let fills = try await harness.broker.fills(of: harness.reference(testID(11)))
            #expect(fills.map(\.quantity) == [report.filledQuantity])
        }
    }

    @Test(arguments: [
        Fault(on: .place, .dropAfterAccept), Fault(on: .place, .statusAfterAccept, status: 502), Fault(on: .place, .statusAfterAccept, status: 500),
        Fault(on: .place, .garbageBody), Fault(on: .place, .truncateBody), Fault(on: .place, .hang, milliseconds: 4000, afterAccept: true),
    ])
    func `an order whose reply is lost is unknown, is there once, and a lookup finds it`(_ fault: Fault) async throws {
        try await AdapterHarness.with { (harness) async throws in
            try harness.simulator.faults.add([fault])
            let outcome = await harness.place(try testOrder(limit: "50000", id: testID(12)))
            #expect(outcome.doubt != nil, "\(outcome)")
            #expect(outcome.evidence.mayHaveLeft && harness.taken(testID(12)) == 1)
            #expect(await harness.broker.lookup(harness.reference(testID(12))).report?.status == .accepted)
            #expect(try await harness.events.tells(testID(12), .accepted))
        }
    }

    @Test(arguments: [Fault(on: .place, .dropBeforeRead), Fault(on: .place, .statusBefore, status: 503)])
    func `an order that the venue never saw is unknown, and a lookup does not find it`(_ fault: Fault) async throws {
        try await AdapterHarness.with { (harness) async throws in
            try harness.simulator.faults.add([fault])
            #expect(try await harness.place(testOrder(limit: "50000", id: testID(13))).doubt != nil)
            guard case .notFound(complete: true, _) = await harness.broker.lookup(harness.reference(testID(13))) else {
                Issue.record("found or in doubt")
                return
            }
        }
    }

    @Test func `an order that surfaces late is not found, and then it is`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            try harness.simulator.faults.add([Fault(on: .place, .surfaceLate, milliseconds: 12_000)])
            #expect(try await harness.place(testOrder(limit: "50000", id: testID(14))).doubt != nil)
            #expect(await harness.broker.lookup(harness.reference(testID(14))).report == nil)
            var found: OrderReport?
            for _ in 0..<300 where found == nil {
                try await Task.sleep(for: .milliseconds(200))
                found = await harness.broker.lookup(harness.reference(testID(14))).report
            }
            #expect(found != nil)
        }
    }

    @Test(arguments: [
        Fault(on: .history, .statusBefore, status: 500), Fault(on: .history, .garbageBody), Fault(on: .openOrders, .statusBefore, status: 502),
        Fault(on: .history, .truncateBody), Fault(on: .openOrders, .rateLimit),
    ])
    func `a lookup of which a part fails proves nothing`(_ fault: Fault) async throws {
        try await AdapterHarness.with { (harness) async throws in
            try harness.simulator.faults.add([fault])
            guard case .indeterminate = await harness.broker.lookup(harness.reference(testID(15))) else {
                Issue.record("it proved something")
                return
            }
        }
    }

    @Test func `a success that echoes the new request for a used id is a contradiction, and nothing new is there`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            #expect(try await harness.place(testOrder(limit: "50000", id: testID(16))).acceptance != nil)
            let other = await harness.place(try testOrder(side: .sell, quantity: "0.5", limit: "70000", id: testID(16)))
            #expect(other.doubt == .contradiction, "\(other)")
            #expect(harness.taken(testID(16)) == 1)
        }
    }

    @Test func `the very same order again is recognised: the first one is told`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            let first = try #require(try await harness.place(testOrder(.market, limit: nil, timeInForce: .ioc, id: testID(17))).acceptance)
            let again = try #require(try await harness.place(testOrder(.market, limit: nil, timeInForce: .ioc, id: testID(17))).acceptance)
            #expect(again.venueOrderID == first.venueOrderID && harness.taken(testID(17)) == 1)
        }
    }

    @Test func `a used id refused in words is no refusal of the order that lives`() async throws {
        try await AdapterHarness.with(.init(refusesDuplicates: true)) { (harness) async throws in
            #expect(try await harness.place(testOrder(limit: "50000", id: testID(18))).acceptance != nil)
            #expect(try await harness.place(testOrder(limit: "50000", id: testID(18))).doubt == .unlistedRefusal)
        }
    }

    @Test func `success without an order that can be read is unknown`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            try harness.simulator.faults.add([Fault(on: .lookup, .statusBefore, times: 5, status: 503)])
            let outcome = await harness.place(try testOrder(limit: "50000", id: testID(19)))
            #expect(outcome.doubt == .serverError, "\(outcome)")
            #expect(harness.requests("POST", "orders") == 1)
        }
    }

    @Test func `the same order at the same moment is sent once`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            try harness.simulator.faults.add([Fault(on: .place, .delay, milliseconds: 3000)])
            let order = try testOrder(limit: "50000", id: testID(20))
            async let first = harness.place(order)
            async let second = harness.place(order)
            let outcomes = [await first, await second]
            #expect(outcomes.filter { $0.acceptance != nil }.count == 1, "\(outcomes)")
            #expect(outcomes.filter { $0.notSentReason == .alreadyPlacing }.count == 1, "\(outcomes)")
        }
    }

    @Test func `refusals of the venue are definitive`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            #expect(try await harness.place(testOrder(quantity: "100", limit: "50000", id: testID(21))).refusal == .insufficientFunds)
            #expect(try await harness.place(testOrder(limit: "61000", postOnly: true, id: testID(22))).refusal == .postOnlyWouldTake)
            let stop = try testOrder(.stopLimit, limit: "59500", stop: "59000", id: testID(23))
            #expect(await harness.place(stop).refusal == .wouldTriggerImmediately)
            #expect(harness.simulator.exchange.read { core in core.orders.isEmpty })
        }
    }

    @Test func `after a rate limit nothing goes out until it has passed`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            for number in stride(from: 0x240, to: 0x2A0, by: 2) {
                try harness.simulator.faults.add([Fault(on: .place, .rateLimit)])
                let started = SystemClock().monotonic
                #expect(try await harness.place(testOrder(limit: "50000", id: testID(number))).refusal == .rateLimited)
                let soon = SendWindow(notAfter: SystemClock().monotonic + .milliseconds(300))
                let second = try await harness.broker.place(testOrder(limit: "50000", id: testID(number + 1)), within: soon)
                // The pause lasts a second: on a machine that stood still for longer the second order says nothing. The next attempt
                // begins when the pause is over, so that its first order need not wait for that.
                guard SystemClock().monotonic - started < .milliseconds(900) else {
                    try await SystemClock().sleep(for: .milliseconds(1200))
                    continue
                }
                #expect(second.notSentReason == .throttled)
                return #expect(harness.taken(testID(number + 1)) == 0)
            }
            Issue.record("the machine stood still at every attempt")
        }
    }

    @Test func `a closed stream is told, is opened again, and its snapshot tells the open orders`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            _ = await harness.place(try testOrder(limit: "50000", id: testID(26)))
            #expect(try await harness.events.tells(testID(26), .accepted))
            let before = harness.events.all.count
            try harness.simulator.faults.add([Fault(on: .stream, .close)])
            harness.simulator.controls.streams.playImmediateFaults()
            #expect(try await harness.events.wait(from: before) { if case .disconnected = $0 { true } else { false } })
            #expect(try await harness.events.wait(from: before) { if case .gap = $0 { true } else { false } })
            #expect(try await harness.events.wait(from: before) { $0 == .connected })
            #expect(
                try await harness.events.wait(from: before) {
                    if case .order(let report) = $0 { report.clientOrderID == testID(26) } else { false }
                })
        }
    }

    @Test func `a message that is missing is seen by the numbers`() async throws {
        try await AdapterHarness.with { (harness) async throws in
            try harness.simulator.faults.add([Fault(on: .stream, .dropEvent)])
            _ = await harness.place(try testOrder(limit: "50000", id: testID(27)))
            #expect(try await harness.events.wait { if case .gap = $0 { true } else { false } })
        }
    }

    @Test func `a stream without heartbeats is given up and opened again`() async throws {
        try await AdapterHarness.with(heartbeatTimeout: .seconds(2)) { (harness) async throws in
            let before = harness.events.all.count
            try harness.simulator.faults.add([Fault(on: .stream, .silence)])
            harness.simulator.controls.streams.playImmediateFaults()
            #expect(try await harness.events.wait(from: before) { $0 == .disconnected(reason: "no heartbeat") })
            #expect(try await harness.events.wait(from: before) { $0 == .connected })
        }
    }

    @Test(arguments: [false, true])
    func `a key that the venue knows works on both wires`(_ isEd25519: Bool) async throws {
        let ed = try Curve25519.Signing.PrivateKey(rawRepresentation: #require(Data(base64Encoded: TestKeys.seed)))
        let key: CoinbasePublicKey =
            isEd25519 ? .ed25519(ed.publicKey) : .p256(try P256.Signing.PublicKey(pemRepresentation: TestKeys.publicKey))
        let options = CoinbaseSimulator.Options(keys: [TestKeys.name: key], acceptsUnknownKeys: false)
        try await AdapterHarness.with(options, privateKey: isEd25519 ? TestKeys.ed25519 : TestKeys.sec1) { (harness) async throws in
            #expect(try await harness.place(testOrder(limit: "50000", id: testID(28))).acceptance != nil)
        }
    }

    @Test func `a key that the venue refuses from the start ends the run`() async throws {
        let options = CoinbaseSimulator.Options(
            keys: [TestKeys.name: .p256(P256.Signing.PrivateKey().publicKey)], acceptsUnknownKeys: false)
        try await CoinbaseSimulator.withServer(options) { (_, address) async throws in
            let configuration = CoinbaseConfiguration(
                rest: URL(string: address.rest), webSocket: URL(string: address.webSocket), keyName: TestKeys.name, privateKey: Secret(TestKeys.sec1))
            let broker = try CoinbaseBroker(configuration, context: testContext())
            let error = await #expect(throws: BrokerError.self) { try await broker.run() }
            #expect(error?.kind == .unauthenticated)
        }
    }

    @Test func `a key of another portfolio ends the run`() async throws {
        try await CoinbaseSimulator.withServer { (_, address) async throws in
            let configuration = CoinbaseConfiguration(
                rest: URL(string: address.rest), webSocket: URL(string: address.webSocket), keyName: TestKeys.name,
                privateKey: Secret(TestKeys.sec1), portfolio: "00000000-0000-4000-8000-000000000000")
            let broker = try CoinbaseBroker(configuration, context: testContext())
            let error = await #expect(throws: BrokerError.self) { try await broker.run() }
            #expect(error?.kind == .rejected(.permissionDenied))
        }
    }

    @Test func `over TLS, a certificate of the stated authority is trusted, and no other`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "coinbase-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = try TestCertificates(in: folder)
        let options = CoinbaseSimulator.Options(tls: .init(certificatePath: files.certificate, keyPath: files.key))
        try await AdapterHarness.with(options, trustRootsFile: files.authority) { (harness) async throws in
            #expect(try await harness.place(testOrder(limit: "50000", id: testID(29))).acceptance != nil)
        }
        try await CoinbaseSimulator.withServer(options) { (simulator, address) async throws in
            let configuration = CoinbaseConfiguration(
                rest: URL(string: "https://localhost:\(address.port)"), webSocket: URL(string: "wss://localhost:\(address.port)"),
                keyName: TestKeys.name, privateKey: Secret(TestKeys.sec1))
            let broker = try CoinbaseBroker(configuration, context: testContext())
            await #expect(throws: BrokerError.self) { try await broker.serverTime() }
            #expect(simulator.controls.log.entries.isEmpty)
        }
    }

    @Test func `nothing is sent before the session is up`() async throws {
        let configuration = CoinbaseConfiguration(keyName: TestKeys.name, privateKey: Secret(TestKeys.sec1))
        let broker = try CoinbaseBroker(configuration, context: testContext())
        let window = SendWindow(notAfter: SystemClock().monotonic + .seconds(5))
        #expect(try await broker.place(testOrder(), within: window).notSentReason == .notConnected)
        if case .notSent(.notConnected, _) = await broker.cancel(testReference, within: window) {} else { Issue.record("a cancel went out") }
        if case .notSent(.notConnected, _) = await broker.replace(testReference, with: Replacement(), within: window) {} else {
            Issue.record("an edit went out")
        }
        guard case .indeterminate(_, let evidence) = await broker.lookup(testReference) else {
            Issue.record("a lookup proved something")
            return
        }
        #expect(!evidence.mayHaveLeft)
    }
}
