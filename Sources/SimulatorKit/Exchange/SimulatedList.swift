import TradingModel

/// Orders that belong together: an entry that brings others into the market, a pair of which one ends the other, or both.
public struct SimulatedList: Sendable, Hashable, Codable {
    public let id: Int64
    public let clientListID: String
    public let account: String
    public let symbol: Symbol
    /// The order that must fill wholly before the others enter the market; nil for a pair that is there from the start.
    public let workingOrderID: Int64?
    /// All of them, the working order first.
    public let memberIDs: [Int64]
    public let acceptedAt: Timestamp
    /// Whether every member has ended.
    public internal(set) var isDone = false
}

/// What a venue asks the exchange for when it takes several orders as one.
public struct OrderListRequest: Sendable, Hashable {
    public var clientListID: String
    /// Nil for a pair that enters the market at once.
    public var working: OrderRequest?
    /// One order behind the working one, or a pair of which one ends the other.
    public var pending: [OrderRequest]

    public init(clientListID: String, working: OrderRequest?, pending: [OrderRequest]) {
        self.clientListID = clientListID
        self.working = working
        self.pending = pending
    }
}
