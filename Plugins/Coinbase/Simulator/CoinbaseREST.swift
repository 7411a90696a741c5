import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import SimulatorKit

/// The venue's REST wire: `/api/v3/brokerage`.
struct CoinbaseREST: Sendable {
    static let prefix = "/api/v3/brokerage/"
    private static let maximumBodyBytes = 64 * 1024

    let desk: CoinbaseDesk

    func addRoutes(to router: Router<ChannelContext>) {
        for method in [HTTPRequest.Method.get, .post, .put, .delete] {
            router.on("api/v3/brokerage/**", method: method) { request, context in try await respond(to: request, context) }
        }
    }

    private func respond(to request: Request, _ context: ChannelContext) async throws -> Response {
        let path = request.uri.path
        let method = request.method.rawValue
        guard path.hasPrefix(Self.prefix), let route = CoinbaseOperation.route(method, String(path.dropFirst(Self.prefix.count))) else {
            return try await WireReply.reply(CoinbaseError.noSuchPath.reply).response(on: context.channel)
        }
        let text = String(buffer: try await request.body.collect(upTo: Self.maximumBodyBytes))
        guard let body = text.isEmpty ? JSONValue.null : try? JSONValue(parsing: text) else {
            return try await WireReply.reply(CoinbaseError.argument("the body is not JSON").reply).response(on: context.channel)
        }
        let authorization = request.headers[.authorization]
        let answer = try await desk.answer(
            CoinbaseRequest(
                operation: route.operation, isPublic: route.isPublic, method: method, path: path, host: request.head.authority ?? "",
                token: authorization.flatMap { $0.hasPrefix("Bearer ") ? String($0.dropFirst(7)) : nil },
                parameters: Self.parameters(request.uri.query ?? ""), body: body))
        return try await answer.response(on: context.channel)
    }

    /// Every pair in its order: lists are sent by repeating a name.
    private static func parameters(_ query: String) -> [(name: String, value: String)] {
        query.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { part in
                part.replacing("+", with: " ").removingPercentEncoding ?? String(part)
            }
            return (parts[0], parts.count > 1 ? parts[1] : "")
        }
    }
}
