import AdapterKit
import BrokerContract
import Foundation
import SimulatorKit
import Testing
import TradingModel

@testable import Tradovate
@testable import TradovateSimulator

/// Tokens, penalties, and the one session that the accounts of a user share.
@Suite(.timeLimit(.minutes(2))) struct SessionTests {
    private func eventually(_ fits: () async throws -> Bool) async throws -> Bool {
        for _ in 0..<6000 {
            if try await fits() { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    @Test func `a token is renewed before its end, without another login`() async throws {
        try await AdapterHarness.with(.init(tokenLife: .seconds(12))) { harness in
            let isRenewed = try await eventually { harness.simulator.renewals >= 1 }
            #expect(isRenewed && harness.simulator.logins == 1)
            let order = try harness.order(limit: 21000, id: "r1")
            #expect(await harness.place(order).acceptance != nil)
        }
    }

    @Test func `a token that the venue no longer takes is replaced, and commands work again`() async throws {
        try await AdapterHarness.with { harness in
            _ = try await harness.broker.instrument(harness.symbol)
            harness.simulator.expireTokens()
            // The venue said no, before any order logic.
            #expect(try await harness.place(harness.order(limit: 21000, id: "e1")).refusal == .unauthenticated)
            #expect(try await eventually { harness.simulator.logins == 2 })
            #expect(try await eventually { (try? await harness.broker.openOrders()) != nil })
            #expect(try await harness.place(harness.order(limit: 21000, id: "e2")).acceptance != nil)
            #expect(harness.taken("e1") == 0)
        }
    }

    @Test func `a displaced session logs in again and tells the gap`() async throws {
        try await AdapterHarness.with { harness in
            await harness.simulator.kickSessions()
            let isTold = try await harness.events.wait { if case .disconnected = $0 { true } else { false } }
            let count = harness.events.all.count
            let isBack = try await harness.events.wait(from: count - 1) { $0 == .connected }
            #expect(isTold && isBack)
            #expect(harness.simulator.logins == 2)
        }
    }

    @Test func `a penalty on the login is waited out and paid with its ticket`() async throws {
        try await TradovateSimulator.withServer { simulator, address in
            simulator.penalise("auth/accesstokenrequest", seconds: 1)
            let broker = try TradovateBroker(testConfiguration(address), context: testContext())
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await broker.run() }
                let isUp = try await eventually { await broker.health.streamIsUp }
                #expect(isUp)
                group.cancelAll()
            }
            let requests = simulator.controls.log.entries.filter { $0.path == "/v1/auth/accesstokenrequest" }
            #expect(requests.count == 2)
            #expect(requests.last?.parameters.contains { $0.name == "p-ticket" } == true)
        }
    }

    @Test func `a penalty on an order is a refusal, and the next order of it waits and carries the ticket`() async throws {
        try await AdapterHarness.with { harness in
            _ = try await harness.broker.instrument(harness.symbol)
            harness.simulator.penalise("order/placeorder", seconds: 4)
            let first = await harness.place(try harness.order(limit: 21000, id: "p1"))
            #expect(first.refusal == .rateLimited && first.evidence.venueCode == "p-ticket")
            #expect(harness.taken("p1") == 0)
            let soon = SendWindow(notAfter: SystemClock().monotonic + .milliseconds(200))
            #expect(try await harness.broker.place(harness.order(limit: 21000, id: "p1"), within: soon).notSentReason == .throttled)
            #expect(try await harness.place(harness.order(limit: 21000, id: "p1")).acceptance != nil)
            #expect(harness.taken("p1") == 1)
        }
    }

    @Test func `wrong credentials end the run, after one request`() async throws {
        try await TradovateSimulator.withServer(.init(passwords: ["sim_user": "right"])) { simulator, address in
            let broker = try TradovateBroker(testConfiguration(address, password: "wrong"), context: testContext())
            let error = await #expect(throws: BrokerError.self) { try await broker.run() }
            #expect(error?.kind == .unauthenticated)
            #expect(error?.description.contains("wrong") == false)
            #expect(simulator.controls.log.entries.count == 1)
        }
    }

    @Test func `accounts of one user share one session, each with its own events, and one survives the other`() async throws {
        try await TradovateSimulator.withServer(.init(accounts: ["ONE", "TWO"])) { simulator, address in
            let brokers = try ["ONE", "TWO"].map { try TradovateBroker(testConfiguration(address, account: $0), context: testContext()) }
            let records = [EventRecord(), EventRecord()]
            let symbol = Symbol(simulator.contracts(of: "MES").first ?? "")
            let window = SendWindow(notAfter: SystemClock().monotonic + .seconds(60))
            try await withThrowingTaskGroup(of: Void.self) { group in
                let first = CancellableRun(brokers[0])
                group.addTask { try await first.run() }
                for (broker, record) in zip(brokers, records) { group.addTask { for await event in broker.events { record.add(event) } } }
                #expect(try await records[0].wait { $0 == .connected })
                group.addTask { try await brokers[1].run() }
                #expect(try await records[1].wait { $0 == .connected })
                #expect(simulator.logins == 1)

                _ = await brokers[1].place(try testOrder(.market, symbol: symbol, id: "two"), within: window)
                #expect(try await records[1].wait("two", .filled) != nil)
                #expect(!records[0].all.contains { if case .order = $0 { true } else { false } })
                #expect(try await brokers[0].positions().isEmpty)

                // The one that drove the session leaves: the other takes over with the same token.
                let count = records[1].all.count
                first.cancel()
                #expect(try await records[1].wait(from: count) { $0 == .connected })
                _ = await brokers[1].place(try testOrder(.market, symbol: symbol, id: "three"), within: window)
                #expect(try await records[1].wait("three", .filled) != nil)
                #expect(simulator.logins == 1)
                group.cancelAll()
            }
        }
    }

    @Test func `an account that the user does not have ends the run with the names of those that exist`() async throws {
        try await TradovateSimulator.withServer(.init(accounts: ["ONE", "TWO"])) { _, address in
            for wanted in ["THREE", nil] {
                let broker = try TradovateBroker(testConfiguration(address, account: wanted), context: testContext())
                let error = await #expect(throws: BrokerError.self) { try await broker.run() }
                #expect(error?.kind == .invalidRequest && error?.message.contains("ONE, TWO") == true)
            }
        }
    }

    @Test(arguments: [
        (200, #"{"errorText":"Incorrect username or password. Please try again."}"#, "refused"), (401, "Access is denied", "refused"),
        (200, #"{"p-ticket":"t","p-time":15,"p-captcha":true}"#, "penalty"), (429, "", "locked"), (423, "", "locked"), (503, "", "failed"),
        (200, "{}", "failed"), (200, "<html>", "failed"),
        (200, #"{"accessToken":"a","expirationTime":"2026-11-21T05:10:00.000Z"}"#, "granted"),
        (200, #"{"accessToken":"a","errorText":"closed","expirationTime":"2026-11-21T05:10:00.000Z"}"#, "refused"),
    ])
    func `each form of the answer to a login is told apart`(_ status: Int, _ body: String, _ expected: String) throws {
        let api = try TradovateAPI(TradovateConfiguration(credentials: .init(username: Secret("u"), password: Secret("p"))), clock: SystemClock())
        let keeper = TokenKeeper(
            api: api, credentials: .init(username: Secret("u"), password: Secret("p")), clock: SystemClock(), note: { _ in })
        let answer = keeper.read(VenueReply(status: status, headers: [("Date", "Sat, 21 Nov 2026 04:10:00 GMT")], body: Array(body.utf8)))
        #expect("\(answer)".hasPrefix(expected), "\(answer)")
        // The life is counted from the venue's clock, not from ours.
        if case .granted(_, let life) = answer { #expect(life == .seconds(3599)) }
    }
}

/// A broker's run that a test ends alone.
private final class CancellableRun: Sendable {
    private let broker: TradovateBroker
    private let stop = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init(_ broker: TradovateBroker) { self.broker = broker }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [broker] in try await broker.run() }
            group.addTask { [stop] in for await _ in stop.stream { return } }
            try await group.next()
            group.cancelAll()
        }
    }

    func cancel() { stop.continuation.yield(()) }
}
