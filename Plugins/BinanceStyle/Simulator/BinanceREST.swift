import HTTPTypes
import Hummingbird
import NIOCore
import SimulatorKit
import TradingModel

/// The venue's REST wire: `/api/v3`, on the futures `/fapi`.
struct BinanceREST: Sendable {
    private static let maximumBodyBytes = 64 * 1024
    /// What the retired listen-key endpoints answer since 2026-02-20.
    private static let gone = SimulatorReply(
        status: 410, body: "<html>\r\n<head><title>410 Gone</title></head>\r\n<body>\r\n<center><h1>410 Gone</h1></center>\r\n</body>\r\n</html>\r\n",
        contentType: "text/html")

    let desk: BinanceDesk
    let routes: [String: BinanceOperation]

    init(desk: BinanceDesk) {
        self.desk = desk
        routes = BinanceOperation.routes(desk.engine.dialect)
    }

    func addRoutes(to router: Router<ChannelContext>) {
        for method in [HTTPRequest.Method.get, .post, .put, .delete] {
            for path in ["api/**", "fapi/**"] {
                router.on(RouterPath(path), method: method) { request, context in try await respond(to: request, context) }
            }
        }
    }

    private func respond(to request: Request, _ context: ChannelContext) async throws -> Response {
        let path = request.uri.path
        let method = request.method.rawValue
        if path == "/api/v3/userDataStream", desk.engine.dialect == .spot { return try await WireReply.reply(Self.gone).response(on: context.channel) }
        guard let operation = routes["\(method) \(path)"] else {
            let reply = SimulatorReply(status: 404, body: #"{"code":-5000,"msg":"Path \#(path), Method \#(method) is invalid"}"#)
            return try await WireReply.reply(reply).response(on: context.channel)
        }
        let query = request.uri.query ?? ""
        let body = String(buffer: try await request.body.collect(upTo: Self.maximumBodyBytes))
        let answer = try await desk.answer(
            BinanceRequest(
                operation: operation, parameters: BinanceParameters(query: query, body: body),
                key: HTTPField.Name("X-MBX-APIKEY").flatMap { request.headers[$0] }, payload: restPayload(query: query, body: body),
                method: method, path: path))
        return try await answer.map { $0.reply(desk.engine.limits.settings.orders) }.response(on: context.channel)
    }
}

extension WireReply {
    func map<Other>(_ transform: (Reply) -> Other) -> WireReply<Other> {
        switch self {
        case .reply(let reply): .reply(transform(reply))
        case .drop: .drop
        case .garbage: .garbage
        case .truncated(let reply, let bytes): .truncated(transform(reply), bytes: bytes)
        }
    }
}

extension BinanceDesk.Answer {
    /// On the REST wire, with the counters as headers.
    func reply(_ windows: [BinanceLimits.OrderWindow]) -> SimulatorReply {
        var headers: [(name: String, value: String)] = [("X-MBX-USED-WEIGHT", String(weight)), ("X-MBX-USED-WEIGHT-1M", String(weight))]
        for (window, count) in zip(windows, orderCounts ?? []) { headers.append((window.header, String(count))) }
        switch result {
        case .success(let json): return SimulatorReply(status: 200, headers: headers, body: json.text)
        case .failure(let error):
            if error.status == 429 || error.status == 418, let retryAfter {
                // Seconds, upwards: who comes back then finds the limit open.
                headers.append(("Retry-After", String(max(1, (retryAfter.wholeMilliseconds + 999) / 1000))))
            }
            if let html { return SimulatorReply(status: error.status, headers: headers, body: html, contentType: "text/html") }
            return SimulatorReply(status: error.status, headers: headers, body: error.json.text)
        }
    }
}
