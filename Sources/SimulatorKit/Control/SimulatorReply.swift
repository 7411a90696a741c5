import HTTPTypes
import Hummingbird
import NIOCore

/// A venue's answer, before it is put on a wire.
public struct SimulatorReply: Sendable {
    public var status: Int
    public var headers: [(name: String, value: String)]
    public var body: String
    public var contentType: String

    public init(status: Int, headers: [(name: String, value: String)] = [], body: String, contentType: String = "application/json;charset=UTF-8") {
        self.status = status
        self.headers = headers
        self.body = body
        self.contentType = contentType
    }

    public init(status: Int = 200, json: JSONValue) { self.init(status: status, body: json.text) }

    var response: Response {
        var fields = HTTPFields()
        fields[.contentType] = contentType
        for header in headers {
            if let name = HTTPField.Name(header.name) { fields.append(HTTPField(name: name, value: header.value)) }
        }
        return Response(status: .init(code: status), headers: fields, body: .init(byteBuffer: ByteBuffer(string: body)))
    }
}

/// Ends the handling of a request whose connection was closed on purpose.
public struct ConnectionDropped: Error {}

extension WireReply where Reply == SimulatorReply {
    /// What `garbage_body` sends: success in form, neither JSON nor HTML.
    public static var garbageText: String { "{\"\u{1}orderId\":70,,<" }

    /// Puts the reply on an HTTP connection; a drop closes it without a byte.
    public func response(on channel: any Channel) async throws -> Response {
        switch self {
        case .reply(let reply): return reply.response
        case .drop:
            try? await channel.close()
            throw ConnectionDropped()
        case .garbage: return SimulatorReply(status: 200, body: Self.garbageText).response
        case .truncated(let reply, let bytes):
            let whole = ByteBuffer(string: reply.body)
            let part = whole.getSlice(at: 0, length: min(bytes ?? whole.readableBytes / 2, max(0, whole.readableBytes - 1)))
            var response = reply.response
            response.body = ResponseBody(contentLength: whole.readableBytes) { writer in
                try await writer.write(part ?? ByteBuffer())
                try? await channel.close()
                throw ConnectionDropped()
            }
            return response
        }
    }
}
