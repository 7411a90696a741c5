import BinanceStyleSimulator
import BrokerContract
import Foundation
import SimulatorKit
import Testing
import TradingModel

@testable import BinanceStyle

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Weights, order counts, 429 and 418: the adapter keeps below them, and the simulator is as strict as the venue.
@Suite struct LimitTests {
    private func outcomes(_ harness: AdapterHarness) -> [String] { harness.simulator.controls.log.entries.map(\.outcome) }

    @Test func `at full load of queries the venue never has to say 429, and cancels still go out`() async throws {
        // 20 of weight per lookup of the history: what the adapter itself needs leaves room for some of them.
        try await AdapterHarness.with(.init(enforcesLimits: true, weightPerMinute: 400), requestTimeout: .seconds(30)) { harness in
            let placed = try await harness.place(testOrder(limit: "50000", id: "w1"))
            #expect(placed.acceptance != nil)
            let since = SystemClock().wallTime - .seconds(10)
            let flood = Task {
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<60 { group.addTask { _ = try? await harness.broker.orderHistory("BTCUSDT", since: since) } }
                }
            }
            // The load is there as soon as the venue has seen as much as the adapter lets out below its reserve.
            #expect(try await waits { harness.simulator.controls.log.entries.count(where: { $0.path == "/api/v3/allOrders" }) >= 5 })
            guard case .cancelled = await harness.broker.cancel(harness.reference("w1"), within: harness.window) else {
                Issue.record("the cancel did not overtake the queries")
                return
            }
            flood.cancel()
            await flood.value
            #expect(!outcomes(harness).contains { $0.hasPrefix("429") || $0.hasPrefix("418") })
        }
    }

    /// The venue counts weight by address: two that each keep to the limit by themselves use it up twice before the first answer tells.
    @Test func `accounts behind one address keep the limit together`() async throws {
        try await AdapterHarness.with(.init(enforcesLimits: true, weightPerMinute: 400), requestTimeout: .seconds(30)) { harness in
            try await harness.withAnother { other in
                let since = SystemClock().wallTime - .seconds(10)
                let flood = Task {
                    await withTaskGroup(of: Void.self) { group in
                        for broker in [harness.broker, other.broker] {
                            for _ in 0..<40 { group.addTask { _ = try? await broker.orderHistory("BTCUSDT", since: since) } }
                        }
                    }
                }
                // What the adapters need to connect leaves room for some of them.
                let isLoaded = try await waits { harness.simulator.controls.log.entries.count(where: { $0.path == "/api/v3/allOrders" }) >= 5 }
                #expect(isLoaded)
                guard case .notFound = await other.broker.lookup(other.reference("none")) else {
                    Issue.record("a lookup did not overtake the queries of both")
                    return
                }
                flood.cancel()
                await flood.value
                #expect(!outcomes(harness).contains { $0.hasPrefix("429") || $0.hasPrefix("418") })
            }
        }
    }

    @Test func `orders beyond the count wait or are held back, and none is refused for it`() async throws {
        try await AdapterHarness.with(.init(enforcesLimits: true, ordersPerTenSeconds: 5), requestTimeout: .seconds(30)) { harness in
            let results = try await withThrowingTaskGroup(of: PlaceOutcome.self) { group in
                for number in 0..<12 {
                    let order = try testOrder(limit: "50000", id: ClientOrderID("c\(number)"))
                    group.addTask { await harness.broker.place(order, within: SendWindow(notAfter: SystemClock().monotonic + .seconds(1))) }
                }
                return try await group.reduce(into: [PlaceOutcome]()) { $0.append($1) }
            }
            let accepted = results.count { $0.acceptance != nil }
            #expect(accepted > 0 && accepted <= 5)
            #expect(results.count { $0.notSentReason == .throttled } == 12 - accepted)
            #expect(!outcomes(harness).contains { $0.hasPrefix("429") })
        }
    }

    @Test func `the count of a bracket is three orders`() async throws {
        try await AdapterHarness.with(.init(enforcesLimits: true, ordersPerTenSeconds: 4), requestTimeout: .seconds(30)) { harness in
            let bracket = Bracket(stopLoss: 40000, takeProfit: 60000)
            let first = try await harness.place(testOrder(limit: "50000", id: "b1", bracket: bracket))
            #expect(first.acceptance != nil)
            let window = SendWindow(notAfter: SystemClock().monotonic + .seconds(1))
            let second = try await harness.broker.place(testOrder(limit: "50000", id: "b2", bracket: bracket), within: window)
            #expect(second.notSentReason == .throttled)
        }
    }

    @Test(arguments: [429, 418])
    func `after a refusal for too many requests nothing goes out before the venue allows it`(_ status: Int) async throws {
        try await AdapterHarness.with { harness in
            try harness.simulator.faults.add([Fault(on: .place, .rateLimit, milliseconds: 120_000, status: status)])
            let refused = try await harness.place(testOrder(limit: "50000", id: "r1"))
            #expect(refused.refusal == .rateLimited)
            let before = harness.simulator.controls.log.entries.count
            // Of every kind, cancels and lookups included.
            let window = SendWindow(notAfter: SystemClock().monotonic + .milliseconds(300))
            let placed = await harness.broker.place(try testOrder(limit: "50000", id: "r2"), within: window)
            #expect(placed.notSentReason == .throttled)
            guard case .notSent(.throttled, _) = await harness.broker.cancel(harness.reference("r1"), within: window) else {
                Issue.record("a cancel went out")
                return
            }
            #expect(harness.simulator.controls.log.entries.count == before)
            #expect(harness.taken("r2") == 0)
        }
    }

    // MARK: The simulator

    @Test func `who goes on after 429 is banned with 418, and Retry-After tells until when`() async throws {
        let options = BinanceSimulator.Options(enforcesLimits: true, weightPerMinute: 50, refusalsBeforeBan: 3, banTime: .seconds(90))
        try await BinanceSimulator.withServer(options) { _, address in
            var statuses: [Int] = []
            var waits: [Int] = []
            for _ in 0..<20 {
                let reply = try await SimulatorTests.send("GET", "exchangeInfo", to: address, signature: nil)
                statuses.append(reply.status)
                if let wait = reply.headers.value(forHTTPHeaderField: "Retry-After").flatMap({ Int($0) }) { waits.append(wait) }
                #expect(reply.headers.value(forHTTPHeaderField: "X-MBX-USED-WEIGHT-1M") != nil)
            }
            // A minute may end in between: then the refusals begin later, but after the fourth one there is the ban.
            #expect(statuses.first == 200 && statuses.last == 418)
            #expect(statuses.contains(429))
            #expect(waits.allSatisfy { $0 > 0 && $0 <= 90 })
            #expect(waits.last.map { $0 > 60 } ?? false)
        }
    }

    @Test func `orders beyond the count get 429 with -1015, and the counters are told`() async throws {
        try await BinanceSimulator.withServer(.init(enforcesLimits: true, ordersPerTenSeconds: 2)) { _, address in
            var codes: [Int] = []
            for number in 0..<12 {
                let reply = try await SimulatorTests.send("POST", "order", SimulatorTests.limit("o\(number)"), to: address)
                if reply.status == 200 { #expect(reply.headers.value(forHTTPHeaderField: "X-MBX-ORDER-COUNT-10S") != nil) }
                if reply.status == 429 {
                    #expect(reply.json?["code"] == -1015)
                    #expect(reply.headers.value(forHTTPHeaderField: "Retry-After") != nil)
                }
                codes.append(reply.status)
            }
            #expect(codes.contains(200) && codes.contains(429))
            #expect(codes.allSatisfy { $0 == 200 || $0 == 429 })
        }
    }

    private func waits(_ condition: @Sendable () -> Bool) async throws -> Bool {
        for _ in 0..<3000 {
            if condition() { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }
}
