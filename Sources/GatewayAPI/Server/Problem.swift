import HTTPTypes
import Hummingbird
import LockContract
import StoreContract

/// A request that is answered with an error, as RFC 9457 describes it.
struct Problem: Error {
    let status: HTTPResponse.Status
    /// Stable, in snake case; also the anchor in the page of error codes.
    let code: String
    let detail: String
    /// The query parameter or header at fault.
    var parameter: String?
    var headers: HTTPFields = [:]
    /// Nothing more can be read from this connection.
    var endsConnection = false

    /// `application/problem+json` with the request's id.
    func response(requestID: String) -> Response {
        var body = JSONObject()
        body.add("type", "/docs/errors#\(code)")
        body.add("title", status.reasonPhrase)
        body.add("status", number: status.code)
        body.add("detail", detail)
        body.add("code", code)
        if let parameter { body.add("parameter", parameter) }
        body.add("request_id", requestID)
        var headers = headers
        headers[.contentType] = "application/problem+json"
        headers[.cacheControl] = "no-store"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: body.json)))
    }
}

extension Problem {
    static let notFound = Problem(status: .notFound, code: "not_found", detail: "There is nothing at this path.")

    static func missing(_ what: String, _ id: String) -> Problem {
        Problem(status: .notFound, code: "\(what)_not_found", detail: "There is no \(what) with the id \(id.prefix(64)).")
    }

    static func methodNotAllowed(_ allowed: [HTTPRequest.Method]) -> Problem {
        let list = allowed.map(\.rawValue).joined(separator: ", ")
        return Problem(
            status: .methodNotAllowed, code: "method_not_allowed", detail: "This path takes \(list).", headers: [.allow: list])
    }

    static func badParameter(_ name: String, _ detail: String) -> Problem {
        Problem(status: .badRequest, code: "invalid_parameter", detail: detail, parameter: name)
    }

    static let bodyTooLarge = Problem(
        status: .contentTooLarge, code: "body_too_large", detail: "A body may have at most \(HookEndpoint.maximumBodyBytes) bytes.",
        endsConnection: true)

    static let encodedBody = Problem(
        status: .unsupportedMediaType, code: "content_encoding_unsupported", detail: "Send the body without Content-Encoding.",
        headers: [.acceptEncoding: "identity"])

    static let truncatedBody = Problem(
        status: .badRequest, code: "body_truncated", detail: "The body ended before its stated length.",
        endsConnection: true)

    static let webSocketOnly = Problem(
        status: .upgradeRequired, code: "websocket_only", detail: "This path speaks WebSocket; /api/v1/events has the same as server-sent events.",
        headers: [.upgrade: "websocket", .connection: "Upgrade"])

    static let tooManyStreams = Problem(
        status: .serviceUnavailable, code: "too_many_streams", detail: "All event streams are taken. Try again later.",
        headers: [.retryAfter: "5"])

    /// What the store's error means to a reader. Our own faults keep their text for the log.
    init(_ error: StoreError) {
        switch error {
        case .unavailable, .limiterUnavailable:
            self.init(
                status: .serviceUnavailable, code: "store_unavailable", detail: "The order store does not answer now.",
                headers: [.retryAfter: "5"])
        case .notFound: self = .notFound
        case .mixedVersions(let why):
            self.init(status: .conflict, code: "mixed_versions", detail: "A gateway that started earlier has other rules: \(why)")
        case .refused, .fenced: self = .internalError
        }
    }

    /// What the lock backend's error means to an operator. Its words may name hosts, so they stay in the log.
    init(_ error: LockError) {
        self.init(
            status: .serviceUnavailable, code: "locks_unavailable", detail: "The lock backend does not answer now, or may not be used.",
            headers: [.retryAfter: "5"])
    }

    static let internalError = Problem(
        status: .internalServerError, code: "internal_error", detail: "Something went wrong here. The log has it under this request id.")
}
