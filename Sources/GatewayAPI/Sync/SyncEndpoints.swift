import Gateway
import HTTPTypes
import Hummingbird
import StoreContract
import TradingModel

/// Questions to the venue that a person asks for, and what comparisons with it have found.
struct SyncEndpoints: Sendable {
    let gateway: TradingGateway

    func sync(_ endpoint: Endpoint, _ request: Request) async throws -> Response {
        switch endpoint {
        case .orderSync(let name): try await sync(order: name, request)
        case .accountSync(let account): try await sync(account: account, request)
        default: throw Problem.notFound
        }
    }

    private func sync(order name: String, _ request: Request) async throws -> Response {
        _ = try QueryParameters(request, known: [])
        switch try await gateway.sync(order: name) {
        case .noSuchOrder: throw Problem.missing("order", name)
        case .ambiguous(let ids):
            throw Problem(
                status: .conflict, code: "order_ambiguous",
                detail: "Several orders have this id: \(ids.map(\.rawValue).joined(separator: ", ")). Name one by our id.")
        case .done(let sync): return Response(json: sync.row)
        case .neverSent(let order):
            throw Problem(
                status: .conflict, code: "order_never_sent", detail: "The order is \(order.state.rawValue) and was never sent: the venue knows nothing of it.")
        case .unreachable(let order, let why):
            throw Problem(
                status: .serviceUnavailable, code: "venue_unreachable", detail: "The venue gave no answer (\(why)). The order is \(order.state.rawValue) as before.",
                headers: [.retryAfter: "2"])
        case .notNow(let why): throw Self.notNow(why)
        }
    }

    private func sync(account: AccountID, _ request: Request) async throws -> Response {
        let query = try QueryParameters(request, known: ["depth"])
        let depth = try query.text("depth").map { text throws(Problem) in
            guard let depth = ReconciliationRun.Depth(rawValue: text) else { throw .badParameter("depth", "depth must be light or deep.") }
            return depth
        }
        switch await gateway.sync(account: account, depth: depth ?? .deep) {
        case .noSuchAccount: throw Problem.missing("account", account.rawValue)
        case .notNow(let why): throw Self.notNow(why)
        case .done(let report):
            guard report.run.isComplete || report.run.openOrders > 0 || !report.changes.isEmpty else {
                throw Problem(
                    status: .serviceUnavailable, code: "venue_unreachable", detail: "The venue gave no complete answer: \(report.run.problem ?? "")",
                    headers: [.retryAfter: "2"])
            }
            return Response(json: report.row)
        }
    }

    private static func notNow(_ why: String) -> Problem {
        Problem(status: .serviceUnavailable, code: "sync_not_now", detail: "Nothing was asked: \(why)", headers: [.retryAfter: "2"])
    }

    // MARK: What is known

    func watched(_ request: Request) async throws -> Response {
        let query = try QueryParameters(request, known: ["account"])
        let account = try query.text("account")
        return Response(list: await gateway.watchedOrders().filter { account == nil || $0.order.account.rawValue == account }.map { $0.row(at: gateway.wallTime) })
    }

    func external(_ account: AccountID, _ request: Request) async throws -> Response {
        let query = try QueryParameters(request, known: ["limit"])
        try check(account)
        let limit = try query.number("limit", in: 1...1000) ?? 100
        return Response(list: try await gateway.store.externalOrders(of: account, limit: limit).map(\.row))
    }

    func reconciliation(_ account: AccountID, _ request: Request) async throws -> Response {
        let query = try QueryParameters(request, known: ["resolved", "limit"])
        try check(account)
        let findings = try await gateway.store.driftFindings(
            of: account, includeResolved: try query.flag("resolved"), limit: try query.number("limit", in: 1...1000) ?? 100)
        var body = JSONObject()
        body.add("account", account)
        body.add("halt", json: try await gateway.store.halts().first { $0.account == account }?.row)
        body.add("findings", list: findings.map(\.row))
        body.add("runs", list: try await gateway.store.reconciliationRuns(of: account).map(\.row))
        return Response(json: body.json)
    }

    private func check(_ account: AccountID) throws(Problem) {
        guard gateway.settings.accounts.contains(where: { $0.id == account }) else { throw .missing("account", account.rawValue) }
    }
}

extension Endpoint {
    /// Whether a person asks the venue there. It changes nothing at the venue, but costs of its request limits.
    var isSync: Bool {
        switch self {
        case .orderSync, .accountSync: true
        default: false
        }
    }
}
