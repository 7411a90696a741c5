import Foundation
import ServiceLifecycle
import Synchronization
import TradingModel

/// Sends the demo's signals, watches what becomes of them, and prints the table.
final class DemoScript: Service {
    private let ports: AsyncStream<Int>
    private let venue: SimulatorAddress
    private let secrets: DemoSecrets
    private let staysOn: Bool
    private let clock: any TradingClock
    private let good = Mutex(false)

    /// - Parameters:
    ///   - ports: The gateway's port, once it listens.
    ///   - staysOn: Whether the gateway goes on after the table, until it is told to stop.
    init(ports: AsyncStream<Int>, venue: SimulatorAddress, secrets: DemoSecrets, staysOn: Bool, clock: any TradingClock) {
        self.ports = ports
        self.venue = venue
        self.secrets = secrets
        self.staysOn = staysOn
        self.clock = clock
    }

    /// Whether every line was as it must be. False until the script has run to its end.
    var isGood: Bool { good.withLock { $0 } }

    func run() async throws {
        try await cancelWhenGracefulShutdown { [self] in
            for await port in ports {
                let client = DemoClient(gateway: "http://127.0.0.1:\(port)", venue: venue.rest, secrets: secrets)
                let report = try await play(client)
                good.withLock { $0 = report.isGood }
                print(report.text)
                if staysOn { print(farewell(client.gateway)) }
                fflush(nil)
                break
            }
        }
        if staysOn { try? await gracefulShutdown() }
    }

    private func play(_ client: DemoClient) async throws -> DemoReport {
        guard try await eventually(within: .seconds(20), { try await client.isReady() }) else {
            throw StartError("the gateway did not become ready in 20 s")
        }
        var lines: [DemoLine] = []
        var firstAnswers: [String: String] = [:]
        for step in DemoStep.script(now: clock.wallTime) {
            let before = try await client.venueOrders().count
            if let faults = step.faults { try await client.plan(faults: faults) }
            let sent = try await send(step, client)
            var problems: [String] = []
            for (body, answer) in sent where answer.status == 202 {
                let first = firstAnswers[body] ?? answer.body
                firstAnswers[body] = first
                if first != answer.body { problems.append("a copy was answered in other words than its first") }
            }
            let answers = sent.map(\.answer)
            let orders = try await settledOrders(of: Set(answers.filter { $0.verdict == .accepted }.compactMap(\.signalID)), client)
            let venueOrders = try await client.venueOrders().count - before
            if try await client.pendingFaults() > 0 { problems.append("the venue did not do what it was told to do wrong") }
            lines.append(DemoLine(step, answers: answers, orders: orders, venueOrders: venueOrders, others: problems))
        }
        return DemoReport(lines: lines, venueOrders: try await client.venueOrders())
    }

    private func send(_ step: DemoStep, _ client: DemoClient) async throws -> [(body: String, answer: DemoClient.Answer)] {
        try await withThrowingTaskGroup(of: (String, DemoClient.Answer).self) { group in
            for body in step.bodies {
                for _ in 0..<step.copies {
                    group.addTask { (body, try await client.send(body, secretIsRight: step.secretIsRight)) }
                }
            }
            var answers: [(String, DemoClient.Answer)] = []
            for try await answer in group { answers.append(answer) }
            return answers
        }
    }

    /// The orders of these signals once all have come to an end, or as they are after 45 s.
    private func settledOrders(of signals: Set<String>, _ client: DemoClient) async throws -> [DemoClient.Order] {
        guard !signals.isEmpty else { return [] }
        func mine() async throws -> [DemoClient.Order] { try await client.orders().filter { signals.contains($0.signalID) } }
        _ = try await eventually(within: .seconds(45)) {
            let orders = try await mine()
            return !orders.isEmpty && orders.allSatisfy(\.terminal)
        }
        return try await mine()
    }

    private func eventually(within limit: Duration, _ condition: () async throws -> Bool) async throws -> Bool {
        let end = clock.monotonic + limit
        while clock.monotonic < end {
            if try await condition() { return true }
            try await clock.sleep(for: .milliseconds(50))
        }
        return false
    }

    private func farewell(_ gateway: String) -> String {
        let body = #"{"v":1,"strategy":"trend","symbol":"BTCUSD","action":"buy","quantity":"0.015"}"#
        return """

            The gateway goes on: \(gateway)
              webhook   \(gateway)/hooks/tv/\(secrets.hook)
              send one  curl -i -d '\(body)' \(gateway)/hooks/tv/\(secrets.hook)
                        (again within five minutes, and it stays one order)
              orders    curl -s -H 'Authorization: Bearer \(secrets.reader)' \(gateway)/api/v1/orders
              venue     curl -s \(venue.rest)/_sim/orders
            Ctrl-C stops it and removes what it wrote.
            """
    }
}
