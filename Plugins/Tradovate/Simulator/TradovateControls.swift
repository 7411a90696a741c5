import Hummingbird
import NIOCore
import SimulatorKit
import TradingModel

/// Controls that only this venue has, beside the common ones under `/_sim`. To this machine only.
struct TradovateControls: Sendable {
    private static let maximumBodyBytes = 64 * 1024

    let venue: TradovateVenue
    let sessions: TradovateSessions
    let connections: TradovateConnections

    func addRoutes(to router: Router<ChannelContext>) {
        let group = router.group("_sim/tradovate")
        // {"action":"kick"|"expire"|"shutdown"}
        group.post("session") { request, context in
            try await command(request, context) { body in
                switch body["action"]?.string {
                case "kick": await kick()
                case "expire": sessions.expireAll()
                case "shutdown": await shutdown()
                default: throw ControlError("action must be kick, expire or shutdown")
                }
            }
        }
        // {"path":"order/placeorder","times":1,"seconds":1,"captcha":false}
        group.post("penalty") { request, context in
            try await command(request, context) { body in
                guard let path = body["path"]?.string else { throw ControlError("'path' is required") }
                sessions.penalise(
                    path, times: Int(body["times"]?.integer ?? 1), seconds: body["seconds"]?.integer ?? 1, captcha: body["captcha"] == true)
            }
        }
        // {"reason":"UnknownReason","text":"…"}: the next order is taken and refused later.
        group.post("refusal") { request, context in
            try await command(request, context) { body in
                refuseNext(reason: body["reason"]?.string ?? "UnknownReason", text: body["text"]?.string ?? "Rejected by risk")
            }
        }
    }

    /// Displaces all sessions and closes their sockets.
    func kick() async {
        sessions.kickAll()
        for connection in connections.all {
            try? await connection.write(text: "c[3000,\"Go away!\"]")
            connection.drop()
        }
    }

    /// Says on every socket that the venue goes down, and closes it.
    func shutdown() async {
        for connection in connections.all {
            try? await connection.write(text: #"a[{"e":"shutdown","d":{"reasonCode":"Maintenance","reason":"Maintenance"}}]"#)
            connection.drop()
        }
    }

    func refuseNext(reason: String, text: String) { venue.state.withLock { $0.refusals.append((reason, text)) } }

    private func command(
        _ request: Request, _ context: ChannelContext, _ body: (JSONValue) async throws -> Void
    ) async throws -> Response {
        guard context.isLoopback else { return Self.response(.forbidden, ["error": "controls answer this machine only"]) }
        do {
            let bytes = try await request.body.collect(upTo: Self.maximumBodyBytes)
            try await body(try JSONValue(parsing: String(buffer: bytes)))
            return Self.response(.ok, ["ok": true])
        } catch let error as ControlError {
            return Self.response(.badRequest, ["error": .string(error.description)])
        } catch let error as JSONError {
            return Self.response(.badRequest, ["error": .string("not JSON: \(error)")])
        }
    }

    private static func response(_ status: HTTPResponse.Status, _ members: KeyValuePairs<String, JSONValue>) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(string: JSONValue.object(members).text)))
    }
}
