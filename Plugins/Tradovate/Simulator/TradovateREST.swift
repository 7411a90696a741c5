import HTTPTypes
import Hummingbird
import NIOCore
import SimulatorKit

/// The venue's REST wire: `/v1`, GET and POST. Letter case of paths does not matter.
struct TradovateREST: Sendable {
    private static let maximumBodyBytes = 64 * 1024

    let desk: TradovateDesk

    func addRoutes(to router: Router<ChannelContext>) {
        for method in [HTTPRequest.Method.get, .post] {
            router.on("v1/**", method: method) { request, context in try await respond(to: request, context) }
        }
    }

    private func respond(to request: Request, _ context: ChannelContext) async throws -> Response {
        let text = String(buffer: try await request.body.collect(upTo: Self.maximumBodyBytes))
        let isPost = request.method == .post
        var body = JSONValue.null
        if isPost {
            guard let parsed = try? JSONValue(parsing: text) else {
                return try await WireReply.reply(SimulatorReply(status: 400, body: "Malformed request", contentType: "text/plain")).response(on: context.channel)
            }
            body = parsed
        }
        let parameters = Dictionary(
            request.uri.queryParameters.map { (String($0.key), String($0.value)) }, uniquingKeysWith: { first, _ in first })
        let bearer = request.headers[.authorization].flatMap { $0.hasPrefix("Bearer ") ? String($0.dropFirst(7)) : nil }
        let endpoint = request.uri.path.split(separator: "/").dropFirst().joined(separator: "/").lowercased()
        let answer = try await desk.answer(
            TradovateRequest(
                endpoint: endpoint, isPost: isPost, parameters: parameters, body: body, token: bearer, method: request.method.rawValue))
        return try await answer.reply.response(on: context.channel)
    }
}

extension WireReply where Reply == TradovateAnswer {
    /// On the REST wire: JSON with 200, bare text otherwise.
    var reply: WireReply<SimulatorReply> {
        switch self {
        case .reply(let answer): .reply(answer.reply)
        case .drop: .drop
        case .garbage: .garbage
        case .truncated(let answer, let bytes): .truncated(answer.reply, bytes: bytes)
        }
    }
}

extension TradovateAnswer {
    var reply: SimulatorReply {
        status == 200
            ? SimulatorReply(status: 200, body: body?.text ?? "")
            : SimulatorReply(status: status, body: body?.string ?? body?.text ?? "", contentType: "text/plain")
    }
}
