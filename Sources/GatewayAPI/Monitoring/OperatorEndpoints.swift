import Gateway
import HTTPTypes
import Hummingbird
import LockContract
import StoreContract
import TradingModel

/// What operators decide, under the admin token: taking a lock away, and what becomes of dead letters. Everything goes to the journal
/// with who and why.
struct OperatorEndpoints: Sendable {
    let gateway: TradingGateway
    let deadlines: BodyDeadlines

    func decide(_ endpoint: Endpoint, _ request: Request, _ context: APIContext) async throws -> Response {
        _ = try QueryParameters(request, known: [])
        let bytes = try await deadlines.limiting(context.channel) { try await HookEndpoint.read(request) }
        switch endpoint {
        case .unlock(let account): return try await unlock(account, OperatorBody(bytes, known: ["expected_fence", "reason", "actor"]))
        case .deadLetter(let order, let decision): return try await decide(order, decision, OperatorBody(bytes, known: ["reason", "actor"]))
        default: throw Problem.notFound
        }
    }

    private func unlock(_ account: AccountID, _ body: OperatorBody) async throws -> Response {
        let request = UnlockRequest(
            account: account, expected: try body.fence("expected_fence"), actor: try body.text("actor"), reason: try body.text("reason"))
        switch try await gateway.unlock(request) {
        case .noSuchAccount: throw Problem.missing("account", account.rawValue)
        case .fenceChanged(let status):
            let now = status.holder == nil ? "nobody holds it" : "it is held under the fence \(status.fence?.description ?? "?")"
            throw Problem(status: .conflict, code: "fence_changed", detail: "The lock of \(account) moved on, \(now). Nothing was done.")
        case .released(let before, let tenure):
            var row = JSONObject()
            row.add("account", account)
            row.add("released_fence", before.fence)
            row.add("holder", json: before.holder?.row)
            row.add("tenure", json: tenure?.row)
            return Response(json: row.json)
        }
    }

    private func decide(_ id: OrderID, _ decision: DeadLetterDecision, _ body: OperatorBody) async throws -> Response {
        let (actor, reason) = (try body.text("actor"), try body.text("reason"))
        do {
            return Response(json: try await gateway.decide(id, decision, by: actor, reason: reason).row)
        } catch StoreError.notFound {
            throw Problem(status: .notFound, code: "dead_letter_not_found", detail: "No dead letter has the order id \(id.rawValue.prefix(64)).")
        }
    }
}

extension Endpoint {
    /// Whether an operator decides something there.
    var isDecision: Bool {
        switch self {
        case .unlock, .deadLetter: true
        default: false
        }
    }
}
