import BrokerContract
import FailPoints
import Logging
import OrderFlow
import RateLimitContract
import StoreContract
import Synchronization
import TradingModel

/// Takes webhooks: authenticates, reads, recognises copies, limits, plans, stores, and only then answers yes.
final class Admissions: Sendable {
    private struct Source: Sendable {
        let settings: SourceSettings
        let signatures: StandardWebhooks?
    }

    private let sources: [SourceID: Source]
    private let planner: Planner
    private let clientOrderIDRules: [AccountID: ClientOrderIDRules]
    private let bracketAccounts: Set<AccountID>
    private let settings: GatewaySettings
    private let store: LimitedStore
    private let alerts: AlertDesk
    private let clock: any TradingClock
    private let logger: Logger
    private let coarse = SlidingWindowLimiter()
    private let host: any GatewayHost
    /// The last signal could not be stored: the next success resolves the alert.
    private let isDegraded = Mutex(false)
    private let onAdmitted: @Sendable ([OrderRecord]) -> Void

    init(
        settings: GatewaySettings, clientOrderIDRules: [AccountID: ClientOrderIDRules], bracketAccounts: Set<AccountID>, store: any OrderStore, limiter: (any RateLimiter)?,
        alerts: AlertDesk, clock: any TradingClock, logger: Logger, host: any GatewayHost, onAdmitted: @escaping @Sendable ([OrderRecord]) -> Void
    ) {
        self.settings = settings
        self.store = LimitedStore(store, limiter: limiter, alerts: alerts, clock: clock)
        self.alerts = alerts
        self.clock = clock
        self.logger = logger
        self.host = host
        self.onAdmitted = onAdmitted
        self.clientOrderIDRules = clientOrderIDRules
        self.bracketAccounts = bracketAccounts
        planner = Planner(strategies: settings.strategies, clientOrderIDRules: clientOrderIDRules, bracketAccounts: bracketAccounts)
        sources = Dictionary(
            settings.sources.map { source in
                (source.id, Source(settings: source, signatures: StandardWebhooks(keys: source.signingKeys, tolerance: source.signatureTolerance)))
            }, uniquingKeysWith: { first, _ in first })
    }

    func receive(_ request: HookRequest) async -> HookAnswer {
        let now = clock.wallTime
        let address = ClientAddress.of(peer: request.peerAddress, forwardedFor: request.headers["x-forwarded-for"], trusted: settings.trustedProxies)
        let coarseRule = RateRule(key: address, limit: settings.coarseLimitPerSecond, interval: .seconds(1))
        if let wait = coarse.take(coarseRule, at: clock.monotonic) { return tooMany(request, wait, "requests from this address") }
        guard let source = sources[request.source] else {
            return Answers.problem(404, "unknown_source", "No such source", "there is no source \"\(request.source.rawValue.prefix(64))\"", request: request)
        }
        if !source.settings.allow.isEmpty, !source.settings.allow.contains(where: { $0.contains(address) }) {
            return await denied(403, "address_not_allowed", source, address, request)
        }
        if !source.settings.signingKeys.isEmpty {
            guard let signatures = source.signatures, (try? signatures.verify(headers: request.headers, body: request.body, at: now)) != nil else {
                return await denied(401, "invalid_signature", source, address, request)
            }
        }
        if let secret = request.pathSecret, !matches(secret, source) { return await denied(401, "invalid_secret", source, address, request) }

        let payload: NativePayload
        do { payload = try NativePayload(request.body) } catch { return Answers.problem(error, request: request) }
        if request.pathSecret == nil, !source.settings.secrets.isEmpty, !matches(payload.secret ?? "", source) {
            return await denied(401, "invalid_secret", source, address, request)
        }
        failPoint("admission.parsed")
        return await admit(payload, by: planner, source.settings, address, request, now)
    }

    /// Takes an order that a person places: authenticated before, with an idempotency key, and otherwise like a signal.
    ///
    /// A field `account` says where it goes, beside or instead of `strategy`.
    func place(_ request: HookRequest) async -> HookAnswer {
        guard let key = request.headers["idempotency-key"], !key.isEmpty else {
            return Answers.problem(
                400, "idempotency_key_missing", "The key is missing", "send a header Idempotency-Key of your own; with the same key a repeat trades nothing",
                request: request)
        }
        do {
            let payload = try NativePayload(request.body)
            let strategies = try ManualOrders.targets(
                strategy: payload.text(of: "strategy"), account: payload.text(of: "account"), symbol: payload.text(of: "symbol"), in: settings)
            let address = ClientAddress.of(peer: request.peerAddress, forwardedFor: request.headers["x-forwarded-for"], trusted: settings.trustedProxies)
            return await admit(
                payload, by: Planner(strategies: strategies, clientOrderIDRules: clientOrderIDRules, bracketAccounts: bracketAccounts),
                ManualOrders.settings, address, request, clock.wallTime, ownField: "account")
        } catch {
            return Answers.problem(error, request: request)
        }
    }

    // MARK: Steps

    private func matches(_ candidate: String, _ source: Source) -> Bool {
        // All are compared, so that the time taken does not tell which one was near.
        source.settings.secrets.reduce(false) { found, secret in secret.matches(candidate) || found }
    }

