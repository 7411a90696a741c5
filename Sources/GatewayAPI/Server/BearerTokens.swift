import HTTPTypes
import TradingModel

/// Guards a part of `/api`: a bearer token that is one of the configured ones.
struct BearerTokens: Sendable {
    /// What a token is for.
    enum Role: String {
        case reader, trader, admin
        /// As the answers call it.
        var word: String {
            switch self {
            case .reader: "read"
            case .trader: "trade"
            case .admin: "admin"
            }
        }
        fileprivate var missing: Problem {
            let detail = "No \(word) token is configured. Set http.tokens.\(rawValue), for example to env:TURNSTILE_\(word.uppercased())_TOKEN, and restart."
            return switch self {
            case .reader: Problem(status: .forbidden, code: "read_token_missing", detail: detail)
            case .trader: Problem(status: .forbidden, code: "trade_token_missing", detail: detail)
            case .admin: Problem(status: .forbidden, code: "admin_token_missing", detail: detail)
            }
        }
    }

    /// A longer one is not compared.
    private static let maximumTokenBytes = 1024

    private let role: Role
    private let tokens: [Secret]

    init(_ role: Role, _ tokens: [Secret]) {
        self.role = role
        self.tokens = tokens.filter { !$0.isEmpty }
    }

    /// Throws 403 if the role is not configured, 401 if the request does not carry a token that is.
    func authorize(_ headers: HTTPFields) throws(Problem) {
        guard !tokens.isEmpty else { throw role.missing }
        guard carriesToken(headers) else {
            throw Problem(
                status: .unauthorized, code: "unauthorized", detail: "Send Authorization: Bearer with a configured \(role.word) token.",
                headers: [.wwwAuthenticate: "Bearer realm=\"turnstile\""])
        }
    }

    /// Compares with every token, so that the time does not tell which one came close.
    func carriesToken(_ headers: HTTPFields) -> Bool {
        guard let value = headers[.authorization], value.utf8.count <= Self.maximumTokenBytes else { return false }
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return false }
        let candidate = String(parts[1])
        var found = false
        for token in tokens {
            let matches = token.matches(candidate)
            found = found || matches
        }
        return found
    }
}
