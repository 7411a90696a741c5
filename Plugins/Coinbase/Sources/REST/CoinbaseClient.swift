import AdapterKit
import BrokerContract
import Foundation
import TradingModel

/// Limited REST calls with a token each. Knows how to ask; what an answer means is in `Mapping`.
struct CoinbaseClient: Sendable {
    static let prefix = "/api/v3/brokerage"

    let signer: CoinbaseSigner
    let time: VenueClock
    let limiter: OutboundLimiter
    let clock: any TradingClock
    let portfolio: String?
    private let http: VenueHTTPClient
    private let base: String
    private let host: String
    private let timeout: Duration

    init(_ configuration: CoinbaseConfiguration, clock: any TradingClock) throws(BrokerError) {
        guard let rest = configuration.rest, let host = rest.host() else {
            throw BrokerError(.invalidRequest, effect: .notSent, "the REST endpoint is missing")
        }
        signer = try CoinbaseSigner(keyName: configuration.keyName, privateKey: configuration.privateKey)
        time = VenueClock(clock: clock)
        limiter = OutboundLimiter(
            limits: CoinbaseDialect.rateLimits, reservePercent: [CoinbaseDialect.Scope.account: 20], clock: clock)
        self.clock = clock
        self.host = host
        portfolio = configuration.portfolio
        http = VenueHTTPClient(
            clock: clock, connectTimeout: configuration.connectTimeout, trustRootsFile: configuration.trustRootsFile)
        let text = rest.absoluteString
        base = text.hasSuffix("/") ? String(text.dropLast()) : text
        timeout = configuration.requestTimeout
    }

    /// One command, at most one request.
    func command(
        _ path: String, body: some Encodable, priority: OutboundLimiter.Priority, within window: SendWindow
    ) async -> VenueHTTPResult {
        guard window.isOpen(at: clock.monotonic) else { return .notSent(.windowClosed, Evidence(mayHaveLeft: false)) }
        switch await limiter.admit([CoinbaseDialect.Scope.account: 1], priority: priority, within: window) {
        case .granted: break
        case .throttled: return .notSent(.throttled, Evidence(mayHaveLeft: false))
        case .cancelled: return .notSent(.cancelled, Evidence(mayHaveLeft: false))
        }
        let text: String
        let headers: [(name: String, value: String)]
        do {
            text = try Self.encoded(body)
            headers = [("Authorization", try authorization("POST", path)), ("Content-Type", "application/json")]
        } catch {
            return .notSent(.notConnected, Evidence(mayHaveLeft: false, message: error.message))
        }
        let request = VenueRequest(
            .post, base + Self.prefix + path, headers: headers, body: text, maximumReplyBytes: 256 << 10, timeout: timeout,
            window: window, isCommand: true)
        return await observed(await http.send(request))
    }

    /// A query's whole reply, of whatever status.
    func reply(
        _ path: String, _ parameters: [(name: String, value: String)] = [], priority: OutboundLimiter.Priority = .normal,
        within window: SendWindow? = nil
    ) async throws(BrokerError) -> VenueReply {
        try await admit(CoinbaseDialect.Scope.account, priority: priority, within: window)
        let headers = [(name: "Authorization", value: try authorization("GET", path))]
        return try await send(url(path, parameters), headers: headers, limit: 16 << 20)
    }

    /// A query, decoded.
    func query<Value: Decodable>(
        _ path: String, _ parameters: [(name: String, value: String)] = [], priority: OutboundLimiter.Priority = .normal,
        as type: Value.Type
    ) async throws(BrokerError) -> Value {
        try decode(try await reply(path, parameters, priority: priority))
    }

    /// A query that needs no key. The list of all products is some megabytes at the live venue.
    func publicQuery<Value: Decodable>(
        _ path: String, _ parameters: [(name: String, value: String)] = [], as type: Value.Type
    ) async throws(BrokerError) -> Value {
        try await admit(CoinbaseDialect.Scope.address, priority: .normal)
        return try decode(try await send(url(path, parameters), headers: [], limit: 64 << 20))
    }