    /// - Parameter ownField: A field that this way of sending has beside those of every signal.
    private func admit(
        _ payload: NativePayload, by planner: Planner, _ source: SourceSettings, _ address: String, _ request: HookRequest, _ now: Timestamp,
        ownField: String? = nil
    ) async -> HookAnswer {
        let signal: TradeSignal
        let signalID: SignalID
        let orders: [OrderRecord]
        let expiresAt: Timestamp
        do {
            signal = try payload.signal(keyField: source.dedupeField ?? ownField)
            var random = HostRandom(host: host)
            signalID = Minting.signalID(at: now, using: &random)
            let maximumAge = min(signal.maximumAge ?? source.maxAge, source.maxAge)
            // A sender whose clock is ahead gains no time.
            expiresAt = min(signal.firedAt ?? now, now) + maximumAge
            orders = try planner.plan(
                signal, Planner.Context(signalID: signalID, source: source.id, receivedAt: now, expiresAt: expiresAt, requestID: request.requestID))
        } catch {
            return Answers.problem(error, request: request)
        }
        failPoint("admission.planned")
        let isManual = source.id == ManualOrders.source
        let header = isManual ? request.headers["idempotency-key"] : request.headers["webhook-id"] ?? request.headers["idempotency-key"]
        if let header, header.utf8.count > 256 {
            return Answers.problem(400, "invalid_idempotency_key", "The key is too long", "an idempotency key has at most 256 bytes", request: request)
        }
        let (key, bodyHash) = SignalKeys.derive(
            header: header, field: source.dedupeField.flatMap(payload.text(of:)), payloadKey: signal.key, canonicalPayload: payload.canonicalText)
        let shownKey = SignalKeys.shown(key, source: source.id)
        let isStale = now >= expiresAt
        let answer =
            isStale
            ? StoredAnswer(status: 200, body: Answers.stale(signalID, key: shownKey, age: now - (signal.firedAt ?? now)))
            : StoredAnswer(status: 202, body: Answers.accepted(signalID, key: shownKey, orders: orders, namingOrders: isManual))
        let record = SignalRecord(
            id: signalID, source: source.id, key: key, bodyHash: bodyHash, body: payload.redactedText, verdict: isStale ? .stale : .accepted,
            strategy: signal.strategy, receivedAt: now, firedAt: signal.firedAt, clientAddress: address, requestID: request.requestID,
            traceparent: request.traceparent, answer: answer)
        let rule = source.rateLimit.map { RateRule(key: "rate_limit:\(source.id):\(address)", limit: $0.requests, interval: $0.per) }
        let admission = Admission(signal: record, orders: isStale ? [] : orders, window: source.dedupeWindow, rate: rule)
        do {
            let result = try await store.admit(admission)
            if isDegraded.withLock({ isDegraded in defer { isDegraded = false }; return isDegraded }) {
                await alerts.clear("store_failing", subject: "store")
            }
            return await outcome(result, to: admission, request)
        } catch {
            isDegraded.withLock { $0 = true }
            await alerts.raise("store_failing", .critical, subject: "store", "a signal could not be stored: \(error)")
            return Answers.problem(
                503, "not_stored", "The signal could not be stored", "send it again; nothing was traded", request: request, headers: ["Retry-After": "5"])
        }
    }

    private func outcome(_ result: AdmissionResult, to admission: Admission, _ request: HookRequest) async -> HookAnswer {
        let signal = admission.signal
        switch result {
        case .admitted:
            failPoint("admission.committed")
            if !admission.orders.isEmpty { onAdmitted(admission.orders) }
            logger.info(
                "signal",
                metadata: [
                    "signal_id": .string(signal.id.rawValue), "source": .string(signal.source.rawValue), "request_id": .string(signal.requestID),
                    "verdict": .string(signal.verdict.rawValue), "orders": .stringConvertible(admission.orders.count),
                ])
            return Answers.stored(signal.answer, signal: signal.id, isReplay: false)
        case .duplicate(let first, let stored):
            logger.info("duplicate signal", metadata: ["signal_id": .string(first.rawValue), "request_id": .string(signal.requestID)])
            return Answers.stored(stored, signal: first, isReplay: true)
        case .conflict(let first):
            await alerts.raise(
                "idempotency_conflict", .high, subject: "signal:\(first)", "source \(signal.source) sent another payload under the key of signal \(first); nothing was traded")
            return Answers.problem(
                422, "idempotency_conflict", "The key was used with another payload",
                "the key of this signal belongs to signal \(first), whose payload differs; nothing was traded", request: request)
        case .rateLimited(let wait):
            return tooMany(request, wait, "signals of this source")
        }
    }

    private func tooMany(_ request: HookRequest, _ wait: Duration, _ what: String) -> HookAnswer {
        let seconds = max(1, (wait.wholeMilliseconds + 999) / 1000)
        return Answers.problem(
            429, "rate_limited", "Too many requests", "too many \(what); try again in \(seconds) s", request: request,
            headers: ["Retry-After": String(seconds)])
    }

    private func denied(_ status: Int, _ code: String, _ source: Source, _ address: String, _ request: HookRequest) async -> HookAnswer {
        await alerts.raise("authentication_failed", .medium, subject: "source:\(source.settings.id)", "\(code) from \(address)")
        return Answers.problem(status, code, "Not allowed", "the request is not authenticated for this source", request: request)
    }
}
