import HTTPTypes
import Hummingbird
import LockContract
import Logging
import NIOHTTP1
import StoreContract

/// Answers every request: finds the endpoint, guards it, and turns what is thrown into a problem.
struct APIResponder: HTTPResponder {
    let hooks: HookEndpoint
    let health: HealthEndpoints
    let reads: ReadEndpoints
    let events: EventEndpoint
    let cancels: CancelEndpoint
    let syncs: SyncEndpoints
    let monitoring: MonitoringEndpoints
    let operations: OperatorEndpoints
    let readers: BearerTokens
    let traders: BearerTokens
    let admins: BearerTokens
    let deadlines: BodyDeadlines
    let logger: Logger

    func respond(to request: Request, context: APIContext) async throws -> Response {
        let correlation = Correlation(request.headers)
        var response: Response
        var isBodyUnread = request.hasBody
        var endsConnection = false
        do {
            let endpoint = Endpoint(path: request.uri.path)
            if case .hook(let source, let secret) = endpoint, request.method == .post {
                try hooks.check(request.headers)
                isBodyUnread = false
                response = try await hooks.respond(to: request, source: source, secret: secret, context, correlation)
            } else if case .order(let id) = endpoint, request.method == .delete {
                try traders.authorize(request.headers)
                response = try await cancels.cancel(id, request, correlation)
            } else if let endpoint, endpoint.isSync, request.method == .post {
                try traders.authorize(request.headers)
                response = try await syncs.sync(endpoint, request)
            } else if endpoint == .orders, request.method == .post {
                try traders.authorize(request.headers)
                try hooks.check(request.headers)
                isBodyUnread = false
                response = try await hooks.place(request, context, correlation)
            } else if let endpoint, endpoint.isDecision, request.method == .post {
                try admins.authorize(request.headers)
                try OperatorBody.check(request.headers)
                isBodyUnread = false
                response = try await operations.decide(endpoint, request, context)
            } else {
                response = try await read(endpoint, request)
            }
        } catch let error as HTTPParserError {
            throw error
        } catch {
            let problem = problem(for: error, correlation)
            endsConnection = problem.endsConnection
            response = problem.response(requestID: correlation.requestID)
        }
        if let name = Correlation.requestIDHeader { response.headers[name] = correlation.requestID }
        if let name = Self.contentTypeOptions { response.headers[name] = "nosniff" }
        if request.method == .head { response = response.createHeadResponse() }
        if isBodyUnread {
            response = response.closingConnection { try await deadlines.drain(request.body, of: context.channel) }
        } else if endsConnection {
            response = response.closingConnection()
        }
        return response
    }

    private func read(_ endpoint: Endpoint?, _ request: Request) async throws -> Response {
        // Who may not read does not learn which paths exist.
        let path = request.uri.path
        if path == "/api" || path.hasPrefix("/api/") { try readers.authorize(request.headers) }
        guard let endpoint else { throw Problem.notFound }
        guard endpoint.methods.contains(request.method) else { throw Problem.methodNotAllowed(endpoint.methods) }
        switch endpoint {
        case .hook, .decision, .bust, .unlock, .deadLetter, .orderSync, .accountSync, .resume: throw Problem.methodNotAllowed(endpoint.methods)
        case .livez: return try health.live(request)
        case .readyz: return try await health.ready(request, showsDetails: readers.carriesToken(request.headers))
        case .signals: return try await reads.signals(request)
        case .signal(let id): return try await reads.signal(id, request)
        case .orders: return try await reads.orders(request)
        case .order(let id): return try await reads.order(id, request)
        case .positions: return try await reads.positions(request)
        case .accounts: return try await reads.accounts(request)
        case .adapters: return try reads.adapters(request)
        case .alerts: return try await reads.alerts(request)
        case .events: return try await events.stream(request)
        case .stream: throw Problem.webSocketOnly
        case .locks: return try await monitoring.locks(request)
        case .lock(let account): return try await monitoring.lock(account, request)
        case .workers: return try await monitoring.workers(request)
        case .queue: return try await monitoring.queue(request)
        case .pools: return try await monitoring.pools(request)
        case .transactions: return try await monitoring.transactions(request)
        case .deadLetters: return try await monitoring.deadLetters(request)
        case .watchedOrders: return try await syncs.watched(request)
        case .externalOrders(let account): return try await syncs.external(account, request)
        case .reconciliation(let account): return try await syncs.reconciliation(account, request)
        }
    }

    private func problem(for error: any Error, _ correlation: Correlation) -> Problem {
        if let problem = error as? Problem { return problem }
        let problem = (error as? StoreError).map(Problem.init) ?? (error as? LockError).map(Problem.init) ?? .internalError
        logger.error(
            "request failed", metadata: ["request_id": "\(correlation.requestID)", "code": "\(problem.code)", "error": "\(error)"])
        return problem
    }

    private static let contentTypeOptions = HTTPField.Name("X-Content-Type-Options")
}
