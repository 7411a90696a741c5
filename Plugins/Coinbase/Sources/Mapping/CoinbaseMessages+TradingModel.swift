import TradingModel

extension CoinbaseOrderUpdate {
    /// - Parameter sentAt: The message's time, because an update has none of its own.
    func report(sentAt: Timestamp) throws -> OrderReport {
        let filled = try cumulative_quantity.told.map { try Quantity($0) } ?? .zero
        let word = VenueOrderStatus(coinbase: status, hasFills: filled > 0)
        // What is left reads as zero on every terminal order, so only an open one tells its whole quantity.
        let left = try leaves_quantity.told.map { try Quantity($0) }
        let quantity = word == .filled ? filled : word.isTerminal ? nil : left.map { filled + $0 }
        let average = try avg_price.told.map { try Price($0) }
        return OrderReport(
            venueOrderID: VenueOrderID(order_id), clientOrderID: client_order_id.told.map { ClientOrderID($0.lowercased()) },
            symbol: Symbol(product_id), side: try Side(coinbase: order_side), type: order_type.flatMap(OrderType.init(coinbase:)),
            status: word, venueStatus: status, quantity: quantity.flatMap { $0.isZero ? nil : $0 },
            limitPrice: try Self.price(limit_price), stopPrice: try Self.price(stop_price), filledQuantity: filled,
            averagePrice: filled > 0 ? average.flatMap { $0 > 0 ? $0 : nil } : nil,
            reason: word == .rejected ? RejectReason(coinbaseReject: reject_reason, message: nil) : nil, updatedAt: sentAt)
    }

    /// Zero and an empty text both mean that there is none.
    private static func price(_ text: String?) throws -> Price? {
        guard let text = text.told else { return nil }
        let price = try Price(text)
        return price.isZero ? nil : price
    }
}
