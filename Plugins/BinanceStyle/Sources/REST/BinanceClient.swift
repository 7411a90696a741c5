import AdapterKit
import BrokerContract
import Foundation
import TradingModel

/// Signed and limited REST calls. Knows how to ask; what an answer means is in `Mapping`.
struct BinanceClient: Sendable {
    /// What came of a request that had to pass the limiter first.
    typealias Result = VenueHTTPResult

    let signer: BinanceSigner
    let time: VenueClock
    let limits: BinanceLimits
    let clock: any TradingClock
    let dialect: BinanceDialect
    private let http: VenueHTTPClient
    private let base: String
    private let receiveWindow: Duration
    private let timeout: Duration

    init(_ configuration: BinanceStyleConfiguration, clock: any TradingClock) throws(BrokerError) {
        guard let rest = configuration.rest?.absoluteString else {
            throw BrokerError(.invalidRequest, effect: .notSent, "the REST endpoint is missing")
        }
        signer = try BinanceSigner(apiKey: configuration.apiKey, signingKey: configuration.signingKey)
        time = VenueClock(clock: clock)
        self.clock = clock
        dialect = configuration.dialect
        http = VenueHTTPClient(clock: clock, connectTimeout: configuration.connectTimeout)
        base = rest.hasSuffix("/") ? String(rest.dropLast()) : rest
        limits = BinanceLimits(configuration.dialect.rateLimits, endpoint: base, clock: clock)
        receiveWindow = configuration.receiveWindow
        timeout = configuration.requestTimeout
    }

    /// One command, at most one request. All parameters go in the query, so that head and request are one write.
    func command(
        _ method: VenueRequest.Method, _ path: String, _ parameters: BinanceParameters, costs: [String: Int],
        priority: OutboundLimiter.Priority, within window: SendWindow
    ) async -> Result {
        guard window.isOpen(at: clock.monotonic) else { return .notSent(.windowClosed, Evidence(mayHaveLeft: false)) }
        switch await limits.admit(costs, priority: priority, within: window) {
        case .granted: break
        case .throttled: return .notSent(.throttled, Evidence(mayHaveLeft: false))
        case .cancelled: return .notSent(.cancelled, Evidence(mayHaveLeft: false))
        }
        let query: String
        do { query = try signed(parameters) } catch {
            return .notSent(.notConnected, Evidence(mayHaveLeft: false, message: error.message))
        }
        let request = VenueRequest(
            method, "\(base)\(path)?\(query)", headers: headers, maximumReplyBytes: 256 << 10, timeout: timeout, window: window,
            isCommand: true)
        return await observed(await http.send(request))
    }

    /// A signed query's whole reply, of whatever status.
    func reply(
        _ path: String, _ parameters: BinanceParameters, weight: Int, priority: OutboundLimiter.Priority = .normal
    ) async throws(BrokerError) -> VenueReply {
        try await admit(weight, priority: priority)
        return try await send("\(base)\(path)?\(try signed(parameters))", headers: headers, limit: 4 << 20)
    }

    /// A signed query, decoded.
    func query<Value: Decodable>(
        _ path: String, _ parameters: BinanceParameters, weight: Int, priority: OutboundLimiter.Priority = .normal, as type: Value.Type
    ) async throws(BrokerError) -> Value {
        try decode(try await reply(path, parameters, weight: weight, priority: priority))
    }

    /// A query that needs no key. `exchangeInfo` of all symbols is tens of megabytes at the live venue.
    func publicQuery<Value: Decodable>(
        _ path: String, weight: Int, limit: Int = 1 << 20, as type: Value.Type
    ) async throws(BrokerError) -> Value {
        try await admit(weight, priority: .normal)
        return try decode(try await send("\(base)\(path)", headers: [], limit: limit))
    }

    /// A request that names the key and is not signed: what the keys of user streams need.
    func keyed(_ method: VenueRequest.Method, _ path: String, _ parameters: BinanceParameters) async throws(BrokerError) -> VenueReply {
        try await admit(1, priority: .urgent)
        let query = parameters.pairs.isEmpty ? "" : "?" + parameters.query
        return try await send("\(base)\(path)\(query)", method, headers: headers, limit: 64 << 10)
    }

    /// Reads the venue's clock and keeps the sample.
    func measureTime() async throws(BrokerError) -> Timestamp {
        try await admit(1, priority: .urgent)
        let sentAt = clock.monotonic
        let reply = try await send("\(base)\(dialect.paths.time)", headers: [], limit: 64 << 10)
        let receivedAt = clock.monotonic
        let answer: BinanceTimeReply = try decode(reply)
        let venueTime = Timestamp(milliseconds: answer.serverTime)
        time.add(venueTime: venueTime, sentAt: sentAt, receivedAt: receivedAt)
        return venueTime
    }

    private var headers: [(name: String, value: String)] { [("X-MBX-APIKEY", signer.apiKey.reveal())] }

    private func signed(_ parameters: BinanceParameters) throws(BrokerError) -> String {
        guard let now = time.now else {
            throw BrokerError(.unavailable, effect: .notSent, "the venue's clock has not been read yet")
        }
        var parameters = parameters
        parameters.add("recvWindow", String(receiveWindow.wholeMilliseconds))
        parameters.add("timestamp", String(now.milliseconds))
        return try signer.signedQuery(parameters)
    }

    func admit(_ weight: Int, priority: OutboundLimiter.Priority) async throws(BrokerError) {
        switch await limits.admit([BinanceDialect.Scope.weight: weight], priority: priority, within: nil) {
        case .granted: return
        case .throttled: throw BrokerError(.rateLimited(retryAfter: nil), effect: .notSent, "held back by the outbound limiter")
        case .cancelled: throw BrokerError(.cancelled, effect: .notSent, "cancelled while waiting for the outbound limiter")
        }
    }

    private func send(
        _ url: String, _ method: VenueRequest.Method = .get, headers: [(name: String, value: String)], limit: Int
    ) async throws(BrokerError) -> VenueReply {
        let request = VenueRequest(method, url, headers: headers, maximumReplyBytes: limit, timeout: timeout, isCommand: false)
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
        guard (200..<300).contains(reply.status) else { throw BinanceOutcomes.queryError(reply) }
        do { return try JSONDecoder().decode(Value.self, from: Data(reply.body)) } catch {
            throw BrokerError(.malformedReply, effect: .unknown, "unreadable reply", underlying: error)
        }
    }

    /// Learns from every reply: used weight, bans, and doubts about our clock.
    private func observed(_ result: Result) async -> Result {
        guard case .replied(let reply) = result else { return result }
        await limits.observe(reply)
        if reply.status >= 400, BinanceOutcomes.errorBody(reply)?.code == -1021 { time.doubt() }
        return result
    }
}
