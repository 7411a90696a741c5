import SimulatorKit
import TradingModel

/// What the venue does with a request. To be built: the venue's endpoints, in its own words. `time` is an example, to be taken out where
/// the venue has no such thing.
struct NewVenueDesk: Sendable {
    let exchange: SimulatedExchange

    func answer(_ request: NewVenueRequest) -> SimulatorReply {
        switch (request.method, request.path.first) {
        case ("GET", "time"): SimulatorReply(json: .object(["milliseconds": .integer(exchange.now.milliseconds)]))
        default: Self.refusal(404, "no_such_path", "\(request.method) /\(request.path.joined(separator: "/"))")
        }
    }

    /// What the venue calls an order; the oracle says the same. The ids of trades are unique per symbol only: those of the venue's
    /// executions have to be unique in the account.
    static func venueOrderID(_ order: SimulatedOrder) -> String { String(order.id) }

    /// Where `POST /_sim/faults` meets the request.
    func point(of request: NewVenueRequest) -> FaultPoint {
        switch (request.method, request.path.first) {
        case ("GET", "time"): .time
        default: .any
        }
    }

    // What the fault plan and the wire answer with, in the venue's words.
    static let noMoney = refusal(422, "insufficient_funds", "not enough money")
    static let tooManyRequests = refusal(429, "too_many_requests", "slow down")
    static let noKey = refusal(401, "no_key", "X-API-Key is missing")

    /// How the venue says no.
    static func refusal(_ status: Int, _ code: String, _ message: String) -> SimulatorReply {
        SimulatorReply(status: status, json: .object(["code": .string(code), "message": .string(message)]))
    }
}
