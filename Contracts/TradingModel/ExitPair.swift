/// A stop and a target for what is held already: two orders of which one ends the other.
public struct ExitPair: Sendable, Hashable, Codable {
    /// Names the pair; no order bears it. The two orders bear ``ClientOrderID/leg(_:)`` of it, like the legs of a bracket.
    public let id: ClientOrderID
    public let symbol: Symbol
    /// Of both orders: sell to leave a long position.
    public let side: Side
    /// In base units or contracts, greater than zero, already on the instrument's lot.
    public let quantity: Quantity
    /// In quote currency, already on the instrument's tick. Below the target for a sell, above it for a buy.
    public let stopLoss: Price
    public let takeProfit: Price

    /// Throws ``OrderError`` naming the first field that is missing, not positive, or on the wrong side of the other.
    public init(
        id: ClientOrderID, symbol: Symbol, side: Side, quantity: Quantity, stopLoss: Price, takeProfit: Price
    ) throws(OrderError) {
        guard !id.rawValue.isEmpty else { throw .missing("client_order_id", .limit) }
        guard !symbol.rawValue.isEmpty else { throw .missing("symbol", .limit) }
        guard quantity > 0 else { throw .notPositive("quantity", quantity.description) }
        for (name, price) in [("stop_loss", stopLoss), ("take_profit", takeProfit)] where price <= 0 {
            throw .notPositive(name, price.description)
        }
        guard side == .sell ? stopLoss < takeProfit : stopLoss > takeProfit else { throw .crossed("stop_loss", "take_profit") }
        self.id = id
        self.symbol = symbol
        self.side = side
        self.quantity = quantity
        self.stopLoss = stopLoss
        self.takeProfit = takeProfit
    }

    /// The price at which the leg of this role closes the position.
    public func price(_ role: BracketRole) -> Price { role == .stopLoss ? stopLoss : takeProfit }
}
