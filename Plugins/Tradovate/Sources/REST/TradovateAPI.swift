import AdapterKit
import BrokerContract
import Foundation
import TradingModel

/// REST calls of one user: bearer token, limits, penalties. What an answer means is in `Mapping`.
struct TradovateAPI: Sendable {
    let limiter: OutboundLimiter
    let token: TokenBox
    let clock: any TradingClock
    let lockPause: Duration
    private let penalties = PenaltyBox()
    private let http: VenueHTTPClient
    private let base: String
    private let timeout: Duration

    init(_ configuration: TradovateConfiguration, clock: any TradingClock) throws(BrokerError) {
        guard let base = configuration.restBase else {
            throw BrokerError(.invalidRequest, effect: .notSent, "the REST endpoint is missing")
        }
        self.base = base
        self.clock = clock
        limiter = OutboundLimiter(
            limits: TradovateDialect.rateLimits, reservePercent: TradovateDialect.reservePercent, clock: clock)
        token = TokenBox()
        http = VenueHTTPClient(clock: clock, connectTimeout: configuration.connectTimeout)
        timeout = configuration.requestTimeout
        lockPause = configuration.lockPause
    }

    // MARK: Commands

    /// One command, at most one request. The token is read after the limiter, so that a wait does not make it old.
    func command(
        _ path: String, _ body: WireJSON, priority: OutboundLimiter.Priority, within window: SendWindow
    ) async -> VenueHTTPResult {
        guard token.current != nil else { return Self.notConnected }
        guard window.isOpen(at: clock.monotonic) else { return .notSent(.windowClosed, Evidence(mayHaveLeft: false)) }
        if let penalty = penalties.entry(for: path), penalty.until > clock.monotonic {
            guard penalty.until < window.notAfter else {
                return .notSent(.throttled, Evidence(mayHaveLeft: false, message: "the venue holds \(path) back by a penalty"))
            }
            do { try await clock.sleep(for: penalty.until - clock.monotonic) } catch {
                return .notSent(.cancelled, Evidence(mayHaveLeft: false))
            }
        }
        switch await limiter.admit([TradovateDialect.Scope.requests: 1], priority: priority, within: window) {
        case .granted: break
        case .throttled: return .notSent(.throttled, Evidence(mayHaveLeft: false))
        case .cancelled: return .notSent(.cancelled, Evidence(mayHaveLeft: false))
        }
        guard let bearer = token.current else { return Self.notConnected }
        let ticketed = penalties.takeTicket(for: path).map { body.adding("p-ticket", .string($0)) } ?? body
        let request = VenueRequest(
            .post, "\(base)/v1\(path)", headers: Self.headers(bearer) + [("Content-Type", "application/json")], body: ticketed.text,
            maximumReplyBytes: 256 << 10, timeout: timeout, window: window, isCommand: true)
        return await observed(await http.send(request), path: path)
    }

    private static var notConnected: VenueHTTPResult {
        .notSent(.notConnected, Evidence(mayHaveLeft: false, message: "no session"))
    }

    // MARK: Queries

    /// A query's JSON. A body that tells a failure is an error, although its status is 200.
    func query(
        _ path: String, _ parameters: KeyValuePairs<String, String> = [:], priority: OutboundLimiter.Priority = .normal
    ) async throws(BrokerError) -> WireJSON {
        if let penalty = penalties.entry(for: path), penalty.until > clock.monotonic {
            throw BrokerError(
                .rateLimited(retryAfter: penalty.until - clock.monotonic), effect: .notSent, "the venue holds \(path) back by a penalty")
        }
        try await admit([TradovateDialect.Scope.requests: 1], priority: priority)
        guard let bearer = token.current else { throw BrokerError(.unavailable, effect: .notSent, "no session") }
        var pairs = parameters.map { "\(percentEncoded($0.key))=\(percentEncoded($0.value))" }
        if let ticket = penalties.takeTicket(for: path) { pairs.append("p-ticket=\(percentEncoded(ticket))") }
        let url = "\(base)/v1\(path)\(pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))"
        return try decode(try await send(VenueRequest(
            .get, url, headers: Self.headers(bearer), maximumReplyBytes: 32 << 20, timeout: timeout, isCommand: false), path: path))
    }

