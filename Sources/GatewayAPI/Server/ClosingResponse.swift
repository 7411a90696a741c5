import HTTPTypes
import Hummingbird

/// Ends a connection after its answer.
private struct ConnectionEnds: Error {}

extension Request {
    /// Whether bytes follow the head, by the head's own word.
    var hasBody: Bool { headers.contains(.transferEncoding) || (headers[.contentLength] ?? "0") != "0" }
}

extension Response {
    /// At most so much of an unwanted body is thrown away, so that its sender gets to read the answer.
    static let maximumDrainedBytes = 1 << 20

    /// This answer, then the end of the connection: what follows on it is not read as a request.
    ///
    /// - Parameter drain: Run between the two, to throw away what the sender is still sending.
    func closingConnection(after drain: @escaping @Sendable () async throws -> Void = {}) -> Response {
        var closing = self
        closing.headers[.connection] = "close"
        let body = self.body
        closing.body = ResponseBody(contentLength: body.contentLength) { writer in
            try await body.write(writer)
            try await drain()
            throw ConnectionEnds()
        }
        return closing
    }
}