    /// Reads the venue's clock and keeps the sample.
    func measureTime() async throws(BrokerError) -> Timestamp {
        try await admit(CoinbaseDialect.Scope.address, priority: .urgent)
        let sentAt = clock.monotonic
        let reply = try await send(url("/time", []), headers: [], limit: 64 << 10)
        let receivedAt = clock.monotonic
        let answer: CoinbaseTimeReply = try decode(reply)
        guard let milliseconds = Int64(answer.epochMillis) else {
            throw BrokerError(.malformedReply, effect: .unknown, "the venue's time cannot be read")
        }
        let venueTime = Timestamp(milliseconds: milliseconds)
        time.add(venueTime: venueTime, sentAt: sentAt, receivedAt: receivedAt)
        return venueTime
    }

    /// The token of a WebSocket message.
    func streamToken() throws(BrokerError) -> String { try signer.token(uri: nil, at: try venueTime()) }

    private func authorization(_ method: String, _ path: String) throws(BrokerError) -> String {
        // The query is not part of what is signed. Source: docs.cdp.coinbase.com, "API key authentication", read 2026-11-21.
        "Bearer " + (try signer.token(uri: "\(method) \(host)\(Self.prefix)\(path)", at: try venueTime()))
    }

    private func venueTime() throws(BrokerError) -> Timestamp {
        guard let now = time.now else {
            throw BrokerError(.unavailable, effect: .notSent, "the venue's clock has not been read yet")
        }
        return now
    }

    private func url(_ path: String, _ parameters: [(name: String, value: String)]) -> String {
        let query = parameters.map { "\($0.name)=\(percentEncoded($0.value))" }.joined(separator: "&")
        return base + Self.prefix + path + (query.isEmpty ? "" : "?" + query)
    }

    static func encoded(_ body: some Encodable) throws(BrokerError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { return String(decoding: try encoder.encode(body), as: UTF8.self) } catch {
            throw BrokerError(.invalidRequest, effect: .notSent, "the request could not be written", underlying: error)
        }
    }

    private func admit(
        _ scope: String, priority: OutboundLimiter.Priority, within window: SendWindow? = nil
    ) async throws(BrokerError) {
        switch await limiter.admit([scope: 1], priority: priority, within: window) {
        case .granted: return
        case .throttled: throw BrokerError(.rateLimited(retryAfter: nil), effect: .notSent, "held back by the outbound limiter")
        case .cancelled: throw BrokerError(.cancelled, effect: .notSent, "cancelled while waiting for the outbound limiter")
        }
    }

    private func send(
        _ url: String, headers: [(name: String, value: String)], limit: Int
    ) async throws(BrokerError) -> VenueReply {
        let request = VenueRequest(.get, url, headers: headers, maximumReplyBytes: limit, timeout: timeout, isCommand: false)
        switch await observed(await http.send(request)) {
        case .replied(let reply): return reply
        case .notSent(.cancelled, _): throw BrokerError(.cancelled, effect: .notSent, "cancelled")
        case .notSent(let reason, let evidence):
            throw BrokerError(.unavailable, effect: .notSent, "\(reason.rawValue): \(evidence.message ?? "")")
        case .unknown(.cancelled, _): throw BrokerError(.cancelled, effect: .unknown, "cancelled")
        case .unknown(.timedOut, _): throw BrokerError(.timedOut, effect: .unknown, "no reply in time")
        case .unknown(.unreadableReply, let evidence): throw BrokerError(.malformedReply, effect: .unknown, evidence.message ?? "")
        case .unknown(let cause, let evidence):
            throw BrokerError(.unavailable, effect: .unknown, "\(cause.rawValue): \(evidence.message ?? "")")
        }
    }

    private func decode<Value: Decodable>(_ reply: VenueReply) throws(BrokerError) -> Value {
        guard (200..<300).contains(reply.status) else { throw CoinbaseOutcomes.queryError(reply) }
        do { return try JSONDecoder().decode(Value.self, from: Data(reply.body)) } catch {
            throw BrokerError(.malformedReply, effect: .unknown, "unreadable reply", underlying: error)
        }
    }

    /// Learns from every reply: limits, and doubts about our clock.
    private func observed(_ result: VenueHTTPResult) async -> VenueHTTPResult {
        guard case .replied(let reply) = result else { return result }
        if reply.status == 429 {
            await limiter.blockUntil(clock.monotonic + (CoinbaseOutcomes.retryAfter(reply) ?? .seconds(1)))
        }
        // The venue gives no reason; a token from a wrong clock looks like one from a wrong key.
        if reply.status == 401 { time.doubt() }
        return result
    }
}
