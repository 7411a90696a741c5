import HTTPTypes
import TradingModel

/// Guards `/api`: a bearer token that is one of the configured ones.
struct ReaderTokens: Sendable {
    /// A longer one is not compared.
    private static let maximumTokenBytes = 1024

    private let tokens: [Secret]

    init(_ tokens: [Secret]) { self.tokens = tokens.filter { !$0.isEmpty } }

    /// Throws 403 if reading is not configured, 401 if the request does not carry a token that is.
    func authorize(_ headers: HTTPFields) throws(Problem) {
        guard !tokens.isEmpty else {
            throw Problem(
                status: .forbidden, code: "read_token_missing",
                detail: "No read token is configured. Set http.tokens.reader, for example to env:TURNSTILE_READ_TOKEN, and restart.")
        }
        guard carriesToken(headers) else {
            throw Problem(
                status: .unauthorized, code: "unauthorized", detail: "Send Authorization: Bearer with a configured read token.",
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
