import SimulatorKit
import TradingModel

/// What the venue does with a request. To be built: the venue's endpoints, in its own words.
struct NewVenueDesk: Sendable {
    let exchange: SimulatedExchange

    func answer(_ request: NewVenueRequest) -> SimulatorReply {
        switch (request.method, request.path.first) {
        case ("GET", "time"): SimulatorReply(json: .object(["milliseconds": .integer(exchange.now.milliseconds)]))
        default: Self.refusal(404, "no_such_path", "\(request.method) /\(request.path.joined(separator: "/"))")
        }
    }

    /// Where `POST /_sim/faults` meets the request.
    func point(of request: NewVenueRequest) -> FaultPoint {
        switch (request.method, request.path.first) {
        case ("GET", "time"): .time
        default: .any
        }
    }

    /// How the venue says no.
    static func refusal(_ status: Int, _ code: String, _ message: String) -> SimulatorReply {
        SimulatorReply(status: status, json: .object(["code": .string(code), "message": .string(message)]))
    }
}
