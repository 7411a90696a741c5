import FailPoints
import Gateway
import HTTPTypes
import Hummingbird
import TradingModel

/// `POST /hooks/{source}` and `POST /hooks/{source}/{secret}`: reads the request within its limits and hands it to the gateway.
struct HookEndpoint: Sendable {
    /// Senders of signed webhooks are advised to stay under 20 kB; the known alert formats stay under 4 kB.
    static let maximumBodyBytes = 64 * 1024

    let gateway: TradingGateway
    let deadlines: BodyDeadlines

    /// Throws what can be said before a byte of the body is read.
    func check(_ headers: HTTPFields) throws(Problem) {
        if let encoding = headers[.contentEncoding], encoding.lowercased() != "identity" { throw .encodedBody }
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > Self.maximumBodyBytes { throw .bodyTooLarge }
    }

    func respond(
        to request: Request, source: SourceID, secret: String?, _ context: APIContext, _ correlation: Correlation
    ) async throws -> Response {
        failPoint("hook.head_read")
        let body = try await deadlines.limiting(context.channel) { try await Self.read(request) }
        failPoint("hook.body_read")
        return Self.response(
            await gateway.receive(Self.hook(request, source: source, secret: secret, body, context, correlation)))
    }

    /// `POST /api/v1/orders`: an order placed by hand, by whom the caller has authorized.
    func place(_ request: Request, _ context: APIContext, _ correlation: Correlation) async throws -> Response {
        _ = try QueryParameters(request, known: [])
        let body = try await deadlines.limiting(context.channel) { try await Self.read(request) }
        return Self.response(await gateway.place(Self.hook(request, source: SourceID(ManualOrders.name), secret: nil, body, context, correlation)))
    }

    private static func hook(
        _ request: Request, source: SourceID, secret: String?, _ body: [UInt8], _ context: APIContext, _ correlation: Correlation
    ) -> HookRequest {
        HookRequest(
            source: source, pathSecret: secret, headers: dictionary(request.headers), body: body, peerAddress: context.peerAddress,
            requestID: correlation.requestID, traceparent: correlation.traceparent)
    }

    /// The whole body, or a problem. A body without a stated length is thrown away beyond the limit, then refused.
    static func read(_ request: Request) async throws -> [UInt8] {
        let stated = request.headers[.contentLength].flatMap { Int($0) }
        var body: [UInt8] = []
        if let stated { body.reserveCapacity(stated) }
        var received = 0
        for try await part in request.body {
            received += part.readableBytes
            if received <= maximumBodyBytes {
                body.append(contentsOf: part.readableBytesView)
            } else if received > maximumBodyBytes + Response.maximumDrainedBytes {
                break
            }
        }
        guard received <= maximumBodyBytes else { throw Problem.bodyTooLarge }
        guard stated == nil || stated == received else { throw Problem.truncatedBody }
        return body
    }

    private static func dictionary(_ fields: HTTPFields) -> [String: String] {
        var dictionary: [String: String] = [:]
        dictionary.reserveCapacity(fields.count)
        for field in fields {
            let name = field.name.canonicalName
            if let earlier = dictionary[name] {
                dictionary[name] = earlier + ", " + field.value
            } else {
                dictionary[name] = field.value
            }
        }
        return dictionary
    }

    private static func response(_ answer: HookAnswer) -> Response {
        var headers = HTTPFields()
        headers.reserveCapacity(answer.headers.count + 4)
        headers[.contentType] = answer.contentType
        for (name, value) in answer.headers {
            guard let name = HTTPField.Name(name) else { continue }
            headers[name] = value
        }
        return Response(
            status: HTTPResponse.Status(code: answer.status), headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(string: answer.body)))
    }
}
