import HTTPTypes
import Hummingbird
import NIOCore
import SimulatorKit
import TradingModel

/// One request of the venue, taken apart.
struct NewVenueRequest: Sendable {
    let method: String
    /// Below the version, for example `["orders", "17"]`.
    let path: [String]
    let query: [String: String]
    /// Null where there is none.
    let body: JSONValue
    /// The account: whoever has the key is the account.
    let account: String
}

/// The venue's REST wire under `/v1`: keys, faults and the log; what a request does is in ``NewVenueDesk``. Another prefix, or none, is
/// stated in `addRoutes` and in how many components `respond` drops.
struct NewVenueWire: Sendable {
    let exchange: SimulatedExchange
    let controls: SimulatorControls
    let options: NewVenueSimulator.Options
    private static let maximumBodyBytes = 64 * 1024

    func addRoutes(to router: Router<ChannelContext>) {
        for method in [HTTPRequest.Method.get, .post, .put, .patch, .delete] {
            router.on("v1/**", method: method) { request, context in try await respond(to: request, context) }
        }
    }

    private func respond(to request: Request, _ context: ChannelContext) async throws -> Response {
        let bytes = try await request.body.collect(upTo: Self.maximumBodyBytes)
        let text = String(buffer: bytes)
        let query = request.uri.queryParameters.map { (String($0.key), String($0.value)) }
        let wish = NewVenueRequest(
            method: request.method.rawValue, path: request.uri.path.split(separator: "/").dropFirst().map(String.init),
            query: Dictionary(query) { first, _ in first }, body: (try? JSONValue(parsing: text)) ?? .null,
            account: HTTPField.Name("X-API-Key").flatMap { request.headers[$0] } ?? "")
        let desk = NewVenueDesk(exchange: exchange)
        let now = exchange.now
        let (reply, fault) = try await controls.faults.perform(
            desk.point(of: wish), symbol: wish.body["symbol"]?.scalarText ?? wish.query["symbol"], clock: options.clock,
            replies: FaultReplies(
                status: { status, _ in SimulatorReply(status: status, body: "<html><h1>\(status)</h1></html>", contentType: "text/html") },
                reject: { _ in NewVenueDesk.noMoney },
                rateLimit: { fault in
                    var reply = NewVenueDesk.tooManyRequests
                    let seconds = max(1, fault.duration(default: .seconds(2)).wholeMilliseconds / 1000)
                    reply.headers = [("Retry-After", String(seconds))]
                    return reply
                })
        ) { _ in
            wish.account.isEmpty ? NewVenueDesk.noKey : desk.answer(wish)
        }
        let outcome = if case .reply(let answer) = reply { String(answer.status) } else { "fault" }
        controls.log.add(
            method: wish.method, path: request.uri.path, parameters: query.map { (name: $0.0, value: $0.1) }, at: now, outcome: outcome,
            fault: fault)
        return try await reply.response(on: context.channel)
    }
}