    func list(
        _ path: String, _ parameters: KeyValuePairs<String, String> = [:], priority: OutboundLimiter.Priority = .normal
    ) async throws(BrokerError) -> [WireJSON] {
        guard let rows = try await query(path, parameters, priority: priority).array else {
            throw BrokerError(.malformedReply, effect: .unknown, "\(path) answered no list")
        }
        return rows
    }

    // MARK: Session

    /// Asks for a token. The reply comes whole, of whatever status: its many forms are the keeper's to read.
    func requestToken(_ body: WireJSON) async throws(BrokerError) -> VenueReply {
        try await admit([TradovateDialect.Scope.requests: 1], priority: .urgent)
        return try await send(VenueRequest(
            .post, "\(base)/v1/auth/accesstokenrequest", headers: [("Accept", "application/json"), ("Content-Type", "application/json")],
            body: body.text, maximumReplyBytes: 64 << 10, timeout: timeout, isCommand: false), path: "/auth/accesstokenrequest")
    }

    /// A new token for the same session.
    func renewToken(_ bearer: Secret) async throws(BrokerError) -> VenueReply {
        try await admit([TradovateDialect.Scope.requests: 1, TradovateDialect.Scope.renewals: 1], priority: .urgent)
        return try await send(VenueRequest(
            .get, "\(base)/v1/auth/renewaccesstoken", headers: Self.headers(bearer), maximumReplyBytes: 64 << 10, timeout: timeout,
            isCommand: false), path: "/auth/renewaccesstoken")
    }

    func admit(_ costs: [String: Int], priority: OutboundLimiter.Priority) async throws(BrokerError) {
        switch await limiter.admit(costs, priority: priority, within: nil) {
        case .granted: return
        case .throttled: throw BrokerError(.rateLimited(retryAfter: nil), effect: .notSent, "held back by the outbound limiter")
        case .cancelled: throw BrokerError(.cancelled, effect: .notSent, "cancelled while waiting for the outbound limiter")
        }
    }

    // MARK: Wire

    private static func headers(_ bearer: Secret) -> [(name: String, value: String)] {
        [("Accept", "application/json"), ("Authorization", "Bearer \(bearer.reveal())")]
    }

    private func send(_ request: VenueRequest, path: String) async throws(BrokerError) -> VenueReply {
        switch await observed(await http.send(request), path: path) {
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

    private func decode(_ reply: VenueReply) throws(BrokerError) -> WireJSON {
        switch reply.status {
        case 200: break
        case 401: throw BrokerError(.unauthenticated, effect: .refused, "HTTP 401 \(reply.text.prefix(100))")
        case 404: throw BrokerError(.notFound, effect: .refused, "the venue has no such entity")
        case 408: throw BrokerError(.unauthenticated, effect: .refused, "a newer session has displaced this one")
        case 423, 429: throw BrokerError(.rateLimited(retryAfter: lockPause), effect: .refused, "HTTP \(reply.status)")
        case 400..<500: throw BrokerError(.invalidRequest, effect: .refused, "HTTP \(reply.status) \(reply.text.prefix(100))")
        default: throw BrokerError(.unavailable, effect: .unknown, "HTTP \(reply.status)")
        }
        let json: WireJSON
        do { json = try WireJSON(parsing: reply.body) } catch {
            throw BrokerError(.malformedReply, effect: .unknown, "unreadable reply", underlying: error)
        }
        if let penalty = TradovateReply.Penalty(json) {
            throw BrokerError(.rateLimited(retryAfter: penalty.wait), effect: .refused, "the venue answered with a penalty ticket")
        }
        if let text = json["errorText"]?.string, !text.isEmpty { throw BrokerError(.invalidRequest, effect: .refused, text) }
        return json
    }

    /// Learns from every reply: locks, penalties, and doubts about the token.
    private func observed(_ result: VenueHTTPResult, path: String) async -> VenueHTTPResult {
        guard case .replied(let reply) = result else { return result }
        switch reply.status {
        case 200 where reply.body.count < 4096:
            if let json = try? WireJSON(parsing: reply.body), let penalty = TradovateReply.Penalty(json) {
                penalties.add(penalty, for: path, now: clock.monotonic, captchaPause: lockPause)
            }
        case 401: token.doubt()
        case 408: token.drop()
        // Trying on would prolong the lock. Source: core-concepts/rate-limits.
        case 423, 429: await limiter.blockUntil(clock.monotonic + lockPause)
        default: break
        }
        return result
    }
}
