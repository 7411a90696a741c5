import AsyncHTTPClient
import Foundation
import NIOCore

/// The simulated venue's oracle.
struct Venue: Sendable {
    let port: Int

    private struct Order: Decodable {
        let client_order_id: String
        let accepted_at_microseconds: Int64
    }

    /// When the venue accepted each order, in microseconds, by client order id.
    func acceptedAt() async throws -> [String: Int64] {
        let request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/_sim/orders")
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let body = try await response.body.collect(upTo: 64 << 20)
        let orders = try JSONDecoder().decode([Order].self, from: Data(body.readableBytesView))
        return Dictionary(orders.map { ($0.client_order_id, $0.accepted_at_microseconds) }, uniquingKeysWith: { first, _ in first })
    }
}
