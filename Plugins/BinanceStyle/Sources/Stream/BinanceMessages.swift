import Foundation

/// Anything that comes over the WebSocket API or a user stream: an answer to a request of ours, or an event.
enum BinanceMessage: Sendable {
    case answer(id: String?, status: Int, error: BinanceErrorReply?)
    case execution(BinanceExecutionReport)
    /// The event that ends a subscription or announces the end of the connection.
    case ending(String)
    /// An event that we have no use for, known or not.
    case ignored

    init(_ text: String) throws {
        let data = Data(text.utf8)
        let decoder = JSONDecoder()
        let envelope = try decoder.decode(Envelope.self, from: data)
        let kind = envelope.event?.e ?? envelope.e
        switch kind {
        case "executionReport"? where envelope.event == nil: self = .execution(try decoder.decode(BinanceExecutionReport.self, from: data))
        case "executionReport"?: self = .execution(try decoder.decode(ExecutionEnvelope.self, from: data).event)
        case "ORDER_TRADE_UPDATE"?: self = .execution(try decoder.decode(FuturesEnvelope.self, from: data).o)
        case "eventStreamTerminated"?, "serverShutdown"?, "listenKeyExpired"?: self = .ending(kind ?? "")
        case .some: self = .ignored
        case nil:
            guard let status = envelope.status else {
                self = .ignored
                return
            }
            self = .answer(id: envelope.id, status: status, error: envelope.error)
        }
    }

    private struct Envelope: Decodable {
        struct Event: Decodable { let e: String }
        let id: String?
        let status: Int?
        let error: BinanceErrorReply?
        /// Wrapped on the WebSocket API; on a stream by listen key the event is the whole message.
        let event: Event?
        let e: String?

        enum CodingKeys: CodingKey { case id, status, error, event, e }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            // An id may also be a number or null; ours are texts.
            id = try? values.decodeIfPresent(String.self, forKey: .id)
            status = try values.decodeIfPresent(Int.self, forKey: .status)
            error = try values.decodeIfPresent(BinanceErrorReply.self, forKey: .error)
            event = try values.decodeIfPresent(Event.self, forKey: .event)
            e = try? values.decodeIfPresent(String.self, forKey: .e)
        }
    }

    private struct ExecutionEnvelope: Decodable { let event: BinanceExecutionReport }
    private struct FuturesEnvelope: Decodable { let o: BinanceExecutionReport }
}

/// One event of an order. The keys are the venue's, on the futures the same but for a few.
/// Source: user-data-stream, "Order Update"; USD-M documentation, "Event: Order Update".
struct BinanceExecutionReport: Decodable, Sendable {
    /// Symbol.
    let s: String
    /// Client order id; on a cancel the id of the cancel request.
    let c: String
    /// On a cancel the order's own client id, else empty.
    let C: String?
    /// Side, type.
    let S: String
    let o: String
    /// Quantity, limit price, stop price.
    let q: String
    let p: String?
    let P: String?
    /// Kind of event, status.
    let x: String
    let X: String
    /// Order id.
    let i: Int64
    /// Last quantity and price, cumulative quantity and quote.
    let l: String?
    let L: String?
    let z: String
    let Z: String?
    /// Fee and its asset.
    let n: String?
    let N: String?
    /// Time, trade id (-1 if none).
    let T: Int64
    let t: Int64?
    /// Reject reason, expiry reason.
    let r: String?
    let eR: String?
    /// On the futures: stop price, average price.
    let sp: String?
    let ap: String?
}
