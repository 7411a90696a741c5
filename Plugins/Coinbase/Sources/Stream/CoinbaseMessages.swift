import Foundation
import TradingModel

/// One message of the WebSocket.
struct CoinbaseMessage: Sendable {
    enum Content: Sendable {
        /// What the connection is subscribed to now.
        case subscriptions(channels: Set<String>)
        /// Orders of the account, whole and cumulative, in a snapshot or an update.
        case orders([CoinbaseOrderUpdate])
        case error(String)
        /// A heartbeat, or a message that we have no use for, known or not.
        case ignored
    }

    let content: Content
    /// Counts over all channels of the connection. Errors have none.
    let sequence: Int64?
    let sentAt: Timestamp?

    init(_ text: String) throws {
        let data = Data(text.utf8)
        let decoder = JSONDecoder()
        let envelope = try decoder.decode(Envelope.self, from: data)
        sequence = envelope.sequence_num
        sentAt = envelope.timestamp.flatMap { Timestamp(rfc3339: $0) }
        switch (envelope.type, envelope.channel) {
        case ("error", _): content = .error(envelope.message ?? "")
        case (_, "subscriptions"):
            let events = try decoder.decode(Subscriptions.self, from: data).events
            content = .subscriptions(channels: Set(events.flatMap(\.subscriptions.keys)))
        case (_, "user"): content = .orders(try decoder.decode(Orders.self, from: data).events.flatMap { $0.orders ?? [] })
        default: content = .ignored
        }
    }

    private struct Envelope: Decodable {
        let type: String?
        let channel: String?
        let message: String?
        let sequence_num: Int64?
        let timestamp: String?
    }

    private struct Subscriptions: Decodable {
        struct Event: Decodable { let subscriptions: [String: [String]] }
        let events: [Event]
    }

    private struct Orders: Decodable {
        struct Event: Decodable { let orders: [CoinbaseOrderUpdate]? }
        let events: [Event]
    }
}

/// An order as the user channel tells it: cumulative, without executions, with many fields that may be missing.
struct CoinbaseOrderUpdate: Decodable, Sendable {
    let order_id: String
    let client_order_id: String?
    let product_id: String
    let order_side: String
    let order_type: String?
    let status: String
    let cumulative_quantity: String?
    let leaves_quantity: String?
    let avg_price: String?
    let limit_price: String?
    let stop_price: String?
    let reject_reason: String?
}

/// A request to the WebSocket. Each carries a token of its own.
struct CoinbaseSubscribeRequest: Encodable, Sendable {
    var type = "subscribe"
    let channel: String
    let jwt: String
}
