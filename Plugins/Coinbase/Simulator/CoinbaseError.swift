import SimulatorKit

/// What the venue answers instead of what was asked for.
struct CoinbaseError: Error, Sendable {
    var reply: SimulatorReply

    init(_ reply: SimulatorReply) { self.reply = reply }

    /// The gateway's own shape.
    init(status: Int, _ error: String, _ details: String) {
        reply = SimulatorReply(
            status: status, body: JSONValue.object(["error": .string(error), "error_details": .string(details), "message": .string(details)]).text,
            contentType: "application/json")
    }

    /// The older shape.
    init(status: Int, id: String, _ message: String) {
        reply = SimulatorReply(
            status: status,
            body: JSONValue.object(["errors": .array([.object(["id": .string(id), "message": .string(message)])])]).text,
            contentType: "application/json")
    }

    static let unauthorized = CoinbaseError(SimulatorReply(status: 401, body: "Unauthorized\n", contentType: "text/plain"))
    static let forbidden = CoinbaseError(status: 403, "PERMISSION_DENIED", "Missing required scopes")
    static let tooMany = CoinbaseError(status: 429, id: "rate_limit_exceeded", "Too many requests")
    static let noSuchOrder = CoinbaseError(status: 404, "unknown", "order with this orderID was not found")
    static let noSuchProduct = CoinbaseError(status: 404, "NOT_FOUND", "valid product_id is required")
    static let noSuchPath = CoinbaseError(status: 404, id: "not_found", "Not found")
    static func argument(_ details: String) -> CoinbaseError { CoinbaseError(status: 400, "INVALID_ARGUMENT", details) }
}

/// Why a new order is not taken: an answer of status 200 with `success: false`.
struct CoinbaseRefusal: Error, Sendable {
    let code: String
    var preview = "UNKNOWN_PREVIEW_FAILURE_REASON"
    var message = ""

    init(_ code: String, preview: String = "UNKNOWN_PREVIEW_FAILURE_REASON", _ message: String = "") {
        self.code = code
        self.preview = preview
        self.message = message
    }

    func json(_ configuration: JSONValue) -> JSONValue {
        .object([
            "success": false,
            "error_response": .object([
                "error": .string(code), "message": .string(message), "error_details": "", "preview_failure_reason": .string(preview),
                "new_order_failure_reason": .string(code),
            ]),
            "order_configuration": configuration,
        ])
    }
}
