import OrderFlow
import StoreContract
import TradingModel

/// The answers of the hook endpoint.
enum Answers {
    /// - Parameter namingOrders: Whether the orders' ids are told: whoever places an order by hand wants to look at it.
    static func accepted(_ signal: SignalID, key: String, orders: [OrderRecord], namingOrders: Bool) -> String {
        var accounts: [String] = []
        for order in orders where !accounts.contains(order.account.rawValue) { accounts.append(order.account.rawValue) }
        var members: [JSONValue.Member] = [
            .init("status", .string("accepted")), .init("signal_id", .string(signal.rawValue)), .init("dedupe_key", .string(key)),
            .init("accounts", .array(accounts.map(JSONValue.string))),
        ]
        if namingOrders { members.append(.init("orders", .array(orders.map { .string($0.id.rawValue) }))) }
        return JSONValue.object(members).text
    }

    /// 200, because a resend cannot help.
    static func stale(_ signal: SignalID, key: String, age: Duration) -> String {
        JSONValue.object([
            .init("status", .string("refused")), .init("code", .string("signal_stale")), .init("signal_id", .string(signal.rawValue)),
            .init("dedupe_key", .string(key)), .init("age_ms", .number(String(age.wholeMilliseconds))),
        ]).text
    }

    static func stored(_ answer: StoredAnswer, signal: SignalID, isReplay: Bool) -> HookAnswer {
        var headers = ["Location": "/api/v1/signals/\(signal)"]
        if isReplay { headers["Idempotency-Replayed"] = "true" }
        return HookAnswer(status: answer.status, headers: headers, body: answer.body)
    }

    /// RFC 9457.
    static func problem(
        _ status: Int, _ code: String, _ title: String, _ detail: String, request: HookRequest, headers: [String: String] = [:],
        pointer: String? = nil, line: Int? = nil, column: Int? = nil
    ) -> HookAnswer {
        var members: [JSONValue.Member] = [
            .init("type", .string("/docs/errors#\(code)")), .init("title", .string(title)), .init("status", .number(String(status))),
            .init("detail", .string(detail)), .init("code", .string(code)), .init("request_id", .string(request.requestID)),
        ]
        if let pointer { members.append(.init("pointer", .string(pointer))) }
        if let line { members.append(.init("line", .number(String(line)))) }
        if let column { members.append(.init("column", .number(String(column)))) }
        return HookAnswer(status: status, contentType: "application/problem+json", headers: headers, body: JSONValue.object(members).text)
    }

    static func problem(_ problem: PayloadProblem, request: HookRequest) -> HookAnswer {
        self.problem(
            problem.status, problem.code, problem.status == 422 ? "The signal cannot be acted on" : "The payload cannot be read", problem.message,
            request: request, pointer: problem.pointer, line: problem.line, column: problem.column)
    }
}
