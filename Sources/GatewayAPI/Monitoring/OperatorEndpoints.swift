import Gateway
import HTTPTypes
import Hummingbird
import LockContract
import OrderFlow
import StoreContract
import TradingModel

/// What operators decide, under the admin token: taking a lock away, and what becomes of parked orders and dead letters. Everything goes to the journal
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
        case .resume(let account): return try await resume(account, OperatorBody(bytes, known: ["reason", "actor"]))
        case .decision(let order):
            return try await decide(order, OperatorBody(bytes, known: ["decision", "reason", "actor", "venue_order_id"]))
        case .bust(let order): return try await takeBack(order, OperatorBody(bytes, known: ["execution_id", "reason", "actor"]))
        default: throw Problem.notFound
        }
    }

    private func resume(_ account: AccountID, _ body: OperatorBody) async throws -> Response {
        let (actor, reason) = (try body.text("actor"), try body.text("reason"))
        guard gateway.settings.accounts.contains(where: { $0.id == account }) else { throw Problem.missing("account", account.rawValue) }
        let released: AccountHalt
        do throws(StoreError) { released = try await gateway.resume(account, by: actor, reason: reason) } catch {
            guard case .notFound = error else { throw error }
            throw Problem(status: .conflict, code: "account_not_halted", detail: "The account \(account) is not halted: there is nothing to release.")
        }
        return Response(json: released.row)
    }

    private func takeBack(_ id: OrderID, _ body: OperatorBody) async throws -> Response {
        let person = Deciding.Operator(actor: try body.text("actor"), reason: try body.text("reason"))
        let execution = ExecutionID(try body.text("execution_id"))
        switch try await gateway.takeBack(execution, of: id, by: person) {
        case .done(let position): return Response(json: position.row(nil))
        case .noSuchFill:
            throw Problem(status: .notFound, code: "fill_not_found", detail: "The order \(id.rawValue.prefix(64)) has no such fill.")
        case .doneBefore(let why): throw Problem(status: .conflict, code: "fill_taken_back", detail: "Nothing was done: \(why).")
        case .notNow(let why):
            throw Problem(status: .serviceUnavailable, code: "decision_not_now", detail: "Nothing was done: \(why)", headers: [.retryAfter: "2"])
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

    private func decide(_ id: OrderID, _ body: OperatorBody) async throws -> Response {
        guard let decision = ParkedDecision(rawValue: try body.text("decision")) else {
            let words = ParkedDecision.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem(status: .badRequest, code: "unknown_decision", detail: "decision must be one of: \(words).", parameter: "decision")
        }
        let person = Deciding.Operator(actor: try body.text("actor"), reason: try body.text("reason"))
        let venueOrderID = body.has("venue_order_id") ? VenueOrderID(try body.text("venue_order_id")) : nil
        switch try await gateway.decide(id, decision, venueOrderID: venueOrderID, by: person) {
        case .noSuchOrder: throw Problem.missing("order", id.rawValue)
        case .done(let order): return Response(json: order.row)
        case .objected(let order, let why):
            guard order.state == .parked else {
                throw Problem(status: .conflict, code: "order_not_parked", detail: "The order is \(order.state.rawValue): there is nothing to decide.")
            }
            throw Problem(status: .conflict, code: "decision_refused", detail: "Nothing was done: \(why).")
        case .notNow(let why):
            throw Problem(status: .serviceUnavailable, code: "decision_not_now", detail: "Nothing was done: \(why)", headers: [.retryAfter: "2"])
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
        case .decision, .bust, .unlock, .deadLetter, .resume: true
        default: false
        }
    }
}
