import AdapterKit
import BrokerContract
import Foundation
import TradingModel

/// Limited REST calls with the account's key. Knows how to ask; what an answer means is in `Mapping`.
struct NewVenueClient: Sendable {
    private let http: VenueHTTPClient
    private let limiter: OutboundLimiter
    private let clock: any TradingClock
    private let base: String
    private let key: Secret
    private let timeout: Duration

    init(_ configuration: NewVenueConfiguration, clock: any TradingClock) throws(BrokerError) {
        guard let rest = configuration.rest?.absoluteString else {
            throw BrokerError(.invalidRequest, effect: .notSent, "the REST endpoint is missing")
        }
        http = VenueHTTPClient(clock: clock, connectTimeout: configuration.connectTimeout)
        // A fifth of the limit is kept for cancels and queries.
        limiter = OutboundLimiter(
            limits: NewVenueDialect.semantics.rateLimits, reservePercent: [NewVenueDialect.requests: 20], clock: clock)
        self.clock = clock
        base = rest.hasSuffix("/") ? String(rest.dropLast()) : rest
        key = configuration.key
        timeout = configuration.requestTimeout
    }

    /// How the venue knows the account.
    private var headers: [(name: String, value: String)] { [("X-API-Key", key.reveal())] }

    /// One command, at most one request.
    ///
    /// - Parameter path: With its query, percent-encoded.
    func command(
        _ method: VenueRequest.Method, _ path: String, body: WireJSON?, priority: OutboundLimiter.Priority, within window: SendWindow
    ) async -> VenueHTTPResult {
        guard window.isOpen(at: clock.monotonic) else { return .notSent(.windowClosed, Evidence(mayHaveLeft: false)) }
        switch await limiter.admit([NewVenueDialect.requests: 1], priority: priority, within: window) {
        case .granted: break
        case .throttled: return .notSent(.throttled, Evidence(mayHaveLeft: false))
        case .cancelled: return .notSent(.cancelled, Evidence(mayHaveLeft: false))
        }
        let kind: [(name: String, value: String)] = body == nil ? [] : [("Content-Type", "application/json")]
        let request = VenueRequest(
            method, base + path, headers: headers + kind, body: body?.text, maximumReplyBytes: 256 << 10, timeout: timeout, window: window,
            isCommand: true)
        return await observed(await http.send(request))
    }

    /// A query's reply, of whatever status; the path with its query, percent-encoded.
    func reply(_ path: String) async throws(BrokerError) -> VenueReply {
        switch await limiter.admit([NewVenueDialect.requests: 1], priority: .urgent, within: nil) {
        case .granted: break
        case .throttled: throw BrokerError(.rateLimited(retryAfter: nil), effect: .notSent, "held back by the outbound limiter")
        case .cancelled: throw BrokerError(.cancelled, effect: .notSent, "cancelled while waiting for the outbound limiter")
        }
        let request = VenueRequest(.get, base + path, headers: headers, timeout: timeout, isCommand: false)
        switch await observed(await http.send(request)) {
        case .replied(let reply): return reply
        case .notSent(.cancelled, _), .unknown(.cancelled, _): throw BrokerError(.cancelled, effect: .unknown, "cancelled")
        case .notSent(let reason, let evidence): throw BrokerError(.unavailable, effect: .notSent, "\(reason.rawValue): \(evidence.message ?? "")")
        case .unknown(.timedOut, _): throw BrokerError(.timedOut, effect: .unknown, "no reply in time")
        case .unknown(.unreadableReply, let evidence): throw BrokerError(.malformedReply, effect: .unknown, evidence.message ?? "")
        case .unknown(let cause, let evidence): throw BrokerError(.unavailable, effect: .unknown, "\(cause.rawValue): \(evidence.message ?? "")")
        }
    }

    /// A query's reply as JSON; whatever is not success is an error.
    func query(_ path: String) async throws(BrokerError) -> WireJSON {
        let reply = try await reply(path)
        guard NewVenueOutcomes.isSuccess(reply) else { throw NewVenueOutcomes.queryError(reply) }
        do { return try WireJSON(parsing: reply.body) } catch {
            throw BrokerError(.malformedReply, effect: .unknown, "unreadable reply", underlying: error)
        }
    }

    /// After a refusal for too many requests nothing goes out before the venue allows it.
    private func observed(_ result: VenueHTTPResult) async -> VenueHTTPResult {
        if case .replied(let reply) = result, reply.status == 429 {
            await limiter.blockUntil(clock.monotonic + (NewVenueOutcomes.retryAfter(reply) ?? .seconds(60)))
        }
        return result
    }
}
