import Foundation
import TradingModel

/// The controls that every simulator serves under `/_sim`, over HTTP.
public struct HTTPVenueControls: VenueControls {
    private let client: ControlClient
    private let seed: (@Sendable (Int) async throws -> Void)?

    /// - Parameter seed: Makes filled orders of the broker's account; the HTTP controls have no word for that.
    public init(host: String = "127.0.0.1", port: Int, seed: (@Sendable (Int) async throws -> Void)? = nil) {
        client = ControlClient(host: host, port: port)
        self.seed = seed
    }

    public func orders() async throws -> [OracleOrder] {
        let text = try await client.send(.GET, "/_sim/orders")
        do {
            return try JSONDecoder().decode([Row].self, from: Data(text.utf8)).map { try $0.order }
        } catch {
            throw ControlFailure("GET /_sim/orders: \(error)")
        }
    }

    public func setPrice(_ price: Price, of symbol: Symbol) async throws {
        _ = try await client.send(.POST, "/_sim/price", body: #"{"symbol":"\#(symbol)","price":"\#(price)"}"#)
    }

    public func fill(_ id: ClientOrderID, quantity: Quantity) async throws {
        _ = try await client.send(.POST, "/_sim/fill", body: #"{"client_order_id":"\#(id)","quantity":"\#(quantity)"}"#)
    }

    public func plan(_ faults: [VenueFault]) async throws {
        let body = String(decoding: try JSONEncoder().encode(faults), as: UTF8.self)
        _ = try await client.send(.POST, "/_sim/faults", body: body)
    }

    public func seedFilledOrders(_ count: Int) async throws {
        guard let seed else { throw ClauseAbsent("the venue cannot be seeded") }
        try await seed(count)
    }

    private struct Row: Decodable {
        let client_order_id: String?
        let venue_order_id: String
        let symbol: String
        let side: String
        let type: String?
        let quantity: String
        let price: String?
        let status: String
        let filled_quantity: String

        var order: OracleOrder {
            get throws {
                guard let side = Side(rawValue: side) else { throw ControlFailure("side \(side)") }
                return OracleOrder(
                    clientOrderID: client_order_id.map { ClientOrderID($0) }, venueOrderID: VenueOrderID(venue_order_id), symbol: Symbol(symbol),
                    side: side, type: type ?? "", quantity: try Quantity(quantity), price: try price.map { try Price($0) },
                    status: VenueOrderStatus(rawValue: status) ?? .unrecognised, filledQuantity: try Quantity(filled_quantity))
            }
        }
    }
}
