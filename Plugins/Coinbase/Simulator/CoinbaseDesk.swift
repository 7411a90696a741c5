import SimulatorKit
import Synchronization
import TradingModel

/// Takes requests: limits, tokens, faults, the engine, the log.
struct CoinbaseDesk: Sendable {
    let engine: CoinbaseEngine
    let controls: SimulatorControls
    let limits: CoinbaseLimits
    let keys: [String: CoinbasePublicKey]
    let acceptsUnknownKeys: Bool

    func answer(_ request: CoinbaseRequest) async throws -> WireReply<SimulatorReply> {
        let now = engine.exchange.now
        let (reply, fault) = try await controls.faults.perform(
            request.faultPoint, symbol: request.symbol, clock: engine.clock, replies: replies(request)
        ) { fault in
            work(request, arrivedAt: now, fault: fault)
        }
        let outcome: String =
            switch reply {
            case .reply(let answer), .truncated(let answer, _): String(answer.status)
            case .drop: "dropped"
            case .garbage: "garbage"
            }
        controls.log.add(method: request.method, path: request.path, parameters: request.logged, at: now, outcome: outcome, fault: fault)
        return reply
    }

    private func work(_ request: CoinbaseRequest, arrivedAt: Timestamp, fault: Fault?) -> SimulatorReply {
        var reply: SimulatorReply
        var headers: [(name: String, value: String)] = []
        do throws(CoinbaseError) {
            let account = try request.isPublic ? "" : self.account(request.token, uris: request.uris, at: arrivedAt)
            let used = try limits.add(request.isPublic ? nil : account, at: arrivedAt)
            headers = [
                ("x-ratelimit-limit", String(used.limit)), ("x-ratelimit-remaining", String(max(0, used.limit - used.count))),
                ("x-ratelimit-reset", "1"),
            ]
            reply = SimulatorReply(
                status: 200, body: try engine.perform(request, account: account, fault: fault).text, contentType: "application/json")
        } catch {
            reply = error.reply
        }
        reply.headers += headers
        return reply
    }

    /// The account of a token, which is its key.
    ///
    /// - Parameter uris: Nil for the WebSocket.
    func account(_ text: String?, uris: Set<String>?, at now: Timestamp) throws(CoinbaseError) -> String {
        guard let token = text.flatMap(CoinbaseToken.init) else { throw .unauthorized }
        let key = keys[token.keyName]
        guard key != nil || acceptsUnknownKeys, token.isGood(at: now, uris: uris, key: key) else { throw .unauthorized }
        return token.keyName
    }

    // MARK: Faults in the venue's words

    private func replies(_ request: CoinbaseRequest) -> FaultReplies<SimulatorReply> {
        FaultReplies(
            status: { status, fault in
                // What its load balancers send is not JSON.
                guard status != 500 else { return CoinbaseError(status: 500, id: "internal_server_error", fault.message ?? "").reply }
                return SimulatorReply(status: status, body: fault.message ?? "upstream connect error", contentType: "text/plain")
            },
            reject: { fault in Self.rejection(request, fault) },
            rateLimit: { _ in CoinbaseError.tooMany.reply })
    }

    /// `message` is the venue's code; with a `status` it comes in the gateway's shape.
    private static func rejection(_ request: CoinbaseRequest, _ fault: Fault) -> SimulatorReply {
        if let status = fault.status { return CoinbaseError(status: status, fault.message ?? "INVALID_ARGUMENT", "refused").reply }
        switch request.operation {
        case .place:
            let configuration = request.body["order_configuration"] ?? .object([])
            return SimulatorReply(json: CoinbaseRefusal(fault.message ?? "INSUFFICIENT_FUND", "refused").json(configuration))
        case .edit: return SimulatorReply(json: CoinbaseEngine.editFailure(fault.message ?? "COMMANDER_REJECTED_EDIT_ORDER"))
        case .cancel:
            guard case .array(let ids)? = request.body["order_ids"] else { return CoinbaseError.argument("order_ids is required").reply }
            let results = ids.map { id in
                JSONValue.object(["success": false, "failure_reason": .string(fault.message ?? "COMMANDER_REJECTED_CANCEL_ORDER"), "order_id": id])
            }
            return SimulatorReply(json: .object(["results": .array(results)]))
        case .order: return CoinbaseError.noSuchOrder.reply
        default: return CoinbaseError.argument(fault.message ?? "refused").reply
        }
    }
}

/// Requests in the current second, of each key and of the public.
final class CoinbaseLimits: Sendable {
    /// Source: as in the adapter's README; the current documentation has no figure.
    static let ofAccount = 30
    static let ofPublic = 10

    private let counts = Mutex<[String: (second: Int64, count: Int)]>([:])
    private let isEnforced: Bool

    init(isEnforced: Bool) { self.isEnforced = isEnforced }

    func reset() { counts.withLock { $0.removeAll() } }

    /// - Parameter account: Nil for the public.
    func add(_ account: String?, at now: Timestamp) throws(CoinbaseError) -> (count: Int, limit: Int) {
        let limit = account == nil ? Self.ofPublic : Self.ofAccount
        let second = now.milliseconds / 1000
        let count = counts.withLock { counts in
            let old = counts[account ?? ""] ?? (second, 0)
            counts[account ?? ""] = old.second == second ? (second, old.count + 1) : (second, 1)
            return counts[account ?? ""]?.count ?? 1
        }
        guard !isEnforced || count <= limit else { throw .tooMany }
        return (count, limit)
    }
}
