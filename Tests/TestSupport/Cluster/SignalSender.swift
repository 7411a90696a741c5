import AsyncHTTPClient
import Foundation
import NIOCore

/// Sends signals as real senders do: at any gateway, several at once, and again when there is no answer.
public struct SignalSender: Sendable {
    public struct Answer: Sendable, Hashable {
        public let status: Int
        public let body: String
        public var signalID: String? { body.firstMatch(of: #/"signal_id":\s*"([^"]+)"/#).map { String($0.1) } }
    }

    /// Many at once must not wait for each other's connections.
    private static let client = HTTPClient(
        eventLoopGroupProvider: .singleton,
        configuration: {
            var configuration = HTTPClient.Configuration(timeout: .init(connect: .seconds(5)))
            configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 256
            configuration.connectionPool.retryConnectionEstablishment = false
            return configuration
        }())

    public let gateways: [GatewayUnderTest]
    public init(_ gateways: [GatewayUnderTest]) { self.gateways = gateways }

    public static func body(strategy: String, id: String, quantity: String = "0.001") -> String {
        #"{"v":1,"strategy":"\#(strategy)","symbol":"BTCUSD","action":"buy","quantity":"\#(quantity)","alert_id":"\#(id)"}"#
    }

    /// Sends it once; nil if no answer came.
    public func send(_ body: String, to number: Int) async -> Answer? {
        let gateway = gateways[number % gateways.count]
        var request = HTTPClientRequest(url: gateway.url + "/hooks/tv/" + GatewayUnderTest.secret)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(string: body))
        do {
            let response = try await Self.client.execute(request, timeout: .seconds(30))
            return Answer(status: Int(response.status.code), body: String(buffer: try await response.body.collect(upTo: 1 << 20)))
        } catch {
            return nil
        }
    }

    /// Sends it until it is accepted, the next time to the next gateway.
    public func deliver(_ body: String, to number: Int) async throws -> Answer {
        var last: Answer?
        let end = ContinuousClock.now + .seconds(120)
        var number = number
        while ContinuousClock.now < end {
            last = await send(body, to: number)
            if let last, last.status == 202 { return last }
            number += 1
            try await Task.sleep(for: .milliseconds(50))
        }
        throw TimedOut(description: "not accepted within 120 s: \(last.map { "\($0.status) \($0.body)" } ?? "no answer") for \(body)")
    }

    /// A signal and the gateways that get a copy of it.
    public struct Mail: Sendable {
        public let strategy: String
        public let body: String
        public let copies: [Int]
        public init(strategy: String, id: String, copies: [Int]) {
            self.strategy = strategy
            body = SignalSender.body(strategy: strategy, id: id)
            self.copies = copies
        }
    }

    /// Delivers all copies of all signals.
    ///
    /// - Parameter perSecond: The pace of signals, whatever the answers do; nil for as fast as `atOnce` at a time allow.
    /// - Returns: The strategy of each signal by its id, and what senders of one signal were told differently.
    public func deliver(_ mails: [Mail], perSecond: Double? = nil, atOnce: Int = 64) async throws -> (accepted: [String: String], contradictions: [String]) {
        try await withThrowingTaskGroup(of: (Mail, Set<Answer>).self) { group in
            var accepted: [String: String] = [:]
            var contradictions: [String] = []
            func note(_ result: (Mail, Set<Answer>)?) {
                guard let (mail, answers) = result else { return }
                if answers.count > 1 { contradictions.append("\(answers.map(\.body)) for \(mail.body)") }
                for answer in answers { if let id = answer.signalID { accepted[id] = mail.strategy } }
            }
            let start = ContinuousClock.now
            var flying = 0
            for (index, mail) in mails.enumerated() {
                if let perSecond {
                    try await Task.sleep(until: start + .seconds(Double(index) / perSecond), clock: .continuous)
                } else if flying >= atOnce {
                    note(try await group.next())
                    flying -= 1
                }
                flying += 1
                group.addTask { (mail, try await deliverCopies(mail)) }
            }
            while let result = try await group.next() { note(result) }
            return (accepted, contradictions)
        }
    }

    private func deliverCopies(_ mail: Mail) async throws -> Set<Answer> {
        try await withThrowingTaskGroup(of: Answer.self) { group in
            for number in mail.copies { group.addTask { try await deliver(mail.body, to: number) } }
            return try await group.reduce(into: []) { $0.insert($1) }
        }
    }
}
