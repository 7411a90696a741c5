import Foundation
import SimulatorKit
import TradingModel

/// One request as either wire brings it.
struct TradovateRequest: Sendable {
    /// Without `/v1` and without a slash before it, in lower case: `order/placeorder`.
    let endpoint: String
    let isPost: Bool
    let parameters: [String: String]
    let body: JSONValue
    /// Nil if none was sent.
    let token: String?
    /// For the log: `POST` or `WS`.
    let method: String
}

/// What a request came to, before it is put on a wire.
struct TradovateAnswer: Sendable {
    let status: Int
    /// Nil is a body without a byte.
    let body: JSONValue?

    static func text(_ status: Int, _ words: String) -> TradovateAnswer { TradovateAnswer(status: status, body: .string(words)) }
}

/// Takes requests from both wires: tokens, penalties, faults, the venue, the log.
struct TradovateDesk: Sendable {
    let venue: TradovateVenue
    let sessions: TradovateSessions
    let controls: SimulatorControls

    func answer(_ request: TradovateRequest) async throws -> WireReply<TradovateAnswer> {
        let now = venue.clock.wallTime
        let symbol = request.body["symbol"]?.string
        let (reply, fault) = try await controls.faults.perform(
            point(of: request.endpoint), symbol: symbol, clock: venue.clock, replies: replies(request)
        ) { fault in
            work(request, fault: fault)
        }
        // A venue that decides without a delay has told everything when it answers.
        if venue.settings.decisionDelay == .zero { try await venue.settled() }
        let outcome: String =
            switch reply {
            case .reply(let answer), .truncated(let answer, _):
                "\(answer.status)" + (answer.body?["failureReason"]?.string.map { " \($0)" } ?? "")
            case .drop: "dropped"
            case .garbage: "garbage"
            }
        let own = request.body.members?.map { (name: $0.name, value: $0.value.scalarText ?? $0.value.text) } ?? []
        let parameters = request.parameters.map { (name: $0.key, value: $0.value) } + own.filter { $0.name != "sec" && $0.name != "name" }
        controls.log.add(method: request.method, path: "/v1/\(request.endpoint)", parameters: parameters, at: now, outcome: outcome, fault: fault)
        return reply
    }

    private func work(_ request: TradovateRequest, fault: Fault?) -> TradovateAnswer {
        let ticket = request.body["p-ticket"]?.string ?? request.parameters["p-ticket"]
        if request.endpoint == "auth/accesstokenrequest" {
            if let penalty = sessions.penalty(for: request.endpoint, ticket: ticket) { return TradovateAnswer(status: 200, body: penalty) }
            let granted = sessions.logIn(request.body["name"]?.string ?? "", password: request.body["password"]?.string ?? "")
            return TradovateAnswer(
                status: 200, body: granted ?? .object(["errorText": "Incorrect username or password. Please try again."]))
        }
        switch sessions.check(request.token ?? "") {
        case .good: break
        case .displaced: return .text(408, "Session was displaced")
        case .expired, .unknown: return .text(401, "Access is denied")
        }
        if let penalty = sessions.penalty(for: request.endpoint, ticket: ticket) { return TradovateAnswer(status: 200, body: penalty) }
        do throws(TradovateRefusal) {
            switch request.endpoint {
            case "auth/renewaccesstoken":
                return sessions.renew(request.token ?? "").map { TradovateAnswer(status: 200, body: $0) } ?? .text(401, "Access is denied")
            case "auth/me": return TradovateAnswer(status: 200, body: .object(["userId": 15460, "name": "sim_user", "fullName": "Sim User"]))
            case "order/placeorder": return TradovateAnswer(status: 200, body: try venue.place(request.body, fault: fault))
            case "order/placeoso": return TradovateAnswer(status: 200, body: try venue.placeOSO(request.body, fault: fault))
            case "order/placeoco": return TradovateAnswer(status: 200, body: try venue.placeOCO(request.body, fault: fault))
            case "order/liquidateposition": return TradovateAnswer(status: 200, body: try venue.liquidate(request.body, fault: fault))
            case "order/modifyorder": return TradovateAnswer(status: 200, body: try venue.modify(request.body))
            case "order/cancelorder": return TradovateAnswer(status: 200, body: try venue.cancel(request.body))
            default: return read(request, isStale: fault?.action == .staleLookup)
            }
        } catch {
            return TradovateAnswer(status: 200, body: error.json)
        }
    }

    private func read(_ request: TradovateRequest, isStale: Bool) -> TradovateAnswer {
        let parts = request.endpoint.split(separator: "/").map(String.init)
        guard parts.count == 2, !request.isPost, TradovateTables.masters[parts[0]] != nil || ["account", "product"].contains(parts[0]),
            let found = venue.read(parts[0], parts[1], request.parameters, isStale: isStale)
        else { return .text(404, "Not found") }
        return found == .null ? .text(404, "Not found") : TradovateAnswer(status: 200, body: found)
    }

    private func point(of endpoint: String) -> FaultPoint {
        switch endpoint {
        case "order/placeorder", "order/placeoso", "order/placeoco", "order/liquidateposition", "order/modifyorder": .place
        case "order/cancelorder": .cancel
        case "command/list", "order/item", "order/items": .lookup
        case "order/deps", "order/list": .openOrders
        case "fill/list", "fill/deps", "fill/ldeps": .fills
        case "position/list", "position/deps", "cashbalance/list": .balances
        case "contract/find", "contract/item", "contractmaturity/item", "contractmaturity/deps", "product/find", "product/item": .rules
        default: .any
        }
    }

    // MARK: Faults in the venue's words

    private func replies(_ request: TradovateRequest) -> FaultReplies<TradovateAnswer> {
        FaultReplies(
            status: { status, fault in TradovateAnswer(status: status, body: fault.message.map { .string($0) } ?? "Service is unavailable") },
            reject: { fault in
                // `message` may begin with one of the venue's reasons and a colon.
                let words = fault.message ?? "LiquidationOnly: Your account is set to liquidation only."
                let parts = words.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
                let isNamed = parts.count == 2 && !parts[0].contains(" ")
                return TradovateAnswer(
                    status: fault.status ?? 200,
                    body: TradovateRefusal.failure(reason: isNamed ? parts[0] : "UnknownReason", text: isNamed ? parts[1] : words).json)
            },
            rateLimit: { fault in TradovateAnswer(status: fault.status ?? 429, body: nil) })
    }
}
