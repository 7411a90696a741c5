import AdapterKit
import BrokerContract
import Foundation
import SimulatorKit
import Synchronization
import Testing
import TradingModel

@testable import Tradovate
@testable import TradovateSimulator

/// The steps of the vendor's conformance programme for API partners, in their order, over the simulator's wire.
///
/// Source: partner.tradovate.com, "API Partner Conformance Program" with "Stage 1: Authentication" and "Stage 2: Websocket Management",
/// read 2026-11-21. A partner proves what pertains to its application: stages 3 to 5 are users and accounts of evaluation firms and market
/// data, of which this adapter has nothing.
@Suite(.timeLimit(.minutes(5))) struct PartnerProgrammeTests {
    @Test func `the adapter passes the stages of the partner programme that pertain to it`() async throws {
        let steps = Steps()
        try await Self.authentication(steps)
        try await Self.webSocket(steps)
        for stage in ["3 user management", "4 account management", "5 market data access"] { print("  -   stage \(stage): no part of this adapter") }
        #expect(steps.count == 18)
    }

    /// Prints and counts what was shown.
    private final class Steps: Sendable {
        private let done = Mutex(0)
        var count: Int { done.withLock { $0 } }

        func show(_ name: String, _ condition: Bool, _ detail: @autoclosure () -> String = "") {
            done.withLock { $0 += 1 }
            print("  \(condition ? "ok " : "BAD") \(name)")
            #expect(condition, "\(name): \(detail())")
        }
    }

    // MARK: Stage 1

    private static func authentication(_ steps: Steps) async throws {
        try await AdapterHarness.with(.init(passwords: ["sim_user": "pass"], tokenLife: .seconds(12))) { harness in
            steps.show("1.1 access token request: valid credentials are granted a token, once", harness.simulator.logins == 1)
            let broker = try TradovateBroker(testConfiguration(harness.address, password: "wrong"), context: testContext("fut2"))
            var refused: BrokerError?
            do throws(BrokerError) { try await broker.run() } catch { refused = error }
            steps.show("1.1 access token request: invalid credentials end the run and show no secret",
                refused?.kind == .unauthenticated && refused?.description.contains("wrong") == false, "\(String(describing: refused))")
            let isRenewed = try await eventually { harness.simulator.renewals >= 1 }
            steps.show("1.2 access token renewal: before its end, within the same session", isRenewed && harness.simulator.logins == 1)
        }
        try await AdapterHarness.with { harness in
            _ = try await harness.broker.instrument(harness.symbol)
            harness.simulator.expireTokens()
            _ = await harness.place(try harness.order(limit: 21000, id: "s1"))
            let isBack = try await eventually { harness.simulator.logins == 2 }
            let works = try await eventually { (try? await harness.broker.openOrders()) != nil }
            steps.show("1.2 access token renewal: an expired token is replaced by a new login", isBack && works && harness.taken("s1") == 0)

            // Two more sessions of the user close the oldest one, which is ours.
            let before = harness.events.all.count
            for _ in 0..<2 { steps.show("1.3 session management: another program logs in", try await login(harness.address) == 200) }
            let isTold = try await eventually {
                _ = try? await harness.broker.openOrders()
                return harness.events.all.dropFirst(before).contains { if case .disconnected = $0 { true } else { false } }
            }
            let isUp = try await harness.events.wait(from: before) { $0 == .connected }
            steps.show("1.3 session management: a displaced session is told as a gap and logs in again", isTold && isUp)
        }
    }

    /// A token request of another program of the same user. Returns the HTTP status.
    private static func login(_ address: TradovateSimulator.Address) async throws -> Int? {
        let client = VenueHTTPClient(clock: SystemClock(), connectTimeout: .seconds(10))
        let result = await client.send(
            VenueRequest(
                .post, "\(address.rest)/auth/accesstokenrequest", headers: [("Content-Type", "application/json")],
                body: #"{"name":"sim_user","password":"pass","appId":"other"}"#, timeout: .seconds(30), isCommand: false))
        guard case .replied(let reply) = result else { return nil }
        return reply.text.contains("accessToken") ? reply.status : nil
    }

    // MARK: Stage 2

    private static func webSocket(_ steps: Steps) async throws {
        try await AdapterHarness.with { harness in
            steps.show("2.1 login: the connection is authorised with a valid token", await harness.broker.health.streamIsUp)
            let raw = try await WebSocketClient(options: WebSocketOptions()).connect(to: try #require(URL(string: harness.address.webSocket)))
            var messages = raw.messages.makeAsyncIterator()
            try await raw.send("authorize\n0\n\nSIM.tok.none")
            var answer = ""
            while !answer.hasPrefix("a"), let text = try await messages.next() { answer = text }
            steps.show("2.1 login: an invalid token is answered with 401", answer.contains("401"), answer)
            let isClosed = await ended(&messages)
            steps.show("2.2 heartbeats: a client that sends none, or does not log in, is closed", isClosed)
            let staysUp = await harness.broker.health.streamIsUp && !harness.events.all.contains { if case .disconnected = $0 { true } else { false } }
            steps.show("2.2 heartbeats: the adapter's connection has stayed up meanwhile", staysUp)

            let before = harness.events.all.count
            try harness.simulator.faults.add([Fault(on: .stream, .close)])
            harness.simulator.controls.streams.playImmediateFaults()
            let isBack = try await harness.events.wait(from: before) { $0 == .connected }
            steps.show("2.2 heartbeats: a lost connection is opened again, and the gap is told", isBack && toldGap(harness, from: before))

            let syncs = harness.simulator.controls.log.entries.count { $0.path == "/v1/user/syncrequest" }
            let connections = harness.events.all.count { $0 == .connected }
            steps.show("2.3 syncrequest: one for each connection", syncs == connections, "\(syncs) for \(connections)")

            try harness.simulator.faults.add([Fault(on: .stream, .duplicateEvent, times: 2), Fault(on: .stream, .reorderEvents, times: 2)])
            _ = await harness.place(try harness.order(.market, id: "w1"))
            _ = try await harness.events.wait("w1", .filled)
            // A later order's events come behind whatever was repeated or put back.
            _ = await harness.place(try harness.order(limit: 21000, id: "w2"))
            _ = try await harness.events.wait("w2", .accepted)
            let fills = harness.events.all.compactMap { if case .fill(let fill) = $0 { fill.executionID } else { nil } }
            steps.show("2.4 event handling: what comes twice or in another order counts once", Set(fills).count == 1, "\(fills)")
            let automated = harness.simulator.controls.log.entries.filter { $0.path == "/v1/order/placeorder" }
                .allSatisfy { entry in entry.parameters.contains { $0.name == "isAutomated" && $0.value == "true" } }
            steps.show("2.4 event handling: every order says that no human typed it", automated)

            harness.simulator.penalise("order/placeorder", seconds: 1)
            let held = await harness.place(try harness.order(limit: 21000, id: "w3"))
            steps.show("2.5 rate limits: a penalty ticket is told as a refusal, and nothing was placed", held.refusal == .rateLimited && harness.taken("w3") == 0)
            let paid = await harness.place(try harness.order(limit: 21000, id: "w3"))
            steps.show("2.5 rate limits: the next request waits for the ticket's time and carries it", paid.acceptance != nil && harness.taken("w3") == 1, "\(paid)")
        }
        try await TradovateSimulator.withServer { simulator, address in
            let broker = try TradovateBroker(testConfiguration(address), context: testContext())
            let open = { simulator.venue.subscriberCount }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await broker.run() }
                let isUp = try await eventually { await broker.health.streamIsUp }
                #expect(isUp && open() == 1)
                group.cancelAll()
            }
            let isClosed = try await eventually { open() == 0 }
            let isDown = await !broker.health.isConnected
            steps.show("2.6 log-off: the connection is closed and nothing more is sent", isClosed && isDown)
        }
    }

    private static func eventually(_ fits: () async throws -> Bool) async throws -> Bool {
        for _ in 0..<6000 {
            if try await fits() { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    /// Reads to the end of the connection.
    private static func ended(_ messages: inout AsyncThrowingStream<String, any Error>.Iterator) async -> Bool {
        do { while try await messages.next() != nil {} } catch { return true }
        return true
    }

    private static func toldGap(_ harness: AdapterHarness, from index: Int) -> Bool {
        harness.events.all.dropFirst(index).contains { if case .gap = $0 { true } else { false } }
    }
}
